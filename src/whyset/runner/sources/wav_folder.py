"""Sounds in folders, read as series: `<class>/<file>.wav`, or a flat folder whose labels are unknown."""

import hashlib
import math
import struct
from collections import Counter
from dataclasses import dataclass
from functools import cached_property, partial
from numbers import Real
from pathlib import Path
from typing import BinaryIO, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.io import wavfile

from whyset.errors import InputError
from whyset.runner.input_codecs import RawCodec
from whyset.runner.labels import Labels
from whyset.runner.sources.class_folders import ClassFolders, walk
from whyset.runner.sources.folder import SUFFIXES
from whyset.runner.sources.source import attempt, parse_label
from whyset.store.boundary import open_regular

SOUNDS = frozenset({".wav", ".wave"})
NAMED = 3
"""Files that an error names for each value."""


@dataclass(frozen=True)
class SoundForm:
    """The form of a sound: samples per second, number of channels, and samples of each channel."""

    rate: int
    channels: int
    length: int


@dataclass(frozen=True)
class WavFolderSource(ClassFolders):
    """A folder of WAV files as series, float32 (channels, T); ids are paths relative to it, in sorted order.

    Integers of 8, 16, 24 and 32 bits are scaled to [-1, 1): x / 2^(bits - 1), 8 bits after subtracting 128; floats are
    as they are. The rate of the series is that of the files. Classes are as in `FolderSource`.

    Parameters
    ----------
    path : path
        The folder.
    class_labels : Labels, optional
        The output of the model of each class folder.
    seconds : float, optional
        Length of every series: longer sounds are cut at their end, and zeros are appended to shorter ones. By default
        all files must have the same length.

    Raises
    ------
    InputError
        Files differ in their rate, in their number of channels, or, without `seconds`, in their length. A file that
        cannot be read is not compared: its sample fails alone.

    Examples
    --------
    >>> source = WavFolderSource("recordings", seconds=1.5)  # doctest: +SKIP
    """

    path: Path
    class_labels: Labels | None = None
    seconds: float | None = None

    suffixes: ClassVar[frozenset[str]] = SOUNDS
    kind: ClassVar[str] = "WAV file"

    def __post_init__(self) -> None:
        given = self.seconds
        if given is not None and (isinstance(given, bool) or not isinstance(given, Real) or not 0 < given < math.inf):
            raise InputError(f"seconds is {given!r}: expected the length of every series in seconds, above 0, or None")
        super().__post_init__()
        if not self._forms:
            raise InputError(
                f"data folder {self.path}: none of {len(self)} WAV files can be read; {self.ids[0]}: {self._errors[0]}"
            )
        self._require_equal("rate", "samples per second", "resample them to one rate")
        self._require_equal("channels", "channels", "mix them to the same number of channels")
        if given is None:
            self._require_equal(
                "length", "samples", "cut or pad them to one length by --seconds, in Python WavFolderSource(seconds=)"
            )
        elif self.length < 1:
            raise InputError(f"seconds is {given}: expected at least one sample, 1 / {self.rate:g} s")

    @property
    def rate(self) -> float:
        return float(self._form.rate)

    @property
    def length(self) -> int:
        """The number of positions of every series."""
        return self._form.length if self.seconds is None else round(self.seconds * self._form.rate)

    @property
    def preprocessing(self) -> RawCodec:
        return RawCodec()

    @property
    def notes(self) -> list[str]:
        lengths = [form.length for form in self._forms.values()]
        cut, padded = sum(n > self.length for n in lengths), sum(n < self.length for n in lengths)
        changed = f"to {self.length:,} samples, {cut} of {len(self)} sounds are cut and {padded} are padded with zeros"
        return [*super().notes, *([changed] if cut or padded else [])]

    def fingerprint(self) -> str:
        """Return the SHA-256 of all ids, sizes and contents (of large folders: of some files), class names, length."""
        return hashlib.sha256(f"{super().fingerprint()} length {self.length}".encode()).hexdigest()

    def __getitem__(self, index: int, /) -> tuple[torch.Tensor, int | None]:
        with open_regular(f"{self.path}/{self.ids[index]}") as file:
            series = read_sound(file)[1]
        wanted = (self._form.channels, self.length)
        fitted = np.zeros(wanted, np.float32)
        kept = series[:, : self.length]
        if len(kept) != len(fitted):
            raise InputError(f"the sound has {len(kept)} channels, expected {len(fitted)}")
        fitted[:, : kept.shape[1]] = kept
        return torch.from_numpy(fitted), parse_label(self.labels[index])

    @property
    def _form(self) -> SoundForm:
        return next(iter(self._forms.values()))

    @cached_property
    def _forms(self) -> dict[str, SoundForm]:
        """The form of every readable file."""
        return {name: form for name, (form, _) in zip(self.ids, self._inspection, strict=True) if form is not None}

    @property
    def _errors(self) -> list[str]:
        return [error for _, error in self._inspection if error]

    @cached_property
    def _inspection(self) -> list[tuple[SoundForm | None, str]]:
        return [attempt(partial(_inspect, f"{self.path}/{name}")) for name in self.ids]

    def _require_equal(self, field: str, unit: str, remedy: str) -> None:
        found = Counter(getattr(form, field) for form in self._forms.values())
        if len(found) < 2:
            return
        parts = []
        for value, count in found.most_common(NAMED):
            names = [name for name, form in self._forms.items() if getattr(form, field) == value][:NAMED]
            parts.append(f"{count} with {value:,} {unit} ({', '.join(names)}{', ...' if count > NAMED else ''})")
        more = f", and {len(found) - NAMED} other values" if len(found) > NAMED else ""
        raise InputError(
            f"data folder {self.path}: the WAV files differ in their {field}: {'; '.join(parts)}{more}: {remedy}"
        )


