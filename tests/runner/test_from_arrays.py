"""Maps that were computed elsewhere become the same run as those of `explain`, from every kind of array."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
import zarr
from torch import nn

import whyset as ws
from whyset.analysis import describe_imported_category
from whyset.analysis.processors import PCA
from whyset.cli import main
from whyset.errors import InputError, RunMismatchError
from whyset.report import as_text, report
from whyset.runner import LevelCodec, Preprocessing, rerun
from whyset.store import Run
from whyset.store.evidence import to_json
from whyset.store.virelay import export_project, import_project

QUICK = ws.Spray(n_neighbors=5, surrogates=4, resamplings=2, embeddings=(PCA(), *ws.Spray().embeddings))
CLASSES = ["even <b>", "odd"]
COUNT = 40
WORDS = {number: f"word {number}" for number in range(30)}


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


class Texts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.last = nn.Embedding(30, 5), nn.Linear(5, 2)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.last(self.embedding(ids).tanh().mean(dim=1))


def make_inputs(modality: str) -> np.ndarray:
    if modality == "text":
        return np.random.default_rng(1).integers(0, 30, (COUNT, 9))
    return draw(
        COUNT, *{"image": (3, 8, 6), "gray": (1, 8, 6), "bands": (5, 8, 6), "series": (2, 15), "table": (12,)}[modality]
    )


def make_model(modality: str) -> nn.Module:
    torch.manual_seed(0)
    if modality == "text":
        return Texts().eval()
    width = int(np.prod(make_inputs(modality).shape[1:]))
    return nn.Sequential(nn.Flatten(), nn.Linear(width, 16), nn.ReLU(), nn.Linear(16, 2)).eval()


MODALITIES = ("image", "gray", "bands", "series", "table", "text")


@pytest.fixture(scope="module")
def explained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    """A run of each modality that `explain` computed."""
    made: dict[str, Run] = {}

    def make(modality: str) -> Run:
        if modality not in made:
            options: dict[str, Any] = {"tokens": WORDS} if modality == "text" else {}
            options |= {"features": [f"column {n}" for n in range(12)]} if modality == "table" else {}
            options |= {"rate": 5.0} if modality == "series" else {}
            made[modality] = ws.explain(
                make_model(modality), (make_inputs(modality), np.arange(COUNT) % 2),
                tmp_path_factory.mktemp(modality) / "run", dtype="float32", class_names=CLASSES, progress=False,
                **options,
            )  # fmt: skip
        return made[modality]

    return make


def copy_by_arrays(run: Run, out: Path, inputs: np.ndarray | None, **options: Any) -> Run:
    """Make the run again of its values."""
    modality = run.modality
    if modality == "text":
        options |= {"modality": "text"} if inputs is None else {}
        options["tokens"] = run.tokens(np.arange(len(run)))
    if modality == "series":
        options["rate"] = run.config.rate
    if modality == "table":
        options["features"] = run.config.features
    return ws.from_arrays(
        run.relevance[:], inputs=inputs, out=out, labels=run.labels, predictions=run.column("prediction"),
        confidence=run.column("confidence"), target="label", class_names=run.classes, dtype="float32", progress=False,
        **options,
    )  # fmt: skip


@pytest.mark.parametrize("modality", MODALITIES)
def test_the_run_and_its_analysis_are_those_of_explain_to_the_bit(
    modality: str, explained: Callable[[str], Run], tmp_path: Path
) -> None:
    there = explained(modality)
    here = copy_by_arrays(there, tmp_path / "run", make_inputs(modality))
    for name in ("attribution/input", "input", "target", "prediction", "confidence", "status"):
        a, b = there.array(name), here.array(name)
        assert (a.dtype, a.spec.dimensions) == (b.dtype, b.spec.dimensions)
        np.testing.assert_array_equal(a[:], b[:], err_msg=name)
    assert here.samples.equals(there.samples)
    assert here.tokens(range(COUNT)) == there.tokens(range(COUNT))
    for field in ("modality", "features", "rate", "class_names", "target", "dtype", "preprocessing"):
        assert getattr(here.config, field) == getattr(there.config, field), field
    found = [ws.analyze(run, QUICK, progress=False) for run in (there, here)]
    owned = ws.analyze(
        there.relevance[:], QUICK, labels=there.labels, predictions=there.column("prediction"), class_names=CLASSES,
        modality=here.modality, progress=False,
    )  # fmt: skip
    for a, b, c in zip(*(analysis.categories for analysis in (*found, owned)), strict=True):
        assert a.columns == b.columns == c.columns
        for column in a.columns:
            np.testing.assert_array_equal(a.column(column), b.column(column), err_msg=column)
            np.testing.assert_array_equal(a.column(column), c.column(column), err_msg=column)
        assert to_json(a.evidence) == to_json(b.evidence)


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("stored", ["inputs", "no inputs", "nothing but maps"])
def test_every_command_works_on_the_run(
    modality: str, stored: str, explained: Callable[[str], Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = explained(modality)
    out = tmp_path / "run"
    if stored == "nothing but maps":
        ws.from_arrays(there.relevance[:], out=out, modality=there.modality, progress=False)
    else:
        copy_by_arrays(there, out, make_inputs(modality) if stored == "inputs" else None)
    group = ["--group-by", "all"] if stored == "nothing but maps" else []
    assert main(["verify", str(out)]) == 0
    assert main(["analyze", str(out), "--surrogates", "0", "--resamplings", "0", *group]) == 0
    assert main(["report", str(out)]) == 0
    assert "40 of 40 samples explained" in capsys.readouterr().out
    assert main(["heatmaps", str(out), str(tmp_path / "heatmaps"), "--limit", "6"]) == 0
    assert len(names_in(tmp_path / "heatmaps")) > 0
    assert main(["export-html", str(out), str(tmp_path / "page.html")]) == 0
    run = ws.open_run(out)
    assert run.verify() == []
    shown = report(run)
    assert (shown.accuracy is None) == (stored == "nothing but maps")
    assert main(["report", str(out), "--out", str(tmp_path / "report.html")]) == 0
    assert ("; accuracy 0." in as_text(shown)) == (stored != "nothing but maps")
    if there.relevance.ndim == 4 and stored == "inputs" and modality != "bands":  # ViRelAy has no other images
        assert export_project(run, tmp_path / "project").is_file()


def test_a_run_whose_targets_are_unknown_is_exported_and_imported_again(tmp_path: Path) -> None:
    maps, pixels = draw(COUNT, 8, 6), np.random.default_rng(0).integers(0, 256, (COUNT, 8, 6), np.uint8)
    run = ws.from_arrays(
        maps, inputs=pixels, labels=["a", "b"] * 20, out=tmp_path / "run", modality="image", dtype="float32",
        progress=False,
    )  # fmt: skip
    project = export_project(run, tmp_path / "project")
    again = import_project(project, tmp_path / "again", describe_imported_category)
    np.testing.assert_array_equal(again.relevance[:].sum(axis=1), maps)
    assert (again.labels.tolist(), again.classes) == (run.labels.tolist(), run.classes)
    for name in ("target", "prediction"):
        assert (again.column(name) == -1).all()


def test_a_run_of_given_maps_is_never_computed_again(explained: Callable[[str], Run], tmp_path: Path) -> None:
    run = copy_by_arrays(explained("table"), tmp_path / "run", make_inputs("table"))
    with pytest.raises(InputError, match="its relevance maps were given, not computed"):
        rerun(run.path)
    with pytest.raises(RunMismatchError, match="its weights_hash is unknown"):
        ws.explain(make_model("table"), (make_inputs("table"), np.arange(COUNT) % 2), run.path, progress=False)
    with pytest.raises(RunMismatchError, match="not made of given maps"):
        ws.from_arrays(draw(COUNT, 12), out=explained("table").path, progress=False)
    assert run.verify() == explained("table").verify() == []


# Kinds of arrays


def as_hdf5(values: np.ndarray, folder: Path) -> Any:
    file = h5py.File(folder / f"{len(names_in(folder))}.h5", "w")
    file["values"] = values
    return file["values"]


def as_zarr(values: np.ndarray, folder: Path) -> Any:
    return zarr.create_array(folder / f"{len(names_in(folder))}.zarr", data=values, chunks=(7, *values.shape[1:]))


KINDS: dict[str, Callable[[np.ndarray, Path], Any]] = {
    "numpy": lambda values, folder: values,
    "fortran": lambda values, folder: np.asfortranarray(values),
    "strided": lambda values, folder: np.repeat(values, 2, axis=0)[::2],
    "big-endian": lambda values, folder: values.astype(values.dtype.newbyteorder(">")),
    "read-only": lambda values, folder: np.frombuffer(values.tobytes(), values.dtype).reshape(values.shape),
    "torch": lambda values, folder: torch.tensor(values),
    "torch with a gradient": lambda values, folder: torch.tensor(values).requires_grad_(values.dtype.kind == "f"),
    "hdf5": as_hdf5,
    "zarr": as_zarr,
    "list of arrays": lambda values, folder: list(values),
    "nested lists": lambda values, folder: values.tolist(),
    "generator": lambda values, folder: (row for row in values),
    "generator of tensors": lambda values, folder: (torch.tensor(row) for row in values),
}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "torch with a gradient"])
@pytest.mark.parametrize("of_inputs", ["numpy", "generator", "hdf5"])
def test_all_kinds_of_arrays_give_one_run(kind: str, of_inputs: str, tmp_path: Path) -> None:
    maps, inputs = draw(COUNT, 3, 8, 6), np.random.default_rng(0).integers(0, 256, (COUNT, 8, 6, 3), np.uint8)
    given, pixels = KINDS[kind](maps, tmp_path), KINDS[of_inputs](inputs, tmp_path)
    run = ws.from_arrays(given, inputs=pixels, out=tmp_path / "run", dtype="float32", progress=False)
    np.testing.assert_array_equal(run.relevance[:], maps)
    np.testing.assert_array_equal(run.inputs[:], inputs.transpose(0, 3, 1, 2))


def test_a_tensor_with_a_gradient_and_half_precision_is_read(tmp_path: Path) -> None:
    maps = torch.tensor(draw(COUNT, 6)).bfloat16().requires_grad_()
    run = ws.from_arrays(maps, out=tmp_path / "run", dtype="float32", progress=False)
    np.testing.assert_array_equal(run.relevance[:], maps.detach().float().numpy())


@pytest.mark.parametrize("size", [1, 7, 40, 100])
def test_batches_of_maps_and_inputs_are_aligned(size: int, tmp_path: Path) -> None:
    maps, inputs = draw(COUNT, 2, 15), draw(COUNT, 2, 15, seed=1)

    def cut(values: np.ndarray, step: int) -> Iterator[np.ndarray]:
        return (values[start : start + step] for start in range(0, COUNT, step))

    run = ws.from_arrays(
        cut(maps, size), inputs=cut(inputs, 9), out=tmp_path / "run", batched=True, dtype="float32", progress=False
    )
    np.testing.assert_array_equal(run.relevance[:], maps)
    np.testing.assert_array_equal(run.inputs[:], inputs)


def fail_half_way(maps: np.ndarray) -> Iterator[np.ndarray]:
    yield from maps[:30]
    raise RuntimeError("the model is out of memory")


WRONG: dict[str, tuple[Callable[[np.ndarray], Any], dict[str, Any], type[Exception], str]] = {
    "a generator that raises": (fail_half_way, {}, RuntimeError, "out of memory"),
    "an empty array": (lambda maps: maps[:0], {}, InputError, "relevance is empty"),
    "an empty generator": (lambda maps: iter(()), {}, InputError, "relevance is empty"),
    "a path": (lambda maps: "maps.npy", {}, InputError, "import-arrays"),
    "a mapping": (lambda maps: {"maps": maps}, {}, InputError, "expected an array"),
    "a number": (lambda maps: 3, {}, InputError, "expected an array"),
    "no axis": (lambda maps: np.array(3.0), {}, InputError, "single number"),
    "labels of another length": (lambda maps: maps, {"labels": [0] * 39}, InputError, "40 of relevance, 39 of labels"),
    "labels longer than a generator": (iter, {"labels": [0] * 41}, InputError, "expected 41 maps, got 40"),
    "labels shorter than a generator": (iter, {"labels": [0] * 39}, InputError, "expected 39 maps, got at least 40"),
    "ids of another length": (lambda maps: maps, {"ids": ["a"]}, InputError, "40 of relevance, 1 of ids"),
    "inputs that end": (iter, {"inputs": iter(draw(30, 6))}, InputError, "inputs end 10 rows before"),
    "inputs that go on": (iter, {"inputs": iter(draw(50, 6))}, InputError, "inputs go on"),
    "shapes that differ": (
        lambda maps: itertools.chain(maps[:30], [maps[0, :3]]), {}, InputError, r"relevance 30 has the shape \(3,\)",
    ),
    "batches without the word": (lambda maps: iter([maps[:20], maps[20:]]), {}, InputError, "state modality="),
    "batches of tuples": (lambda maps: [(maps, maps)], {"batched": True}, InputError, "RelevanceWriter"),
    "a sparse tensor": (lambda maps: torch.tensor(maps).to_sparse(), {}, InputError, "to_dense"),
    "a target that is unknown": (lambda maps: maps, {"target": "labels"}, InputError, "target is 'labels'"),
    "a target of another length": (lambda maps: maps, {"target": [0, 1]}, InputError, "2 of targets"),
    "words without ids": (lambda maps: maps, {"tokens": WORDS}, InputError, "inputs must be ids of tokens"),
    "metadata without names": (lambda maps: maps, {"metadata": [1]}, InputError, "metadata"),
    "a preprocessing of bytes": (
        lambda maps: maps.reshape(40, 1, 2, 3),
        {"inputs": np.zeros((40, 1, 2, 3), np.uint8), "preprocessing": Preprocessing(mode="L")},
        InputError, "stored as they are",
    ),
    "a preprocessing of other channels": (
        lambda maps: maps.reshape(40, 1, 2, 3),
        {"inputs": draw(40, 1, 2, 3), "preprocessing": Preprocessing(mean=(0.5, 0.4, 0.3))},
        InputError, "the preprocessing is not for inputs",
    ),
    "float images of a generator": (
        lambda maps: maps.reshape(40, 1, 2, 3), {"inputs": iter(draw(40, 1, 2, 3))}, InputError, "black and white",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong_arrays_leave_nothing(case: str, tmp_path: Path) -> None:
    make, options, error, match = WRONG[case]
    options = {name: iter(list(value)) if isinstance(value, Iterator) else value for name, value in options.items()}
    with pytest.raises(error, match=match):
        ws.from_arrays(make(draw(COUNT, 6)), out=tmp_path / "run", progress=False, **options)
    assert names_in(tmp_path) == []


# Values


def test_targets_are_stored_as_they_are_given(tmp_path: Path) -> None:
    maps, labels, predictions = draw(4, 6), [0, None, 1, 2], [0, 1, 1, 0]
    expected = {None: [-1] * 4, "label": [0, 1, 1, 2], "prediction": predictions, 2: [2] * 4, np.int64(1): [1] * 4}
    for number, (target, rows) in enumerate(expected.items()):
        run = ws.from_arrays(
            maps, labels=labels, predictions=predictions, target=target, out=tmp_path / str(number), progress=False
        )
        assert run.column("target").tolist() == rows
        assert run.config.target == ("unknown" if target is None else target)
    run = ws.from_arrays(maps, target=["b", "a", "b", None], out=tmp_path / "names", progress=False)
    assert (run.column("target").tolist(), run.classes, run.config.target) == ([1, 0, 1, -1], ["a", "b"], "given")


@pytest.mark.parametrize(
    "codec", [LevelCodec(-3.0, 3.0), Preprocessing(mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))], ids=str
)
def test_float_images_are_shown_by_the_preprocessing(codec: Any, tmp_path: Path) -> None:
    maps, inputs = draw(COUNT, 3, 8, 6), draw(COUNT, 3, 8, 6, seed=1)
    for number, given in enumerate((inputs, iter(inputs), inputs.transpose(0, 2, 3, 1))):
        run = ws.from_arrays(maps, inputs=given, preprocessing=codec, out=tmp_path / str(number), progress=False)
        np.testing.assert_array_equal(run.inputs[:], codec.undo(inputs))
        assert run.config.preprocessing == codec.to_dict()


def test_words_may_come_from_a_tokenizer(tmp_path: Path) -> None:
    class Tokenizer:
        def convert_ids_to_tokens(self, id: int) -> str | None:
            return None if id == 7 else f"<{id}>"

    ids = np.array([[1, 7, 3], [4, 5, 6]])
    for number, tokens in enumerate((Tokenizer(), Tokenizer().convert_ids_to_tokens)):
        run = ws.from_arrays(draw(2, 3), inputs=ids, tokens=tokens, out=tmp_path / str(number), progress=False)
        assert run.tokens([0, 1]) == [["<1>", "#7", "<3>"], ["<4>", "<5>", "<6>"]]
        assert run.modality == "text"


def test_metadata_ids_and_names_are_stored(tmp_path: Path) -> None:
    run = ws.from_arrays(
        draw(3, 6), out=tmp_path / "run", ids=np.array([10, 20, 30]), uris=["file:///a", None, "file:///c"],
        metadata={"age": np.array([5, 6, 7]), "city": ["x", None, "z"]}, method="Grad-CAM", model="net", dataset="d",
        progress=False,
    )  # fmt: skip
    assert run.samples.to_pydict() == {
        "index": [0, 1, 2], "id": ["10", "20", "30"], "label": [None] * 3, "uri": ["file:///a", None, "file:///c"],
        "age": [5, 6, 7], "city": ["x", None, "z"],
    }  # fmt: skip
    assert (run.config.method, run.config.model, run.config.dataset) == ("Grad-CAM", "net", "d")


def test_progress_counts_the_maps(tmp_path: Path) -> None:
    class Counted:
        total, done, finished = 0, 0, 0

        def start(self, total: int, unit: str) -> None:
            self.total = total

        def advance(self, n: int) -> None:
            self.done += n

        def info(self, line: str) -> None: ...

        def warn(self, line: str) -> None: ...

        def finish(self) -> None:
            self.finished += 1

    for given, total in ((draw(COUNT, 6), COUNT), (iter(draw(COUNT, 6)), 0)):
        counted = Counted()
        ws.from_arrays(given, out=tmp_path / str(total), progress=counted)
        assert (counted.total, counted.done, counted.finished) == (total, COUNT, 1)
