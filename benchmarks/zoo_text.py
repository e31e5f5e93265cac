"""Families of the package transformers with random weights, in the smallest configurations that have all parts."""

from dataclasses import dataclass, field
from typing import Any

import torch
from needed import import_needed
from torch import Tensor, nn

WORDS, LENGTH, SIDE = 100, 10, 32
TEXT: dict[str, Any] = {
    "vocab_size": WORDS,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "num_labels": 4,
}
LLAMA = {"num_key_value_heads": 2, "head_dim": 8}
IMAGE: dict[str, Any] = {
    "image_size": SIDE,
    "patch_size": 8,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "num_labels": 4,
}


@dataclass(frozen=True)
class Family:
    """A model type of transformers: what is passed to its configuration, and the class of its models.

    Options that are None are not passed. `reads` is the name of the input in `forward`, `gives` that of the output that
    is explained.
    """

    options: dict[str, Any] = field(default_factory=dict)
    task: str = "AutoModelForSequenceClassification"
    reads: str = "input_ids"
    gives: str = "logits"
    shape: tuple[int, ...] = (LENGTH,)


def _text(**options: Any) -> Family:
    return Family(TEXT | options)


def _generator(**options: Any) -> Family:
    return Family(TEXT | LLAMA | options, "AutoModelForCausalLM")


def _image(side: int = SIDE, **options: Any) -> Family:
    task, shape = "AutoModelForImageClassification", (3, side, side)
    return Family(IMAGE | {"image_size": side} | options, task, "pixel_values", shape=shape)


ABSENT: dict[str, Any] = dict.fromkeys(
    ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "patch_size")
)
STAGES: dict[str, Any] = ABSENT | {"hidden_sizes": [16, 24, 32, 40], "depths": [1, 1, 1, 1]}
TRANSFORMERS: dict[str, Family] = {
    "bert": _text(),
    "roberta": _text(),
    "distilbert": _text(hidden_dim=64, n_layers=2),
    "albert": _text(embedding_size=16),
    "electra": _text(embedding_size=16),
    "mpnet": _text(),
    "deberta-v2": _text(relative_attention=True, position_buckets=8, pos_att_type=["p2c", "c2p"]),
    "xlm-roberta": _text(),
    "modernbert": _text(cls_token_id=1, sep_token_id=2),
    "fnet": _text(use_tpu_fourier_optimizations=False, tpu_short_seq_length=LENGTH),
    "funnel": _text(num_hidden_layers=None, block_sizes=[1, 1], d_model=32, n_head=4, d_head=8, d_inner=64),
    "xlnet": _text(max_position_embeddings=None, d_model=32, n_layer=2, n_head=4, d_inner=64),
    "nystromformer": _text(num_landmarks=5, segment_means_seq_len=10),
    "roformer": _text(),
    "bart": _text(d_model=32, encoder_layers=2, decoder_layers=2, encoder_ffn_dim=64, decoder_ffn_dim=64),
    "t5": _text(d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, decoder_start_token_id=0),
    "gpt2": _generator(),
    "gpt_neo": _generator(attention_types=[[["global", "local"], 1]]),
    "gpt_neox": _generator(),
    "opt": _generator(ffn_dim=64, word_embed_proj_dim=32),
    "bloom": _generator(),
    "falcon": _generator(head_dim=None),
    "llama": _generator(),
    "mistral": _generator(),
    "qwen2": _generator(),
    "qwen3": _generator(),
    "gemma2": _generator(query_pre_attn_scalar=8),
    "phi": _generator(num_key_value_heads=4),
    "olmo2": _generator(),
    "mixtral": _generator(num_local_experts=4, num_experts_per_tok=2),
    "mamba": _generator(state_size=4),
    "rwkv": _generator(attention_hidden_size=32),
    "vit": _image(),
    "deit": Family(IMAGE, "DeiTForImageClassification", "pixel_values", shape=(3, SIDE, SIDE)),
    "beit": _image(),
    "dinov2": _image(),
    "swin": _image(**ABSENT | {"embed_dim": 16, "depths": [1, 1], "num_heads": [2, 4]}, window_size=2),
    "convnext": _image(**STAGES),
    "convnextv2": _image(**STAGES),
    "resnet": _image(**STAGES, embedding_size=8),
    "segformer": _image(num_encoder_blocks=2, hidden_sizes=[16, 32], depths=[1, 1], num_attention_heads=[1, 2]),
    "poolformer": _image(hidden_sizes=[16, 24, 32, 40], depths=[1, 1, 1, 1]),
    "mobilevit": _image(64, hidden_sizes=[16, 24, 32], patch_size=2, neck_hidden_sizes=[8, 8, 16, 16, 24, 24, 32]),
    "clip vision": Family(IMAGE, "CLIPVisionModel", "pixel_values", "pooler_output", (3, SIDE, SIDE)),
    "wav2vec2": Family(
        TEXT
        | {"conv_dim": [16, 16], "conv_kernel": [10, 3], "conv_stride": [5, 2], "num_feat_extract_layers": 2}
        | {"num_conv_pos_embeddings": 4, "num_conv_pos_embedding_groups": 2, "classifier_proj_size": 16},
        "AutoModelForAudioClassification",
        "input_values",
        shape=(400,),
    ),
    "patchtst": Family(
        {"num_input_channels": 2, "context_length": 32, "patch_length": 8, "patch_stride": 8, "d_model": 16}
        | {"num_hidden_layers": 2, "num_attention_heads": 2, "ffn_dim": 32, "num_targets": 3},
        "PatchTSTForClassification",
        "past_values",
        "prediction_logits",
        (32, 2),
    ),
}
CONFIGURATIONS = {"deit": "DeiTConfig", "clip vision": "CLIPVisionConfig", "patchtst": "PatchTSTConfig"}


class OneTensor(nn.Module):
    """A model of transformers that takes and returns one tensor; of a sequence of scores, the last."""

    def __init__(self, model: nn.Module, reads: str, gives: str) -> None:
        super().__init__()
        self.model, self.reads, self.gives = model, reads, gives

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = getattr(self.model(**{self.reads: x}), self.gives)
        return y[:, -1] if y.dim() == 3 else y


def build_transformer(name: str) -> tuple[nn.Module, Tensor]:
    """Build a model of a family, and an input for it."""
    (transformers,) = import_needed("transformers")
    family = TRANSFORMERS[name]
    if name in CONFIGURATIONS:
        config = getattr(transformers, CONFIGURATIONS[name])(**family.options)
        model = getattr(transformers, family.task)(config)
    else:
        options = {key: value for key, value in family.options.items() if value is not None}
        config = transformers.AutoConfig.for_model(name, **options)
        config.use_cache = False
        model = getattr(transformers, family.task).from_config(config)
    words = family.reads == "input_ids"
    x = torch.randint(3, WORDS, (1, LENGTH)) if words else torch.randn(1, *family.shape)
    if words:
        x[:, -1] = TEXT["eos_token_id"]
    return OneTensor(model, family.reads, family.gives), x
