"""The findings of a watched training: in which epoch each appears, and its effect over the epochs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from whyset.analysis.finding_tracks import FindingTrack, track_findings
from whyset.errors import BrokenRunError, InputError
from whyset.store import Run, open_run
from whyset.store.findings import Finding
from whyset.store.watched import get_epoch, list_epochs, locate_epoch, read_threshold

NAME = "findings"
"""The search whose findings are those of an epoch."""


@dataclass(frozen=True)
class Timeline:
    """The findings of the epochs of a training.

    Parameters
    ----------
    folder : str
        The folder of the runs.
    threshold : float
        The effect from which on a suspicion is announced.
    found : Mapping of int to tuple of Finding
        The findings of each epoch in rank order.
    notices : tuple of str
        Epochs that could not be read, with the reasons.
    """

    folder: str
    threshold: float
    found: Mapping[int, tuple[Finding, ...]]
    notices: tuple[str, ...] = ()

    @property
    def epochs(self) -> tuple[int, ...]:
        """The epochs whose findings are known."""
        return tuple(sorted(self.found))

    @cached_property
    def tracks(self) -> tuple[FindingTrack, ...]:
        """The findings over the epochs, those that are announced first, and among these the earliest first."""
        tracks = track_findings(self.found)
        return tuple(sorted(tracks, key=self._rank))

    def until(self, epoch: int) -> "Timeline":
        """Return the timeline up to an epoch."""
        found = {known: findings for known, findings in self.found.items() if known <= epoch}
        return Timeline(self.folder, self.threshold, found, self.notices)

    def _rank(self, track: FindingTrack) -> tuple[bool, int, float]:
        onset = track.find_onset(self.threshold)
        return (
            onset is None,
            track.epochs[0] if onset is None else onset,
            -max(one.score or 0.0 for one in track.findings),
        )


def read_timeline(folder: str | Path) -> Timeline:
    """Read the findings of a watched training.

    An epoch that has no findings yet, or damaged ones, becomes a notice, and so does one of other data than most epochs
    have (of several that are equally frequent, those of the first epoch): its findings cannot be compared.

    Parameters
    ----------
    folder : str or path
        The folder that `Watch` writes.

    Raises
    ------
    InputError
        It is another folder.
    """
    found: dict[int, tuple[Finding, ...]] = {}
    data: dict[int, str | None] = {}
    notices: dict[int, str] = {}
    threshold = read_threshold(folder)
    for epoch in list_epochs(folder):
        path = locate_epoch(folder, epoch)
        try:
            run = open_run(path)
            found[epoch] = tuple(run.findings(NAME))
            data[epoch] = run.config.dataset_fingerprint
        except (BrokenRunError, InputError) as error:
            notices[epoch] = f"epoch {epoch} is left out: {error}"
    counts = Counter(data.values())
    usual = max(counts, key=counts.__getitem__, default="")
    first = next((epoch for epoch, fingerprint in data.items() if fingerprint == usual), None)
    for epoch in [epoch for epoch, fingerprint in data.items() if fingerprint != usual]:
        del found[epoch]
        notices[epoch] = (
            f"epoch {epoch} is left out: its data are not those of epoch {first}, so that its findings cannot be "
            "compared: watch each data set in a folder of its own"
        )
    return Timeline(str(folder), threshold, found, tuple(notices[epoch] for epoch in sorted(notices)))


def describe_onset(timeline: Timeline, track: FindingTrack) -> str:
    """Describe in which epoch a finding is announced, or since when it is there."""
    onset = track.find_onset(timeline.threshold)
    if onset is not None:
        return f"announced in epoch {onset}"
    return f"not announced, found since epoch {track.epochs[0]}"


def read_effects(timeline: Timeline, track: FindingTrack) -> list[float | None]:
    """Return the effect in each epoch: the share of turned hosts minus that of the null; None if it was not found."""
    known = dict(zip(track.epochs, track.findings, strict=True))
    effects = [known[epoch].effect if epoch in known else None for epoch in timeline.epochs]
    return [None if one is None else one.difference.value for one in effects]


def list_history(run: Run, name: str) -> list[str]:
    """List in which epoch of a watched training each suspicion of the run was announced, as sentences.

    There are none for a run that is not of a watched training, and for searches of another name than "findings".
    """
    folder, epoch = get_epoch(run.path)
    if folder is None or name != NAME:
        return []
    try:
        timeline = read_timeline(folder).until(epoch)
    except (BrokenRunError, InputError) as error:
        return [f"The other epochs of the training cannot be read: {error}."]
    return [
        f"Epoch {epoch} of a training: class {track.last.class_name}, {track.last.text}: "
        f"{describe_onset(timeline, track)} (effect by epoch {write_effects(timeline, track)})."
        for track in timeline.tracks
        if track.epochs[-1] == epoch and track.last.kind == "suspicion"
    ]


def write_effects(timeline: Timeline, track: FindingTrack) -> str:
    """Write the effect of each epoch, "-" where the finding was not found.

    The text is such as "0: -, 2: 0.30".
    """
    effects = zip(timeline.epochs, read_effects(timeline, track), strict=True)
    return ", ".join(f"{epoch}: {'-' if value is None else f'{value:.2f}'}" for epoch, value in effects)


def list_lines(timeline: Timeline, most: int = 10) -> list[str]:
    """List a timeline as lines of text: each of the first findings with its sentence and its effects."""
    epochs: Sequence[int] = timeline.epochs
    announced = sum(track.find_onset(timeline.threshold) is not None for track in timeline.tracks)
    lines = [
        f"{timeline.folder}: {len(epochs):,} epochs, {len(timeline.tracks):,} findings, {announced:,} announced "
        f"(suspicions with an effect of at least {timeline.threshold:g})",
        *timeline.notices,
    ]
    for rank, track in enumerate(timeline.tracks[:most], 1):
        written = write_effects(timeline, track)
        lines += [
            "",
            f"{rank}. {describe_onset(timeline, track)}: {track.last.sentence}",
            f"   effect by epoch: {written}",
        ]
    if len(timeline.tracks) > most:
        lines += ["", f"... and {len(timeline.tracks) - most} more that are not announced or appear later"]
    return lines
