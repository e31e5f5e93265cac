"""Arrays as bytes: little-endian numbers with their type and shape in headers and an ETag of their content."""

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response

from whyset.viewer.errors import unreadable
from whyset.viewer.schemas import WireType

IMMUTABLE = "private, max-age=31536000, immutable"
REVALIDATE = "private, no-cache"
MEDIA_TYPE = "application/octet-stream"
SIGNED: tuple[WireType, ...] = ("int8", "int16", "int32")

Coding = Literal["values", "steps"]
"""Coding of numbers: as they are, or as steps from each number to the next, the first from 0."""


@dataclass(frozen=True)
class Payload:
    """Bytes with the type and shape of the array in them."""

    body: bytes
    dtype: WireType
    shape: tuple[int, ...]
    coding: Coding = "values"

    @property
    def etag(self) -> str:
        """A strong ETag: equal if and only if type, shape, coding and bytes are equal."""
        digest = sha256(f"{self.dtype}{self.shape}{self.coding}".encode())
        digest.update(self.body)
        return f'"{digest.hexdigest()[:32]}"'


def wire_type(dtype: np.dtype[np.generic]) -> WireType:
    """Get the type in which an array is sent: floats as float32, integers as int32, bytes and bools as uint8."""
    if dtype.kind == "f":
        return "float32"
    if dtype == np.uint8 or dtype.kind == "b":
        return "uint8"
    if dtype.kind in "iu":
        return "int32"
    raise unreadable(f"a column of {dtype} cannot be sent; expected numbers")


def encode(array: NDArray[np.generic]) -> Payload:
    """Encode an array: integers in the smallest signed type that holds them; more than 32 bits are refused."""
    name = wire_type(array.dtype)
    if name == "int32":
        name = _smallest(array)
    with np.errstate(over="ignore"):
        numbers = np.ascontiguousarray(array, dtype=np.dtype(name).newbyteorder("<"))
    return Payload(numbers.tobytes(), name, array.shape)


def fits_int32(array: NDArray[np.generic]) -> bool:
    """Return True if every number of a column of integers can be sent as int32."""
    limits = np.iinfo(np.int32)
    return array.size == 0 or bool(limits.min <= array.min() and array.max() <= limits.max)


def encode_rows(rows: NDArray[np.integer[Any]]) -> Payload:
    """Encode row numbers as steps, which fit into fewer bytes where the numbers rise."""
    return replace(encode(np.diff(rows.astype(np.int64), prepend=0)), coding="steps")


def encode_places(places: NDArray[np.uint16]) -> Payload:
    """Encode the result of `quantize`."""
    return Payload(places.astype("<u2").tobytes(), "uint16", places.shape)


def _smallest(array: NDArray[np.generic]) -> WireType:
    low, high = (array.min(), array.max()) if array.size else (0, 0)
    for name in SIGNED:
        limits = np.iinfo(name)
        if limits.min <= low and high <= limits.max:
            return name
    raise unreadable(f"a column holds integers beyond 32 bits: {low} .. {high}")


def answer(request: Request, payload: Payload, *, immutable: bool) -> Response:
    """Send the payload, or 304 if the browser has it.

    `Vary: Cookie` separates the answers of different viewers on the same port: each has its own token.
    """
    headers = {
        "ETag": payload.etag,
        "Cache-Control": IMMUTABLE if immutable else REVALIDATE,
        "Vary": "Cookie",
        "X-Dtype": payload.dtype,
        "X-Shape": ",".join(map(str, payload.shape)),
        "X-Coding": payload.coding,
    }
    if _matches(request.headers.get("if-none-match", ""), payload.etag):
        return Response(status_code=304, headers=headers)
    return Response(payload.body, media_type=MEDIA_TYPE, headers=headers)


def _matches(header: str, etag: str) -> bool:
    candidates = {candidate.strip().removeprefix("W/") for candidate in header.split(",")}
    return bool(candidates & {"*", etag})
