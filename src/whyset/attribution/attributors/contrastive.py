"""Contrastive relevance: what speaks for a class, and not for every class."""

from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor, nn

from whyset.attribution.attributors.gradient import Gradient
from whyset.attribution.attributors.inputs import require_tensor
from whyset.attribution.composites import Composite, as_composite
from whyset.attribution.composites.wrapped import WrappedComposite
from whyset.attribution.intercept.site import OperationSite
from whyset.attribution.rules import Epsilon, Flat, Norm, Opposite, Pass, Rule, WSquare
from whyset.attribution.rules.rule import Layer
from whyset.attribution.targets import Target, is_class_index, one_hot
from whyset.errors import InputError
from whyset.printable import short_repr

Against = Literal["others", "opposite", "softmax"]
AGAINST = ("others", "opposite", "softmax")
_WITHOUT_SIGN = (Epsilon, Norm, Flat, WSquare, Pass)
"""Rules that give the same relevance for W and −W."""


@dataclass(frozen=True, eq=False)
class _NotingOpposite(Opposite):
    """The opposite rule, which notes the operation when relevance reaches it."""

    site: OperationSite
    reached: set[OperationSite]

    def coefficient(self, layer: Layer, x: Tensor, y: Tensor, c: Tensor) -> Tensor:
        self.reached.add(self.site)
        return super().coefficient(layer, x, y, c)

    def relevance(self, layer: Layer, x: Tensor, y: Tensor, r: Tensor) -> Tensor:
        self.reached.add(self.site)
        return super().relevance(layer, x, y, r)


@dataclass(frozen=True)
class _Opposed(WrappedComposite):
    """Another composite, with the opposite rule for the last linear operation; None only finds it.

    `seen` collects the indices of the linear operations, `reached` holds the last one if relevance did.
    """

    last: int | None = None
    seen: list[int] = field(default_factory=list)
    reached: set[OperationSite] = field(default_factory=set)

    def choose(self, site: OperationSite) -> tuple[Rule | None, str]:
        rule, reason = self.composite.choose(site)
        self.seen.append(site.index)
        if site.index != self.last:
            return rule, reason
        if rule is None or isinstance(rule, _WITHOUT_SIGN):
            raise InputError(
                f"{site.path or 'the model'}, {site.operation}: against='opposite' needs a rule for the last linear "
                f"operation that depends on the sign of weights, such as ZPlus or Gamma, got {rule or 'the gradient'}: "
                "give such a composite, such as 'excitation_backprop', or against='others'"
            )
        return _NotingOpposite(rule, site, self.reached), f"{reason}, opposite"

    @property
    def looks_at_modules(self) -> bool:
        return True


