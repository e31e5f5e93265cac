"""The explanations of a run as the material of an evaluation."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from whyset.effects.host_pool import read_inputs
from whyset.engines import Progress, get_engine
from whyset.errors import NotTestedError
from whyset.evaluation.explaining import MethodExplainer
from whyset.evaluation.masks import place_masks
from whyset.evaluation.material import Material, NoModel
from whyset.evaluation.metrics.explained_samples import ExplainedSamples
from whyset.evaluation.metrics.metric import Need
from whyset.modality import MODALITIES
from whyset.runner.output_kinds import OUTPUT_KINDS, Logits, OutputKind
from whyset.runner.reopening import ReopenedRun, reopen
from whyset.runner.score_model import ScoreModel
from whyset.runner.sources.source import get_structure
from whyset.store import Run

Numbers = NDArray[np.int64]
BATCH_SIZE = 32
_DERIVED = ("contrast:", "reference:", "similarity:")
NO_MASKS = "none are given: pass masks= (--masks)"


@dataclass(frozen=True, eq=False)
class RunReader:
    """Reads batches of the samples of a run, with its model if it has one.

    Parameters
    ----------
    run : Run
        The run.
    samples : ndarray of int64
        The numbers of the samples; of several targets, the first one is evaluated.
    seed : int
        The seed of random numbers.
    masks : ndarray of bool or None
        The masks of these samples.
    reopened : ReopenedRun or None
        The run with its model and data; None if only the stored relevance maps are known.
    scores : ScoreModel or None
        Its model, which returns the scores of the classes.
    """

    run: Run
    samples: Numbers
    seed: int
    masks: NDArray[np.bool_] | None
    reopened: ReopenedRun | None = None
    scores: ScoreModel | None = None

    def read(self, places: Numbers) -> ExplainedSamples:
        """Return the batch of these of the samples."""
        samples = self.samples[places]
        rows = samples * self.run.config.targets_per_sample
        relevance = torch.from_numpy(np.asarray(self.run.relevance[rows], np.float32))
        # An input that is not known has the shape of its relevance map, and values that spoil every use of them.
        x = torch.full_like(relevance, torch.nan)
        target = torch.from_numpy(np.asarray(self.run.array("target")[rows], np.int64))
        model: nn.Module = NoModel()
        explain: MethodExplainer | None = None
        if self.reopened is not None and self.scores is not None:
            x = read_inputs(self.reopened.reading, samples.tolist(), self.reopened.model)
            wanted = self.reopened.job.wanted
            model = self.scores
            explain = MethodExplainer(wanted.method, wanted.reduction, self._make_seeds(samples))
        masks = None if self.masks is None else place_masks(self.masks[places], x)
        target, relevance = target.to(x.device), relevance.to(x.device)
        with_seeds = None if explain is None else explain.with_seeds
        return ExplainedSamples(model, x, target, relevance, samples, self.seed, explain, masks, with_seeds)

    def _make_seeds(self, samples: Numbers) -> list[int]:
        """Return the seeds by which the run explained these samples."""
        return [self.run.config.seed + sample for sample in samples.tolist()]


@contextmanager
def open_material(
    run: Run,
    samples: Numbers,
    seed: int,
    masks: NDArray[np.bool_] | None,
    batch_size: int | None,
    said: Progress,
    **given: Any,
) -> Iterator[Material]:
    """Open samples of a run with their masks, and the model and the data unless they cannot be loaded.

    RunMismatchError: the model or the data are not those of the run.
    """
    with ExitStack() as stack:
        reopened, reason = _try_to_reopen(stack, run, said, given)
        lacks: dict[Need, str] = {} if masks is not None else {"masks": NO_MASKS}
        lacks |= {} if reason is None else {"model": reason, "explain": reason}
        reader, size = RunReader(run, samples, seed, masks), BATCH_SIZE
        if reopened is not None:
            reader = replace(reader, reopened=reopened, scores=reopened.job.wanted.make_class_model(reopened.model))
            size = reopened.job.batch_size
        stack.enter_context(torch.no_grad())
        yield Material(len(samples), reader.read, batch_size or size, lacks)


def _try_to_reopen(
    stack: ExitStack, run: Run, said: Progress, given: Mapping[str, Any]
) -> tuple[ReopenedRun | None, str | None]:
    """Return the run with its model and data, or the reason why they are not known."""
    reason = find_obstacle(run)
    if reason is not None:
        return None, reason
    try:
        reopened = stack.enter_context(reopen(run, get_engine("serial"), said, **given))
    except NotTestedError as error:
        return None, str(error)
    if get_structure(reopened.job.source) is not None:
        return None, "samples with several inputs are not evaluated: metrics change a single input"
    sides, stored = tuple(reopened.job.shape[1:]), tuple(run.relevance.shape[2:])
    if len(reopened.job.shape) > 1 and sides != stored:
        return None, f"the run stores relevance maps of {stored} positions for inputs of {sides}: explain without pool"
    return reopened, None


def find_obstacle(run: Run) -> str | None:
    """Return the reason why the model of a run is not called by metrics, or None."""
    config = run.config
    if not issubclass(OUTPUT_KINDS.get(config.output_kind_name, OutputKind), Logits):
        return f"the outputs of the run are of kind {config.output_kind_name}, and metrics follow the score of a class"
    first = config.target if isinstance(config.target, str | int) else config.target[0]
    if str(first).startswith(_DERIVED):
        return f"the run explains {first}, and metrics follow the score of a class"
    if not MODALITIES[run.modality].is_floating:
        return f"inputs of modality {run.modality} are whole numbers, which metrics cannot change"
    return None
