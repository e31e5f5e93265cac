"""XRAI: integrated gradients, averaged over the segments of an image in the order of their density."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from whyset.arguments import whole_number
from whyset.attribution.attributors.inputs import require_tensor
from whyset.attribution.attributors.integrated_gradients import IntegratedGradients
from whyset.attribution.attributors.segments import felzenszwalb_segments
from whyset.attribution.targets import OutputWeights, Target, output_coefficient
from whyset.errors import InputError
from whyset.printable import short_repr

Algorithm = Literal["full", "fast"]
Segments = Callable[[NDArray[Any]], NDArray[np.bool_]]

_AREA, _PIXELS = 224 * 224, 50


class XRAI:
    """Explain by regions: segments of an image, ordered by their mean integrated gradients (Kapishnikov 2019).

    Integrated gradients from two baselines, the smallest and the largest value of each image, are averaged, and the
    largest of the channels is taken. Then the segment whose pixels have the largest mean is added to the region,
    without the pixels that are in the region already; these pixels get the mean as their value. This is repeated until
    no segment adds `min_pixel_diff` pixels. The other pixels get their own mean, so that the sum does not change.

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode; its output is one tensor.
    n_iter : int, default 100
        The number of gradients of the integral from each of the two baselines.
    algorithm : {"full", "fast"}, default "full"
        Whether the mean of a segment is that of the pixels that it adds, or ("fast") of all of its pixels, so that
        segments are ordered once.
    min_pixel_diff : int, optional
        The number of pixels that a segment must add; by default 50 of 224 by 224 pixels, and in proportion to the area
        of other images, at least 1.
    segments_fn : callable, optional
        Returns overlapping segments (segments, height, width) of bool for an image (channels, height, width), both as
        NumPy arrays. By default they are those of Felzenszwalb and Huttenlocher at six scales, as in PAIR saliency,
        which needs scikit-image (`pip install "whyset[segments]"`).

    Raises
    ------
    InputError
        A parameter is out of its range.

    Examples
    --------
    >>> halves = lambda image: np.arange(8) // 4 == np.arange(2)[:, None, None] + np.zeros((6, 1))
    >>> attribute = XRAI(nn.Sequential(nn.Flatten(), nn.Linear(48, 2)), n_iter=20, segments_fn=halves)
    >>> output, attribution = attribute(torch.rand(3, 1, 6, 8), target=1)
    >>> attribution.shape
    torch.Size([3, 1, 6, 8])
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        n_iter: int = 100,
        algorithm: Algorithm = "full",
        min_pixel_diff: int | None = None,
        segments_fn: Segments | None = None,
    ) -> None:
        if algorithm not in get_args(Algorithm):
            raise InputError(f"XRAI(algorithm={algorithm!r}): expected 'full' or 'fast'")
        if min_pixel_diff is not None:
            min_pixel_diff = whole_number("XRAI: min_pixel_diff", min_pixel_diff, 1)
        self.n_iter = whole_number("XRAI: n_iter", n_iter, 1)
        self.model, self.algorithm, self.min_pixel_diff = model, algorithm, min_pixel_diff
        self.segments_fn = felzenszwalb_segments if segments_fn is None else segments_fn

    def __repr__(self) -> str:
        model = type(self.model).__name__
        return short_repr(type(self).__name__, {"model": model, "n_iter": self.n_iter, "algorithm": self.algorithm})

    def __call__(self, x: Tensor, target: Target = None) -> tuple[Tensor, Tensor]:
        """Return the output of the model and the attribution of the input.

        Parameters
        ----------
        x : Tensor
            The images (n, channels, height, width).
        target : int, sequence of int, Tensor, callable, Contrast or another such target, optional
            What is explained, as in `Gradient.__call__`; by default the largest output of each sample.

        Returns
        -------
        output : Tensor
            The output of the model for `x`.
        attribution : Tensor
            The attribution (n, 1, height, width).

        Raises
        ------
        InputError
            The target does not fit the output, x is not one floating point tensor of images, the output is not one
            tensor, or the segments are not masks of an image.
        MissingExtraError
            scikit-image is not installed.
        """
        require_tensor(x, "XRAI", floating=True)
        if x.dim() != 4:
            raise InputError(
                f"XRAI expects images (n, channels, height, width), which it segments, got {tuple(x.shape)}: "
                "IntegratedGradients and GuidedIG explain other inputs"
            )
        x = x.detach()
        output, attribution = self._integrate(x, target)
        pixels = attribution.amax(1).double().cpu().numpy()
        images = x.double().cpu().numpy()
        maps = np.stack([self._explain(image, of_pixels) for image, of_pixels in zip(images, pixels, strict=True)])
        return output, torch.from_numpy(maps).unsqueeze(1).to(attribution)

    def _integrate(self, x: Tensor, target: Target) -> tuple[Tensor, Tensor]:
        """Return the output, and integrated gradients from the smallest and the largest value of each image."""
        with torch.no_grad():
            output = self.model(x.clone())
        weights = OutputWeights(output_coefficient(output, target))
        parts = [
            IntegratedGradients(self.model, baseline_fn=partial(_flat_image, largest=largest), n_iter=self.n_iter)
            for largest in (False, True)
        ]
        return output, (parts[0](x, weights)[1] + parts[1](x, weights)[1]) / 2

    def _explain(self, image: NDArray[Any], pixels: NDArray[np.float64]) -> NDArray[np.float64]:
        masks = np.asarray(self.segments_fn(image))
        if masks.dtype != bool or masks.ndim != 3 or masks.shape[1:] != pixels.shape:
            raise InputError(
                f"XRAI: segments_fn returned {masks.dtype} of shape {masks.shape}: expected masks of bool (segments, "
                f"{', '.join(map(str, pixels.shape))})"
            )
        least = self.min_pixel_diff or max(1, round(_PIXELS * pixels.size / _AREA))
        flat = masks.reshape(len(masks), -1)
        return grow_region(pixels.ravel(), flat, least, self.algorithm).reshape(pixels.shape)


def grow_region(
    pixels: NDArray[np.float64], masks: NDArray[np.bool_], least: int, algorithm: Algorithm = "full"
) -> NDArray[np.float64]:
    """Return the mean of the pixels (P,) that each of the masks (k, P) adds to a region, in order of the means."""
    found, free = np.zeros_like(pixels), np.ones(len(pixels), bool)
    sums, counts = np.array([pixels[mask].sum() for mask in masks]), masks.sum(1)
    fixed = sums / np.maximum(counts, 1)  # the order of the fast algorithm, which ignores that segments overlap
    while (counts >= least).any():
        means = sums / np.maximum(counts, 1) if algorithm == "full" else fixed
        best = np.where(counts >= least, means, -np.inf).argmax()
        new = masks[best] & free
        found[new] = pixels[new].mean()
        free &= ~new
        added = masks[:, new]
        sums, counts = sums - added @ pixels[new], counts - added.sum(1)
    if free.any():
        found[free] = pixels[free].mean()
    return found


def _flat_image(x: Tensor, *, largest: bool) -> Tensor:
    value = x.flatten(1).amax(1) if largest else x.flatten(1).amin(1)
    return value.view(-1, *[1] * (x.dim() - 1)).expand_as(x)
