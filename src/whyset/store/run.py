"""Run: a folder of explanations, opened for reading."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from whyset.errors import InputError, UncommittedRowsError
from whyset.printable import printable
from whyset.store.analyses import Analysis, ListedClass, analysis_names, open_analysis
from whyset.store.analysis_writer import AnalysisWriter, open_analysis_writer
from whyset.store.checks import Check, check_relevance, read_checks_or_problem
from whyset.store.commit_validation import require_valid_commits
from whyset.store.commits import Failure, get_failures, has_commit, read_commits
from whyset.store.geometry import RunGeometry
from whyset.store.integrity import Integrity
from whyset.store.jsonfile import JSON
from whyset.store.layout import ARRIVED, CONCEPT, DONE, INPUT, LARGEST, LAYER, RELEVANCE, SAMPLES, STATUS
from whyset.store.lazy import LazyArray
from whyset.store.modality import Modality, get_modality
from whyset.store.problems import Problem
from whyset.store.record import read_record
from whyset.store.remote import AnyPath, as_path
from whyset.store.samples import label_array, read_samples, read_tokens, require_samples_hash, sample_columns
from whyset.store.summary_table import make_summary_table
from whyset.store.verify import verify_run

_WORTH_LISTING = 8


@dataclass(frozen=True, repr=False)
class Run(RunGeometry):
    """A run folder. It can be pickled (by its path) and sent to workers; what is committed is looked up when asked.

    A row is one explanation: one sample and one target. Row r explains sample r // T with its target number r % T,
    where T is `config.targets_per_sample`, usually 1.

    >>> run = open_run("runs/cifar")                      # doctest: +SKIP
    >>> run.relevance[17].shape, run.column("prediction")[:3]   # doctest: +SKIP
    """

    samples_hash: str = field(default="", compare=False)
    thorough: bool = False
    """Whether the checksums of files are compared before parts of them are read, too; see `thoroughly`."""
    known: dict[int, Mapping[str, str]] = field(default_factory=dict, compare=False)
    """Checksums by array, of the shards whose commits were read."""
    verified: set[tuple[str, int]] = field(default_factory=set, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.path, self.thorough)

    def __hash__(self) -> int:
        return hash((self.path, self.config_hash, self.size, self.thorough))

    def __repr__(self) -> str:
        several = f"{self.size:,} explanations of " if self.config.targets_per_sample > 1 else ""
        method = f"{self.config.method} of {self.config.model}"
        return printable(f"<run {self.path}: {several}{self.sample_count:,} samples, {method}>", keep="")

    def _repr_html_(self) -> str:
        """The table that notebooks show."""
        facts = {
            "samples": f"{self.sample_count:,}",
            "explanations": f"{self.size:,}, of these {int(self.committed.sum()):,} committed",
            "method": self.config.method,
            "model": self.config.model,
            "data set": self.config.dataset,
            "relevance maps": " × ".join(map(str, self.relevance.shape[1:])),
            "analyses": ", ".join(self.analyses) or "none",
        }
        return make_summary_table(f"Run {self.path}", facts.items())

    # What is known of the samples

    @property
    def sample_count(self) -> int:
        return self.size // self.config.targets_per_sample

    @cached_property
    def samples(self) -> pa.Table:
        """One line per row: index, id, label (null where unknown), uri; and `sample` where they have several rows."""
        return self.sample_table()

    @property
    def sample_columns(self) -> list[str]:
        """Names of the columns of `samples`, which are told without reading these."""
        return sample_columns(self.path / SAMPLES)

    def sample_table(self, columns: list[str] | None = None) -> pa.Table:
        """Some columns of `samples`, read again; the file must have the hash that run.json states."""
        _ = self._samples_are_whole
        return read_samples(self.path / SAMPLES, columns, self.size)

    @cached_property
    def _samples_are_whole(self) -> bool:
        require_samples_hash(self.path / SAMPLES, self.samples_hash)
        return True

    @property
    def modality(self) -> Modality:
        """What the samples are: "image", "series", "text" or "table"."""
        return get_modality(self.config.modality, self.relevance.spec.shape)

    def tokens(self, rows: npt.ArrayLike) -> list[list[str]] | None:
        """The tokens of the texts of these rows, without padding; None where the run keeps none."""
        _ = self._samples_are_whole
        return read_tokens(self.path / SAMPLES, np.asarray(rows, np.int64))

    @cached_property
    def ids(self) -> list[str]:
        """Ids as text; where a run is large, `run.samples["id"]` takes less memory."""
        names: list[str] = self.sample_table(["id"])["id"].to_pylist()
        return names

    @cached_property
    def labels(self) -> npt.NDArray[np.int64]:
        """Labels, int64, -1 where unknown."""
        return label_array(self.sample_table(["label"]))

    @property
    def classes(self) -> list[str]:
        """Names of the model's outputs."""
        return list(self.config.class_names)

    # Shards and commits

    def is_committed(self, shard: int) -> bool:
        """Whether a shard is one of `committed_shards`, which are not listed for it."""
        return shard in self.known or (0 <= shard < self.shard_count and has_commit(self.path, shard))

    def pending_shards(self) -> list[int]:
        """Shards without a commit, in order."""
        done = set(self.committed_shards())
        return [shard for shard in range(self.shard_count) if shard not in done]

    @property
    def shards(self) -> list[str]:
        """The state of every shard: "committed" or "pending"."""
        done = set(self.committed_shards())
        return ["committed" if shard in done else "pending" for shard in range(self.shard_count)]

    @property
    def committed(self) -> npt.NDArray[np.bool_]:
        """Which rows a commit vouches for, shape (N,)."""
        shards = np.zeros(self.shard_count, bool)
        shards[self.committed_shards()] = True
        return np.repeat(shards, self.config.shard_rows)[: self.size]

    @property
    def failures(self) -> list[Failure]:
        """Samples that could not be explained: `for index, id, error in run.failures`."""
        return get_failures(read_commits(self.path, self.committed_shards()))

    # Values

    @cached_property
    def own_arrays(self) -> frozenset[str]:
        """Arrays that the store fills by itself."""
        return frozenset({STATUS, *(spec.scale_name for spec in self.arrays if spec.scaled)})

    def array(self, name: str) -> LazyArray:
        """Any array of data.zarr, read lazily."""
        found = next((spec for spec in self.arrays if spec.name == name), None)
        if found is None:
            raise InputError(f"{self.path} has no array {name!r}; it has {[spec.name for spec in self.arrays]}")
        each = found.rows_each(self.config.targets_per_sample)
        integrity = Integrity(self.path, self.known.__getitem__, self.thorough, self.verified)
        return LazyArray(self.path, found, self.size, self.config.shard_rows, self._require_committed, integrity, each)

    def thoroughly(self) -> "Run":
        """The same run, which compares every file that it reads from with the checksum in its commit, once each.

        Analyses, reports and exports read runs in this way: BrokenRunError names the damaged file. Other reading
        compares only what is read whole, columns among it, because one map would cost the reading of its whole shard.
        """
        return self if self.thorough else replace(self, thorough=True, verified=set())

    @property
    def relevance(self) -> LazyArray:
        """Maps of the input, float32: images (N, C, H, W), series (N, C, T), texts (N, T), tables (N, F)."""
        return self.array(RELEVANCE)

    @property
    def layers(self) -> list[str]:
        """Names of the layers whose relevance is stored, the input apart."""
        return [name for name in self._list_names(LAYER) if LAYER + name not in (RELEVANCE, *self.own_arrays)]

    def layer(self, name: str) -> LazyArray:
        """Relevance at the output of a layer, shape (N, ...) with the layer's own axes, float32."""
        return self._of_layer(name, self.layers, LAYER, "relevance of layer")

    @property
    def concepts(self) -> list[str]:
        """Names of the layers whose concept relevance is stored."""
        return self._list_names(CONCEPT)

    def concept(self, name: str) -> LazyArray:
        """Relevance of each channel of a layer, summed over all other axes, shape (N, channels), float32."""
        return self._of_layer(name, self.concepts, CONCEPT, "concept relevance of layer")

    def _list_names(self, prefix: str) -> list[str]:
        return [spec.name.removeprefix(prefix) for spec in self.arrays if spec.name.startswith(prefix)]

    def _of_layer(self, name: str, known: list[str], prefix: str, what: str) -> LazyArray:
        if name not in known:
            raise InputError(f"{self.path} has no {what} {name!r}; it has {', '.join(known) or 'none'}")
        return self.array(prefix + name)

    @property
    def inputs(self) -> LazyArray | None:
        """Images as the model saw them, normalization undone, shape (N, C, H, W), uint8; None where not stored.

        Series and rows of tables are kept as the model takes them, float32, and texts as ids of tokens, int32.
        They are stored once per sample and indexed by row, as everything else.
        """
        return self.array(INPUT) if any(spec.name == INPUT for spec in self.arrays) else None

    def column(self, name: str) -> npt.NDArray[Any]:
        """A whole column, shape (N,); rows that are not committed hold the fill value (-1, NaN or 0)."""
        array = self.array(name)
        if array.spec.shape:
            raise InputError(
                f"{name!r} has the row shape {array.spec.shape}: expected a column; use run.array({name!r})"
            )
        values = np.full(self.size, array.spec.fill, array.dtype)
        rows = np.flatnonzero(self.committed)
        values[rows] = array[rows]
        return values

    @property
    def checks(self) -> tuple[Check, ...]:
        """What is suspicious about the run: found in its columns, and by `explain` while it was made."""
        return (*self.relevance_checks, *self.stored_checks)

    @property
    def stored_checks(self) -> tuple[Check, ...]:
        """What `explain` found suspicious; a warning where that cannot be read or is missing."""
        return read_checks_or_problem(self.path, self.expects_checks)

    @property
    def relevance_checks(self) -> tuple[Check, ...]:
        """What is suspicious in the columns; runs made before version 1.3 have none that say it."""
        if not self.states_relevance:
            return ()
        done = self.column(STATUS) == DONE
        errors = [failure.error for failure in self.failures]
        return check_relevance(self.column(ARRIVED)[done], self.column(LARGEST)[done], errors)

    # Analyses

    @property
    def analyses(self) -> list[str]:
        return analysis_names(self.path)

    def analysis(self, name: str | None = None) -> Analysis:
        """An analysis by its name; without one the only one there is, or the one called "spray"."""
        if name is None:
            known = self.analyses
            name = known[0] if len(known) == 1 else "spray"
        one_target = self.config.targets_per_sample == 1
        return open_analysis(self.path, name, one_target=one_target, n_rows=self.size)

    def analysis_writer(
        self, name: str, config: Mapping[str, JSON], classes: Sequence[ListedClass] | None = None
    ) -> AnalysisWriter:
        """Begin or continue an analysis of these `classes`; those finished with the same configuration are kept."""
        return open_analysis_writer(self.path, name, config, classes)

    def verify(self) -> list[Problem]:
        """Read everything that is committed and compare it with its checksums."""
        return list(verify_run(self))

    def _require_committed(self, rows: npt.NDArray[np.int64]) -> None:
        """Every shard is looked at once: whether it has a commit, and whether that commit speaks of this run."""
        shards = np.flatnonzero(np.bincount(rows // self.config.shard_rows)).tolist()
        unknown = [shard for shard in shards if shard not in self.known]
        missing = sorted(set(unknown) - set(self._find_committed(unknown)))
        if missing:
            bad = rows[np.isin(rows // self.config.shard_rows, missing)]
            raise UncommittedRowsError(
                f"{len(bad)} of the rows asked for are not computed yet (first: {int(bad[0])}, shard {missing[0]} of "
                f"{self.path}); run.committed tells which are, and the same `explain` again computes the rest"
            )
        commits = require_valid_commits(self, unknown)
        self.known.update({commit.shard: commit.checksums for commit in commits})

    def _find_committed(self, shards: list[int]) -> list[int]:
        """Those that have a commit; many are looked up by listing what lies there."""
        if len(shards) < _WORTH_LISTING:
            return [shard for shard in shards if self.is_committed(shard)]
        return self.committed_shards()


def open_run(path: str | AnyPath) -> Run:
    """Open a run.

    Parameters
    ----------
    path : str or path
        A folder, or a URL such as s3://bucket/runs/cifar.

    Returns
    -------
    Run
        The run; its arrays are read when they are indexed.

    Raises
    ------
    InputError
        `path` is not a run, or a newer major version wrote it.
    BrokenRunError
        run.json is damaged or edited.

    Examples
    --------
    >>> run = open_run("runs/small")
    >>> run.relevance[17].shape
    (3, 8, 6)
    """
    folder = as_path(path)
    record = read_record(folder)
    return Run(folder, record.config, record.config_hash, record.arrays, record.size, record.samples_hash)


def _reopen(path: AnyPath, thorough: bool) -> Run:
    return open_run(path).thoroughly() if thorough else open_run(path)
