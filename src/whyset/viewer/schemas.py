"""Models of the API's answers, from which OpenAPI and the browser's types are generated."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from whyset.modality import MODALITIES
from whyset.report import ClassRow
from whyset.report.relevance import RelevanceSummary
from whyset.store import ClassEvidence
from whyset.store.checks import Check
from whyset.store.cluster_names import MOST_CLUSTERINGS, MOST_CLUSTERS
from whyset.store.findings import Kind
from whyset.store.selections import LONGEST_NAME, LONGEST_NOTE, LONGEST_TAG, MOST_TAGS

WireType = Literal["int8", "int16", "uint16", "int32", "float32", "uint8"]
"""Number types of binary columns, little-endian."""


class Model(BaseModel):
    """Base of all answers; values that JSON cannot represent are refused, as browsers would not read them."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


MOST_ROWS = 2**21
"""Maximum number of rows of a selection or an export, above the number that the viewer is designed for."""

Rows = list[Annotated[int, Field(ge=0, lt=2**40, strict=True)]]
"""Row indices; endpoints check that they are in the run."""


class Error(Model):
    """An error message and a hint what to do."""

    message: str
    hint: str | None


class ErrorAnswer(Model):
    """The body of every answer with a status of 400 or more."""

    error: Error


class RunRow(Model):
    """A run in the list of runs; `problem` is the reason if it cannot be read.

    `committed` and `failed` count explanations; with several targets each sample has several explanations.
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
    """A column with one value per row; integers are sent in a smaller type if all of them fit.

    Texts are sent as codes, -1 for none; `values` are the texts by code.
    """

    name: str
    dtype: WireType
    length: int
    values: list[str] | None


class AnalysisRow(Model):
    """An analysis of a run and its current number of categories; `version` identifies its state.

    `title` is the name for readers, with that of its view, and `view` the latter alone. `expected` is the number of
    categories of the finished analysis, if known.
    """

    name: str
    title: str
    view: str
    categories: int
    expected: int | None
    version: str
    problem: str | None


class SpectrumAxes(Model):
    """Relevance of series by frequency, `shape` (C, frequencies), or by frequency and time, (C, frequencies, frames).

    Frequency k is `k * frequency_step` cycles per position (null: unknown), and frame m is around position `m * hop`.
    """

    name: Literal["dft", "stft"]
    shape: list[int]
    frequency_step: float | None
    hop: int | None


class RunDetail(Model):
    """A run: shapes are (C, H, W) for images, (C, D, H, W) for volumes, (C, T) for series, (T,) for texts and (F,) for
    tables. `features` are the names of table columns or channels, `rate` is the number of positions of a series per
    second; `accuracy` is that of explained samples with a known label. `checks` lists suspicious findings; `relevance`
    summarizes how much relevance arrives at the input, null for runs that have not recorded it; `spectra` lists
    relevance by frequency, of the method `inspection`. `epoch` is that of a watched training, null for other runs.
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
    modality: Annotated[str, Field(json_schema_extra={"enum": list(MODALITIES)})]
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
    spectra: list[SpectrumAxes]
    epoch: int | None


class AnalysisProgress(Model):
    """Number of finished categories of an analysis; `version` changes when one is added or repeated."""

    name: str
    categories: int
    version: str


class RunProgress(Model):
    """Progress of a run. `growing`: a job is working on it; `version` changes whenever the run has grown."""

    version: str
    n_explanations: int
    n_samples: int
    committed: int
    growing: bool
    analyses: list[AnalysisProgress]


class Opening(Model):
    """Initial state of a page: address, selected rows of its run, and messages about requested items not found."""

    address: str
    selected: list[int] | None
    theme: Literal["system", "light", "dark"] | None
    told: list[str]


