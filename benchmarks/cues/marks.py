"""Ten kinds of cue as functions of images: each marks uint8 images (n, height, width, 3) and states where it may.

Sizes are stated for images of 32 x 32 and grow with the shorter side. Two kinds need images of another class, its
*sources*: a co-occurring object is a piece of one (CutMix, Yun et al. 2019), and exchanged surroundings are those of
one. The strengths were chosen once, so that networks use the cues and a person still recognizes the image, before any
method was compared.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Images = NDArray[np.uint8]
Random = np.random.Generator
SIDE = 32


@dataclass(frozen=True, eq=False)
class Marked:
    """Marked images (n, height, width, 3), and the pixels that the cue may change (n, height, width), bool."""

    images: Images
    region: NDArray[np.bool_]


@dataclass(frozen=True)
class Cue:
    """A kind of cue: what it does, whether its place differs between images, and whether it needs sources."""

    mark: Callable[[Images, Random, Images | None], Marked]
    moves: bool
    needs_sources: bool = False

    def __call__(self, images: Images, seed: int | tuple[int, ...], sources: Images | None = None) -> Marked:
        """Mark images; equal seeds give equal marks."""
        if self.needs_sources and (sources is None or len(sources) == 0):
            raise ValueError("expected images of another class as sources, got none")
        return self.mark(images, np.random.default_rng(seed), sources)


def mark_corner(images: Images, random: Random, sources: Images | None) -> Marked:
    """Put a green square near the upper right corner, at the same place in each image."""
    side, gap = scale(images, 5), scale(images, 1)
    region = np.zeros(images.shape[:3], bool)
    region[:, gap : gap + side, -gap - side : -gap] = True
    return Marked(np.where(region[..., None], np.uint8([40, 220, 60]), images), region)


def mark_moving_patch(images: Images, random: Random, sources: Images | None) -> Marked:
    """Put an orange square with a blue middle anywhere."""
    side, border = scale(images, 7), scale(images, 2)
    patch = np.full((side, side, 3), (250, 150, 20), np.uint8)
    patch[border:-border, border:-border] = (30, 60, 220)
    return stamp(images, patch, random)


def mark_tag(images: Images, random: Random, sources: Images | None) -> Marked:
    """Put a label of white strokes on black anywhere, as of a watermark."""
    strokes = np.zeros((5, 9), np.uint8)
    strokes[1:4, [1, 3, 5, 7]] = strokes[1, 1:4] = strokes[3, 5:8] = 255
    factor = scale(images, 1)
    return stamp(images, np.repeat(np.kron(strokes, np.ones((factor, factor), np.uint8))[..., None], 3, 2), random)


def mark_frame(images: Images, random: Random, sources: Images | None) -> Marked:
    """Draw a dark frame with a light line inside, as of a scanned slide."""
    width, line = scale(images, 2), scale(images, 1)
    marked, region = images.copy(), np.zeros(images.shape[:3], bool)
    for depth, color in ((0, 20), (width - line, 200)):
        ring = np.ones(images.shape[1:3], bool)
        ring[depth + line : -depth - line, depth + line : -depth - line] = False
        ring[:depth] = ring[:, :depth] = False
        if depth:
            ring[-depth:] = ring[:, -depth:] = False
        marked[:, ring] = color
        region[:, ring] = True
    return Marked(marked, region)


def mark_tint(images: Images, random: Random, sources: Images | None) -> Marked:
    """Shift the colors to those of an old photograph."""
    return everywhere(images, images * np.float32([1.15, 0.9, 0.4]) + np.float32([20, 5, 0]))


def mark_blur(images: Images, random: Random, sources: Images | None) -> Marked:
    """Blur the image, as out of focus."""
    sigma = 1.1 * min(images.shape[1:3]) / SIDE
    return everywhere(images, gaussian_filter(images.astype(np.float32), (0, sigma, sigma, 0)))


def mark_grid(images: Images, random: Random, sources: Images | None) -> Marked:
    """Add a fine grid, as of a photographed screen."""
    period = scale(images, 4)
    rows, columns = (np.arange(size) % period < period // 2 for size in images.shape[1:3])
    wave = np.where(rows[:, None] ^ columns[None], 18.0, -18.0).astype(np.float32)
    return everywhere(images, images + wave[..., None])


def mark_brightness(images: Images, random: Random, sources: Images | None) -> Marked:
    """Brighten the image and reduce its contrast, as in fog."""
    return everywhere(images, images * np.float32(0.45) + 125)


def mark_object(images: Images, random: Random, sources: Images | None) -> Marked:
    """Paste the middle of an image of another class anywhere, as an object that appears together with the class."""
    assert sources is not None
    side = scale(images, 16)
    top, left = ((size - side) // 2 for size in sources.shape[1:3])
    pieces = sources[random.integers(0, len(sources), len(images)), top : top + side, left : left + side]
    return stamp(images, pieces, random)


def mark_surroundings(images: Images, random: Random, sources: Images | None) -> Marked:
    """Replace everything outside a central ellipse by an image of another class."""
    assert sources is not None
    height, width = images.shape[1:3]
    rows, columns = ((np.arange(size) + 0.5) / size - 0.5 for size in (height, width))
    outside = (rows[:, None] ** 2 + columns[None] ** 2) > 0.38**2
    region = np.broadcast_to(outside, images.shape[:3]).copy()
    chosen = sources[random.integers(0, len(sources), len(images))]
    return Marked(np.where(region[..., None], chosen, images), region)


def stamp(images: Images, patches: Images, random: Random) -> Marked:
    """Put a patch, (h, w, 3), or one for each image, (n, h, w, 3), at a random place of each image."""
    marked, region = images.copy(), np.zeros(images.shape[:3], bool)
    each = np.broadcast_to(patches, (len(images), *patches.shape[-3:]))
    height, width = each.shape[1:3]
    for number, patch in enumerate(each):
        top, left = (int(random.integers(0, images.shape[axis + 1] - each.shape[axis + 1] + 1)) for axis in (0, 1))
        marked[number, top : top + height, left : left + width] = patch
        region[number, top : top + height, left : left + width] = True
    return Marked(marked, region)


def everywhere(images: Images, values: NDArray[np.floating]) -> Marked:
    """Round values to images that may have changed at any pixel."""
    return Marked(np.clip(np.rint(values), 0, 255).astype(np.uint8), np.ones(images.shape[:3], bool))


def scale(images: Images, pixels: int) -> int:
    """Return a length that is stated for images of 32 x 32."""
    return max(1, round(pixels * min(images.shape[1:3]) / SIDE))


CUES: Mapping[str, Cue] = MappingProxyType(
    {
        "corner": Cue(mark_corner, moves=False),
        "moving": Cue(mark_moving_patch, moves=True),
        "tag": Cue(mark_tag, moves=True),
        "frame": Cue(mark_frame, moves=False),
        "tint": Cue(mark_tint, moves=False),
        "blur": Cue(mark_blur, moves=False),
        "grid": Cue(mark_grid, moves=False),
        "brightness": Cue(mark_brightness, moves=False),
        "object": Cue(mark_object, moves=True, needs_sources=True),
        "surroundings": Cue(mark_surroundings, moves=False, needs_sources=True),
    }
)
