"""The result of pixel flipping: the score of the target while more and more of the input is flipped."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import trapezoid

from whyset.errors import InputError

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FlippingCurves:
    """Scores of the target after each step of pixel flipping, per sample, in one or both orders.

    Parameters
    ----------
    fractions : ndarray of float64
        The fraction of patches that are flipped (steps + 1,), from 0.
    target : ndarray of int64
        The class of each sample (n,) whose score is followed.
    most_relevant_first : ndarray of float64 or None
        The scores (steps + 1, n) if the most relevant patches are flipped first; None if this order was not asked for.
    least_relevant_first : ndarray of float64 or None
        Likewise if the least relevant patches are flipped first.
    """

    fractions: Values
    target: NDArray[np.int64]
    most_relevant_first: Values | None
    least_relevant_first: Values | None

    def __repr__(self) -> str:
        return f"<flipping curves of {len(self.target)} samples, {len(self.fractions) - 1} steps>"

    @property
    def area_most_relevant_first(self) -> Values:
        """The mean score (n,) along the curve: small if the explanation finds what the model uses."""
        return self._area("most_relevant_first")

    @property
    def area_least_relevant_first(self) -> Values:
        """The mean score (n,) along the curve: large if the explanation finds what the model does not use."""
        return self._area("least_relevant_first")

    @property
    def relevance_gain(self) -> Values:
        """The area between both curves (n,), least minus most relevant first: symmetric relevance gain (Blücher 2024).

        The larger the better; 0 is expected of a random order, whatever the imputer does to the model.
        """
        return self.area_least_relevant_first - self.area_most_relevant_first

    @property
    def score_drop(self) -> Values:
        """Area over the curve (n,), most relevant first (Samek 2017): the score before minus the mean along the curve.

        The larger the better.
        """
        area = self.area_most_relevant_first
        assert self.most_relevant_first is not None
        drop: Values = self.most_relevant_first[0] - area
        return drop

    def _area(self, order: str) -> Values:
        curve: Values | None = getattr(self, order)
        if curve is None:
            raise InputError(f"the order {order} was not computed: pass order='both' or order={order!r}")
        area: Values = trapezoid(curve, self.fractions, axis=0) / self.fractions[-1]
        return area

    @classmethod
    def concatenate(cls, parts: "Sequence[FlippingCurves]") -> "FlippingCurves":
        """Join the curves of several batches of samples, in order.

        Raises
        ------
        InputError
            There are none, or they have different steps or orders.
        """
        if not parts or any(not np.array_equal(part.fractions, parts[0].fractions) for part in parts):
            raise InputError("expected curves with the same steps, got none or different ones")
        most = _join([part.most_relevant_first for part in parts])
        least = _join([part.least_relevant_first for part in parts])
        return cls(parts[0].fractions, np.concatenate([part.target for part in parts]), most, least)


def _join(curves: Sequence[Values | None]) -> Values | None:
    found = [curve for curve in curves if curve is not None]
    if len(found) not in (0, len(curves)):
        raise InputError("expected curves with the same orders, got an order that only some of them have")
    return np.concatenate(found, axis=1) if found else None
