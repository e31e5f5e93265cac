"""Models of the findings of a watched training over its epochs."""

from whyset.store.findings import Kind
from whyset.viewer.schemas import Model

Interval = tuple[float, float]


class TimelineEpoch(Model):
    """A watched epoch: the id of its run if it is open, its accuracy, and what its search could not test, in sentences.

    `is_known` is false for an epoch that is left out, such as one whose findings cannot be read.
    """

    epoch: int
    run: str | None
    is_known: bool
    accuracy: float | None
    n_findings: int
    notices: list[str]


class TrackPoint(Model):
    """A finding in an epoch: the share of hosts that it turns beyond its null, null if it was not measured, and the
    share of its class that carries it.

    `id` is that of the finding in the run of this epoch, `rows` are its samples there.
    """

    epoch: int
    id: str
    kind: Kind
    kind_name: str
    effect: float | None
    effect_interval: Interval | None
    prevalence: float
    prevalence_interval: Interval | None
    sentence: str
    reason: str
    rows: list[int]


class FindingTrackDetail(Model):
    """A finding over the epochs: `onset` is the epoch in which it was announced, null if it was not.

    `described` states this in words, `announcement` is the sentence of the finding in that epoch.
    """

    class_id: str
    class_name: str
    text: str
    onset: int | None
    described: str
    announcement: str | None
    points: list[TrackPoint]


class TimelineDetail(Model):
    """The findings of a watched training, those that were announced first, and the effect from which on they are.

    `epoch` is that of the run of the request. `notices` name epochs that are left out; `n_tracks` counts all findings,
    of which `tracks` has the first.
    """

    folder: str
    threshold: float
    epoch: int
    epochs: list[TimelineEpoch]
    tracks: list[FindingTrackDetail]
    n_tracks: int
    n_announced: int
    notices: list[str]
