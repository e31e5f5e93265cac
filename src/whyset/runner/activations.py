"""Activations that a run stores: the outputs of layers in the forward pass whose output is explained."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from whyset.attribution.attributors.cam.values import ValueTrace, record_values
from whyset.attribution.intercept.autograd import at_least_float32
from whyset.attribution.intercept.capture import check_places
from whyset.errors import InputError
from whyset.store.layout import ACTIVATION, MEAN_ACTIVATION, safe_name

_FORMS = "activation:LAYER or mean_activation:LAYER"
AUTO, NONE = "auto", "none"
"""Values of `record` in place of a list: layers that are chosen for the model, or none."""
_OPTIONS = {"relevance": "layers=[LAYER] (--layer LAYER)", "concept": "concepts=[LAYER] (--concept LAYER)"}


@dataclass(frozen=True)
class Record:
    """A value that is stored for every sample: the output of a layer, or its mean over all axes but the channels.

    >>> record = Record.parse("activation:features.6")
    >>> record.array, str(record)
    ('activation/features.6', 'activation:features.6')

    Parameters
    ----------
    prefix : {"activation/", "mean_activation/"}
        The group of the array in the run.
    layer : str
        The path of a module.
    channel_axis : int, optional
        The axis of the channels in the output of the layer, for a mean; `find_channels` finds it.
    """

    prefix: str
    layer: str
    channel_axis: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Record":
        """Read a record as it is given. InputError: its kind is unknown, or its layer cannot name an array."""
        kind, colon, layer = text.partition(":") if isinstance(text, str) else ("", "", "")
        if kind in _OPTIONS:
            raise InputError(f"record (--record) {text!r}: relevance inside the model is recorded by {_OPTIONS[kind]}")
        if not (colon and layer) or f"{kind}/" not in (ACTIVATION, MEAN_ACTIVATION):
            raise InputError(f"record (--record): expected {_FORMS}, such as activation:features.6, got {text!r}")
        return cls(f"{kind}/", safe_name(layer, "layer"))

    def __str__(self) -> str:
        return f"{self.prefix.removesuffix('/')}:{self.layer}"

    @property
    def array(self) -> str:
        """The name of the array in the run."""
        return self.prefix + self.layer

    @property
    def is_mean(self) -> bool:
        return self.prefix == MEAN_ACTIVATION

    def reduce(self, output: Tensor, own: Tensor | None = None) -> Tensor:
        """Return what is stored of a layer's output (n, ...), as a copy in single precision.

        `own` (n, tokens) is True at the tokens of texts that are not padding: a mean over the tokens is that of these.
        """
        output = output.detach()
        if not self.is_mean or self.channel_axis is None:
            return output.float() if output.dtype != torch.float32 else output.clone()
        rows = at_least_float32(output).movedim(self.channel_axis, 1)
        if own is not None and rows.dim() == 3 and rows.shape[2] == own.shape[1]:
            kept = rows.masked_fill(~own[:, None], 0).sum(dim=2)
            return (kept / own.sum(dim=1, keepdim=True)).float()
        return rows.flatten(2).mean(dim=2).float() if rows.dim() > 2 else rows.float().clone()


def is_auto(given: Any) -> bool:
    """True if the recorded layers are to be chosen for the model."""
    return given == AUTO or (isinstance(given, list | tuple) and list(given) == [AUTO])


def parse_records(given: Any) -> tuple[Record, ...]:
    """Read the records of a run; "auto" and "none" name none. InputError: one is not a record, or is given twice."""
    if not isinstance(given, Iterable):
        raise InputError(f"record: expected {_FORMS}, got {given!r}")
    named = [given] if isinstance(given, str) else list(given)
    if named in ([AUTO], [NONE]):
        return ()
    if AUTO in named or NONE in named:
        raise InputError(f"record (--record): {AUTO} and {NONE} cannot be combined with others, got {', '.join(named)}")
    records = tuple(map(Record.parse, named))
    if len(set(records)) < len(records):
        raise InputError(f"record names a layer twice: {', '.join(map(str, records))}")
    return records


@dataclass(frozen=True, eq=False)
class LayerOutputs:
    """What is recorded of the outputs of layers, in the first forward pass of a model in a block.

    A layer may write into its output, and so may the operation after it: values are copied when the layer returns.
    """

    records: tuple[Record, ...]
    _values: dict[str, Tensor] = field(default_factory=dict)

    @contextmanager
    def watch(self, model: nn.Module, own: Tensor | None = None) -> Iterator[None]:
        """Record the first forward pass of the model in this block; `own` as in `Record.reduce`.

        InputError: the model has no such layer.
        """
        self._values.clear()
        if not self.records:
            yield
            return
        layers = tuple(dict.fromkeys(record.layer for record in self.records))
        check_places(model, layers)
        modules = dict(model.named_modules())
        handles = [modules[layer].register_forward_hook(partial(self._take, layer, own)) for layer in layers]

        def stop(*_: Any) -> None:
            for handle in handles:
                handle.remove()

        handles.append(model.register_forward_hook(stop))
        try:
            yield
        finally:
            stop()

    def read(self, samples: int) -> dict[str, Tensor]:
        """Return the values by the name of their array, (samples, ...). InputError: a layer cannot be stored."""
        for record in self.records:
            if record.array not in self._values:
                raise InputError(f"{record}: the layer did not run in the forward pass: record one that runs")
            shape = tuple(self._values[record.array].shape)
            if len(shape) < 2 or shape[0] != samples:
                raise InputError(
                    f"{record}: expected one row for each of {samples} samples, with at least one more axis, got an "
                    f"output of the shape {shape}: record another layer, such as the block around it"
                )
        return dict(self._values)

    def _take(self, layer: str, own: Tensor | None, module: nn.Module, args: Any, output: Any) -> None:
        records = [record for record in self.records if record.layer == layer]
        if not isinstance(output, Tensor):
            raise InputError(
                f"{records[0]}: the output is not a tensor, got {type(output).__name__}: record a layer inside it that "
                "returns a tensor, or the block around it"
            )
        if not output.is_floating_point():
            raise InputError(f"{records[0]}: expected floating point numbers, got {output.dtype}: record another layer")
        if records[0].array in self._values:
            raise InputError(
                f"{records[0]}: the layer runs more than once in one forward pass, so its activation is not unique: "
                "record a layer that runs once, such as the block around it"
            )
        with torch._C.DisableTorchFunction():  # else an interception takes these calls for operations of the model
            self._values.update({record.array: record.reduce(output, own) for record in records})


def find_channels(model: nn.Module, x: Tensor, records: Sequence[Record]) -> tuple[Record, ...]:
    """Return the records with the axis of the channels of each mean, from one call of the model.

    It follows from the operations of the model: convolutions have their channels first, tokens and layer norms last.
    InputError: the axis of a layer's channels is not known.
    """
    if not any(record.is_mean for record in records):
        return tuple(records)
    check_places(model, tuple(record.layer for record in records))
    start = x.clone()  # the model may write into its input
    with torch.no_grad(), record_values(model, start) as trace:
        model(start)
    modules = dict(model.named_modules())
    return tuple(
        replace(record, channel_axis=_find_axis(record, modules[record.layer], trace, x)) if record.is_mean else record
        for record in records
    )


def _find_axis(record: Record, module: nn.Module, trace: ValueTrace, x: Tensor) -> int:
    """Return the axis of the channels in the last output of a layer; what else is wrong with it, `read` reports."""
    outputs = trace.returned.get(record.layer, [])
    if not outputs or not isinstance(outputs[-1], Tensor) or outputs[-1].dim() < 3:
        return 1
    output = outputs[-1]
    if isinstance(module, nn.Linear | nn.Embedding):
        return output.dim() - 1
    grid = next((value.grid for value in trace.list_values() if value.tensor is output), None)
    if grid is None and x.dim() > 2:
        first, last = output.shape[2:].numel() == 1, output.shape[1:-1].numel() == 1  # pooled to one position
        grid = trace.guess_grid(output) if first == last else None
    else:  # texts and tables: one token for each position of the input
        first, last = output.shape[2:] == x.shape[1:], output.shape[1:-1] == x.shape[1:]
    if grid is None and first == last:
        raise InputError(
            f"{record}: which axis of its output {tuple(output.shape)} has the channels is not known: record "
            f"activation:{record.layer}, which stores the whole output"
        )
    is_last = last if grid is None else grid.channels_last
    return output.dim() - 1 if is_last else 1