def holds_sounds(path: Path) -> bool:
    """True if a folder has WAV files and no images; a folder that cannot be listed has none."""
    found = False
    try:
        for entry in walk(str(path)):
            suffix = Path(entry.name).suffix.lower()
            if suffix in SUFFIXES:
                return False
            found = found or suffix in SOUNDS
    except OSError:
        return False
    return found


def read_sound(file: BinaryIO) -> tuple[int, NDArray[np.float32]]:
    """Return the rate of a WAV file, and its sound, float32 (channels, T). ValueError: it is damaged or too short."""
    require_whole(file)
    rate, values = wavfile.read(file)
    return int(rate), scale_sound(_split_channels(values).T)


def scale_sound(values: NDArray[np.generic]) -> NDArray[np.float32]:
    """Scale integers to [-1, 1): x / 2^(bits - 1), unsigned ones after subtracting the middle; floats stay.

    >>> scale_sound(np.array([[0, 128, 255]], np.uint8)).tolist()
    [[-1.0, 0.0, 0.9921875]]
    """
    if values.dtype.kind == "f":
        return values.astype(np.float32)
    half = 2.0 ** (8 * values.dtype.itemsize - 1)
    middle = half if values.dtype.kind == "u" else 0.0
    return ((values.astype(np.float64) - middle) / half).astype(np.float32)


def require_whole(file: BinaryIO) -> None:
    """Raise ValueError if the file ends before its sound does: scipy returns what is there without an error."""
    size = file.seek(0, 2)
    file.seek(0)
    order = {b"RIFF": "<", b"RIFX": ">"}.get(file.read(12)[:4])
    while order is not None and len(head := file.read(8)) == 8:
        name, stated, here = head[:4], struct.unpack(f"{order}I", head[4:])[0], file.tell()
        if here + stated > size:
            raise ValueError(f"the WAV file is cut off: its part {name!r} has {size - here:,} of {stated:,} bytes")
        if name == b"data":
            break
        file.seek(here + stated + stated % 2)
    file.seek(0)


def _inspect(path: str) -> SoundForm:
    """Return the form of a file without reading its sound, unless it has 24 bits."""
    with open_regular(path) as file:
        require_whole(file)
        try:
            rate, values = wavfile.read(file, mmap=True)
        except ValueError:  # scipy does not map 24 bits; another error comes again
            file.seek(0)
            rate, values = wavfile.read(file)
        form = SoundForm(int(rate), *_split_channels(values).shape[::-1])
    if form.rate < 1:
        raise ValueError(f"the WAV file has a rate of {form.rate} samples per second")
    return form


def _split_channels(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return the values as (T, channels); ValueError if there are none."""
    if values.size == 0:
        raise ValueError("the WAV file has 0 samples")
    return values if values.ndim == 2 else values[:, None]
