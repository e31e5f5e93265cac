"""What the API answers, defined once: OpenAPI and the browser's types are made from these models."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from whyset.report import ClassRow
from whyset.report.relevance import RelevanceSummary
from whyset.store import ClassEvidence
from whyset.store.checks import Check
from whyset.store.cluster_names import MOST_CLUSTERINGS, MOST_CLUSTERS
from whyset.store.modality import Modality
from whyset.store.selections import LONGEST_NAME, LONGEST_NOTE, LONGEST_TAG, MOST_TAGS

WireType = Literal["int8", "int16", "uint16", "int32", "float32", "uint8"]
"""The number types that travel in binary columns, little-endian."""


class Model(BaseModel):
    """Base of all answers; what JSON cannot hold is refused, as browsers would not read it."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


MOST_ROWS = 2**21
"""The most samples that a selection or an export may name: as many as the viewer is meant for, and some more."""

Rows = list[Annotated[int, Field(ge=0, lt=2**40, strict=True)]]
"""Numbers of samples; a run may have fewer, which the endpoints check."""


class Error(Model):
    """What is wrong, and what to do about it."""

    message: str
    hint: str | None


class ErrorAnswer(Model):
    """The body of every answer with a status of 400 or more."""

    error: Error


class RunRow(Model):
    """A run in the list of runs; `problem` says why it cannot be read, if so.

    `committed` and `failed` count explanations: with several targets each sample has several.
    """

    id: str
    name: str
    n_explanations: int
    n_samples: int
    committed: int
    failed: int
    analyses: list[str]
    problem: str | None


class RunColumn(Model):
    """A column with one value per sample; integers travel in a smaller type where all of them fit.

    Of texts the codes travel, -1 for none; `values` are the texts by code.
    """

    name: str
    dtype: WireType
    length: int
    values: list[str] | None


class AnalysisRow(Model):
    """An analysis of a run and how many categories it has so far; `version` names its state.

    `expected` is how many it will have when it is finished, where that is known.
    """

    name: str
    categories: int
    expected: int | None
    version: str
    problem: str | None


class RunDetail(Model):
    """A run: shapes are (C, H, W) of images, (C, T) of series, (T,) of texts and (F,) of tables. `features` names the
    columns of tables or the channels, `rate` is how many positions of a series make a second; `accuracy` counts
    explained samples whose label is known. `checks` are what is suspicious, and `relevance` states how much of it
    arrives at the input, null for runs that do not know.
    """

    id: str
    name: str
    path: str
    hash: str
    method: str
    n_explanations: int
    n_samples: int
    committed: int
    failed: int
    classes: list[str]
    map_shape: list[int]
    input_shape: list[int] | None
    modality: Modality
    features: list[str] | None
    rate: float | None
    accuracy: float | None
    summary: dict[str, str]
    columns: list[RunColumn]
    analyses: list[AnalysisRow]
    problem: str | None
    version: str
    growing: bool
    checks: list[Check]
    relevance: RelevanceSummary | None


class AnalysisProgress(Model):
    """How many categories of an analysis are finished; `version` is another one once one is added or done again."""

    name: str
    categories: int
    version: str


class RunProgress(Model):
    """How far a run is now. `growing`: a job is at work on it; `version` is another one whenever the run has grown."""

    version: str
    n_explanations: int
    n_samples: int
    committed: int
    growing: bool
    analyses: list[AnalysisProgress]


class Opening(Model):
    """Where a page begins: address, selected rows of its run, and what was asked for and is not here."""

    address: str
    selected: list[int] | None
    theme: Literal["system", "light", "dark"] | None
    told: list[str]


class SampleDetail(Model):
    """One explanation and its sample; what is not known or not computed yet is null.

    `target` is the class that the relevance map explains; `confidence` is that of the prediction.
    Status: 0 not written, 1 done, 2 failed.
    """

    index: int
    id: str
    label: int | None
    label_name: str | None
    prediction: int | None
    prediction_name: str | None
    target: int | None
    target_name: str | None
    confidence: float | None
    status: int
    error: str | None


class Match(Model):
    """A sample that was found, and the categories of the analysis in which it lies."""

    index: int
    id: str
    label_name: str | None
    prediction_name: str | None
    categories: list[str]


