"""The stored series of a run as sound."""

import re
from http import HTTPStatus
from io import BytesIO
from typing import Annotated

import numpy as np
from fastapi import Query, Request, Response
from numpy.typing import NDArray
from scipy.io import wavfile

from whyset.viewer import maps
from whyset.viewer.columns import IMMUTABLE, REVALIDATE
from whyset.viewer.errors import ApiError
from whyset.viewer.parameters import Kept, OneRun, check_explained_indices
from whyset.viewer.run_registry import LoadedRun

MEDIA_TYPE = "audio/wav"
LOWEST_RATE, HIGHEST_RATE = 1_000, 200_000
"""Positions per second of a series that is a sound."""
_RANGE = re.compile(r"bytes=([0-9]{1,12})-([0-9]{0,12})")

Index = Annotated[int, Query(ge=0, le=10**12 - 1, description="row index")]


def get_sound(request: Request, opened: OneRun, index: Index, keep: Kept) -> Response:
    """Get the stored series of a row as a WAV file of floats, if its run states 1,000 to 200,000 positions per second.

    Players cut off values beyond 1: a series that has such values is divided by its largest absolute value. A header
    `Range: bytes=FIRST-LAST` requests a part of the file, which players need to jump to a time.
    """
    rate = _require_rate(opened)
    (row,) = check_explained_indices(str(index), opened)
    stored = opened.run.inputs
    if stored is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "this run has no inputs", "explain again without --no-inputs")
    if 4 * np.prod(stored.shape[1:]) > maps.MOST_BYTES:
        message = f"expected a sound of at most {maps.MOST_BYTES} bytes, got a series of shape {stored.shape[1:]}"
        raise ApiError(HTTPStatus.CONFLICT, message, "read it with whyset.open_run(...).inputs")
    headers = {"Cache-Control": IMMUTABLE if keep else REVALIDATE, "Vary": "Cookie", "Accept-Ranges": "bytes"}
    return _answer_range(encode_sound(stored[[row]][0], rate), request.headers.get("range", ""), headers)


def encode_sound(series: NDArray[np.floating], rate: int) -> bytes:
    """Encode a series (C, T) as a WAV file of float32, divided by its largest absolute value if that is above 1."""
    sound = np.asarray(series, "<f4").T
    file = BytesIO()
    wavfile.write(file, rate, sound / np.float32(max(1.0, float(np.abs(sound).max(initial=0)))))
    return file.getvalue()


def _answer_range(content: bytes, requested: str, headers: dict[str, str]) -> Response:
    """Answer with the requested part of the content (RFC 9110), or with all of it for another form of request."""
    form = _RANGE.fullmatch(requested)
    if form is None:
        return Response(content, media_type=MEDIA_TYPE, headers=headers)
    first, stop = int(form[1]), min(int(form[2] or len(content)) + 1, len(content))
    if first >= stop:
        headers["Content-Range"] = f"bytes */{len(content)}"
        return Response(status_code=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=headers)
    headers["Content-Range"] = f"bytes {first}-{stop - 1}/{len(content)}"
    part = content[first:stop]
    return Response(part, HTTPStatus.PARTIAL_CONTENT, media_type=MEDIA_TYPE, headers=headers)


def _require_rate(opened: LoadedRun) -> int:
    """Return the rate in whole positions per second, as WAV files have it; ApiError if the run has no sounds."""
    run = opened.run
    if run.modality != "series":
        message = f"sound: expected a run of series, got {run.modality}"
        raise ApiError(HTTPStatus.NOT_FOUND, message, "request maps and inputs instead")
    rate = run.config.rate
    if rate is None or not LOWEST_RATE <= rate <= HIGHEST_RATE:
        message = f"the series are not sounds: their rate is {rate or 'unknown'}"
        hint = f"rate= (--rate) states the positions per second; those of sounds are {LOWEST_RATE} to {HIGHEST_RATE}"
        raise ApiError(HTTPStatus.NOT_FOUND, message, hint)
    return round(rate)
