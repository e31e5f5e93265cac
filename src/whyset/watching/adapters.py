"""Callbacks of training loops of other packages."""

import math
from collections.abc import Callable
from typing import Any

from torch import nn

from whyset.optional import import_optional

Watching = Callable[[nn.Module, int], object]
"""A `Watch`, which takes a model and the number of the epoch after which it is as it is."""


def make_lightning_callback(watch: Watching) -> Any:
    """Make a `pytorch_lightning.Callback`; the watched model is the module itself.

    It watches the end of each epoch of training, in the first of several processes.
    """
    lightning = import_optional("pytorch_lightning", "Watch.lightning", "pip install pytorch-lightning")

    class LightningWatch(lightning.Callback):  # type: ignore[misc, name-defined]
        """Watches the epochs of a Trainer of PyTorch Lightning."""

        def on_train_epoch_end(self, trainer: Any, pl_module: nn.Module) -> None:
            if trainer.is_global_zero:
                watch(pl_module, trainer.current_epoch)

    return LightningWatch()


def number_epoch(passed: float) -> int:
    """Return the number of the epoch that ends when this many epochs have passed, which may be a fraction.

    >>> [number_epoch(passed) for passed in (0.25, 0.9999999, 1.0, 1.0000001, 2.5)]
    [0, 0, 0, 0, 2]
    """
    return max(0, math.ceil(passed - 1e-4) - 1)


def make_hugging_face_callback(watch: Watching) -> Any:
    """Make a `transformers.TrainerCallback`.

    It watches the end of each epoch, in the first of several processes; the first epoch has the number 0. An epoch that
    `max_steps` ends early counts as one.
    """
    transformers = import_optional("transformers", "Watch.hugging_face", "pip install transformers")

    class HuggingFaceWatch(transformers.TrainerCallback):  # type: ignore[misc, name-defined]
        """Watches the epochs of a Trainer of transformers."""

        def on_epoch_end(self, args: Any, state: Any, control: Any, model: nn.Module, **_: Any) -> None:
            if state.is_world_process_zero:
                watch(model, number_epoch(state.epoch))

    return HuggingFaceWatch()
