"""BiLRP: the relevance of pairs of positions, one in each of two inputs, for the similarity of their embeddings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from whyset.arguments import whole_number
from whyset.attribution.attributors.gradient import Gradient
from whyset.attribution.attributors.inputs import Inputs, ModelInput
from whyset.attribution.attributors.model_output import OutputChoice
from whyset.attribution.composites import Composite
from whyset.attribution.rules.stabilizer import output_ratio
from whyset.attribution.targets import ExplainedValue, one_hot
from whyset.errors import InputError
from whyset.printable import short_repr

Units = Callable[[Any], Tensor]
"""A linear function from the relevance of an input, as `Gradient` returns it, to that of the units that form pairs."""


@dataclass(frozen=True, eq=False)
class PairRelevance:
    """The relevance of pairs of positions for the similarity of two inputs.

    In each sample the four parts sum to the similarity:
    `relevance.sum() + only_x.sum() + only_other.sum() + neither = similarity`. The last three are what biases,
    constants and stabilizers of the model keep.

    Parameters
    ----------
    similarity : Tensor
        The similarity of the embeddings, (n,).
    relevance : Tensor
        The relevance of each pair, (n, positions of x, positions of other).
    only_x : Tensor
        The relevance of the positions of x with what did not arrive in other, (n, positions of x).
    only_other : Tensor
        The relevance of the positions of other with what did not arrive in x, (n, positions of other).
    neither : Tensor
        The part of the similarity that arrived in neither input, (n,).
    """

    similarity: Tensor
    relevance: Tensor
    only_x: Tensor
    only_other: Tensor
    neither: Tensor

    @property
    def arrived(self) -> Tensor:
        """The sum of the relevance of all pairs, (n,)."""
        return self.relevance.flatten(1).sum(1)

    @property
    def lost(self) -> Tensor:
        """The part of the similarity that no pair has, (n,)."""
        return self.similarity - self.arrived

    def __repr__(self) -> str:
        shape, arrived, similarity = tuple(self.relevance.shape), self.arrived.sum(), self.similarity.sum()
        return f"<relevance of pairs {shape}: {arrived:g} of the similarity {similarity:g} arrived, over all samples>"


class BiLRP:
    """Explain the similarity of two inputs by pairs of their positions (BiLRP, Eberle 2020).

    `R_ij = Σ_m R_i^m(x) · R_j^m(other)`, divided by the lengths of both embeddings for the cosine, which are taken as
    constants. `R^m` is the relevance of the embedding's dimension m by the rules of a composite. If no relevance is
    lost in the model, the pairs sum to the similarity. There is one backward pass for each dimension and input, so the
    result is exact. The pairs need memory for (n, positions of x, positions of other) numbers.

    Parameters
    ----------
    model : torch.nn.Module
        The model of both inputs, in evaluation mode; the output that is explained is an embedding (n, dimensions).
    composite : Composite or str
        The rules: an instance or a name of `COMPOSITES`.
    cosine : bool, default True
        Whether the similarity is the cosine rather than the dot product.
    output : str, int, callable or None, default None
        The output to explain of a model that returns several values, as in `Gradient`.
    units : callable, optional
        A linear function, such as a sum or an average pool, from the relevance of one input (n, ...), in the structure
        in which `Gradient` returns it, to that of the positions that form pairs (n, ...). By default these are the
        tokens of ids, with the sum over their embedding, or the elements of a floating point input; if several inputs
        have relevance, such as ids and types, a function has to be given. For images, sum over channels and pool: an
        image of 224 x 224 pixels has 2.5e9 pairs of pixels.
    batch_size : int, default 64
        The number of dimensions that share a forward pass. Memory grows with it: relevance is kept for so many
        dimensions at a time.

    Raises
    ------
    InputError
        The composite is unknown or has no rules, or `batch_size` is less than 1.

    Examples
    --------
    >>> from whyset.attribution.composites import EpsilonPlus
    >>> model = nn.Sequential(nn.Linear(4, 8, bias=False), nn.ReLU(), nn.Linear(8, 3, bias=False)).eval()
    >>> pairs = BiLRP(model, EpsilonPlus(), cosine=False)(torch.rand(2, 4), torch.rand(2, 4))
    >>> pairs.relevance.shape
    torch.Size([2, 4, 4])
    >>> torch.allclose(pairs.arrived, pairs.similarity, rtol=1e-3)
    True
    """

    def __init__(
        self,
        model: nn.Module,
        composite: Composite | str,
        *,
        cosine: bool = True,
        output: OutputChoice = None,
        units: Units | None = None,
        batch_size: int = 64,
    ) -> None:
        self._gradient = Gradient(model, composite, output=output)
        if not self._gradient.conserving:
            raise InputError(
                "BiLRP multiplies the relevance of two inputs, so it needs the rules of a composite; this one gives a "
                "gradient: choose one with rules, such as AttnLRP() for transformers"
            )
        if not (units is None or callable(units)):
            raise InputError(f"units={units!r}: expected a function from relevance (n, ...) to that of units (n, ...)")
        if not isinstance(cosine, bool):
            raise InputError(f"cosine={cosine!r}: expected True or False")
        self.cosine, self.units = cosine, units
        self.batch_size = whole_number("batch_size", batch_size, least=1)

    def __repr__(self) -> str:
        values = {"model": type(self._gradient.model).__name__, "composite": self._gradient.composite}
        return short_repr(type(self).__name__, values | {"cosine": self.cosine, "batch_size": self.batch_size})

    def __call__(self, x: ModelInput, other: ModelInput) -> PairRelevance:
        """Return the relevance of the pairs of positions of two inputs, sample by sample.

        Parameters
        ----------
        x : Tensor, sequence or mapping
            The first input of each pair (n, ...), as in `Gradient`.
        other : Tensor, sequence or mapping
            The second input of each pair, also n samples; the number of positions may differ.

        Returns
        -------
        PairRelevance
            The relevance of pairs, the similarity, and the parts of it that no pair has.

        Raises
        ------
        InputError
            The embeddings are not of shape (n, dimensions), their numbers differ, or an input has relevance in several
            places and `units` is not given.
        """
        with self._gradient:
            a, first = self._explain(x, [0])
            b, second = self._explain(other, [0])
            if a.shape != b.shape:
                raise InputError(
                    f"x and other have embeddings of shapes {tuple(a.shape)} and {tuple(b.shape)}: expected as many "
                    "samples in both, the pairs to compare"
                )
            if not a.numel():
                raise InputError(f"x and other: expected at least one pair to compare, got embeddings {tuple(a.shape)}")
            sums = _Sums.start(first, second)
            sums.add(first, second, a[:, :1], b[:, :1])
            for start in range(1, a.shape[1], self.batch_size):
                dimensions = range(start, min(start + self.batch_size, a.shape[1]))
                here = slice(start, dimensions.stop)
                r, s = (self._explain(given, dimensions)[1] for given in (x, other))
                sums.add(r, s, a[:, here], b[:, here])
        return sums.finish(a, b, first.shape[2:], second.shape[2:], self.cosine)

    def _explain(self, x: ModelInput, dimensions: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return the embeddings (n, dimensions) and the relevance of some dimensions, (dimensions, n, units...)."""
        output, found = self._gradient(x, targets=[_Dimension(m) for m in dimensions])
        merged = _merge_targets(found)
        units = _choose_units(x, merged) if self.units is None else self.units(merged)
        expected = len(dimensions) * len(output)
        if not isinstance(units, Tensor) or units.dim() < 2 or len(units) != expected:
            got = tuple(units.shape) if isinstance(units, Tensor) else type(units).__name__
            raise InputError(
                f"units: expected a function that returns a tensor ({expected}, units...) for relevance of {expected} "
                f"samples, got {got}"
            )
        return output, units.unflatten(0, (len(dimensions), len(output)))


