"""Segments of an image at several scales, by the method of Felzenszwalb and Huttenlocher."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.optional import import_optional

_SCALES = (50, 100, 150, 250, 500, 1200)
_SIDE, _SIGMA, _MIN_SIZE, _RADIUS = 224, 0.8, 150, 5


def felzenszwalb_segments(image: NDArray[Any]) -> NDArray[np.bool_]:
    """Return overlapping segments of an image, as the authors of XRAI compute them (Kapishnikov 2019, PAIR saliency).

    The image is scaled to values from -1 to 1 and to 224 by 224 pixels, segmented at six scales (Felzenszwalb 2004),
    and the segments are brought back to its size and dilated by 5 pixels.

    Parameters
    ----------
    image : ndarray
        The image (channels, height, width).

    Returns
    -------
    ndarray of bool
        The segments (segments, height, width); together they cover the image.

    Raises
    ------
    MissingExtraError
        scikit-image is not installed.
    """
    segmentation, transform, morphology = import_skimage()
    low, high = image.min(), image.max()
    scaled = 2 * (np.moveaxis(image, 0, -1).astype(np.float64) - low) / max(high - low, np.finfo(float).tiny) - 1
    square = transform.resize(scaled, (_SIDE, _SIDE), order=3, mode="constant", preserve_range=True, anti_aliasing=True)
    masks = []
    for scale in _SCALES:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Got image with third dimension")  # more than three channels are meant
            numbers = segmentation.felzenszwalb(square, scale=scale, sigma=_SIGMA, min_size=_MIN_SIZE)
        own = transform.resize(
            numbers, image.shape[1:], order=0, preserve_range=True, mode="constant", anti_aliasing=False
        ).astype(int)
        masks += [own == number for number in np.unique(own)]
    return np.stack([morphology.isotropic_dilation(mask, _RADIUS) for mask in masks])


def import_skimage() -> tuple[Any, Any, Any]:
    """Import the modules segmentation, transform and morphology of scikit-image; MissingExtraError: it is absent."""
    install = 'pip install "whyset[segments]"'
    names = ("segmentation", "transform", "morphology")
    parts = [import_optional(f"skimage.{name}", "the segmentation of XRAI", install, "scikit-image") for name in names]
    return parts[0], parts[1], parts[2]
