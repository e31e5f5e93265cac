"""Spectral relevance analysis (SpRAy; Lapuschkin et al. 2019; Anders et al. 2022)."""

from dataclasses import dataclass

from whyset.analysis.groups import GROUPINGS, is_grouping
from whyset.analysis.pipelines.pipeline import UNJOINED, Pipeline, Step
from whyset.analysis.processors import (
    AbsoluteSum,
    ApproximateNeighbors,
    AreaPooling,
    ChannelSum,
    Flatten,
    KNearestNeighbors,
    Spectrum,
)
from whyset.analysis.processors.base import Processor, get_inputs, get_name
from whyset.analysis.processors.estimator import make_processors
from whyset.analysis.scores import Details
from whyset.arguments import seed_number
from whyset.errors import InputError
from whyset.options.documented import document
from whyset.options.spray import SprayOptions
from whyset.store.layout import ANALYZED

CONCEPT = "concept/"


@document
@dataclass(frozen=True)
class Spray(SprayOptions, Processor):
    """Find the strategies in the relevance maps of one class: pooled maps, neighbor graph, spectrum, clusters.

    Maps (C, H, W) are summed over channels, pooled, preprocessed, and divided by Σ|R|. Rows of one or two axes, such as
    the channels of a concept, are neither summed nor pooled. `print(spray.pipeline())` shows the steps.

    {parameters}

    Raises
    ------
    InputError
        A parameter is out of range, or two clusterings or embeddings have the same name.

    Examples
    --------
    >>> Spray(n_neighbors=7).pipeline().input_names
    ['features']
    """

    def __post_init__(self) -> None:
        for name in ("preprocessing", "clusterings", "embeddings"):
            object.__setattr__(self, name, make_processors(getattr(self, name), name))
        self._check_parts()
        self._check_numbers()

    @property
    def default_clustering(self) -> str:
        return get_name(self.clusterings[0])

    @property
    def default_embedding(self) -> str:
        return get_name(self.embeddings[0])

    def preparation(self, row: tuple[int, ...] | None = None) -> Pipeline:
        """Return the steps from relevance (N, *row) to features (N, D), row by row; without `row`, those for maps."""
        chain: list[tuple[str, Processor]] = []
        if row is None or len(row) > 2:
            chain.append(("summed", ChannelSum()))
            chain += [] if self.pooling is None else [("pooled", AreaPooling(self.pooling))]
        chain += [(f"{number}.{get_name(part)}", part) for number, part in enumerate(self.preprocessing, 1)]
        chain += [("normalized", AbsoluteSum()), ("features", Flatten())]
        before = ["maps", *(name for name, _ in chain)]
        steps = tuple(Step(name, part, (given,)) for (name, part), given in zip(chain, before, strict=False))
        return Pipeline(f"{self.name} preparation", steps)

    def pipeline(
        self, n_neighbors: int | None = None, *, samples: int = 0, shape: tuple[int, ...] | None = None
    ) -> Pipeline:
        """Return the steps from features (N, D) to clusterings, embeddings and separability of a class.

        `shape` is that of the flattened maps, for distances and details; the number of `samples` decides between exact
        and approximate neighbors.
        """
        graph = (
            Step("neighbors", self._search(n_neighbors or self.n_neighbors, samples, shape), ("features",)),
            Step("affinity", self.affinity, ("neighbors",)),
            Step("spectrum", Spectrum(self.eigenvectors, laplacian=self.laplacian), ("affinity",)),
            Step("number", self.n_clusters, ("spectrum",)),
        )
        clusterings = tuple(step for part in self.clusterings for step in self._cluster(part))
        score = Step("separability", self.separability, (f"clustering.{self.default_clustering}",))
        embeddings = tuple(
            Step(f"embedding.{get_name(part)}", part, get_inputs(part, ("spectrum",))) for part in self.embeddings
        )
        details = Step("details", Details(shape), ("features",))
        small = () if self.small_clusters is None else (Step("small_clusters", self.small_clusters, ("details",)),)
        return Pipeline(self.name, (*graph, *clusterings, score, *embeddings, details, *small))

    def _cluster(self, part: Processor) -> tuple[Step, ...]:
        """Return the steps of a clustering: the clustering, and the joining of its clusters."""
        name, inputs = get_name(part), get_inputs(part, ("spectrum", "number"))
        if self.sisters is None:
            return (Step(f"clustering.{name}", part, inputs),)
        unjoined = Step(f"{UNJOINED}.{name}", part, inputs)
        return unjoined, Step(f"clustering.{name}", self.sisters, ("features", unjoined.name))

    def _search(self, neighbors: int, samples: int, shape: tuple[int, ...] | None) -> Processor:
        distance = self.metric.for_maps(shape) if shape is not None and self.metric.needs_shape else self.metric
        if self.approximate_above is not None and samples > self.approximate_above:
            return ApproximateNeighbors(neighbors, distance)
        return KNearestNeighbors(neighbors, distance, self.device)

    def _check_parts(self) -> None:
        if not self.array.startswith(ANALYZED):
            raise InputError(
                "Spray: array must be 'attribution/input', 'attribution/<layer>', 'concept/<layer>', "
                f"'activation/<layer>' or 'mean_activation/<layer>', got {self.array!r}."
            )
        if not is_grouping(self.group_by):
            raise InputError(
                f"Spray groups by one of {', '.join(GROUPINGS)}, or by quantiles of a column, such as true_value:4, "
                f"got {self.group_by!r}."
            )
        if not self.clusterings or not self.embeddings:
            raise InputError("Spray needs at least one clustering and one embedding.")
        for parts in (self.clusterings, self.embeddings):
            names = [get_name(part) for part in parts]
            if len(set(names)) < len(names):
                raise InputError(f"Spray: every clustering and embedding needs its own name, got {names}.")
        most = max((get_n_clusters(part) or 0 for part in self.clusterings), default=0)
        if most > self.eigenvectors:
            raise InputError(f"Spray: {most} clusters need {most} eigenvectors, got eigenvectors={self.eigenvectors}.")

    def _check_numbers(self) -> None:
        if self.min_class_size < 10:
            raise InputError(f"Spray: min_class_size must be 10 or more, got {self.min_class_size}.")
        for name in ("surrogates", "resamplings"):
            if getattr(self, name) < 0:
                raise InputError(f"Spray: {name} must be 0 or more, got {getattr(self, name)}.")
        seed_number(self.seed)
        if self.approximate_above is not None and self.approximate_above < 0:
            raise InputError(f"Spray: approximate_above must be 0 or more (or None), got {self.approximate_above}.")
        KNearestNeighbors(self.n_neighbors), Spectrum(self.eigenvectors)
        if self.pooling is not None:
            AreaPooling(self.pooling)


def get_n_clusters(part: Processor) -> int | None:
    """Return the number of clusters that is given to a clustering, or None."""
    clusters = getattr(part, "n_clusters", None)
    return clusters if isinstance(clusters, int) else None
