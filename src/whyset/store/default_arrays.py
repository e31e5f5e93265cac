"""The default arrays of a run, and the number of rows per shard."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from whyset.errors import InputError
from whyset.modality import IMAGE, MODALITIES
from whyset.store.arrays import ArraySpec, dimension_names
from whyset.store.layout import (
    ACTIVATION,
    ARRIVED,
    CONCEPT,
    INPUT,
    LARGEST,
    LAYER,
    OUTPUT_VALUE,
    PREDICTED,
    RELEVANCE,
    STATUS,
    safe_name,
)

_TARGET_BYTES = 64 * 2**20
_FEWEST_ROWS, _MOST_ROWS = 16, 1024
_MOST_SHORT_ROWS = 16384
_SHARD_SECONDS, _SHORT_SECONDS = 60.0, 2.0
"""A shard has up to 1024 rows if they take a minute, and up to 16384 if they take two seconds.

Its files, their syncs and its ledger take some hundredths of a second. Larger shards would save little of that, and
leave few of them to the workers.
"""


def standard_arrays(
    map_shape: Sequence[int],
    *,
    input_shape: Sequence[int] | None = None,
    dtype: str = "float16",
    layers: Mapping[str, Sequence[int]] | None = None,
    concepts: Mapping[str, int] | None = None,
    activations: Mapping[str, Sequence[int]] | None = None,
    modality: str = IMAGE,
) -> tuple[ArraySpec, ...]:
    """Return the arrays of a run: relevance of the input, of layers and concepts, activations, inputs and columns.

    `layers` holds the shape of one row for every recorded layer, which is that of the layer's output, `concepts` the
    number of its channels, and `activations` the shape of one entry of the arrays of activations, by their name in the
    run; `input_shape=None` stores no inputs. `modality` determines how inputs are stored: images and
    volumes as uint8, series and tables as float32, token ids as int32.

    >>> [spec.name for spec in standard_arrays((3, 8, 6), layers={"conv": (4, 4, 3)}, concepts={"conv": 4})]
    ['attribution/input', 'attribution/conv', 'concept/conv', 'target', 'prediction', 'confidence']
    """
    names = _name_axes(modality, map_shape)
    sides = _map_dimensions(names, map_shape, input_shape)
    maps = ArraySpec(RELEVANCE, tuple(map_shape), dtype, scaled=dtype == "float16", dimensions=sides)
    of_layers = [_layer_array(layer, shape, dtype) for layer, shape in (layers or {}).items()]
    of_concepts = [_concept_array(layer, channels) for layer, channels in (concepts or {}).items()]
    of_activations = [_activation_array(name, shape, dtype) for name, shape in (activations or {}).items()]
    inputs = () if input_shape is None else (_input_array(input_shape, modality),)
    columns = (
        ArraySpec("target", (), "int64", -1),
        ArraySpec("prediction", (), "int64", -1),
        ArraySpec("confidence", (), "float32", math.nan),
    )
    return (maps, *of_layers, *of_concepts, *of_activations, *inputs, *columns)


RELEVANCE_COLUMNS = (ArraySpec(ARRIVED, (), "float32", math.nan), ArraySpec(LARGEST, (), "float32", math.nan))
"""Columns that `explain` adds since version 1.3: the share of relevance that arrived, and its largest value."""


OUTPUT_COLUMNS = MappingProxyType(
    {
        OUTPUT_VALUE: ArraySpec(OUTPUT_VALUE, (), "float32", math.nan),
        PREDICTED: ArraySpec(PREDICTED, (), "uint8", 0),
    }
)
"""Columns of the runs of some kinds of outputs."""


def list_stored_arrays(arrays: Sequence[ArraySpec]) -> tuple[ArraySpec, ...]:
    """Return all arrays of data.zarr: the given ones, their scales, and the status column."""
    scales = tuple(
        ArraySpec(spec.scale_name, (), "float32", 1.0, per_sample=spec.per_sample) for spec in arrays if spec.scaled
    )
    stored = (*arrays, *scales, ArraySpec(STATUS, (), "uint8", 0))
    names = [spec.name for spec in stored]
    if len({name.casefold() for name in names}) < len(names):
        raise InputError(f"array names must differ in more than case, and {STATUS!r} is reserved: got {names}")
    return stored


def shard_rows_for(arrays: Sequence[ArraySpec], targets_per_sample: int = 1, rows: int = 0) -> int:
    """Return the rows per shard: the power of two nearest 64 MB of the largest array, between 16 and 1024.

    A run that has more `rows` than that may have shards of up to 16384. It is rounded down to a multiple of
    `targets_per_sample`, so that a sample's rows are in one shard. It does not depend on the number of workers, so that
    a run can be continued by any number.

    >>> shard_rows_for([ArraySpec("attribution/input", (3, 224, 224), "float16")])
    256
    >>> [shard_rows_for([ArraySpec("attribution/input", (50,), "float16")], rows=rows) for rows in (60, 5000, 100_000)]
    [1024, 8192, 16384]
    """
    largest = max(spec.row_bytes for spec in arrays)
    most = min(max(_MOST_ROWS, 1 << max(0, rows - 1).bit_length()), _MOST_SHORT_ROWS)
    per_shard = min(max(_nearest_power(_TARGET_BYTES / largest), _FEWEST_ROWS), most)
    return max(per_shard - per_shard % targets_per_sample, targets_per_sample)


def shard_rows_within(seconds_per_row: float, most: int, targets_per_sample: int = 1) -> int:
    """Return the rows per shard: the power of two nearest to a minute of work up to 1024, to two seconds above it.

    It is between 16 and `most`. An interrupted run loses the unfinished shards: a minute for each worker. It is rounded
    down as in `shard_rows_for`, which returns `most`.

    >>> [shard_rows_within(seconds, most=16384) for seconds in (60.0, 1.0, 0.01, 0.0005, 0.0)]
    [16, 64, 1024, 4096, 16384]
    """
    seconds = max(seconds_per_row, _SHORT_SECONDS / _MOST_SHORT_ROWS)
    in_a_minute, soon = (_nearest_power(limit / seconds) for limit in (_SHARD_SECONDS, _SHORT_SECONDS))
    rows = min(max(min(in_a_minute, _MOST_ROWS), soon, _FEWEST_ROWS), most)
    return max(rows - rows % targets_per_sample, targets_per_sample)


def _nearest_power(number: float) -> int:
    """Return the power of two nearest to a number, at least 1."""
    power: int = 2 ** round(math.log2(max(1.0, number)))
    return power


def estimate_bytes(arrays: Sequence[ArraySpec], rows: int, targets_per_sample: int = 1) -> int:
    """Estimate the bytes of a run of `rows` rows: raw values plus the shard index (16 bytes per entry of an array)."""
    entries = ((spec, rows // spec.rows_each(targets_per_sample)) for spec in list_stored_arrays(arrays))
    return sum(count * (spec.row_bytes + (16 if spec.shape else 0)) for spec, count in entries)


def _input_array(shape: Sequence[int], modality: str) -> ArraySpec:
    names = _name_axes(modality, shape)
    return ArraySpec(INPUT, tuple(shape), MODALITIES[modality].dtype, dimensions=names, per_sample=True)


def _name_axes(modality: str, shape: Sequence[int]) -> tuple[str, ...]:
    axes = MODALITIES[modality].axes
    return axes if len(axes) == len(shape) else dimension_names(len(shape))


def _layer_array(layer: str, shape: Sequence[int], dtype: str) -> ArraySpec:
    if not shape:
        raise InputError(f"layer {layer!r} has only the axis of samples: expected at least one more axis to store")
    name = LAYER + safe_name(layer, "layer")
    return ArraySpec(name, tuple(shape), dtype, scaled=dtype == "float16", dimensions=_of_layer(layer, len(shape)))


def _concept_array(layer: str, channels: int) -> ArraySpec:
    name = CONCEPT + safe_name(layer, "layer")
    return ArraySpec(name, (channels,), "float32", dimensions=_of_layer(layer, 1))


def _activation_array(name: str, shape: Sequence[int], dtype: str) -> ArraySpec:
    """Return the array of an activation, which has no target: it is stored once per sample."""
    layer = safe_name(name.partition("/")[2], "layer")
    dtype = dtype if name.startswith(ACTIVATION) else "float32"
    names = _of_layer(layer, len(shape))
    return ArraySpec(name, tuple(shape), dtype, scaled=dtype == "float16", dimensions=names, per_sample=True)


def _of_layer(layer: str, axes: int) -> tuple[str, ...]:
    """Return dimension names that include the layer: xarray requires one size per name in a group."""
    return tuple(f"{layer}.{name}" for name in dimension_names(axes))


def _map_dimensions(
    names: tuple[str, ...], map_shape: Sequence[int], input_shape: Sequence[int] | None
) -> tuple[str, ...]:
    """Return the dimension names of a map; a pooled or summed axis gets another name than that of the input."""
    if input_shape is None or len(input_shape) != len(map_shape):
        return names
    return tuple(
        name if side == of_input else f"map.{name}"
        for name, side, of_input in zip(names, map_shape, input_shape, strict=True)
    )
