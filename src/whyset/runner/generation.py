"""The rows of a run of a language model: one for each token that it generates after the prompts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from whyset.errors import InputError
from whyset.runner.activity import Activity
from whyset.runner.located_rows import label_columns, read_all, read_columns
from whyset.runner.output_kinds import Tokens
from whyset.runner.output_spec import OutputSpec
from whyset.runner.prefetch import Batch
from whyset.runner.rows import Rows
from whyset.runner.score_model import select
from whyset.runner.sources import UNKNOWN, RowSource, Source
from whyset.runner.sources.source import get_structure
from whyset.store.layout import POSITION, PROMPT, TOKEN
from whyset.store.remote import AnyPath


@dataclass(frozen=True, eq=False)
class GeneratedSource(RowSource):
    """Rows whose inputs are prompts with the tokens generated after them; `generated` has those of each prompt."""

    generated: Mapping[int, Sequence[int]] = field(default_factory=dict, kw_only=True)

    def _choose(self, x: Tensor, index: int) -> tuple[Tensor, int | None]:
        more = self.generated.get(int(self.samples[index]))
        if more is None:
            raise InputError(
                f"no tokens were generated after this prompt {tuple(x.shape)}: it could not be read then, or has "
                "another length than most prompts"
            )
        return super()._choose(torch.cat([x, torch.tensor(more, dtype=x.dtype)]), index)


def find_tokens(
    model: torch.nn.Module,
    source: Source,
    wanted: OutputSpec,
    names: Sequence[str],
    shape: tuple[int, ...],
    kept: AnyPath | None = None,
    activity: Activity | None = None,
) -> Rows:
    """Return one row for each token that the model generates after the prompts of a source, ids (T,).

    `names` are those of the tokens. A run that is continued or repeated, `kept`, has its tokens in its table of
    samples: they are read from there, so that rounding on another device does not change its rows. A prompt that cannot
    be read has a row, which fails.

    InputError: inputs are not ids of tokens, or prompts have different lengths or further inputs.
    """
    assert isinstance(wanted.kind, Tokens)
    if get_structure(source) is not None:
        raise InputError(
            "output_kind tokens: expected prompts of one length without further inputs, ids of tokens (T,), got "
            "prompts of different lengths, with further inputs, such as a mask, or under a name of their own: give the "
            "ids alone, as an array (N, T) or under the key input_ids, and make one run for the prompts of each length"
        )
    kind = wanted.kind
    found = _read_tokens(kept, source, kind)
    if found is None:
        found = dict(_generate_all(select(model, wanted.choice), read_all(model, source, shape, activity), kind))
    rows = [(sample, place) for sample in range(len(source)) for place in range(_count(found.get(sample, ()), kind))]
    rows = sorted([*rows, *((sample, -1) for sample in range(len(source)) if sample not in found)])
    note = f"{len(rows):,} rows explain the tokens generated after {len(source):,} prompts"
    failing = len(source) - len(found)
    return Rows(
        _make_source(source, found, rows, shape[0], kind, names),
        note + (f"; {failing:,} prompts cannot be read, and their rows fail" if failing else ""),
    )


def _generate_all(
    model: torch.nn.Module, batches: Iterable[tuple[Batch, Tensor]], kind: Tokens
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield the tokens of each readable prompt by its number."""
    for batch, ids in batches:
        if batch.indices:
            yield from zip(batch.indices, map(tuple, generate(model, ids, kind).tolist()), strict=True)


@torch.no_grad()
def generate(model: torch.nn.Module, ids: Tensor, kind: Tokens) -> Tensor:
    """Generate tokens (n, n_tokens) after prompts (n, T): always that of the highest logit, and `end` after an end.

    InputError: the prompts are not ids of tokens.
    """
    if ids.is_floating_point():
        got = f"{ids.dtype} {tuple(ids.shape[1:])}"
        raise InputError(f"output_kind tokens: expected prompts as ids of tokens, integers (T,), got {got}")
    start = ids.shape[1]
    for _ in range(kind.n_tokens):
        token = _run(model, ids)[:, -1].argmax(dim=1)
        if kind.end is not None:
            token = torch.where((ids[:, start:] == kind.end).any(dim=1), kind.end, token)
        ids = torch.cat([ids, token[:, None].to(ids.dtype)], dim=1)
    return ids[:, start:]


def _run(model: torch.nn.Module, ids: Tensor) -> Tensor:
    """Run the model; InputError, which names the length of the texts, for an error of it."""
    try:
        logits: Tensor = model(ids)
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"output_kind tokens: the model does not accept {ids.shape[1]} tokens ({reason}): give shorter prompts, or "
            "generate fewer tokens by Tokens(n_tokens=...) (--output-option n_tokens=8)"
        ) from error
    if logits.shape[:2] != ids.shape:
        raise InputError(
            f"output_kind tokens: expected logits {(*ids.shape, 'vocabulary')} for ids {tuple(ids.shape)}, got "
            f"{tuple(logits.shape)}: give a causal language model with a logit for each position"
        )
    return logits


def _count(tokens: Sequence[int], kind: Tokens) -> int:
    """Return the number of tokens that are explained: the first end is the last one."""
    return tokens.index(kind.end) + 1 if kind.end in tokens else len(tokens)


def _make_source(
    source: Source,
    found: Mapping[int, Sequence[int]],
    rows: Sequence[tuple[int, int]],
    length: int,
    kind: Tokens,
    names: Sequence[str],
) -> GeneratedSource:
    """Make the rows of (prompt, place of the token); their columns are enough to read the tokens again."""
    ids, samples = source.ids, [sample for sample, _ in rows]
    tokens = [None if place < 0 else found[sample][place] for sample, place in rows]
    columns: dict[str, Sequence[object]] = {
        PROMPT: [ids[sample] for sample in samples],
        POSITION: [None if place < 0 else length + place for _, place in rows],
        TOKEN: tokens,
    }
    columns |= label_columns(source, samples, kind, names)
    scores = [
        -1 if token is None else place * (kind.n_classes or 1) + token
        for token, (_, place) in zip(tokens, rows, strict=True)
    ]
    return GeneratedSource(
        source,
        np.array(samples, np.int64),
        np.array(scores, np.int64),
        [f"{ids[sample]}#{max(place, 0)}" for sample, place in rows],
        np.full(len(rows), UNKNOWN),
        columns,
        generated=found,
    )


def _read_tokens(kept: AnyPath | None, source: Source, kind: Tokens) -> dict[int, tuple[int, ...]] | None:
    """Read the tokens of a run; None if it has none, or not of these prompts: then its configuration differs."""
    table = read_columns(kept, (PROMPT, POSITION, TOKEN))
    if table is None:
        return None
    places = {id: place for place, id in enumerate(source.ids)}
    found: dict[int, list[int]] = {}
    for prompt, token in zip(table[PROMPT].to_pylist(), table[TOKEN].to_pylist(), strict=True):
        if prompt not in places:
            return None
        if token is not None:
            found.setdefault(places[prompt], []).append(token)
    fill = 0 if kind.end is None else kind.end
    return {sample: (*tokens, *[fill] * (kind.n_tokens - len(tokens))) for sample, tokens in found.items()}
