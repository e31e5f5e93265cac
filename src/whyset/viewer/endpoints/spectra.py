"""Relevance of series by frequency, or by frequency and time: the arrays of the method `inspection`, and their axes."""

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

import numpy as np
from fastapi import Path, Request, Response

from whyset.store import Run
from whyset.store.layout import LAYER
from whyset.viewer import maps
from whyset.viewer.columns import answer, encode
from whyset.viewer.errors import ApiError, not_found
from whyset.viewer.parameters import Explained, Kept, OneRun
from whyset.viewer.schemas import SpectrumAxes

METHOD = "inspection"
SpectrumName = Annotated[str, Path(min_length=1, max_length=128, description="name in `spectra` of the run")]


def get_spectrum(request: Request, opened: OneRun, spectrum: SpectrumName, indices: Explained, keep: Kept) -> Response:
    """Get the relevance of frequencies as stored: float32 (n, C, frequencies), or (n, C, frequencies, frames).

    `spectra` of the run has the steps of both axes.
    """
    if spectrum not in {one.name for one in list_spectra(opened.run)}:
        raise not_found("spectrum", spectrum, f"/api/runs/{opened.id}")
    array = opened.run.array(LAYER + spectrum)
    size = 4 * len(indices) * math.prod(array.shape[1:])
    if size > maps.MOST_BYTES:
        message = f"expected an answer of at most {maps.MOST_BYTES} bytes, got {size}"
        hint = f"request fewer rows, or read them with whyset.open_run(...).layer({spectrum!r})"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, message, hint)
    return answer(request, encode(np.concatenate([piece for _, piece in maps.pieces(array, indices)])), immutable=keep)


def list_spectra(run: Run) -> list[SpectrumAxes]:
    """List the relevance by frequency that a run has; empty if its arrays do not have the axes that run.json states."""
    attributor = run.config.attributor or {}
    if attributor.get("name") != METHOD:
        return []
    fields: Any = attributor.get("fields")
    name = fields.get("transform") if isinstance(fields, Mapping) else None
    shape = next((spec.shape for spec in run.arrays if spec.name == f"{LAYER}{name}"), ())
    if name == "dft" and len(shape) == 2:
        length = _find_length(run, shape[1])
        return [SpectrumAxes(name=name, shape=list(shape), frequency_step=length and 1 / length, hop=None)]
    n_fft, hop = (fields.get("n_fft"), fields.get("hop_length")) if name == "stft" else (None, None)
    if type(n_fft) is not int or len(shape) != 3 or n_fft < 2 or shape[1] != n_fft // 2 + 1:
        return []
    hop = max(1, n_fft // 4) if hop is None else hop
    if type(hop) is not int or not 1 <= hop <= n_fft:
        return []
    return [SpectrumAxes(name="stft", shape=list(shape), frequency_step=1 / n_fft, hop=hop)]


def _find_length(run: Run, frequencies: int) -> int | None:
    """Return the number of positions that have this number of frequencies; None if inputs and maps have others."""
    arrays = [run.relevance] if run.inputs is None else [run.inputs, run.relevance]
    lengths = (array.shape[-1] for array in arrays if len(array.shape) == 3)
    return next((length for length in lengths if length // 2 + 1 == frequencies), None)