class Contrastive:
    """Explain why a class and not others: relevance of the class minus that of a dual, `max(0, R − R_dual)`.

    With z the outputs, t the class and N the number of classes, the dual is

    - `against="others"`: relevance that starts as `z_t / (N − 1)` at every other class (CLRP1, Gu 2018);
    - `against="opposite"`: relevance `z_t` of the class with the negated weights of the last linear operation (CLRP2);
      with `unit` it is contrastive excitation backpropagation (Zhang 2016);
    - `against="softmax"`: no dual; relevance starts as `p_t (1 − p_t)` at the class and `−p_t p_n` at another class n,
      the gradient of the softmax p (softmax-gradient LRP, Iwana 2019). The paper's maps are those with `signed`.

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode; its output is (n, classes), before a softmax.
    composite : Composite or str, default "excitation_backprop"
        The rules: an instance or a name of `COMPOSITES`. The default, ZPlus everywhere, is that of the papers.
    against : {"others", "opposite", "softmax"}, default "others"
        The dual.
    unit : bool, default False
        Whether relevance starts as 1 rather than as the output, so that maps are shares.
    signed : bool, default False
        Whether negative differences are kept.

    Raises
    ------
    InputError
        `against` or the composite is unknown, or the composite gives a gradient.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)).eval()
    >>> output, relevance = Contrastive(model, against="opposite")(torch.rand(5, 4), target=1)
    >>> relevance.shape, bool((relevance >= 0).all())
    (torch.Size([5, 4]), True)
    """

    def __init__(
        self,
        model: nn.Module,
        composite: Composite | str = "excitation_backprop",
        *,
        against: Against = "others",
        unit: bool = False,
        signed: bool = False,
    ) -> None:
        check_against(against)
        found = as_composite(composite)
        if found is None or not found.multiply_by_input:
            raise InputError(
                f"composite={composite!r}: a contrast is one of relevance: give rules, such as EpsilonPlus()"
            )
        self.model, self.composite, self.against, self.unit, self.signed = model, found, against, unit, signed

    def __repr__(self) -> str:
        parts = {"model": type(self.model).__name__, "composite": self.composite, "against": self.against}
        return short_repr(type(self).__name__, parts | {"unit": self.unit, "signed": self.signed})

    def __call__(self, x: Tensor, target: Target = None) -> tuple[Tensor, Tensor]:
        """Return the output of the model and the contrastive relevance of the input.

        Parameters
        ----------
        x : Tensor
            The input (n, ...).
        target : int, sequence of int, Tensor or None, default None
            The class, or one for each sample; by default the largest output of each sample.

        Returns
        -------
        output : Tensor
            The output of the model for `x`.
        relevance : Tensor
            The relevance, shaped like `x` or like its embedding.

        Raises
        ------
        InputError
            The target is not a class index, there is only one class, the dual is the opposite and no rule of the last
            linear operation depends on the sign of weights, or that operation has no effect on the output.
        """
        require_tensor(x, "Contrastive")
        if not is_class_index(target):
            raise InputError("target: a contrast is one of classes: give a class index, or one for each sample")
        output, difference = self._subtract(x, target)
        return output, difference if self.signed else difference.clamp(min=0)

    def _subtract(self, x: Tensor, target: Target) -> tuple[Tensor, Tensor]:
        def start(output: Tensor) -> Tensor:
            chosen = _one_hot(output, target)
            return chosen if self.unit else output * chosen

        def share(output: Tensor) -> Tensor:
            others = 1 - _one_hot(output, target)
            return others * start(output).sum(1, keepdim=True) / (output.shape[1] - 1)

        def softmax_gradient(output: Tensor) -> Tensor:
            chosen, p = _one_hot(output, target), output.softmax(1)
            return (p * chosen).sum(1, keepdim=True) * (chosen - p)

        if self.against == "softmax":
            output, found = self._explain(self.composite, x, [softmax_gradient])
            return output, found[0]
        if self.against == "others":
            output, both = self._explain(self.composite, x, [start, share])
            return output, both[0] - both[1]
        finding = _Opposed(self.composite, on_unknown=self.composite.on_unknown)
        output, own = self._explain(finding, x, [start])
        last = finding.seen[-1] if finding.seen else None
        opposed = _Opposed(self.composite, last, on_unknown=self.composite.on_unknown)
        _, dual = self._explain(opposed, x, [start])
        if not opposed.reached:
            raise InputError(
                "against='opposite': the last linear operation does not compute the explained output: give the part "
                "of the model without other outputs, or against='others'"
            )
        return output, (own - dual)[0]

    def _explain(self, composite: Composite, x: Tensor, targets: list[Target]) -> tuple[Tensor, Tensor]:
        """Return the output and the relevance of each target, (targets, n, ...)."""
        output, relevance = Gradient(self.model, composite)(x, targets=targets)
        if not isinstance(relevance, Tensor):
            raise InputError(
                f"the model embeds its input {len(relevance)} times ({', '.join(relevance)}), so its relevance is not "
                "one tensor: give a model that embeds it once"
            )
        return output, relevance


def check_against(against: object) -> None:
    """Raise an InputError for a dual that is not known."""
    if against not in AGAINST:
        raise InputError(f"against={against!r}: expected one of {', '.join(map(repr, AGAINST))}")


def _one_hot(output: Tensor, target: Target) -> Tensor:
    chosen = one_hot(output, target)  # type: ignore[arg-type]  # a class index
    if output.shape[1] < 2:
        raise InputError(f"expected at least two classes for a contrast, got an output of shape {tuple(output.shape)}")
    return chosen