class SampleDetail(Model):
    """One explanation and its sample; unknown values and those not computed yet are null.

    `target` is the class that the relevance map explains; `confidence` is that of the prediction. `label_name` and
    `prediction_name` are the true and the predicted value or labels where the model does not predict one class. `box`
    is that of a detected object: left, top, right, bottom in pixels of the input.
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
    box: tuple[float, float, float, float] | None
    status: int
    error: str | None


class Match(Model):
    """A matching row and the categories of the analysis that contain it."""

    index: int
    id: str
    label_name: str | None
    prediction_name: str | None
    categories: list[str]


class Matches(Model):
    """The best matches in order, the total number of matching rows, and whether the list is truncated."""

    matches: list[Match]
    total: int
    truncated: bool


class SearchHit(Model):
    """The recommended first cluster, the reason, and its most typical explanations.

    `analysis` is that of the view in which the cluster was found.
    """

    analysis: str | None
    category: str
    class_name: str
    clustering: str
    cluster: int
    n_explanations: int
    n_samples: int | None
    medoids: list[int]
    reason: str


class ExampleCard(Model):
    """An example of a finding: the rows of its sample and its host, and their descriptions.

    `place` is that of the changed host in the array of examples, null if it cannot be shown; `outline` is left,
    top, width and height of the evidence in pixels of the input. Of series, `channels` are those that changed most,
    and `interval` is the first position of the evidence and the one after its last, null if it is not known.
    `words` are those of a text, with whether the evidence includes each of them; `changed_words` are those of the
    host with the evidence, with whether each was inserted, null if they are not known.
    """

    row: int
    host_row: int
    place: int | None
    outline: tuple[int, int, int, int] | None
    channels: list[int] | None
    interval: tuple[int, int] | None
    source: str
    before: str
    after: str
    words: list[tuple[str, bool]] | None
    host_words: list[str] | None
    changed_words: list[tuple[str, bool]] | None


class FindingCard(Model):
    """A finding in words: its kind, its sentence, its numbers with labels, and the rows that carry the evidence."""

    id: str
    class_id: str
    class_name: str
    kind: Kind
    kind_name: str
    sentence: str
    reason: str
    evidence: str
    numbers: list[tuple[str, str]]
    rows: list[int]
    examples: list[ExampleCard]


class FindingList(Model):
    """The findings of a run: suspicions first, then strategies, then those not confirmed.

    `name` is that of the search, null if there are no findings, and `searches` are the names of all; `notices` state
    that there was no search, or what it left out.
    """

    name: str | None
    searches: list[str]
    notices: list[str]
    findings: list[FindingCard]


class AnalysisDetail(Model):
    """An analysis, its configuration and its categories, in the order of the ranking.

    `n_finished` of `n_classes` are finished (null: the analysis does not list its classes); `q_withheld` is the reason
    why q-values are withheld. `sealed`: changes of its files are detected; `outdated`: the run has other commits now.
    `notices` state all of this in sentences. `thumbnails` are rows that show a class, by its id: the most typical
    explanation of its most coherent cluster.
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
    thumbnails: dict[str, int]
    finding: SearchHit | None


class CategoryColumn(Model):
    """A column of a category; integers are sent in a smaller type if all of them fit."""

    name: str
    dtype: WireType
    shape: list[int]


class CategoryDetail(Model):
    """A category: all evidence for it and its clusters, and the available columns."""

    id: str
    name: str
    evidence: ClassEvidence
    columns: list[CategoryColumn]


class ColorMapTable(Model):
    """A color map as 256 colors, flat red, green, blue; entry 128 of a diverging one is neutral."""

    lookup: list[int]
    diverging: bool


class Scale(Model):
    """Percentiles of |relevance| in a cluster (-1: noise) or, if null, in the class.

    They are computed from `maps` of its `samples` relevance maps: all of them, or some at even distances.
    """

    cluster: int | None
    samples: int
    maps: int
    values: list[float]


class ScaleTable(Model):
    """Scales on which the heatmaps of a class can be compared, at each of the percentiles; first that of the class."""

    clustering: str
    percentiles: list[float]
    scales: list[Scale]


class ClusterSummary(Model):
    """What a cluster is about, in words.

    `top` are its words, columns or channels with the most relevance, named by `what` (null for images), and `shifted`
    are notes on clusters from which it differs mainly in place.
    """

    cluster: int
    what: str | None
    top: list[str]
    shifted: list[str]


class SelectionDraft(Model):
    """A named selection of rows of the run, with tags and a note."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    rows: Rows = Field(max_length=MOST_ROWS)
    tags: list[Annotated[str, Field(min_length=1, max_length=LONGEST_TAG)]] = Field(default=[], max_length=MOST_TAGS)
    note: str = Field(default="", max_length=LONGEST_NOTE)
    analysis: str | None = Field(default=None, max_length=128)
    category: str | None = Field(default=None, max_length=128)


class StoredSelection(SelectionDraft):
    """A stored selection; a change states the `revision` on which it is based."""

    rows: Rows  # without a limit, as another program may have stored it
    id: str
    revision: int
    created: str
    changed: str


class SelectionList(Model):
    """The selections of a run, problems of unreadable files, and whether the folder is writable.

    `folder` is the folder of the selections if it is not next to the run.
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
    """Names of the clusters of a category, by clustering and number; `revision` is the one on which they are based."""

    names: NamesByClustering
    revision: int = Field(ge=0, le=2**31, strict=True)


class StoredNames(Model):
    """The stored names; revision 0 if there are none yet.

    `outdated` names belong to clusters of a replaced analysis; they are kept until new names are stored.
    """

    names: NamesByClustering
    outdated: NamesByClustering
    revision: int
    changed: str | None
    writable: bool


class ExportOrder(Model):
    """Rows to export and the type of the file."""

    rows: Rows = Field(min_length=1, max_length=MOST_ROWS)
    form: Literal["csv", "parquet", "json", "python"] = "csv"
