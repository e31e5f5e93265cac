"""Views: the arrays by which an analysis compares the samples of a class, and the table of those of a run."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from whyset.analysis.pipelines import Spray
from whyset.analysis.processors import PCA, FourierMagnitude, Processor
from whyset.errors import InputError
from whyset.modality import IMAGE, MODALITIES, SERIES, VOLUME
from whyset.options.spray import INPUT
from whyset.store import Analysis, Run
from whyset.store.layout import ACTIVATION, CONCEPT, MEAN_ACTIVATION, is_safe_name

MAPS, SPECTRUM, CHANNELS, ACTIVATIONS = "maps", "spectrum", "channels", "activations"
_SHIFTED = (IMAGE, SERIES, VOLUME)
"""Modalities whose patterns may be at any place. Positions of texts and columns of tables are not shifted."""
DEFAULT_NAME = "spray"
_OF_VIEWS = {"name", "array", "of", "preprocessing", "embeddings", "device"}
"""Fields of `Spray` that are chosen for each view."""
VIEW, BASE = "view", "base"
"""The keys of the configuration of an analysis that belongs to a view: its name, and that of the analysis of maps."""


@dataclass(frozen=True)
class View:
    """An array of the run with a preprocessing, by which samples are compared.

    Clusters of one view may be invisible in another: a mark that moves has the same channels everywhere, but its
    relevance maps have nothing in common.

    Parameters
    ----------
    name : str
        The name: "maps", "spectrum", "channels:LAYER" or "activations:LAYER".
    array : str
        The array of the run.
    preprocessing : tuple of Processor, default ()
        Processors for blocks of the array.
    """

    name: str
    array: str
    preprocessing: tuple[Processor, ...] = ()

    @property
    def title(self) -> str:
        """The name in words."""
        return describe_view(self.name)

    def configure(self, spray: Spray) -> Spray:
        """Return the analysis of this view. That of maps is `spray`; others have its name with that of the view.

        They have an embedding by principal components, which takes little time, and the spectral one.
        """
        if self.name == MAPS:
            return spray
        name = f"{spray.name}.{self.name.replace(':', '.')}"
        if not is_safe_name(name):
            raise InputError(
                f"the view {self.name} cannot be analyzed: {name!r} is too long for the name of an analysis; give a "
                "shorter name (Spray(name=), --name)"
            )
        return replace(
            spray, name=name, array=self.array, preprocessing=self.preprocessing, embeddings=(PCA(),), device=None
        )


@dataclass(frozen=True)
class ViewKind:
    """A kind of view: its title in words, with a place for the layer, and the function that lists those of a run."""

    title: str
    list_views: Callable[[Run], list[View]]


def _list_maps(run: Run) -> list[View]:
    return [View(MAPS, INPUT)]


def _list_spectra(run: Run) -> list[View]:
    """List the Fourier magnitude over all axes of places, which is the same wherever a pattern is."""
    if run.modality not in _SHIFTED:
        return []
    return [View(SPECTRUM, INPUT, (FourierMagnitude(len(MODALITIES[run.modality].axes) - 1),))]


def _list_channels(run: Run) -> list[View]:
    return [View(f"{CHANNELS}:{layer}", CONCEPT + layer) for layer in run.config.concepts]


def _list_activations(run: Run) -> list[View]:
    """List the recorded activations with one value for each channel; others are maps, of which there are many kinds."""
    found: dict[str, View] = {}
    for array in run.arrays:
        for prefix in (ACTIVATION, MEAN_ACTIVATION):
            if array.name.startswith(prefix) and len(array.shape) == 1:
                layer = array.name.removeprefix(prefix)
                found.setdefault(layer, View(f"{ACTIVATIONS}:{layer}", array.name))
    return list(found.values())


VIEWS: Mapping[str, ViewKind] = MappingProxyType(
    {
        MAPS: ViewKind("relevance maps", _list_maps),
        SPECTRUM: ViewKind("Fourier magnitude of relevance maps", _list_spectra),
        CHANNELS: ViewKind("channel relevance of {layer}", _list_channels),
        ACTIVATIONS: ViewKind("activations of {layer}", _list_activations),
    }
)
"""All kinds of views, in the order in which they are analyzed."""


def list_views(run: Run) -> list[View]:
    """List the views that a run has.

    Parameters
    ----------
    run : Run
        A run.

    Returns
    -------
    list of View
        The views in the order in which they are analyzed.

    Examples
    --------
    >>> from whyset import open_run
    >>> [view.name for view in list_views(open_run("runs/small"))]
    ['maps', 'spectrum']
    """
    return [view for kind in VIEWS.values() for view in kind.list_views(run)]


def describe_view(name: str) -> str:
    """Describe a view in words.

    >>> describe_view("channels:layer2.0"), describe_view("maps")
    ('channel relevance of layer2.0', 'relevance maps')
    """
    kind, _, layer = name.partition(":")
    return VIEWS[kind].title.format(layer=layer) if kind in VIEWS else name


def choose_views(run: Run, spray: Spray, names: Sequence[str] | str | None = None) -> list[View]:
    """Return the views of these names; the name of a kind stands for all of its views.

    Without names they are all views of the run, or none if the analysis itself chooses what it compares: an array, a
    preprocessing, or a distance of maps. The analysis is then as it is given.

    Raises
    ------
    InputError
        The run does not have a view, or the analysis chooses its own array or preprocessing.
    """
    chosen = spray.array != INPUT or bool(spray.preprocessing)
    if names is None:
        return [View(MAPS, INPUT)] if chosen or spray.metric.needs_shape else list_views(run)
    if chosen:
        raise InputError(
            "views (--view) choose the array and its preprocessing: leave out array and preprocessing (Spray(array=, "
            "preprocessing=), --array, --preprocessing), or the views"
        )
    known = list_views(run)
    found = [view for name in _as_names(names) for view in _find(run, known, name)]
    return sorted(dict.fromkeys(found), key=known.index)


def _as_names(names: Any) -> list[str]:
    given = [names] if isinstance(names, str) else list(names) if isinstance(names, Iterable) else []
    if not given or not all(isinstance(name, str) for name in given):
        raise InputError(f"views: expected names of views, such as {MAPS!r}, got {names!r}")
    return given


def _find(run: Run, known: Sequence[View], name: str) -> list[View]:
    found = [view for view in known if name in (view.name, view.name.partition(":")[0])]
    if not found:
        raise InputError(
            f"{run.path} has no view {name!r} (views=, --view); it has {', '.join(view.name for view in known)}. "
            f"Channel relevance and activations are recorded by `whyset explain --concept LAYER --record "
            "mean_activation:LAYER`, and by default for some layers."
        )
    return found


def get_base(analysis: Analysis) -> str:
    """Return the name of the analysis of maps to which the analysis of a view belongs; else its own name."""
    base = analysis.config.get(BASE)
    return base if isinstance(base, str) else analysis.name


def get_view(analysis: Analysis) -> str:
    """Return the name of the view of an analysis: that of its array if it has no other preprocessing; else its own."""
    stored = analysis.config.get(VIEW)
    if isinstance(stored, str):
        return stored
    fields = _read_fields(analysis)
    array = fields.get("array", fields.get("of"))
    if not isinstance(array, str) or fields.get("preprocessing"):
        return analysis.name
    for prefix, kind in ((CONCEPT, CHANNELS), (ACTIVATION, ACTIVATIONS), (MEAN_ACTIVATION, ACTIVATIONS)):
        if array.startswith(prefix):
            return f"{kind}:{array.removeprefix(prefix)}"
    return MAPS if array == INPUT else analysis.name


def get_title(analysis: Analysis, names: Sequence[str] = ()) -> str:
    """Return the name of an analysis for readers: its view in words, unless it is of maps and has no other views.

    `names` are those of all analyses of the run. The name of the analysis follows, unless it is the default one.
    """
    view = get_view(analysis)
    alone = view == MAPS and not any(name.startswith(f"{analysis.name}.") for name in names)
    if alone or view == analysis.name:
        return analysis.name
    base, words = get_base(analysis), describe_view(view)
    return words if base == DEFAULT_NAME else f"{words} ({base})"


def list_family(run: Run, analysis: Analysis) -> list[Analysis]:
    """List the analyses of all views to which this one belongs, that of maps first, and then in order of their views.

    They were computed from the same commits of the run, and group samples in the same way. An analysis of its own array
    or preprocessing is the only one, also if it has the name of one that had views.
    """
    base, known = get_base(analysis), [analysis]
    if not _has_views(analysis):
        return known
    for name in run.analyses:
        if name == analysis.name or (name != base and not name.startswith(f"{base}.")):
            continue
        other = run.analysis(name)
        alike = other.data == analysis.data and get_grouping(other) == get_grouping(analysis)
        if alike and _has_views(other) and get_base(other) == base:
            known.append(other)
    order = {view.name: place for place, view in enumerate(list_views(run))}
    return sorted(known, key=lambda one: order.get(get_view(one), len(order)))


def _has_views(analysis: Analysis) -> bool:
    """True if an analysis is of maps or of another view, and not of an array of its own."""
    return VIEW in analysis.config or get_view(analysis) == MAPS


def list_different_options(one: Analysis, other: Analysis) -> list[str]:
    """List the options in which the analyses of two views differ, except for those that belong to the views."""
    first, second = _read_fields(one), _read_fields(other)
    return sorted(name for name in {*first, *second} - _OF_VIEWS if first.get(name) != second.get(name))


def get_grouping(analysis: Analysis) -> Any:
    """Return what an analysis groups samples by, `Spray.group_by`."""
    return _read_fields(analysis).get("group_by", "auto")


def _read_fields(analysis: Analysis) -> Mapping[str, Any]:
    pipeline = analysis.config.get("pipeline")
    fields = pipeline.get("fields") if isinstance(pipeline, Mapping) else None
    return fields if isinstance(fields, Mapping) else {}
