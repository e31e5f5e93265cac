"""The logits of generated tokens, chosen as the output that is explained."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from whyset.arguments import whole_number
from whyset.attribution.attributors.model_output import OutputChoice, check_output_choice, select_output
from whyset.errors import InputError


@dataclass(frozen=True, eq=False)
class GeneratedTokens:
    """Select the logits of generated tokens from what a language model returns, as `output=` of an attributor.

    Column k is `logits[:, t − 1, ids[:, t]]` with `t = start + k`, the logit that the model had for the token when it
    generated it. One forward pass over the prompt and the generated tokens computes all of them, and gives the same
    relevance as generation step by step with a cache of keys and values through which gradients flow.

    Parameters
    ----------
    ids : Tensor
        The ids of prompt and generated tokens, integers (n, T), as `model.generate` returns them.
    start : int
        The position of the first generated token: the length of the padded prompts.
    logits : str, int, callable or None, default "logits"
        The logits (n, T, vocabulary), as `output=` of `Gradient`; a model that returns one tensor returns the logits.

    Raises
    ------
    InputError
        The ids are not integers (n, T), no generated token follows `start`, or the logits do not fit the ids.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from whyset.attribution import Gradient
    >>> from whyset.attribution.composites import AttnLRP
    >>> model = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 9))
    >>> tokens = GeneratedTokens(torch.tensor([[1, 5, 3, 7]]), start=2)
    >>> logits, relevance = Gradient(model, AttnLRP(), output=tokens)(tokens.ids, targets=tokens.targets)
    >>> relevance.sum(-1).shape  # (generated tokens, n, T)
    torch.Size([2, 1, 4])
    """

    ids: Tensor
    start: int
    logits: OutputChoice = "logits"

    def __post_init__(self) -> None:
        known = isinstance(self.ids, Tensor) and self.ids.dtype in (torch.int32, torch.int64)
        if not known or self.ids.dim() != 2 or not len(self.ids):
            got = f"{self.ids.dtype} {tuple(self.ids.shape)}" if isinstance(self.ids, Tensor) else repr(self.ids)
            raise InputError(
                f"ids: expected int64 or int32 integers of shape (samples, tokens), got {got.removeprefix('torch.')}"
            )
        start = whole_number("start", self.start, least=1)
        if start >= self.ids.shape[1]:
            raise InputError(
                f"start is {start}, but there are {self.ids.shape[1]} tokens: expected the position of the first "
                "generated token in ids of prompt and generated tokens together"
            )
        check_output_choice(self.logits)

    @property
    def targets(self) -> list[int]:
        """The targets that explain every generated token: the columns of the output."""
        return list(range(self.ids.shape[1] - self.start))

    def __call__(self, returned: Any) -> Tensor:
        """Return the logits of the generated tokens.

        Parameters
        ----------
        returned : object
            The output of the model: the logits (n, T, vocabulary), or what holds them. The last position may be left
            out, since no token follows it.

        Returns
        -------
        Tensor
            The logits, (n, generated tokens).

        Raises
        ------
        InputError
            The logits do not fit the ids, or there are none.
        """
        logits = returned if isinstance(returned, Tensor) else select_output(returned, self.logits)
        samples, length = self.ids.shape
        if logits.dim() != 3 or logits.shape[0] != samples or logits.shape[1] not in (length, length - 1):
            raise InputError(
                f"expected logits of shape ({samples}, {length}, vocabulary) for ids {tuple(self.ids.shape)}, got "
                f"{tuple(logits.shape)}: give prompt and generated tokens to the model in one call, with all logits"
            )
        # A copy: ids that were generated in inference mode cannot be saved for backward.
        generated = self.ids[:, self.start :].to(logits.device, torch.long, copy=True).unsqueeze(2)
        if generated.min() < 0 or generated.max() >= logits.shape[2]:
            raise InputError(f"ids: expected 0 to {logits.shape[2] - 1}, the vocabulary of the logits")
        return logits[:, self.start - 1 : length - 1].gather(2, generated).squeeze(2)
