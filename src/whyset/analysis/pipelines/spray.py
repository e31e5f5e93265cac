"""Spectral relevance analysis (SpRAy; Lapuschkin et al. 2019; Anders et al. 2022)."""

from dataclasses import dataclass, field

from whyset.analysis.pipelines.pipeline import Pipeline, Step
from whyset.analysis.processors import (
    HDBSCAN,
    TSNE,
    AbsoluteSum,
    AreaPooling,
    ChannelSum,
    Eigengap,
    Flatten,
    KMeans,
    KNearestNeighbours,
    Spectrum,
    SymmetricNeighbours,
)
from whyset.analysis.processors.base import Processor
from whyset.analysis.scores import GaussianSurrogates, Separability
from whyset.errors import InputError


@dataclass(frozen=True)
class Spray(Processor):
    """Find the strategies behind the relevance maps of one class: pooled maps, neighbour graph, spectrum, clusters.

    The first of `clusterings` and of `embeddings` are the defaults that are shown and scored; with `surrogates=0` the
    separability gets no p-value, with `resamplings=0` the clusters no stability. `print(spray.pipeline())` shows the steps.

    >>> Spray(neighbours=7).pipeline().given
    ['features']
    """

    name: str = "spray"
    pooling: int = 28
    neighbours: int = 10
    eigenvectors: int = 32
    number: Eigengap = field(default_factory=Eigengap)
    clusterings: tuple[KMeans | HDBSCAN, ...] = (KMeans(), HDBSCAN())
    embeddings: tuple[TSNE, ...] = (TSNE(),)
    separability: Separability = field(default_factory=Separability)
    surrogates: int = 99
    resamplings: int = 20
    smallest_class: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.clusterings or not self.embeddings:
            raise InputError("Spray needs at least one clustering and one embedding.")
        for parts in (self.clusterings, self.embeddings):
            names = [part.name for part in parts]
            if len(set(names)) < len(names):
                raise InputError(f"Spray: every clustering and embedding needs its own name, got {names}.")
        if self.smallest_class < 10:
            raise InputError(f"Spray: fewer than 10 samples say nothing; smallest_class is {self.smallest_class}.")
        if self.resamplings < 0:
            raise InputError(f"Spray: resamplings must be 0 or more, got {self.resamplings}.")
        if self.seed < 0:
            raise InputError(f"Spray: the seed must be 0 or more, got {self.seed}.")
        AreaPooling(self.pooling), KNearestNeighbours(self.neighbours)
        Spectrum(self.eigenvectors), GaussianSurrogates(self.surrogates)

    @property
    def default_clustering(self) -> str:
        return self.clusterings[0].name

    @property
    def default_embedding(self) -> str:
        return self.embeddings[0].name

    def preparation(self) -> Pipeline:
        """Give the steps from relevance maps (N, C, H, W) to features (N, D), each map by itself."""
        return Pipeline(
            f"{self.name} preparation",
            (
                Step("summed", ChannelSum(), ("maps",)),
                Step("pooled", AreaPooling(self.pooling), ("summed",)),
                Step("normalised", AbsoluteSum(), ("pooled",)),
                Step("features", Flatten(), ("normalised",)),
            ),
        )

    def pipeline(self, neighbours: int | None = None) -> Pipeline:
        """Give the steps from features (N, D) to clusterings, embeddings and separability of a class."""
        graph = (
            Step("neighbours", KNearestNeighbours(neighbours or self.neighbours), ("features",)),
            Step("affinity", SymmetricNeighbours(), ("neighbours",)),
            Step("spectrum", Spectrum(self.eigenvectors), ("affinity",)),
            Step("number", self.number, ("spectrum",)),
        )
        clusterings = tuple(Step(f"clustering.{part.name}", part, ("spectrum", "number")) for part in self.clusterings)
        score = Step("separability", self.separability, (f"clustering.{self.default_clustering}",))
        embeddings = tuple(Step(f"embedding.{part.name}", part, ("spectrum",)) for part in self.embeddings)
        return Pipeline(self.name, (*graph, *clusterings, score, *embeddings))
