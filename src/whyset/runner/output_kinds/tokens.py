"""Logits of the next token at each position of a text: language models."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from whyset.arguments import whole_number
from whyset.runner.output import Output
from whyset.runner.output_kinds.located import Located
from whyset.store.layout import OUTPUT_VALUE


@dataclass(frozen=True)
class Tokens(Located):
    """Outputs (n, T, K) are the logits of the next token at each of T positions; K is the size of the vocabulary.

    Texts are prompts. Before the run is made, the model generates `n_tokens` tokens after each of them: always the one
    with the highest logit. A row of the run explains one generated token: the logit that the model had for it. Its
    input is the prompt with all generated tokens; the model is causal, so later tokens have no relevance.

    Parameters
    ----------
    n_tokens : int, default 16
        The number of tokens that are generated after each prompt.
    end : int, optional
        The id of the token that ends a text: those after it are not explained.
    n_classes : int, optional
        The size of the vocabulary, by default that of the model.

    Raises
    ------
    InputError
        `n_tokens` is below 1.

    Examples
    --------
    >>> import torch
    >>> Tokens(n_tokens=1).scores(torch.tensor([[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]]), Output.MODEL).tolist()
    [[3.0, 4.0]]
    """

    name: ClassVar[str] = "tokens"
    has_classes: ClassVar[bool] = False
    columns: ClassVar[tuple[str, ...]] = (OUTPUT_VALUE,)

    n_tokens: int = 16
    end: int | None = None

    def __post_init__(self) -> None:
        whole_number("Tokens: n_tokens", self.n_tokens, 1)

    def count_scores(self, scores: Tensor) -> int:
        """Return the number of logits from which all generated tokens are chosen; prompts may have fewer positions."""
        return self.n_tokens * (self.n_classes or 1)

    def scores(self, output: Tensor, value: Output) -> Tensor:
        """Return the logits (n, n_tokens K) from which the generated tokens were chosen."""
        return output[:, -self.n_tokens - 1 : -1].flatten(1)

    def get_probabilities(self, scores: Tensor, value: Output) -> Tensor:
        """Return the probabilities of all tokens at all positions."""
        logits: Tensor = scores.detach().float().unflatten(1, (-1, self.n_classes or 1))
        return logits.softmax(dim=2).flatten(1)
