"""The base of the fixes that train a model further."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from whyset.arguments import seed_number, whole_number
from whyset.attribution.attributors.final_activation import LastActivation
from whyset.errors import InputError
from whyset.fixing.fix_method import FixMethod
from whyset.fixing.fix_task import FixTask, Rows


@dataclass(frozen=True, eq=False)
class TrainingBatch:
    """A batch of training.

    Parameters
    ----------
    rows : ndarray of int64
        The numbers of the samples in the task (n,).
    x : Tensor
        Their inputs (n, ...), unchanged.
    labels : Tensor of int64
        Their labels (n,).
    random : numpy.random.Generator
        The source of all random choices of the training.
    """

    rows: Rows
    x: Tensor
    labels: Tensor
    random: np.random.Generator


@dataclass(frozen=True)
class TrainedFix(FixMethod):
    """Base of the fixes that train all weights of a copy of the model for a few epochs.

    The optimizer is AdamW (Loshchilov and Hutter 2019) with the rates of `torch.optim.lr_scheduler.OneCycleLR`. The
    model stays in evaluation mode, so statistics of batch normalization are those of the model and nothing is dropped
    out. Equal parameters and seeds give equal batches: all methods see as many samples, in the same order, and differ
    in the loss only.

    Parameters
    ----------
    epochs : int, default 1
        How often each sample is seen.
    learning_rate : float, default 1e-3
        The largest learning rate.
    weight_decay : float, default 1e-2
        The weight decay of AdamW.
    batch_size : int, default 64
        The number of samples in a batch.
    """

    changes_weights: ClassVar[bool] = True
    drops_carriers: ClassVar[bool] = False
    """True if the carriers of the evidence are not trained on; other samples are seen a little more often then."""

    epochs: int = 1
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    batch_size: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("epochs", "batch_size"):
            whole_number(f"{type(self).__name__}: {name}", getattr(self, name), least=1)
        for name in ("learning_rate", "weight_decay"):
            require_positive(self, name, zero=name == "weight_decay")

    def apply(self, task: FixTask) -> nn.Module:
        """Return a trained copy of the model in evaluation mode.

        InputError: the task has nothing to train on, or weights become infinite.
        """
        check_task(task)
        if torch.is_inference_mode_enabled():
            raise InputError(f"{self.title}: expected a call outside of torch.inference_mode(), which has no gradients")
        model = copy.deepcopy(task.model).eval()
        weights = [one.requires_grad_() for one in model.parameters() if one.is_floating_point()]
        if not weights:
            raise InputError(f"{self.title}: expected a model with weights, got {type(task.model).__name__} without")
        seen = find_labeled(task)
        n_steps = self.epochs * -(-len(seen) // self.batch_size)
        if self.drops_carriers:
            seen = np.setdiff1d(seen, task.carriers)
        optimizer = torch.optim.AdamW(weights, lr=self.learning_rate, weight_decay=self.weight_decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, self.learning_rate, total_steps=n_steps)
        # Gradients of gradients, which some methods need, exist for the plain form of attention only.
        with torch.enable_grad(), torch.random.fork_rng(_list_cuda(model)), sdpa_kernel(SDPBackend.MATH):
            torch.manual_seed(task.seed)
            context = self.prepare(task)
            for batch in self._draw(task, seen, n_steps):
                optimizer.zero_grad(set_to_none=True)
                self.compute_loss(model, task, batch, context).backward()
                optimizer.step()
                schedule.step()
        if not all(bool(torch.isfinite(one).all()) for one in weights):
            raise InputError(
                f"{self.title}: expected finite weights after the training, got NaN or infinity: choose a smaller "
                f"learning_rate than {self.learning_rate:g}" + _advise_precision(weights)
            )
        return restore_flags(model, task.model)

    def prepare(self, task: FixTask) -> Any:
        """Return what `compute_loss` needs besides the batches, such as a concept vector; by default None."""
        return None

    def compute_loss(self, model: nn.Module, task: FixTask, batch: TrainingBatch, context: Any) -> Tensor:
        """Return the loss of a batch, a scalar."""
        raise NotImplementedError

    def _draw(self, task: FixTask, seen: Rows, n_steps: int) -> Iterator[TrainingBatch]:
        """Yield batches of consecutive permutations of the samples."""
        orders, choices = np.random.default_rng([task.seed, 0]), np.random.default_rng([task.seed, 1])
        ready = np.empty(0, np.int64)
        for _ in range(n_steps):
            while len(ready) < self.batch_size:
                ready = np.concatenate([ready, orders.permutation(seen)])
            rows, ready = ready[: self.batch_size], ready[self.batch_size :]
            x = task.read(rows)
            yield TrainingBatch(rows, x, torch.from_numpy(task.labels[rows]).to(x.device), choices)


def compute_logits(task: FixTask, model: nn.Module, x: Tensor) -> Tensor:
    """Return the logits of a model (n, classes) in single precision at least, also of one that ends with a softmax.

    InputError: the output is not one of classes.
    """
    with LastActivation() as mode:
        scores = task.get_scores(model, x)
    if not isinstance(scores, Tensor) or scores.dim() != 2 or scores.shape[1] < 2:
        got = f"a tensor {tuple(scores.shape)}" if isinstance(scores, Tensor) else type(scores).__name__
        raise InputError(f"a fix that trains: expected a model with outputs (n, classes), got {got}")
    logits = mode.undo(scores) if bool(mode.confirm(scores).all()) else scores
    return logits if logits.dtype == torch.float64 else logits.float()


def cross_entropy(logits: Tensor, labels: Tensor, reduction: str = "mean") -> Tensor:
    """Return the cross-entropy; InputError: a label is not an output."""
    if int(labels.max()) >= logits.shape[1]:
        raise InputError(f"expected labels from 0 to {logits.shape[1] - 1}, one for each output, got {labels.max()}")
    return F.cross_entropy(logits, labels, reduction=reduction)


def insert_evidence(task: FixTask, batch: TrainingBatch, hosts: Rows, sources: Rows, strength: float = 1.0) -> Tensor:
    """Return the inputs of the batch (n, ...); hosts, places in it (m,), have the evidence of random sources.

    With another strength s than 1, the change of a host is multiplied by a random number from 1/s to s, and the result
    is limited to the values that each channel has in the batch. Whole numbers, such as tokens, stay as inserted.
    """
    if not len(hosts):
        return batch.x
    chosen = batch.random.choice(sources, len(hosts))
    places = torch.from_numpy(hosts).to(batch.x.device)
    host, x = batch.x[places], batch.x.clone()
    with torch.no_grad():
        changed = task.insert(chosen, batch.rows[hosts], host).to(x.dtype)
        if strength != 1 and x.is_floating_point():
            factors = torch.from_numpy(batch.random.uniform(1 / strength, strength, len(hosts))).to(x)
            changed = host + factors.view(-1, *[1] * (x.dim() - 1)) * (changed - host)
            others = [axis for axis in range(x.dim()) if axis != 1]
            changed = changed.clamp(x.amin(others, keepdim=True), x.amax(others, keepdim=True))
        x[places] = changed
    return x


def find_labeled(task: FixTask) -> Rows:
    """Return the numbers of the samples with a label; others have -1."""
    return np.flatnonzero(task.labels >= 0)


def check_task(task: FixTask) -> None:
    """Raise InputError for a task without carriers, without other classes, or with wrong numbers."""
    seed_number(task.seed)
    n = len(task.labels)
    if not len(task.carriers):
        raise InputError("a fix that trains: expected samples that carry the evidence (carriers), got none")
    if task.carriers.min() < 0 or task.carriers.max() >= n:
        raise InputError(
            f"carriers: expected numbers of samples from 0 to {n - 1}, got {task.carriers.min()} to "
            f"{task.carriers.max()}"
        )
    if not ((task.labels >= 0) & (task.labels != task.label)).any():
        raise InputError(f"a fix that trains: expected samples of other classes than {task.label}, got none")


def require_positive(part: Any, name: str, *, zero: bool = False) -> None:
    """Raise InputError for a parameter that is not positive; `zero` permits 0."""
    value = getattr(part, name)
    if value < 0 or (value == 0 and not zero):
        bound = "at least 0" if zero else "more than 0"
        raise InputError(f"{type(part).__name__}({name}={value!r}): expected a number of {bound}")


def require_share(part: Any, name: str) -> None:
    """Raise InputError for a parameter that is not a share from 0 to 1."""
    value = getattr(part, name)
    if not 0 <= value <= 1:
        raise InputError(f"{type(part).__name__}({name}={value!r}): expected a share from 0 to 1")


def restore_flags(model: nn.Module, original: nn.Module) -> nn.Module:
    """Return the model with `requires_grad` as in the original, without gradients."""
    for one, other in zip(model.parameters(), original.parameters(), strict=True):
        one.grad = None
        one.requires_grad_(other.requires_grad)
    return model


def _advise_precision(weights: Sequence[Tensor]) -> str:
    """Return advice for weights in half precision, in which the optimizer divides by 0."""
    if all(one.dtype != torch.float16 for one in weights):
        return ""
    return ", or make a run of the model in single precision (`model.float()`)"


def _list_cuda(model: nn.Module) -> list[torch.device]:
    return list({one.device for one in model.parameters() if one.device.type == "cuda"})