@dataclass(frozen=True)
class _Dimension(ExplainedValue):
    """One dimension of an embedding."""

    index: int

    def coefficient(self, output: Tensor) -> Tensor:
        if output.dim() != 2:
            raise InputError(
                f"BiLRP needs embeddings of shape (samples, dimensions), got {tuple(output.shape)}: choose or pool the "
                "output by output=<function>, such as the mean over tokens"
            )
        return one_hot(output, self.index)


@dataclass
class _Sums:
    """The sums over dimensions of products: of positions with positions, and with what did not arrive."""

    pairs: Tensor
    only_x: Tensor
    only_other: Tensor
    neither: Tensor

    @classmethod
    def start(cls, r: Tensor, s: Tensor) -> "_Sums":
        """Return zeros for relevance of shapes (dimensions, n, ...), in float32 or float64."""
        n, rows, columns = r.shape[1], r[0, 0].numel(), s[0, 0].numel()
        zeros = torch.zeros((), dtype=torch.promote_types(r.dtype, torch.float32), device=r.device)
        return cls(*(zeros.new_zeros(shape) for shape in ((n, rows, columns), (n, rows), (n, columns), (n,))))

    def add(self, r: Tensor, s: Tensor, a: Tensor, b: Tensor) -> None:
        """Add relevance (dimensions, n, ...) of values a and b (n, dimensions) of the embeddings."""
        r, s, a, b = r.flatten(2).to(self.pairs), s.flatten(2).to(self.pairs), a.T.to(self.pairs), b.T.to(self.pairs)
        rest_a, rest_b = a - r.sum(2), b - s.sum(2)
        self.pairs += torch.einsum("mni,mnj->nij", r, s)
        self.only_x += torch.einsum("mni,mn->ni", r, rest_b)
        self.only_other += torch.einsum("mn,mnj->nj", rest_a, s)
        self.neither += (rest_a * rest_b).sum(0)

    def finish(self, a: Tensor, b: Tensor, rows: torch.Size, columns: torch.Size, cosine: bool) -> PairRelevance:
        """Return the result, with positions in the shapes `rows` and `columns`."""
        a, b = a.to(self.pairs), b.to(self.pairs)
        dot = (a * b).sum(1)
        scale = output_ratio(torch.ones_like(dot), a.norm(dim=1) * b.norm(dim=1), dot.dtype) if cosine else 1 + 0 * dot
        n = len(dot)
        return PairRelevance(
            dot * scale,
            (self.pairs * scale[:, None, None]).reshape(n, *rows, *columns),
            (self.only_x * scale[:, None]).reshape(n, *rows),
            (self.only_other * scale[:, None]).reshape(n, *columns),
            self.neither * scale,
        )


