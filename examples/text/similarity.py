"""Explain the similarity of two sentences: python examples/text/similarity.py "A man plays." "Someone makes music."

Prints the relevance of each token of the first sentence, then the pairs of tokens with the largest relevance.
"""

import argparse

from encoder import Loaded, load
from torch import Tensor

from whyset.attribution import BiLRP, Gradient, Ledger, PairRelevance, Similarity
from whyset.attribution.composites import AttnLRP

SENTENCES = ("A man is playing a guitar on the stage.", "Someone performs music for an audience.")


def explain_tokens(loaded: Loaded, one: str, other: str) -> tuple[Tensor, Ledger]:
    """Return the relevance of each token of `one` for the cosine of both embeddings, and where the rest is."""
    attribute = Gradient(loaded.encoder, AttnLRP())
    with attribute.ledger() as ledger:
        _, relevance = attribute(loaded.batch([one]), Similarity(loaded.embed([other])))
    return relevance["input_ids"].sum(-1)[0], ledger


def explain_pairs(loaded: Loaded, one: str, other: str) -> PairRelevance:
    """Return the relevance of each pair of tokens."""
    return BiLRP(loaded.encoder, AttnLRP())(loaded.batch([one]), loaded.batch([other]))


def list_pairs(loaded: Loaded, one: str, other: str, pairs: PairRelevance, count: int) -> list[str]:
    """Return lines with the pairs of the largest relevance."""
    rows, columns = loaded.words(one), loaded.words(other)
    ranked = pairs.relevance[0].flatten().sort(descending=True)
    largest = zip(ranked.values[:count].tolist(), ranked.indices[:count].tolist(), strict=True)
    return [f"{value:+.4f}  {rows[at // len(columns)]} - {columns[at % len(columns)]}" for value, at in largest]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sentences", nargs="*", default=SENTENCES, help="two sentences")
    parser.add_argument("--model", default="minilm", help="minilm, random or a folder")
    options = parser.parse_args()
    if len(options.sentences) != 2:
        parser.error(f"expected two sentences, got {len(options.sentences)}")
    one, other = options.sentences
    loaded = load(options.model, options.sentences)
    relevance, ledger = explain_tokens(loaded, one, other)
    print(f"cosine {ledger.output:.4f}, of which {ledger.arrived:.4f} arrived at the tokens of the first sentence:")
    for word, value in zip(loaded.words(one), relevance.tolist(), strict=True):
        print(f"{value:+.4f}  {word}")
    print("; ".join(f"{cause} {amount:+.4f}" for cause, amount in ledger.lost().items() if abs(amount) > 1e-5))
    pairs = explain_pairs(loaded, one, other)
    print(f"\n{pairs.arrived.item():.4f} of {pairs.similarity.item():.4f} arrived at pairs:")
    print("\n".join(list_pairs(loaded, one, other, pairs, 8)))


if __name__ == "__main__":
    main()
