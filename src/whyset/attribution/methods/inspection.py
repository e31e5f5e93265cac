"""Relevance of a series by position and by frequency, as a method of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor, nn

from whyset.attribution.attributors.inspection import DFT, STFT, Inspection, Transform, WindowName
from whyset.attribution.composites import Composite
from whyset.attribution.methods.composite_field import AUTO, check_composite
from whyset.attribution.methods.method import Method, describe_composite
from whyset.attribution.targets import Target
from whyset.errors import InputError


@dataclass(frozen=True)
class InspectionMethod(Method):
    """Relevance by rules of each position, and of each frequency (Vielhaben 2024): `whyset.attribution.Inspection`.

    A run has the relevance of frequencies as that of a layer named "dft" or "stft".

    Parameters
    ----------
    composite : Composite or str, default "auto"
        The rules: an instance or a name of `COMPOSITES`; in a run, "auto" chooses them for the model.
    transform : {"dft", "stft"}, default "dft"
        The Fourier transform of the whole series, or of short frames of it.
    n_fft : int, default 256
        The length of a frame, at least 2.
    hop_length : int or None, default None
        The distance of frames; by default a quarter of `n_fft`.
    window : {"hann", "hamming", "rectangular"}, default "hann"
        The window of a frame.

    Raises
    ------
    InputError
        A parameter is out of its range, or the composite is unknown or computes gradients.

    Examples
    --------
    >>> InspectionMethod("epsilon_plus", "stft", n_fft=64).describe()
    'epsilon_plus, and by frequency and time (STFT, hann windows of 64 positions every 16)'
    """

    name: ClassVar[str] = "inspection"
    several_targets: ClassVar[bool] = True
    modalities: ClassVar[tuple[str, ...]] = ("series",)

    composite: Composite | str = AUTO
    transform: Literal["dft", "stft"] = "dft"
    n_fft: int = 256
    hop_length: int | None = None
    window: WindowName = "hann"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_composite(self.composite)
        if self.composite is None or self.composite == "gradient":
            raise InputError("composite: relevance of frequencies is that of rules: give one such as 'epsilon_plus'")
        if self.transform not in ("dft", "stft"):
            raise InputError(f"transform={self.transform!r}: expected 'dft' or 'stft'")
        self._make_transform()  # checks the numbers

    @property
    def virtual_layers(self) -> tuple[str, ...]:
        """The name of the layer whose relevance is that of frequencies."""
        return (self.transform,)

    def describe(self) -> str:
        """Return the composite and the transform."""
        made = self._make_transform()
        if isinstance(made, DFT):
            return f"{describe_composite(self.composite)}, and by frequency (DFT)"
        frames = f"{self.window} windows of {self.n_fft} positions every {made.hop}"
        return f"{describe_composite(self.composite)}, and by frequency and time (STFT, {frames})"

    def bind(self, model: nn.Module) -> "InspectedSeries":
        """Make the attributor for a model."""
        return InspectedSeries(Inspection(model, self.composite, transform=self._make_transform()), self.transform)

    def _make_transform(self) -> Transform:
        return DFT() if self.transform == "dft" else STFT(self.n_fft, self.hop_length, self.window)


class InspectedSeries:
    """Explain a series by position, and with `explain_layers` by frequency as well; see `InspectionMethod`."""

    def __init__(self, inspection: Inspection, name: str) -> None:
        self.inspection, self.name = inspection, name

    def __call__(
        self, x: Tensor, target: Target = None, *, targets: Sequence[Target] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the output of the model and the relevance of each position, shaped like `x`."""
        output, relevance, _ = self.inspection.explain_both(x, target, targets=targets)
        return output, relevance

    def explain_layers(self, x: Tensor, targets: Sequence[Target]) -> tuple[Tensor, Tensor, Mapping[str, Tensor]]:
        """Return the output, the relevance of each position, and that of the virtual layer by its name."""
        output, relevance, found = self.inspection.explain_both(x, targets=targets)
        return output, relevance, {self.name: found}