class Matches(Model):
    """The best matches in order, how many samples match in all, and whether that is more than are named here."""

    matches: list[Match]
    total: int
    truncated: bool


class SearchHit(Model):
    """The cluster to look at first, why, and its most typical explanations."""

    category: str
    class_name: str
    clustering: str
    cluster: int
    n_explanations: int
    n_samples: int | None
    medoids: list[int]
    reason: str


class AnalysisDetail(Model):
    """An analysis, its configuration and its categories, the most separable first.

    `n_finished` of the `n_classes` that it will have are there (null: it does not list them); `q_withheld` says why
    q-values are not given. `sealed`: changes of its files are noticed; `outdated`: the run has other commits now.
    `notices` say all of this in sentences.
    """

    name: str
    config: dict[str, JsonValue]
    n_classes: int | None
    n_finished: int
    q_withheld: str | None
    sealed: bool
    outdated: bool
    notices: list[str]
    categories: list[ClassRow]
    finding: SearchHit | None


class CategoryColumn(Model):
    """A column of a category; integers travel in a smaller type than this one where all of them fit."""

    name: str
    dtype: WireType
    shape: list[int]


class CategoryDetail(Model):
    """A category: all evidence for it and its clusters, and the columns that can be fetched."""

    id: str
    name: str
    evidence: ClassEvidence
    columns: list[CategoryColumn]


class ColorMapTable(Model):
    """A color map as 256 colors, flat red, green, blue; entry 128 of a diverging one is neutral."""

    lookup: list[int]
    diverging: bool


class Scale(Model):
    """Percentiles of |relevance| in a cluster (-1: noise) or, where that is null, in the class.

    They are taken from `maps` of its `samples`: all of them, or some at even distances.
    """

    cluster: int | None
    samples: int
    maps: int
    values: list[float]


class ScaleTable(Model):
    """Scales on which the pictures of a class can be compared, at each of the percentiles; first that of the class."""

    clustering: str
    percentiles: list[float]
    scales: list[Scale]


class SelectionDraft(Model):
    """What a person singles out: rows of the run under a name, with tags and a note."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    rows: Rows = Field(max_length=MOST_ROWS)
    tags: list[Annotated[str, Field(min_length=1, max_length=LONGEST_TAG)]] = Field(default=[], max_length=MOST_TAGS)
    note: str = Field(default="", max_length=LONGEST_NOTE)
    analysis: str | None = Field(default=None, max_length=128)
    category: str | None = Field(default=None, max_length=128)


class StoredSelection(SelectionDraft):
    """A selection as it is kept; a change names the `revision` that it is based on."""

    rows: Rows  # as many as another program has kept
    id: str
    revision: int
    created: str
    changed: str


class SelectionList(Model):
    """The selections of a run, files among them that cannot be read, and whether more can be kept.

    `folder` is where they are kept, where that is not beside the run.
    """

    selections: list[StoredSelection]
    problems: list[str]
    writable: bool
    folder: str | None


ClusterNumber = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,5})$")]
OfCluster = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
NamesByCluster = Annotated[dict[ClusterNumber, OfCluster], Field(max_length=MOST_CLUSTERS)]
NamesByClustering = Annotated[
    dict[Annotated[str, Field(min_length=1, max_length=128)], NamesByCluster], Field(max_length=MOST_CLUSTERINGS)
]


class NamesDraft(Model):
    """What people call the clusters of a category, by clustering and number; `revision` is the one it is based on."""

    names: NamesByClustering
    revision: int = Field(ge=0, le=2**31, strict=True)


class StoredNames(Model):
    """The names as they are kept; revision 0 where none were given so far.

    `outdated` were given to clusters that another analysis has replaced since; they are kept until new ones are given.
    """

    names: NamesByClustering
    outdated: NamesByClustering
    revision: int
    changed: str | None
    writable: bool


class ExportOrder(Model):
    """Which samples go into a file, and of which kind it is."""

    rows: Rows = Field(min_length=1, max_length=MOST_ROWS)
    form: Literal["csv", "parquet", "json", "python"] = "csv"
