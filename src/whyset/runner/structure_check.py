"""Checks of a model on samples with several inputs, before anything is computed."""

from typing import Any

import torch
from torch import Tensor, nn

from whyset.attribution.attributors.model_output import OutputChoice, find_choice, select_output
from whyset.errors import InputError, WhysetError
from whyset.runner.devices import placement
from whyset.runner.sources import Source, SpreadSource
from whyset.runner.sources.source import attempt
from whyset.runner.sources.structured import StructuredSource
from whyset.runner.structured_model import StructuredModel

_TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-3}
"""Differences of outputs, relative to the largest one, that rounding makes between batches; others have 0.05."""


def check_structure(model: nn.Module, source: Source, choice: OutputChoice, *, pads: bool = True) -> None:
    """Check that the model takes the inputs of the samples, and of texts that their ids and padding fit it.

    `pads` is False if texts are explained one by one, without padding.

    InputError: the model fails for a sample, an id is beyond the embedding, or the output of a text depends on how far
    it is padded.
    """
    whole = source.whole if isinstance(source, SpreadSource) else source
    if not isinstance(whole, StructuredSource):
        return
    called = StructuredModel(model, whole.structure)
    survey, extremes = whole.survey, whole.survey.extremes
    if extremes is None:
        _run(called, whole, survey.first)
        return
    sizes = _find_embedding_sizes(called, whole, extremes.highest)
    if sizes and extremes.highest_id >= min(sizes):
        raise InputError(
            f"sample {extremes.highest} ({whole.ids[extremes.highest]}): {whole.structure.explained} has the id "
            f"{extremes.highest_id}, but the embedding of the model has {min(sizes)} rows: give the ids of the model's "
            "own tokenizer, or a model whose embedding is as large as the vocabulary"
        )
    _run(called, whole, extremes.longest)
    if survey.has_lengths and pads:
        _require_padding_without_effect(called, whole, choice, extremes.shortest, extremes.longest)


def _run(model: StructuredModel, source: StructuredSource, index: int) -> Any:
    """Run the model on one sample alone; InputError, which names its inputs, for an error of the model."""
    row, error = attempt(lambda: source[index][0])
    if row is None:
        raise InputError(f"sample {index} ({source.ids[index]}) could be read only once: {error}")
    row = row[None].to(placement(model)[0])
    try:
        with torch.no_grad():
            return model(row)
    except WhysetError:
        raise
    except Exception as error:
        given = {
            name: f"{str(x.dtype).removeprefix('torch.')} {tuple(x.shape)}" for name, x in model.unpack(row).items()
        }
        listed = ", ".join(f"{name} {form}" for name, form in given.items())
        reason = " ".join(str(error).split())
        raise InputError(
            f"{type(model.wrapped).__name__} does not accept the inputs of sample {index} ({source.ids[index]}), "
            f"{listed}: {type(error).__name__}: {reason}"
        ) from error


def _find_embedding_sizes(model: StructuredModel, source: StructuredSource, index: int) -> list[int]:
    """Return the number of rows of each embedding that looks up the ids of a text, up to one that fails for them."""
    ids = model.structure.get_own(source[index][0])
    sizes: list[int] = []

    def record(module: nn.Embedding, given: tuple[Tensor, ...]) -> None:
        if given and torch.equal(given[0].flatten().cpu(), ids):
            sizes.append(module.num_embeddings)

    hooks = [module.register_forward_pre_hook(record) for module in model.modules() if isinstance(module, nn.Embedding)]
    try:
        _run(model, source, index)
    except InputError:
        if not sizes or int(ids.max()) < min(sizes):
            raise
    finally:
        for hook in hooks:
            hook.remove()
    return sizes


def _require_padding_without_effect(
    model: StructuredModel, source: StructuredSource, choice: OutputChoice, shortest: int, longest: int
) -> None:
    """Compare the output of the shortest text alone with that in a batch with the longest one."""
    both = torch.stack([source[shortest][0], source[longest][0]]).to(placement(model)[0])
    with torch.no_grad():
        alone, padded = (_select(model(rows), choice) for rows in (both[:1], both))
    if alone is None or padded is None or alone.shape[1:] != padded.shape[1:] or len(padded) != 2:
        return
    limit = _TOLERANCE.get(alone.dtype, 0.05) * float(alone.abs().max())
    distance = float((alone[0] - padded[0]).abs().max())
    if distance > limit:
        mask = "takes an attention_mask and uses it" if "attention_mask" not in model.unpack(both) else "uses the mask"
        raise InputError(
            f"the output of {type(model.wrapped).__name__} for sample {shortest} "
            f"({source.ids[shortest]}) changes by {distance:.3g} if the text is padded from "
            f"{int(both[0, 0])} to {int(both[1, 0])} tokens: give a model that {mask} in all operations over tokens, "
            "or explain one text at a time, without padding and without recorded layers: batch_size=1 (--batch-size 1)"
        )


def _select(returned: Any, choice: OutputChoice) -> Tensor | None:
    """Return the explained output of what a model returns, None if it is not known yet."""
    if choice is None and not isinstance(returned, Tensor):
        choice = find_choice(returned)
    if choice is not None:
        returned = select_output(returned, choice)
    return returned if isinstance(returned, Tensor) and returned.is_floating_point() else None
