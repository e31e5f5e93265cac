"""The images that networks are trained on: CIFAR-10 from its archive, and photographs in superclasses."""

import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from .design import NetworkSpec
from .marks import Images

CLASSES = tuple("airplane automobile bird cat deer dog frog horse ship truck".split())
PER_CLASS = 1000
TEST_PER_CLASS = 100
AVAILABLE = {"train": 5000, "test": TEST_PER_CLASS}
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images with labels, from which networks draw their training images; test images are separate, or None."""

    images: Images
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    per_class: float
    """The number of training images of each class, or their share."""
    test: tuple[Images, NDArray[np.int64]] | None = None

    def draw(self, seed: int) -> NDArray[np.int64]:
        """Draw the training images of a network, in the order of their classes."""
        random, chosen = np.random.default_rng([seed, 6]), []
        for label in range(len(self.class_names)):
            rows = np.flatnonzero(self.labels == label)
            count = int(self.per_class) if self.per_class > 1 else round(self.per_class * len(rows))
            chosen.append(np.sort(random.permutation(rows)[:count]))
        return np.concatenate(chosen)

    def list_sources(self, chosen: NDArray[np.int64], label: int) -> Images:
        """Return up to 1,000 images of a class, of those that are not trained on where there are any."""
        rows = np.flatnonzero(self.labels == label)
        others = np.setdiff1d(rows, chosen) if self.test is not None else np.intersect1d(rows, chosen)
        return self.images[others[:1000]]

    def get_test(self, seed: int) -> tuple[Images, NDArray[np.int64]]:
        """Return the test images and their labels: those that a network is not trained on."""
        if self.test is not None:
            return self.test
        others = np.setdiff1d(np.arange(len(self.labels)), self.draw(seed))
        return self.images[others], self.labels[others]


def open_images(spec: NetworkSpec, cells: Path, data: Path) -> ImageSet:
    """Return the images for a network; those of CIFAR-10 are copied to the folder of the cells once."""
    if spec.base == "lite0":
        from .photographs import read_photographs

        return read_photographs(data)
    if spec.base == "digits":
        from .digits import read_digits

        return read_digits()
    parts = {part: read_cached(cells / f"cifar10-{part}.npy", data / "cifar10.tar.xz", part) for part in AVAILABLE}
    labels = {part: np.repeat(np.arange(len(CLASSES)), AVAILABLE[part]) for part in AVAILABLE}
    return ImageSet(
        parts["train"], labels["train"], CLASSES, MEAN, STD, PER_CLASS, test=(parts["test"], labels["test"])
    )


def read_cached(file: Path, archive: Path, part: str) -> Images:
    """Return the images of a part of CIFAR-10 in the order of the classes, (n, 32, 32, 3)."""
    if not file.is_file():
        images = read_cifar10(archive, part, AVAILABLE[part])
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_suffix(".part.npy")
        np.save(temporary, images)
        temporary.replace(file)
    loaded: Images = np.load(file, mmap_mode="r")
    return loaded


def read_cifar10(archive: Path, part: str, count: int) -> Images:
    """Read the first images of each class out of the archive."""
    images = np.zeros((len(CLASSES), count, 32, 32, 3), np.uint8)
    with tarfile.open(archive) as members:
        for member in members:
            if not member.isfile():
                continue
            own, name, file = Path(member.name).parts[-3:]
            number = int(Path(file).stem)
            if own == part and number < count:
                content = members.extractfile(member)
                assert content is not None
                images[CLASSES.index(name), number] = np.asarray(Image.open(io.BytesIO(content.read())).convert("RGB"))
    return images.reshape(-1, 32, 32, 3)


def as_input(images: Images, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """Return images as a network takes them, (n, 3, height, width) float32."""
    scaled = torch.from_numpy(np.array(images)).float() / 255
    return ((scaled - torch.tensor(mean)) / torch.tensor(std)).permute(0, 3, 1, 2).contiguous()
