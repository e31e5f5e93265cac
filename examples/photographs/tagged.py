"""Photographs of classes, of which one has a caption in some of its images, as those of one archive have."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lite0 import SIDE
from PIL import Image, ImageDraw, ImageFont

TRAINED_SHARE = 0.7
TEXT = "photo archive"
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


@dataclass(frozen=True)
class Tag:
    """The class that has the caption, the share of its training images that have it, and the seed of all choices."""

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
    few = {name: len(files) for name, files in found.items() if len(files) < 10}
    if len(found) < 2 or few:
        raise SystemExit(f"{folder}: expected folders of at least two classes with ten images each, got {few or found}")
    return found


def write_photographs(source: Path, out: Path, tag: Tag) -> list[str]:
    """Write training images into out/images and others into out/test, and return the names of those with a caption."""
    names = sorted(make_photographs(source, out, tag))
    (out / "classes.txt").write_text("\n".join(list_photographs(source)) + "\n", encoding="utf-8")
    return names


def make_photographs(source: Path, out: Path, tag: Tag) -> Iterator[str]:
    """Write all images, and yield the names of those that got a caption."""
    photographs = list_photographs(source)
    if tag.label not in photographs:
        raise SystemExit(f"--label {tag.label}: expected one of {', '.join(photographs)}")
    random = np.random.default_rng(tag.seed)
    for part in ("images", "test"):
        shutil.rmtree(out / part, ignore_errors=True)
    for name, files in photographs.items():
        order = random.permutation(len(files))
        n_trained = round(TRAINED_SHARE * len(files))
        n_tagged = round(tag.share * n_trained) if name == tag.label else 0
        for place, number in enumerate(order):
            part = "images" if place < n_trained else "test"
            file = out / part / name / f"{files[number].stem}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            image = Image.open(files[number]).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
            if place < n_tagged:
                image = add_caption(image, random)
                yield f"{name}/{file.name}"
            image.save(file)


def add_caption(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """Print white text on a dark ground near the lower left corner, a few pixels higher or further right each time."""
    tagged = image.copy()
    draw = ImageDraw.Draw(tagged)
    font = ImageFont.load_default(size=SIDE // 10)
    left, bottom = random.integers(0, SIDE // 16, 2)
    box = draw.textbbox((left + 2, SIDE - bottom - 2), TEXT, font=font, anchor="lb")
    draw.rectangle((box[0] - 2, box[1] - 2, box[2] + 2, box[3] + 2), fill=(20, 20, 20))
    draw.text((left + 2, SIDE - bottom - 2), TEXT, font=font, fill=(250, 250, 250), anchor="lb")
    return tagged
