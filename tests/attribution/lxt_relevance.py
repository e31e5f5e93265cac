"""Relevance of tokens by LXT and by whyset, for small random language models; run in the environment of LXT.

`python lxt_relevance.py SOURCE PACKAGES`: the source folder of whyset, and the folder of packages with torch. Prints
a JSON object with both relevances by model.
"""

import importlib
import json
import sys
from types import ModuleType
from unittest.mock import MagicMock

IDS = (5, 9, 33, 2, 17, 41)
TARGET = 7


def import_lxt() -> ModuleType:
    """Import LXT, which imports torchvision and more for models that are not used here."""
    sys.modules |= {name: MagicMock() for name in ("torchvision", "torchvision.models", "zennit", "zennit.core")}
    return importlib.import_module("lxt.efficient")


def models():
    """The modules of transformers that LXT patches, each with a function that makes a small model."""
    sys.modules["torchvision"] = None  # not found: that of the tests does not fit a torch for the CPU
    import transformers as t
    from transformers.models.bert import modeling_bert
    from transformers.models.gemma3 import modeling_gemma3
    from transformers.models.gpt2 import modeling_gpt2
    from transformers.models.llama import modeling_llama
    from transformers.models.qwen2 import modeling_qwen2
    from transformers.models.qwen3 import modeling_qwen3

    sizes = {"vocab_size": 60, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "pad_token_id": 0}
    sizes |= {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64}
    sizes |= {"attn_implementation": "eager"}
    gpt = {"vocab_size": 60, "n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 64, "attn_implementation": "eager"}
    return {
        "bert": (
            modeling_bert,
            lambda: modeling_bert.BertForSequenceClassification(t.BertConfig(**sizes, num_labels=9)),
        ),
        "gpt2": (modeling_gpt2, lambda: t.GPT2LMHeadModel(t.GPT2Config(**gpt))),
        "llama": (modeling_llama, lambda: t.LlamaForCausalLM(t.LlamaConfig(**sizes))),
        "qwen2": (modeling_qwen2, lambda: t.Qwen2ForCausalLM(t.Qwen2Config(**sizes))),
        "qwen3": (modeling_qwen3, lambda: t.Qwen3ForCausalLM(t.Qwen3Config(**sizes, head_dim=8))),
        "gemma3": (modeling_gemma3, lambda: t.Gemma3ForCausalLM(t.Gemma3TextConfig(**sizes, head_dim=8))),
    }


def make(build):
    import torch

    torch.manual_seed(0)
    model = build().double().eval()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
        if parameter.dim() > 1:
            parameter.normal_(std=0.2)
    return model


def explained(output):
    """The logits of the last position, or of the only one."""
    return output.logits[:, -1] if output.logits.dim() == 3 else output.logits


def inputs(model):
    """The embeddings of the ids, and a mask for BERT, whose last two positions are padding."""
    import torch

    rows = model.get_input_embeddings()(torch.tensor([IDS])).detach()
    if model.config.model_type == "bert":
        return {"inputs_embeds": rows, "attention_mask": torch.tensor([[1] * (len(IDS) - 2) + [0, 0]])}
    return {"inputs_embeds": rows, "use_cache": False}


def by_whyset(model):
    from whyset.attribution import Gradient
    from whyset.attribution.composites import AttnLRP

    relevance = Gradient(model, AttnLRP(), output=explained)(inputs(model), TARGET)[1]
    return relevance["inputs_embeds"].sum(-1)[0].tolist()


def by_lxt(model):
    given = inputs(model)
    leaf = given["inputs_embeds"].clone().requires_grad_()
    explained(model(**given | {"inputs_embeds": leaf}))[0, TARGET].backward()
    return (leaf * leaf.grad).sum(-1)[0].tolist()


def main(source: str, packages: str) -> None:
    # Behind the packages of this environment, which has its own versions of what both have.
    sys.path += [source, packages]
    every = models()
    lxt = import_lxt()
    ours = {name: by_whyset(make(build)) for name, (_, build) in every.items()}  # before torch's layer norm is patched
    found = {}
    for name, (module, build) in every.items():
        lxt.monkey_patch(module, verbose=False)
        theirs = make(build)
        found[name] = {"whyset": ours[name], "lxt": by_lxt(theirs), "module": type(theirs).__module__}
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
