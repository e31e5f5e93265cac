"""Models of torchvision and timm, with the preprocessing that the library states for them."""

import math
from pathlib import Path
from typing import Any

import torch

from whyset.errors import InputError
from whyset.optional import import_optional
from whyset.runner.models.checkpoint import Build, Checkpoint, class_count
from whyset.runner.models.loaded import LoadedModel
from whyset.runner.preprocessing import Preprocessing


def from_torchvision(spec: str, weights: Path | None) -> LoadedModel:
    """Load `torchvision:NAME`; without a weights file, torchvision's default weights."""
    models = _library("torchvision.models", spec)
    name = spec.partition(":")[2]
    if name not in models.list_models():
        raise InputError(f"torchvision has no model {name!r}{_similar(name, models.list_models())}")
    default = models.get_model_weights(name).DEFAULT
    preset = default.transforms()
    preprocessing = _of_torchvision(preset, spec)
    if weights is None:
        model = _make_pretrained(lambda: models.get_model(name, weights=default), spec)
        return LoadedModel(model, spec, preprocessing, (f"weights and preprocessing are torchvision's {default}",))
    model, notes = _from_checkpoint(
        lambda count: models.get_model(name, weights=None, num_classes=count), weights, spec
    )
    return LoadedModel(model, spec, preprocessing, (*notes, f"the preprocessing is that of torchvision's {default}"))


def from_timm(spec: str, weights: Path | None) -> LoadedModel:
    """Load `timm:NAME`; without a weights file, timm's weights."""
    timm = _library("timm", spec)
    data = _library("timm.data", spec)
    name = spec.partition(":")[2]
    if not timm.is_model(name):
        raise InputError(f"timm has no model {name!r}{_similar(name, timm.list_models())}")
    if weights is None:
        model = _make_pretrained(lambda: timm.create_model(name, pretrained=True), spec)
        notes: tuple[str, ...] = ("weights and preprocessing are timm's own",)
    else:
        model, notes = _from_checkpoint(lambda count: timm.create_model(name, num_classes=count), weights, spec)
        notes = (*notes, "the preprocessing is timm's own for this model")
    return LoadedModel(model, spec, _of_timm(data.resolve_model_data_config(model)), notes)


def _from_checkpoint(build: Build, weights: Path, spec: str) -> tuple[torch.nn.Module, tuple[str, ...]]:
    checkpoint = Checkpoint.read(weights)
    model = build(class_count(build, checkpoint, spec))
    checkpoint.load_into(model, spec)
    return model, checkpoint.notes


def _of_torchvision(preset: Any, spec: str) -> Preprocessing:
    if not hasattr(preset, "crop_size") or not hasattr(preset, "resize_size"):
        raise InputError(
            f"{spec} is not an image classifier: torchvision prepares its input by {type(preset).__name__}"
        )
    resize = preset.resize_size
    return Preprocessing(
        size=_pair(preset.crop_size),
        resize=resize[0] if len(resize) == 1 else (resize[0], resize[1]),
        interpolation=preset.interpolation.value,
        mean=tuple(preset.mean),
        std=tuple(preset.std),
    )


def _of_timm(config: dict[str, Any]) -> Preprocessing:
    """Convert timm's configuration: it resizes the shorter side to size / crop_pct and crops, or squashes the image."""
    channels, height, width = config["input_size"]
    resized = (math.floor(height / config["crop_pct"]), math.floor(width / config["crop_pct"]))
    squashed = config["crop_mode"] == "squash" or height != width
    return Preprocessing(
        mode="L" if channels == 1 else "RGB",
        size=(height, width),
        resize=resized if squashed else resized[0],
        interpolation=config["interpolation"],
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
    )


def _pair(lengths: list[int]) -> tuple[int, int]:
    return lengths[0], lengths[-1]


def _make_pretrained(make: Any, spec: str) -> torch.nn.Module:
    try:
        return make()  # type: ignore[no-any-return]  # the libraries have no types
    except Exception as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"the library's weights for {spec} could not be loaded ({reason}); give a file with --weights"
        ) from error


def _library(name: str, spec: str) -> Any:
    return import_optional(name, spec, 'pip install "whyset[vision]"')


def _similar(name: str, names: list[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, names, 3)
    return f"; did you mean {' or '.join(close)}?" if close else ""