def _merge_targets(found: Any) -> Any:
    """Merge the targets, the first dimension of relevance, with the samples."""
    if isinstance(found, Mapping):
        return {key: _merge_targets(value) for key, value in found.items()}
    if isinstance(found, list | tuple):
        return type(found)(map(_merge_targets, found))
    return found.flatten(0, 1) if isinstance(found, Tensor) else found


def _choose_units(x: ModelInput, found: Any) -> Tensor:
    """Return the relevance of the tokens, or of the elements, of the only input with relevance."""
    inputs = Inputs.parse(x)
    keyed = {0: found} if inputs.kind is None else found if isinstance(found, Mapping) else dict(enumerate(found))
    parts = {key: part for key, part in keyed.items() if part is not None}
    (key, part), *others = parts.items()
    if others or not isinstance(part, Tensor):
        names = parts if others else part
        raise InputError(
            f"relevance is in several places ({', '.join(map(repr, names))}): choose what forms pairs by "
            "units=<function of what Gradient returns>, such as lambda relevance: relevance['input_ids'].sum(-1)"
        )
    given = inputs.values[key]
    if given.is_floating_point():
        return part
    if part.shape[1:-1] != given.shape[1:]:
        raise InputError(
            f"the relevance of ids {tuple(given.shape)} is that of an embedding whose dimensions after the first are "
            f"{tuple(part.shape[1:])}, in another order: return the relevance of tokens by units=<function>"
        )
    return part.sum(-1)
