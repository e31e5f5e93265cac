"""Explain each token that a language model generates: python examples/text/generation.py --model FOLDER

The model generates as usual, without gradients and with its cache of keys and values. One more forward pass over prompt
and generated tokens then explains the logit of every generated token. Without `--model`, a small GPT-2 with random
weights is used, to try the code.
"""

import argparse
from collections.abc import Sequence
from typing import Any

import torch
from encoder import make_random
from torch import Tensor, nn

from whyset.attribution import GeneratedTokens, Gradient
from whyset.attribution.composites import AttnLRP

PROMPT = "The band played two more songs and"


class CountedPositions(nn.Module):
    """A language model with positions counted from the mask, as `model.generate` counts those of padded prompts."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        positions = (attention_mask.cumsum(dim=1) - 1).clamp(min=0)
        returned = self.model(input_ids=input_ids, attention_mask=attention_mask, position_ids=positions)
        return returned.logits


def load_generator(folder: str | None, texts: Sequence[str]) -> tuple[Any, nn.Module]:
    """Return a tokenizer and a language model."""
    from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel

    if folder is not None:
        model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True).eval()
        return AutoTokenizer.from_pretrained(folder, local_files_only=True), model
    tokenizer = make_random(texts).tokenizer
    torch.manual_seed(0)
    tokens = {"bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
    config = GPT2Config(vocab_size=len(tokenizer), n_embd=24, n_layer=2, n_head=2, n_positions=64, **tokens)
    return tokenizer, GPT2LMHeadModel(config).eval()


def explain_generation(model: nn.Module, prompt: dict[str, Tensor], count: int) -> tuple[Tensor, Tensor]:
    """Return the ids of prompt and `count` generated tokens, and the relevance (generated tokens, n, tokens).

    Prompts of different lengths are padded on the left.
    """
    ids = model.generate(**prompt, max_new_tokens=count, min_new_tokens=count, do_sample=False)
    tokens = GeneratedTokens(ids, start=prompt["input_ids"].shape[1])
    mask = torch.cat([prompt["attention_mask"], torch.ones_like(ids[:, tokens.start :])], dim=1)
    batch = {"input_ids": ids, "attention_mask": mask}
    _, relevance = Gradient(CountedPositions(model), AttnLRP(), output=tokens)(batch, targets=tokens.targets)
    return ids, relevance["input_ids"].sum(-1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompt", nargs="?", default=PROMPT)
    parser.add_argument("--model", help="folder of a language model")
    parser.add_argument("--tokens", type=int, default=5, help="the number of tokens to generate")
    options = parser.parse_args()
    tokenizer, model = load_generator(options.model, [options.prompt])
    batch = tokenizer([options.prompt], return_tensors="pt")
    prompt = {name: batch[name] for name in ("input_ids", "attention_mask")}
    ids, relevance = explain_generation(model, prompt, options.tokens)
    words = tokenizer.convert_ids_to_tokens(ids[0].tolist())
    start = prompt["input_ids"].shape[1]
    for step, values in enumerate(relevance[:, 0]):
        ranked = values[: start + step].abs().argsort(descending=True)[:4].tolist()
        print(f"{words[start + step]:12}", ", ".join(f"{words[at]} {values[at]:+.3f}" for at in ranked))


if __name__ == "__main__":
    main()
