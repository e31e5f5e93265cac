"""The methods under test, in one table; a new one is a function of an `Observed` network and one line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from ..observed import Observed
from ..ranking import ClassScores
from ..regions import REGIONS
from . import activation_clustering, corelay, domino, effects, findings, kmeans, sentinet, spectral_signatures, spray


@dataclass(frozen=True)
class Method:
    """A method with its title in tables; `group` is "whyset", "rival" or "ablation"."""

    rank: Callable[[Observed], list[ClassScores]]
    title: str
    group: str = "rival"


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "findings": Method(findings.rank, "findings", "whyset"),
        "findings-no-clusters": Method(findings.rank_without_clusters, "findings, without clusters", "ablation"),
        "findings-no-specificity": Method(
            findings.rank_without_specificity, "findings, without specificity", "ablation"
        ),
        "findings-no-expansion": Method(findings.rank_without_expansion, "findings, without expansion", "ablation"),
        "effects": Method(effects.rank, "effects, default test", "whyset"),
        "spray": Method(spray.rank, "SpRAy, default analysis"),
        "corelay": Method(corelay.rank, "CoRelAy's chain"),
        "k-means": Method(kmeans.rank_maps, "k-means on relevance maps"),
        "grad-cam": Method(kmeans.rank_grad_cam, "k-means on Grad-CAM maps"),
        "pixels": Method(kmeans.rank_pixels, "k-means on images"),
        "activation-clustering": Method(activation_clustering.rank, "Activation Clustering"),
        "spectral-signatures": Method(spectral_signatures.rank, "Spectral Signatures"),
        "domino": Method(domino.rank, "mixture with errors (Domino)"),
        "sentinet": Method(sentinet.rank, "SentiNet's test"),
        **{
            f"window-{regions}": Method(
                partial(effects.rank_windows, regions=regions), f"effects of windows by {regions}", "ablation"
            )
            for regions in REGIONS
        },
    }
)
