"""Explain the topics of short texts: python examples/text/topics.py --out runs/topics

A text has the topic whose description is most similar to it. The texts have different lengths: they are padded, the
model masks the padding, and the words of each text, stored with the run, end before it.
"""

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from encoder import Loaded, SentenceEncoder, load
from torch import Tensor, nn

import whyset
from whyset.store import Run

TOPICS = {
    "music": "This text is about music and concerts.",
    "food": "This text is about food and cooking.",
    "sport": "This text is about sport and matches.",
}
TEXTS = {
    "music": (
        "The band played two more songs.",
        "A guitar stood on the stage.",
        "She sings in a choir every Thursday evening and practices the piano on weekends.",
        "The orchestra tuned its instruments.",
        "His new album has ten songs.",
        "Violins and drums.",
        "The audience applauded after the concert, and the singer came back to the stage.",
        "They danced to the music of a jazz trio.",
    ),
    "food": (
        "The soup needs more salt.",
        "Bake the bread for forty minutes.",
        "We cooked rice with vegetables and ate it in the garden with our neighbors.",
        "Fresh cheese and tomatoes.",
        "The chef fried the fish in butter.",
        "This recipe needs flour, sugar and four eggs.",
        "Dinner was served late.",
        "The apples from her garden make the best cake that I have ever tasted.",
    ),
    "sport": (
        "The team won the final.",
        "He scored two goals in the last minutes of the match.",
        "She ran the marathon in under three hours, faster than all other runners of her club.",
        "Tennis players train every day.",
        "The coach changed the goalkeeper.",
        "A fast swimmer.",
        "The referee ended the game after an injury of the captain.",
        "They climbed, swam and cycled for the championship.",
    ),
}


class TopicScores(nn.Module):
    """Twenty times the cosine of a text and each topic: (n, topics), from padded ids alone."""

    def __init__(self, encoder: SentenceEncoder, topics: Tensor) -> None:
        super().__init__()
        self.encoder = encoder
        self.register_buffer("topics", F.normalize(topics, dim=1))

    def forward(self, input_ids: Tensor) -> Tensor:
        return 20 * F.normalize(self.encoder(input_ids), dim=1) @ self.topics.T


def explain_topics(loaded: Loaded, out: Path, *, longer: int = 0) -> Run:
    """Explain the topic of every text; `longer` adds padding, which changes nothing."""
    texts = [text for group in TEXTS.values() for text in group]
    ids = F.pad(loaded.batch(texts)["input_ids"], (0, longer), value=loaded.encoder.pad)
    labels = torch.arange(len(TEXTS)).repeat_interleave(torch.tensor([len(group) for group in TEXTS.values()]))
    return whyset.explain(
        TopicScores(loaded.encoder, loaded.embed(list(TOPICS.values()))),
        (ids.numpy(), labels.numpy()),
        out,
        composite="attn_lrp",
        tokens=[loaded.words(text) for text in texts],
        class_names=list(TOPICS),
        dtype="float32",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/topics"), help="folder of the run")
    parser.add_argument("--model", default="minilm", help="minilm, random or a folder")
    options = parser.parse_args()
    loaded = load(options.model, [text for group in (*TEXTS.values(), TOPICS.values()) for text in group])
    run = explain_topics(loaded, options.out)
    words = run.tokens(range(len(run)))
    for row, prediction in enumerate(run.column("prediction")):
        length = len(words[row])  # the positions after it are padding
        ranked = sorted(zip(run.relevance[row][:length].tolist(), words[row], strict=True), reverse=True)
        print(f"{run.classes[prediction]:6}", ", ".join(f"{word} {value:.2f}" for value, word in ranked[:4]))
    print(f"next: whyset view {options.out}")


if __name__ == "__main__":
    main()
