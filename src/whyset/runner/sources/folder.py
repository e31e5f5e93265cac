"""Images in folders: `<class>/<image>`, or a flat folder whose labels are unknown."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from PIL import Image, UnidentifiedImageError

from whyset.runner.labels import Labels
from whyset.runner.preprocessing import Preprocessing
from whyset.runner.sources.class_folders import ClassFolders
from whyset.runner.sources.source import parse_label
from whyset.store.boundary import open_regular

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})


@dataclass(frozen=True)
class FolderSource(ClassFolders):
    """A folder of images; ids are paths relative to it, in sorted order.

    The classes are in the order of the sorted names of the class folders, unless `class_labels` states the output of
    each. Hidden files and folders are ignored.
    """

    path: Path
    preprocessing: Preprocessing
    class_labels: Labels | None = None

    suffixes: ClassVar[frozenset[str]] = SUFFIXES
    kind: ClassVar[str] = "image"

    def __getitem__(self, index: int, /) -> tuple[torch.Tensor, int | None]:
        x, label = self.read(index)
        return (self.preprocessing.normalize(x) if x.dtype == torch.uint8 else x), label

    def read(self, index: int) -> tuple[torch.Tensor, int | None]:
        path = f"{self.path}/{self.ids[index]}"  # joining paths costs as much as a tenth of a small image
        try:
            with open_regular(path) as file, Image.open(file) as image:
                return self.preprocessing.read(image), parse_label(self.labels[index])
        except UnidentifiedImageError:  # its message names the open file by its number
            raise UnidentifiedImageError(f"cannot identify image file {path!r}") from None
