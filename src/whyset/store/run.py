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
from whyset.store.concept_vectors import ConceptVector, list_concept_vectors, open_concept_vector
from whyset.store.effects import Effects, open_effects
from whyset.store.evaluations import Evaluation, list_evaluations, open_evaluation
from whyset.store.findings import Findings, list_findings, open_findings
from whyset.store.fixes import FixComparison, list_fixes, open_fix
from whyset.store.geometry import RunGeometry
from whyset.store.integrity import Integrity
from whyset.store.jsonfile import JSON
from whyset.store.layout import (
    ACTIVATION,
    ARRIVED,
    CONCEPT,
    DONE,
    INPUT,
    LARGEST,
    LAYER,
    MEAN_ACTIVATION,
    RELEVANCE,
    SAMPLES,
    STATUS,
)
from whyset.store.lazy import LazyArray
from whyset.store.modality import get_modality
from whyset.store.problems import Problem
from whyset.store.record import read_record
from whyset.store.remote import AnyPath, as_path
from whyset.store.samples import label_array, read_samples, read_tokens, require_samples_hash, sample_columns
from whyset.store.summary_table import make_summary_table
from whyset.store.verify import verify_run

_WORTH_LISTING = 8


@dataclass(frozen=True, repr=False)
class Run(RunGeometry):
    """A run folder. It can be pickled (by its path) and sent to workers; commits are looked up when needed.

    A row is one explanation: one sample and one target. Row r explains sample r // T with its target number r % T,
    where T is `config.targets_per_sample`, usually 1.

    >>> run = open_run("runs/cifar")                      # doctest: +SKIP
    >>> run.relevance[17].shape, run.column("prediction")[:3]   # doctest: +SKIP
    """

    samples_hash: str = field(default="", compare=False)
    thorough: bool = False
    """True if checksums are also compared for files that are read in part; see `thoroughly`."""
    known: dict[int, Mapping[str, str]] = field(default_factory=dict, compare=False)
    """Checksums by array, for the shards whose commits were read."""
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
            "explanations": f"{self.size:,} ({int(self.committed.sum()):,} committed)",
            "method": self.config.method,
            "model": self.config.model,
            "data set": self.config.dataset,
            "relevance maps": " × ".join(map(str, self.relevance.shape[1:])),
            "analyses": ", ".join(self.analyses) or "none",
        }
        return make_summary_table(f"Run {self.path}", facts.items())

    # Samples

    @property
    def sample_count(self) -> int:
        return self.size // self.config.targets_per_sample

    @cached_property
    def samples(self) -> pa.Table:
        """Table with one line per row: index, id, label (null if unknown), uri; with several targets also `sample`."""
        return self.sample_table()

    @property
    def sample_columns(self) -> list[str]:
        """Names of the columns of `samples`, found without reading the columns."""
        return sample_columns(self.path / SAMPLES)

    def sample_table(self, columns: list[str] | None = None) -> pa.Table:
        """Read some columns of `samples`; the file must have the hash that run.json states."""
        _ = self._samples_are_whole
        return read_samples(self.path / SAMPLES, columns, self.size)

    @cached_property
    def _samples_are_whole(self) -> bool:
        require_samples_hash(self.path / SAMPLES, self.samples_hash)
        return True

    @property
    def modality(self) -> str:
        """Modality of the samples: "image", "series", "text", "table" or "volume"."""
        return get_modality(self.config.modality, self.relevance.spec.shape)

    def tokens(self, rows: npt.ArrayLike) -> list[list[str]] | None:
        """Read the tokens of these rows, without padding; None if the run has none."""
        _ = self._samples_are_whole
        return read_tokens(self.path / SAMPLES, np.asarray(rows, np.int64))

    @cached_property
    def ids(self) -> list[str]:
        """Ids of all rows; for a large run, `run.samples["id"]` takes less memory."""
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
        """True if a shard has a commit; this does not list all commits."""
        return shard in self.known or (0 <= shard < self.shard_count and has_commit(self.path, shard))

    def pending_shards(self) -> list[int]:
        """List the shards without a commit, in order."""
        done = set(self.committed_shards())
        return [shard for shard in range(self.shard_count) if shard not in done]

    @property
    def shards(self) -> list[str]:
        """The state of every shard: "committed" or "pending"."""
        done = set(self.committed_shards())
        return ["committed" if shard in done else "pending" for shard in range(self.shard_count)]

    @property
    def committed(self) -> npt.NDArray[np.bool_]:
        """Mask of the committed rows, shape (N,)."""
        shards = np.zeros(self.shard_count, bool)
        shards[self.committed_shards()] = True
        return np.repeat(shards, self.config.shard_rows)[: self.size]

    @property
    def failures(self) -> list[Failure]:
        """Rows that could not be explained: `for index, id, error in run.failures`."""
        return get_failures(read_commits(self.path, self.committed_shards()))

    # Values

    @cached_property
    def own_arrays(self) -> frozenset[str]:
        """Arrays that the store fills: the status and the scales."""
        return frozenset({STATUS, *(spec.scale_name for spec in self.arrays if spec.scaled)})

    def array(self, name: str) -> LazyArray:
        """Return an array of data.zarr, which is read lazily."""
        found = next((spec for spec in self.arrays if spec.name == name), None)
        if found is None:
            raise InputError(f"{self.path} has no array {name!r}; it has {[spec.name for spec in self.arrays]}")
        each = found.rows_each(self.config.targets_per_sample)
        integrity = Integrity(self.path, self.known.__getitem__, self.thorough, self.verified)
        return LazyArray(self.path, found, self.size, self.config.shard_rows, self._require_committed, integrity, each)

    def thoroughly(self) -> "Run":
        """Return the run in a mode that compares every file, once, with the checksum in its commit.

        Analyses, reports and exports use it: BrokenRunError names the damaged file. Otherwise only files that are read
        whole, such as columns, are compared, because comparing costs reading the whole shard, even for one map.
        """
        return self if self.thorough else replace(self, thorough=True, verified=set())

    @property
    def relevance(self) -> LazyArray:
        """Relevance maps of the input, float32: images (N, C, H, W), series (N, C, T), texts (N, T), tables (N, F)."""
        return self.array(RELEVANCE)

    @property
    def layers(self) -> list[str]:
        """Names of the layers whose relevance is stored, without the input."""
        return [name for name in self._list_names(LAYER) if LAYER + name not in (RELEVANCE, *self.own_arrays)]

    def layer(self, name: str) -> LazyArray:
        """Return the relevance at the output of a layer, shape (N, ...) with the layer's axes, float32."""
        return self._of_layer(name, self.layers, LAYER, "relevance of layer")

    @property
    def concepts(self) -> list[str]:
        """Names of the layers whose concept relevance is stored."""
        return self._list_names(CONCEPT)

    def concept(self, name: str) -> LazyArray:
        """Return the relevance of each channel of a layer, summed over all other axes, shape (N, channels), float32."""
        return self._of_layer(name, self.concepts, CONCEPT, "concept relevance of layer")

    @property
    def activations(self) -> list[str]:
        """Names of the layers whose activation is stored."""
        return [name for name in self._list_names(ACTIVATION) if ACTIVATION + name not in self.own_arrays]

    def activation(self, name: str) -> LazyArray:
        """Return the output of a layer, shape (N, ...) with the layer's axes, float32.

        It is stored once per sample, but indexed by row like all arrays.
        """
        return self._of_layer(name, self.activations, ACTIVATION, "activation of layer")

    @property
    def mean_activations(self) -> list[str]:
        """Names of the layers whose mean activation is stored."""
        return self._list_names(MEAN_ACTIVATION)

    def mean_activation(self, name: str) -> LazyArray:
        """Return the mean of each channel of a layer's output over all other axes, shape (N, channels), float32."""
        return self._of_layer(name, self.mean_activations, MEAN_ACTIVATION, "mean activation of layer")

    def _list_names(self, prefix: str) -> list[str]:
        return [spec.name.removeprefix(prefix) for spec in self.arrays if spec.name.startswith(prefix)]

    def _of_layer(self, name: str, known: list[str], prefix: str, what: str) -> LazyArray:
        if name not in known:
            raise InputError(f"{self.path} has no {what} {name!r}; it has {', '.join(known) or 'none'}")
        return self.array(prefix + name)

    @property
    def inputs(self) -> LazyArray | None:
        """Images as the model saw them, normalization undone, shape (N, C, H, W), uint8; None if not stored.

        Series and rows of tables are stored as the model takes them, float32, and texts as ids of tokens, int32.
        Inputs are stored once per sample, but indexed by row like all arrays.
        """
        return self.array(INPUT) if any(spec.name == INPUT for spec in self.arrays) else None

    def column(self, name: str) -> npt.NDArray[Any]:
        """Read a whole column, shape (N,); uncommitted rows hold the fill value (-1, NaN or 0)."""
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
        """Suspicious findings about the run: in its columns, and by `explain`."""
        return (*self.relevance_checks, *self.stored_checks)

    @property
    def stored_checks(self) -> tuple[Check, ...]:
        """Checks stored by `explain`; a warning if these are missing or unreadable."""
        return read_checks_or_problem(self.path, self.expects_checks)

    @property
    def relevance_checks(self) -> tuple[Check, ...]:
        """Checks of the columns of relevance, which runs made before version 1.3 lack."""
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
        """Open an analysis by its name; by default the only one of the run, or else "spray".

        The views of one analysis, whose names begin with its name and a dot, count as one. Of views without that of
        maps, it is the first one.
        """
        name = self._choose_analysis() if name is None else name
        one_target = self.config.targets_per_sample == 1
        return open_analysis(self.path, name, one_target=one_target, n_rows=self.size)

    def _choose_analysis(self) -> str:
        known = self.analyses
        bases = [one for one in known if not any(one.startswith(f"{other}.") for other in known)]
        if len(bases) < 2 or "spray" in bases:
            return bases[0] if len(bases) == 1 else "spray"
        of = {self.analysis(one).config.get("base") for one in bases}  # of views: the name of the analysis of maps
        return bases[0] if len(of) == 1 and None not in of else "spray"

    def analysis_writer(
        self, name: str, config: Mapping[str, JSON], classes: Sequence[ListedClass] | None = None
    ) -> AnalysisWriter:
        """Begin or continue an analysis of these `classes`; those finished with the same configuration are kept."""
        return open_analysis_writer(self.path, name, config, classes)

    def effects(self, name: str = "effects") -> Effects:
        """Open a test of effects by its name; `whyset.measure_effects` makes it."""
        return open_effects(self.path, name, self.size)

    @property
    def finding_names(self) -> list[str]:
        """The names of the searches for findings."""
        return list_findings(self.path)

    def findings(self, name: str = "findings") -> Findings:
        """Open the findings of a search by its name."""
        return open_findings(self, name)

    @property
    def evaluation_names(self) -> list[str]:
        """The names of the evaluations by metrics."""
        return list_evaluations(self.path)

    def evaluation(self, name: str = "evaluation") -> Evaluation:
        """Open an evaluation by its name; `whyset.evaluate` makes it."""
        return open_evaluation(self.path, name, self.size)

    @property
    def concept_vector_names(self) -> list[str]:
        """The names of the concept vectors."""
        return list_concept_vectors(self.path)

    def concept_vector(self, name: str) -> ConceptVector:
        """Open a concept vector by its name; `whyset.fixing.find_concept_vector` makes it."""
        return open_concept_vector(self, name)

    @property
    def fixes(self) -> list[str]:
        """The ids of the findings that have fixes."""
        return list_fixes(self.path)

    def fix(self, finding: str) -> FixComparison:
        """Open the fixes of a finding by its id; `whyset.fix` makes them."""
        return open_fix(self.path, finding)

    def verify(self) -> list[Problem]:
        """Read all committed data, compare it with its checksums, and return the problems."""
        return list(verify_run(self))

    def _require_committed(self, rows: npt.NDArray[np.int64]) -> None:
        """Require that all shards of these rows have a valid commit; each shard is checked once."""
        shards = np.flatnonzero(np.bincount(rows // self.config.shard_rows)).tolist()
        unknown = [shard for shard in shards if shard not in self.known]
        missing = sorted(set(unknown) - set(self._find_committed(unknown)))
        if missing:
            bad = rows[np.isin(rows // self.config.shard_rows, missing)]
            raise UncommittedRowsError(
                f"{len(bad)} of the requested rows are not computed yet (first: {int(bad[0])}, shard {missing[0]} of "
                f"{self.path}); see run.committed, and run the same `explain` again to compute the rest"
            )
        commits = require_valid_commits(self, unknown)
        self.known.update({commit.shard: commit.checksums for commit in commits})

    def _find_committed(self, shards: list[int]) -> list[int]:
        """Return the shards that have a commit; many are looked up by one listing."""
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
