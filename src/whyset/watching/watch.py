"""Explanations of a small data set during a training, and the findings that appear."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from whyset.analysis.finding_tracks import passes
from whyset.arguments import whole_number
from whyset.display import resolve_progress
from whyset.effects import EffectTest
from whyset.engines import Progress
from whyset.errors import InputError, WhysetError
from whyset.findings import find
from whyset.report.timeline import Timeline, read_timeline
from whyset.runner import explain
from whyset.store import Run
from whyset.store.findings import Finding, Findings
from whyset.store.watched import claim_folder, locate_epoch
from whyset.watching.training_state import get_trained, keep_random_state, plain_mode

_OWN = ("model", "dataset", "out", "progress")


@dataclass(frozen=True, eq=False)
class WatchedEpoch:
    """What a model uses after an epoch.

    Parameters
    ----------
    epoch : int
        The number of the epoch.
    run : Run
        The explanations.
    findings : Findings
        What decides the predictions, in rank order.
    announced : tuple of Finding
        Suspicions whose effect reaches the threshold, and did not in any epoch before.
    """

    epoch: int
    run: Run
    findings: Findings
    announced: tuple[Finding, ...]

    def __repr__(self) -> str:
        return f"<epoch {self.epoch}: {len(self.findings):,} findings, {len(self.announced)} announced>"


@dataclass(frozen=True, eq=False)
class Watch:
    """Explains a small data set after epochs of a training, and announces the findings that appear.

    Each watched epoch becomes a run, `<out>/epoch-0003`, which the viewer opens as any other. In it, the evidence of
    each sample is inserted into samples of other classes, as by `find`; a *suspicion*, evidence that decides
    predictions though other classes and the rest of the class lack it, is announced in the epoch in which its effect
    reaches `threshold`. `whyset report <out>` shows the effect of each finding over the epochs, and
    `whyset view <out>` opens all of them.

    The training is not changed: weights, gradients, random numbers and modes of layers are as without the watch. An
    epoch costs four to five times the explanation of `dataset`, at least about ten seconds.

    Parameters
    ----------
    dataset : object
        The samples, as for `explain`: a few hundred samples with labels, of which about 20 carry what is to be found.
    out : str or path, default "watch"
        The folder of the runs. It may have epochs of the same watch already.
    every : int, default 1
        Epochs 0, `every`, 2 `every`, ... are watched.
    threshold : float, default 0.2
        The share of hosts that the evidence turns into its class, beyond that of the null, from which on a suspicion is
        announced.
    test : EffectTest, optional
        The test of effects, such as one with a smaller budget; by default `EffectTest()`.
    progress : bool or Progress, optional
        The display of progress and announcements, as for `explain`.
    options : Mapping
        Further arguments of `explain`, such as `composite` or `batch_size`.

    Raises
    ------
    InputError
        An argument does not fit.

    Examples
    --------
    >>> from torch import nn, rand
    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 6, 2))
    >>> watch = Watch(rand(60, 3, 8, 6), "runs/watched", every=2, progress=False)
    >>> for epoch in range(2):
    ...     watched = watch(net, epoch)    # after the epoch is trained
    >>> watched is None    # epoch 1 is not watched
    True
    """

    dataset: Any
    out: str | Path = "watch"
    _: KW_ONLY
    every: int = 1
    threshold: float = 0.2
    test: EffectTest | None = None
    progress: Progress | bool | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "every", whole_number("Watch: every", self.every, 1))
        if "://" in str(self.out):
            raise InputError(f"Watch(out={str(self.out)!r}): expected a local folder, got a URL: upload it afterwards")
        is_number = isinstance(self.threshold, int | float) and not isinstance(self.threshold, bool)
        if not is_number or not 0 <= self.threshold <= 1:
            raise InputError(f"Watch(threshold={self.threshold!r}): expected a share between 0 and 1")
        taken = [name for name in _OWN if name in self.options]
        if taken:
            raise InputError(f"Watch(options={{{taken[0]!r}: ...}}): the watch itself states {taken[0]}")

    def __call__(self, model: nn.Module, epoch: int) -> WatchedEpoch | None:
        """Explain the samples by a model as it is after an epoch, and search for findings.

        Parameters
        ----------
        model : torch.nn.Module
            The model; that within DistributedDataParallel, DataParallel or torch.compile is explained. With several
            processes, call it in one of them.
        epoch : int
            The number of the epoch, from 0.

        Returns
        -------
        WatchedEpoch or None
            The run and its findings; None if the epoch is not watched, or if it could not be explained after a former
            epoch could: then a warning states why, and the training goes on.

        Raises
        ------
        InputError
            The first watched epoch cannot be explained, or `out` has epochs of another watch or another training.
        """
        number = whole_number("epoch", epoch, 0)
        if number % self.every:
            return None
        said, folder, trained = resolve_progress(self.progress), Path(self.out), get_trained(model)
        claim_folder(folder, self.threshold)
        former = read_timeline(folder)
        try:
            return self._watch(trained, number, folder, former, said)
        except Exception as error:  # of any kind, such as one of the memory: none may end a long training
            if not any(known < number for known in former.epochs):
                raise
            reason = error if isinstance(error, WhysetError) else f"{type(error).__name__}: {error}"
            said.warn(f"epoch {number} is not watched: {reason}")
            return None

    def _watch(self, model: nn.Module, epoch: int, folder: Path, former: Timeline, said: Progress) -> WatchedEpoch:
        with keep_random_state(model), plain_mode(model):
            run = explain(model, self.dataset, locate_epoch(folder, epoch), progress=said, **self.options)
            findings = find(run, self.test, model=model, dataset=self.dataset, progress=said)
        if findings.problem is not None:
            said.info(f"epoch {epoch}: {findings.problem}")
        timeline = read_timeline(folder)
        if epoch not in timeline.found:
            raise InputError(
                f"{run.path}: expected the data of the other watched epochs, got different samples or labels: the data "
                "set must return the same in each epoch; watch each data set in a folder of its own"
            )
        announced = tuple(
            track.last
            for track in timeline.until(epoch).tracks
            if track.epochs[-1] == epoch
            and passes(track.last, self.threshold)
            and track.find_onset(self.threshold) == epoch
        )
        for one in announced:
            said.warn(f"epoch {epoch}: {one.sentence}; its effect reaches {self.threshold:g} for the first time")
        return WatchedEpoch(epoch, run, findings, announced)

    def lightning(self) -> Any:
        """Return a callback of PyTorch Lightning that watches the epochs of a `Trainer`; it needs the package."""
        from whyset.watching.adapters import make_lightning_callback

        return make_lightning_callback(self)

    def hugging_face(self) -> Any:
        """Return a callback for the `Trainer` of transformers; it needs the package."""
        from whyset.watching.adapters import make_hugging_face_callback

        return make_hugging_face_callback(self)
