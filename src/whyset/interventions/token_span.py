"""The most relevant span of tokens of a text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from whyset.arguments import whole_number
from whyset.errors import InputError
from whyset.interventions.checks import check_evidence, check_hosts, require_padding_at_end, sum_channels
from whyset.interventions.draws import draw_candidate, make_generators
from whyset.interventions.evidence import Region
from whyset.interventions.fills import DeletionFill, Fill
from whyset.interventions.regions import RegionIntervention
from whyset.interventions.windows import first_corners, window_masks, window_overlaps, window_sums


@dataclass(frozen=True)
class TokenSpan(RegionIntervention):
    """The span of tokens with the most positive relevance, without padding and special tokens.

    Texts are ids (n, tokens), padded at either end. The span is inserted at the place in the host that is closest to
    that in the text. With `mode="replace"` it replaces as many tokens of the host, which keeps its length, so that an
    attention mask stays valid. With `mode="shift"` the following tokens of the host move to the right, and the last
    ones are lost if the host is full; hosts are then padded at the end. Attention masks must then be computed again
    from the padding, also after a removal with the fill "deletion".

    Parameters
    ----------
    length : int, default 1
        The number of tokens of the span; shorter texts have no evidence.
    mode : {"replace", "shift"}, default "replace"
        Whether the span replaces tokens of the host, or is inserted between them.
    padding : int, optional
        The id of padding, which is neither moved nor replaced; None if texts are not padded.
    special : int or tuple of int, default ()
        Ids of further tokens that are neither moved nor replaced, such as those at the beginning and end.

    Raises
    ------
    InputError
        The length is less than 1, or the mode is unknown.

    Examples
    --------
    >>> text, host = torch.tensor([[7, 8, 9, 0]]), torch.tensor([[1, 2, 0, 0]])
    >>> relevance = torch.tensor([[0.0, 0.0, 1.0, 0.0]])
    >>> for mode in ("replace", "shift"):
    ...     intervention = TokenSpan(length=1, mode=mode, padding=0)
    ...     print(intervention.insert(text, intervention.select(text, relevance), host).tolist())
    [[1, 9, 0, 0]]
    [[1, 2, 9, 0]]
    """

    name: ClassVar[str] = "token_span"
    modalities: ClassVar[tuple[str, ...]] = ("text",)
    fills: ClassVar[tuple[str, ...]] = ("host", "constant", "deletion")
    null_text: ClassVar[str] = "another span of the same text"

    length: int = 1
    mode: Literal["replace", "shift"] = "replace"
    padding: int | None = None
    special: int | tuple[int, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("TokenSpan: length", self.length, least=1)
        if self.mode not in ("replace", "shift"):
            raise InputError(f"TokenSpan(mode={self.mode!r}): expected 'replace' or 'shift'")
        if isinstance(self.special, list):
            object.__setattr__(self, "special", tuple(self.special))

    def select(self, x: Tensor, relevance: Tensor | None) -> Region:
        """Return the span with the largest sum of positive relevance; of equal ones, the first.

        `relevance` is that of the tokens (n, tokens), or of their embeddings (n, tokens, features), which is summed.
        """
        self.check(x)
        if isinstance(relevance, Tensor) and relevance.dim() == 3 and relevance.shape[:2] == x.shape:
            relevance = relevance.sum(2)
        positive = sum_channels(relevance, x, type(self).__name__)
        sums = self._windows(x, positive).masked_fill(~self._free_places(x), -1)
        found = sums.amax(1) > 0 if sums.shape[1] else torch.zeros(len(x), dtype=torch.bool, device=x.device)
        return self._spans(sums.argmax(1) if sums.shape[1] else found.long(), found, x)

    def null(
        self, x: Tensor, evidence: Region, *, seeds: Sequence[int] | None = None, others: Tensor | None = None
    ) -> Region:
        """Return a random span of the same text, among those with the least overlap with the evidence."""
        self.check(x)
        generators = make_generators(seeds, len(x), type(self).__name__)
        if x.shape[1] < self.length:
            return Region(torch.zeros_like(evidence.mask))
        overlaps = window_overlaps(first_corners(evidence.mask), (self.length,), x.shape[1:])
        overlaps = overlaps.masked_fill(~self._free_places(x), self.length + 1)
        places = draw_candidate(overlaps == overlaps.amin(1, keepdim=True), generators)
        return self._spans(places, evidence.size > 0, x)

    def fits(self, evidence: Region, host: Tensor) -> Tensor:
        """Return whether each host (n,) has a place for the span."""
        self.check(host)
        return self._places(host, between=self.mode == "shift").any(1) | (evidence.size == 0)

    def insert(self, x: Tensor, evidence: Region, host: Tensor) -> Tensor:
        """Return the hosts with the spans; InputError: a host has no place for its span (see `fits`)."""
        self._check_call(x, evidence, host)
        shifts = self.mode == "shift"
        if shifts:
            require_padding_at_end(host, self.padding, type(self).__name__)
        start = first_corners(evidence.mask)[:, 0]
        place = self._find_place(evidence, host, between=shifts)
        inside, moved = self._move(x, start, place)
        positions = torch.arange(x.shape[1], device=x.device).expand(len(x), -1)
        source = torch.where(positions < place[:, None], positions, (positions - self.length).clamp(min=0))
        changed = torch.where(inside, moved, host.gather(1, source) if shifts else host)
        return torch.where((evidence.size > 0)[:, None], changed, host)

    def remove(self, x: Tensor, evidence: Region, fill: Fill | str, host: Tensor | None = None) -> Tensor:
        """Return the texts with a fill in place of the spans.

        The fill "host" is the span of the host that is closest to the place of the evidence.
        """
        if host is None or self.resolve_fill(fill).name != "host":
            return super().remove(x, evidence, fill, host)
        self._check_call(x, evidence, host)
        place = self._find_place(evidence, host, between=False)
        return torch.where(evidence.mask, self._move(host, place, first_corners(evidence.mask)[:, 0])[1], x)

    def resolve_fill(self, fill: Fill | str) -> Fill:
        """Return the fill of a name; "deletion" pads as the texts are padded.

        InputError: texts cannot be filled by it, or it deletes with another padding.
        """
        if fill == DeletionFill.name and self.padding is not None:
            return DeletionFill(padding=self.padding)
        found = super().resolve_fill(fill)
        if isinstance(found, DeletionFill) and self.padding not in (None, found.padding):
            raise InputError(
                f"TokenSpan(padding={self.padding}): expected a deletion with the same padding, got {found}: give the "
                'fill "deletion"'
            )
        return found

    def _check_call(self, x: Tensor, evidence: Region, host: Tensor) -> None:
        self.check(x)
        check_hosts(x, host, type(self).__name__)
        check_evidence(x, evidence, Region, type(self).__name__)

    def _move(self, x: Tensor, start: Tensor, place: Tensor) -> tuple[Tensor, Tensor]:
        """Return a mask of the spans at their new places, and texts moved so that each span is there."""
        positions = torch.arange(x.shape[1], device=x.device).expand(len(x), -1)
        inside = (positions >= place[:, None]) & (positions < place[:, None] + self.length)
        return inside, x.gather(1, (positions + (start - place)[:, None]).clamp(0, x.shape[1] - 1))

    def _find_place(self, evidence: Region, host: Tensor, *, between: bool) -> Tensor:
        """Return the place (n,) of the span in the hosts that is closest to that in the texts.

        InputError: a host has none.
        """
        places, start = self._places(host, between=between), first_corners(evidence.mask)[:, 0]
        wrong = (~places.any(1) & (evidence.size > 0)).nonzero().flatten().tolist()
        if wrong:
            tokens = int(self._own(host[wrong[0]][None]).sum())
            raise InputError(
                f"TokenSpan(length={self.length}): expected hosts with as many consecutive tokens besides padding and "
                f"special ones, got {len(wrong)} without, the first one at {wrong[0]} with {tokens} tokens: choose "
                "other hosts for them (TokenSpan.fits), or a shorter span"
            )
        if places.shape[1] == 0:  # all evidence is empty
            return torch.zeros_like(start)
        distance = (torch.arange(places.shape[1], device=host.device) - start[:, None]).abs()
        return distance.masked_fill(~places, host.shape[1] + 1).argmin(1)

    def _places(self, host: Tensor, *, between: bool) -> Tensor:
        """Return True at the places (n, count) in hosts: in place of tokens, or before any and after the last one."""
        free = self._free_places(host)
        if not between:
            return free
        own = self._own(host)
        return (own | torch.cat([torch.zeros_like(own[:, :1]), own[:, :-1]], 1))[:, : free.shape[1]]

    def _own(self, x: Tensor) -> Tensor:
        """Return True at the tokens (n, tokens) that are neither padding nor special."""
        special = self.special if isinstance(self.special, tuple) else (self.special,)
        refused = [id for id in (self.padding, *special) if id is not None]
        return ~torch.isin(x, torch.tensor(refused, dtype=x.dtype, device=x.device))

    def _free_places(self, x: Tensor) -> Tensor:
        """Return True at the places (n, count) where a span has neither padding nor special tokens."""
        return self._windows(x, self._own(x).long()) == self.length

    def _windows(self, x: Tensor, values: Tensor) -> Tensor:
        """Return the sums of the values within all spans; none if texts are shorter than the span."""
        return window_sums(values, (self.length,)) if x.shape[1] >= self.length else values[:, :0]

    def _spans(self, places: Tensor, found: Tensor, x: Tensor) -> Region:
        return Region(window_masks(places[:, None], (self.length,), x.shape[1:]) & found[:, None])
