from dataclasses import dataclass

from whyset.attribution.composites.composite import LayerComposite
from whyset.attribution.composites.matchers import LayerMap
from whyset.attribution.rules import Epsilon, Flat, ZPlus
from whyset.attribution.rules.rule import Stabilizing


@dataclass(frozen=True)
class EpsilonPlus(LayerComposite):
    """ZPlus for convolutions, Epsilon for linear layers (Lapuschkin 2019; Kohlbrenner 2020).

    Parameters
    ----------
    epsilon : float or callable, default 1e-6
        Stabilizer of Epsilon.
    stabilizer : float or callable, default 1e-6
        Stabilizer of ZPlus.
    zero_params : str or tuple of str, optional
        With "bias" the bias counts as zero in every rule that uses it.
    on_unknown : {"warn", "raise", "gradient"}, default "warn"
        Treatment of an operation without a known rule: a warning and its plain gradient, an UnknownOperationError, or
        its plain gradient.
    layer_map : sequence of pairs, default ()
        Pairs of a matcher and a rule that go before those of the preset (see `LayerMapComposite`).
    first_map : sequence of pairs, default ()
        Likewise for linear operations without another one upstream; it goes before `layer_map`.

    Examples
    --------
    >>> EpsilonPlus(epsilon=0.25).layers()[1]
    ('linear', Epsilon(epsilon=0.25, zero_params=None))
    """

    epsilon: Stabilizing = 1e-6
    stabilizer: Stabilizing = 1e-6
    zero_params: str | tuple[str, ...] | None = None

    def layers(self) -> LayerMap:
        return (
            ("convolution", ZPlus(self.stabilizer, self.zero_params)),
            ("linear", Epsilon(self.epsilon, self.zero_params)),
        )


@dataclass(frozen=True)
class EpsilonPlusFlat(EpsilonPlus):
    """EpsilonPlus, with Flat for the first linear operation.

    Parameters
    ----------
    epsilon : float or callable, default 1e-6
        Stabilizer of Epsilon.
    stabilizer : float or callable, default 1e-6
        Stabilizer of ZPlus and Flat.
    zero_params : str or tuple of str, optional
        With "bias" the bias counts as zero in every rule that uses it.
    on_unknown : {"warn", "raise", "gradient"}, default "warn"
        Treatment of an operation without a known rule: a warning and its plain gradient, an UnknownOperationError, or
        its plain gradient.
    layer_map : sequence of pairs, default ()
        Pairs of a matcher and a rule that go before those of the preset (see `LayerMapComposite`).
    first_map : sequence of pairs, default ()
        Likewise for linear operations without another one upstream; it goes before `layer_map`.
    """

    def first_layers(self) -> LayerMap:
        return ((("linear", "convolution"), Flat(self.stabilizer)),)
