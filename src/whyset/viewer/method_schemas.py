"""Models of the answers that compare explanation methods by stored metrics."""

from typing import Literal

from whyset.viewer.schemas import Model

Interval = tuple[float, float]


class EvaluatedRun(Model):
    """An open run as a method: whether it is compared, and otherwise why not.

    `method` describes its attributor. `notices` are sentences such as that the evaluation is outdated.
    """

    id: str
    name: str
    method: str
    compared: bool
    reason: str | None
    notices: list[str]


class MethodCurve(Model):
    """The mean curve of a metric over the samples that have one, with the interval of 95 % of each mean (Student's t).

    `low` and `high` are null for a single curve.
    """

    fractions: list[float]
    mean: list[float]
    low: list[float] | None
    high: list[float] | None
    n_samples: int


class MetricCell(Model):
    """A metric of a method: the mean with its interval of 95 %, or the problem.

    `mark` is "best" for the best mean, "close" for one that does not differ significantly from it, and null for others,
    descriptions and single methods. `p` is that of the difference from the best method, corrected (Holm).
    """

    run: str
    mean: float | None
    interval: Interval | None
    n_samples: int
    n_undefined: int
    problem: str | None
    mark: Literal["best", "close"] | None
    p: float | None
    curve: MethodCurve | None


class ComparedMetric(Model):
    """A metric of all compared methods; methods are ranked over the `n_common` samples for which all have a value.

    `better` states which values are those of better explanations, null for descriptions.
    """

    id: str
    text: str
    title: str
    better: Literal["higher", "lower"] | None
    n_common: int
    cells: list[MetricCell]


class MetricAgreement(Model):
    """Kendall's tau-b of each pair of metrics over the methods that both rank; null if it is not defined.

    `metrics` are ids in the order of rows and columns, without descriptions.
    """

    metrics: list[str]
    taus: list[list[float | None]]
    n_methods: int


class MethodTable(Model):
    """Explanation methods compared by the metrics that `whyset evaluate` stored in their runs, on the same samples.

    `evaluations` are the names of evaluations in the open runs, `name` is the shown one, null if there is none.
    `command` evaluates the open runs of the same data together, and is empty if there is nothing to evaluate.
    `unopened` are names of further runs in the folder of the run that were evaluated on the same samples;
    `view_command` opens these, too.
    """

    name: str | None
    evaluations: list[str]
    n_samples: int
    runs: list[EvaluatedRun]
    metrics: list[ComparedMetric]
    agreement: MetricAgreement
    notices: list[str]
    command: str
    unopened: list[str]
    view_command: str


class SampleDifference(Model):
    """A sample: its row in both runs, its id, and the values of both methods.

    `place` and `other_place` are an analysis and a class that contain it in each run, null if there are none.
    """

    row: int
    other_row: int
    id: str
    label: str | None
    first: float
    second: float
    place: tuple[str, str] | None
    other_place: tuple[str, str] | None


class MethodDifferences(Model):
    """The differences of two methods by one metric, first minus second, on the samples that all methods have.

    `differences` are those of all samples, `largest` the samples that differ most, first those in favor of the first.
    `p` is from a permutation test, `p_corrected` corrected for the pairs of methods (Holm).
    """

    metric: str
    text: str
    better: Literal["higher", "lower"] | None
    mean: float
    interval: Interval
    p: float
    p_corrected: float
    differences: list[float]
    largest: list[SampleDifference]
