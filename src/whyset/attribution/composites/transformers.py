from dataclasses import dataclass
from typing import ClassVar

from whyset.attribution.composites.composite import LayerComposite
from whyset.attribution.composites.matchers import LayerMap
from whyset.attribution.rules import Epsilon


@dataclass(frozen=True)
class AttnLRP(LayerComposite):
    """AttnLRP: LRP-0 for linear layers, equal shares in products and attention (Achtibat 2024, Arras 2025).

    Norms divide by a constant standard deviation.

    Parameters
    ----------
    on_unknown : {"warn", "raise", "gradient"}, default "warn"
        Treatment of an operation without a known rule: a warning and its plain gradient, an UnknownOperationError, or
        its plain gradient.
    layer_map : sequence of pairs, default ()
        Pairs of a matcher and a rule that go before those of the preset (see `LayerMapComposite`).
    first_map : sequence of pairs, default ()
        Likewise for linear operations without another one upstream; it goes before `layer_map`.
    """

    def layers(self) -> LayerMap:
        return ((("convolution", "linear"), Epsilon(0.0)),)


@dataclass(frozen=True)
class CPLRP(AttnLRP):
    """CP-LRP: AttnLRP with constant attention weights and gates (Ali 2022; for recurrent cells Arras 2017).

    No relevance goes through queries, keys and gates. In a product, the output of a sigmoid, hardsigmoid or softmax is
    a gate to every other factor: in `sigmoid(o) * tanh(c)` the tanh carries all, so the candidates carry the relevance
    of LSTM and GRU cells. The output of another activation is a gate to a factor without an activation, as in
    `silu(a) * b`. Factors of the same kind get equal shares, and a single factor that depends on the input gets all.

    Parameters
    ----------
    on_unknown : {"warn", "raise", "gradient"}, default "warn"
        Treatment of an operation without a known rule: a warning and its plain gradient, an UnknownOperationError, or
        its plain gradient.
    layer_map : sequence of pairs, default ()
        Pairs of a matcher and a rule that go before those of the preset (see `LayerMapComposite`).
    first_map : sequence of pairs, default ()
        Likewise for linear operations without another one upstream; it goes before `layer_map`.
    """

    gates_are_constant: ClassVar[bool] = True
