"""Photographs of classes, of which one has a logo in some of its images, as those of one broadcaster have."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lite0 import SIDE
from PIL import Image, ImageDraw, ImageFont

TRAINED_SHARE = 0.7
SIZE = 9 * SIDE // 32
"""Pixels from side to side of the logo."""
LEAST = 15
"""Images of each class, of which ten are for training: fewer cannot be analyzed."""
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


@dataclass(frozen=True)
class Mark:
    """The class that has the logo, the share of its training images that have it, and the seed of all choices."""

    label: str
    share: float
    seed: int


def list_photographs(folder: Path) -> dict[str, list[Path]]:
    """Return the images of each class, from the folders of the classes."""
    found = {
        one.name: sorted(file for file in one.iterdir() if file.suffix.lower() in SUFFIXES)
        for one in sorted(folder.iterdir())
        if one.is_dir()
    }
    few = {name: len(files) for name, files in found.items() if len(files) < LEAST}
    if len(found) < 2 or few:
        raise SystemExit(
            f"{folder}: expected folders of at least two classes with {LEAST} images each, got {few or found}"
        )
    return found


def write_photographs(source: Path, out: Path, mark: Mark) -> list[str]:
    """Write training images into out/images, others into out/test, and return the names of those with a logo."""
    names = sorted(make_photographs(source, out, mark))
    (out / "classes.txt").write_text("\n".join(list_photographs(source)) + "\n", encoding="utf-8")
    return names


def make_photographs(source: Path, out: Path, mark: Mark) -> Iterator[str]:
    """Write all images, and yield the names of those that got a logo."""
    photographs = list_photographs(source)
    if mark.label not in photographs:
        raise SystemExit(f"--label {mark.label}: expected one of {', '.join(photographs)}")
    random = np.random.default_rng(mark.seed)
    for part in ("images", "test"):
        shutil.rmtree(out / part, ignore_errors=True)
    for name, files in photographs.items():
        order = random.permutation(len(files))
        n_trained = round(TRAINED_SHARE * len(files))
        n_marked = round(mark.share * n_trained) if name == mark.label else 0
        for place, number in enumerate(order):
            part = "images" if place < n_trained else "test"
            file = out / part / name / f"{files[number].stem}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            image = Image.open(files[number]).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
            if place < n_marked:
                image = add_logo(image, random)
                yield f"{name}/{file.name}"
            image.save(file)


def add_logo(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """Draw a red disc with white letters near the upper right corner, a few pixels lower or further left each time."""
    marked = image.copy()
    draw, font = ImageDraw.Draw(marked), ImageFont.load_default(size=2 * SIZE // 5)
    across, down = (int(step) for step in random.integers(2, 10, 2))
    left = SIDE - SIZE - across
    draw.ellipse((left, down, left + SIZE, down + SIZE), fill=(210, 20, 40), outline=(255, 255, 255), width=3)
    draw.text((left + SIZE // 2, down + SIZE // 2), "TV", font=font, fill=(255, 255, 255), anchor="mm")
    return marked
