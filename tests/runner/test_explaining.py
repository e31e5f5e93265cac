"""explain: a whole run, what it says, how it continues, and what it refuses before anything is written."""

import re
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import whyset as ws
from whyset.attribution import Gradient
from whyset.attribution.composites import EpsilonGammaBox, EpsilonPlusFlat
from whyset.cli.verify import verify
from whyset.engines import Local
from whyset.errors import InputError, RunMismatchError, WhysetError
from whyset.runner import ArraySource, ModelSource, NamedComposite, Preprocessing
from whyset.store.shards import discard_shard

ImageFolder = Callable[..., Path]
IMAGES = torch.rand(40, 3, 6, 8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(40) % 3


class Said:
    """A Progress that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.totals: list[int] = []
        self.advanced = 0

    def start(self, total: int, unit: str) -> None:
        assert unit == "samples"
        self.totals.append(total)

    def advance(self, n: int) -> None:
        self.advanced += n

    def info(self, line: str) -> None:
        self.lines.append(line)

    def warn(self, line: str) -> None:
        self.lines.append(line)

    def finish(self) -> None: ...

    def __contains__(self, part: str) -> bool:
        return any(part in line for line in self.lines)


def net(outputs: int = 3) -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 48, outputs)).eval()


@pytest.fixture
def many_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of 16 rows, as they are where maps are large."""
    monkeypatch.setattr("whyset.runner.plan.shard_rows_for", lambda *_: 16)


def arrays_of(run: Any) -> dict[str, np.ndarray]:
    columns = {name: run.column(name) for name in ("target", "prediction", "confidence", "status")}
    return columns | {"relevance": run.relevance[:], "input": run.inputs[:]}


def assert_same_arrays(one: Any, other: Any) -> None:
    mine, theirs = arrays_of(one), arrays_of(other)
    for name in mine:
        np.testing.assert_array_equal(mine[name], theirs[name], err_msg=name)


class TestResults:
    def test_maps_are_those_of_the_attributor_up_to_half_precision(self, tmp_path: Path) -> None:
        model, composite = net(), EpsilonPlusFlat()
        run = ws.explain(model, (IMAGES, LABELS), tmp_path / "run", composite=composite)
        with Gradient(model, composite) as attribute:
            output, relevance = attribute(IMAGES, LABELS)
        scale = relevance.abs().amax(dim=(1, 2, 3), keepdim=True).numpy()
        assert (np.abs(run.relevance[:] - relevance.numpy()) <= 2**-10 * scale).all()
        assert run.column("prediction").tolist() == output.argmax(1).tolist()
        assert run.column("target").tolist() == LABELS.tolist()
        np.testing.assert_allclose(run.column("confidence"), output.softmax(1).amax(1), rtol=1e-5)
        assert (run.column("status") == 1).all()
        assert np.array_equal(run.inputs[:], np.rint(IMAGES.numpy() * 255).astype(np.uint8))

    @pytest.mark.parametrize(("target", "expected"), [("prediction", None), ("label", None), (2, 2)])
    def test_without_labels_the_prediction_is_explained_unless_an_index_is_given(
        self, target: str | int, expected: int | None, tmp_path: Path
    ) -> None:
        run = ws.explain(net(), IMAGES, tmp_path / "run", target=target)
        assert (run.column("target") == (run.column("prediction") if expected is None else expected)).all()
        assert run.labels.tolist() == [-1] * 40

    def test_run_json_says_what_determined_the_result(self, tmp_path: Path) -> None:
        config = ws.explain(net(), (IMAGES, LABELS), tmp_path / "run", composite=EpsilonPlusFlat(), seed=3).config
        assert re.fullmatch(r"torch\.nn\.modules\.container\.Sequential \(layers [0-9a-f]{12}\)", config.model)
        assert config.composite["name"] == "EpsilonPlusFlat"
        assert (config.seed, config.target, config.class_names) == (3, "label", ("0", "1", "2"))
        assert config.preprocessing == Preprocessing(size=(6, 8)).for_arrays().to_dict()
        assert config.versions["torch"] == torch.__version__

    def test_limit_takes_samples_of_every_class(
        self, image_folder: ImageFolder, model_file: Path, tmp_path: Path
    ) -> None:
        run = ws.explain(ModelSource(f"{model_file}:net"), image_folder(cat=6, dog=6), tmp_path / "run", limit=4)
        assert run.ids == ["cat/0000.png", "cat/0003.png", "dog/0000.png", "dog/0003.png"]

    def test_inputs_can_be_left_out(self, tmp_path: Path) -> None:
        assert ws.explain(net(), IMAGES, tmp_path / "run", inputs=False).inputs is None

    def test_bounds_of_a_named_composite_are_those_of_the_input(self) -> None:
        made = NamedComposite("epsilon_gamma_box").make(Preprocessing(mean=(0.5, 0.4, 0.2), std=(0.5, 0.2, 0.1)))
        assert isinstance(made, EpsilonGammaBox)
        torch.testing.assert_close(made.low.flatten(), torch.tensor([-1.0, -2.0, -2.0]))
        torch.testing.assert_close(made.high.flatten(), torch.tensor([1.0, 3.0, 8.0]))

    def test_a_model_in_training_mode_is_explained_in_evaluation_mode_and_left_in_training(
        self, tmp_path: Path
    ) -> None:
        model = nn.Sequential(nn.Dropout(0.5), net())
        model.train()
        model[1][1].eval()
        run = ws.explain(model, IMAGES, tmp_path / "run")
        assert [part.training for part in (model, model[0], model[1][1])] == [True, True, False]
        with torch.no_grad():
            assert run.column("prediction").tolist() == model.eval()(IMAGES).argmax(1).tolist()

    @pytest.mark.usefixtures("many_shards")
    def test_the_callers_random_numbers_are_not_touched(self, tmp_path: Path) -> None:
        prepared = net()
        torch.manual_seed(5)
        expected = torch.rand(3)
        torch.manual_seed(5)
        ws.explain(prepared, IMAGES, tmp_path / "run")
        assert torch.equal(torch.rand(3), expected)


@pytest.mark.usefixtures("many_shards")
class TestContinuing:
    def test_a_second_call_does_nothing(self, tmp_path: Path) -> None:
        ws.explain(net(), (IMAGES, LABELS), tmp_path / "run")
        before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*") if path.is_file()}
        said = Said()
        ws.explain(net(), (IMAGES, LABELS), tmp_path / "run", progress=said)
        after = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*") if path.is_file()}
        assert before == after
        assert "40 of 40 samples are already explained; nothing to do" in said

    def test_an_interrupted_run_is_continued_to_the_same_arrays(self, tmp_path: Path) -> None:
        class Interrupting(Said):
            def advance(self, n: int) -> None:
                super().advance(n)
                if self.advanced >= 16:
                    raise KeyboardInterrupt

        whole = ws.explain(net(), (IMAGES, LABELS), tmp_path / "whole", composite=EpsilonPlusFlat())
        with pytest.raises(KeyboardInterrupt):
            ws.explain(
                net(),
                (IMAGES, LABELS),
                tmp_path / "run",
                composite=EpsilonPlusFlat(),
                progress=Interrupting(),
                batch_size=8,
            )
        committed = int(ws.open_run(tmp_path / "run").committed.sum())
        assert committed in (16, 32)  # the shard that was being written is finished
        said = Said()
        run = ws.explain(net(), (IMAGES, LABELS), tmp_path / "run", composite=EpsilonPlusFlat(), progress=said)
        assert said.totals == [40 - committed]
        assert_same_arrays(run, whole)

    @pytest.mark.parametrize(
        ("changed", "field"),
        [
            ({"model": net(4)}, "weights_hash"),
            ({"model": nn.Sequential(*net()[:1], nn.Tanh(), *net()[2:])}, "model is"),
            ({"dataset": (IMAGES + 0.1, LABELS)}, "dataset_fingerprint"),
            ({"composite": EpsilonPlusFlat(epsilon=0.1)}, "composite.fields.epsilon"),
            ({"target": 1}, "target"),
            ({"seed": 1}, "seed"),
            ({"class_names": ["a", "b", "c"]}, "class_names"),
        ],
    )
    def test_another_run_is_refused_and_what_differs_is_named(
        self, changed: dict[str, Any], field: str, tmp_path: Path
    ) -> None:
        given = {"model": net(), "dataset": (IMAGES, LABELS), "composite": EpsilonPlusFlat(), "out": tmp_path / "run"}
        ws.explain(**given)
        with pytest.raises(RunMismatchError, match=field):
            ws.explain(**given | changed)

    def test_local_workers_give_the_arrays_of_a_serial_run(
        self, image_folder: ImageFolder, model_file: Path, tmp_path: Path
    ) -> None:
        model, folder = ModelSource(f"{model_file}:net"), image_folder(cat=20, dog=20)
        (folder / "cat" / "0003.png").write_bytes(b"no image")
        serial = ws.explain(model, folder, tmp_path / "serial", composite=EpsilonPlusFlat())
        said = Said()
        local = ws.explain(
            model, folder, tmp_path / "local", composite=EpsilonPlusFlat(), engine=Local(workers=2), progress=said
        )
        assert_same_arrays(serial, local)
        assert local.failures == serial.failures
        assert said.advanced == 40


class TestSaying:
    @pytest.mark.usefixtures("many_shards")
    def test_size_comes_first_and_accuracy_after_the_first_shard_and_at_the_end(self, tmp_path: Path) -> None:
        said = Said()
        run = ws.explain(net(), (IMAGES, LABELS), tmp_path / "run", progress=said)
        correct = run.column("prediction") == run.labels
        assert [line for line in said.lines if not line.startswith("warning")] == [
            "composite: epsilon_plus_flat (chosen because of convolutions on images)",
            f"{tmp_path / 'run'}: 40 samples: relevance maps of 3x6x8 and channels of 1, mean_activation:1, about 0.0 "
            "MB",
            f"accuracy after the first shard: {correct[:16].mean():.1%} ({correct[:16].sum()} of 16 samples)",
            f"accuracy: {correct.mean():.1%} ({correct.sum()} of 40 samples)",
        ]
        assert (said.totals, said.advanced) == ([40], 40)

    def test_what_was_unwrapped_is_said(self, image_folder: ImageFolder, model_file: Path, tmp_path: Path) -> None:
        state = ModelSource(f"{model_file}:net").load().module.state_dict()
        torch.save({"state_dict": {f"module.{name}": tensor for name, tensor in state.items()}}, tmp_path / "w.pt")
        said = Said()
        ws.explain(ModelSource(f"{model_file}:net", tmp_path / "w.pt"), image_folder(), tmp_path / "run", progress=said)
        assert "the weights were found under 'state_dict'" in said
        assert "the prefix 'module.' was removed from the names in w.pt" in said


class TestFailures:
    def test_unreadable_images_are_recorded_named_and_counted_and_the_run_goes_on(
        self, image_folder: ImageFolder, model_file: Path, tmp_path: Path
    ) -> None:
        folder = image_folder(cat=12, dog=12)
        (folder / "cat" / "0003.png").write_bytes(b"no image")
        whole = (folder / "dog" / "0005.png").read_bytes()
        (folder / "dog" / "0005.png").write_bytes(whole[: len(whole) // 2])
        said = Said()
        run = ws.explain(ModelSource(f"{model_file}:net"), folder, tmp_path / "run", progress=said)
        assert [failure.id for failure in run.failures] == ["cat/0003.png", "dog/0005.png"]
        assert "cannot identify image file" in run.failures[0].error
        assert run.column("status").tolist().count(2) == 2
        assert run.committed.all()
        assert "2 of 24 samples failed: cat/0003.png (UnidentifiedImageError" in said
        assert "of 22 samples)" in said

    def test_a_sample_with_several_targets_is_named_once(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        images = torch.as_tensor(IMAGES).clone()
        images[3], images[5] = torch.nan, torch.nan
        said = Said()
        run = ws.explain(net(), (images, LABELS), tmp_path / "run", targets=["label", "top:2"], progress=said)
        (line,) = [line for line in said.lines if "explanations failed" in line]
        assert f"6 of {3 * len(images)} explanations failed: 3 (" in line
        assert (line.count("3 ("), line.count("5 ("), "more" in line) == (1, 1, False)
        verify(str(run.path))
        assert [line.split(":")[1] for line in capsys.readouterr().out.splitlines() if "failed:" in line] == [
            " 3",
            " 5",
        ]

    def test_a_sample_that_failed_is_explained_once_its_shard_is_withdrawn(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(source: ArraySource, index: int) -> Any:
            if index == 3:
                raise OSError("the disk is away")
            return read(source, index)

        read = ArraySource.read
        whole = ws.explain(net(), IMAGES, tmp_path / "whole")
        monkeypatch.setattr(ArraySource, "read", away)
        monkeypatch.delattr(ArraySource, "read_rows")
        run = ws.explain(net(), IMAGES, tmp_path / "run")
        monkeypatch.undo()
        (failure,) = ws.explain(net(), IMAGES, run.path).failures
        discard_shard(run, failure.index // run.config.shard_rows)
        assert_same_arrays(ws.explain(net(), IMAGES, run.path), whole)

    def test_an_image_of_another_size_is_a_failure_where_none_was_given(self, tmp_path: Path) -> None:
        for name, width in [("a", 8), ("b", 8), ("c", 9)]:
            (tmp_path / "data").mkdir(exist_ok=True)
            Image.new("RGB", (width, 6)).save(tmp_path / "data" / f"{name}.png")
        from whyset.runner import FolderSource

        run = ws.explain(net(), FolderSource(tmp_path / "data", Preprocessing()), tmp_path / "run")
        assert [(failure.id, failure.error) for failure in run.failures] == [
            ("c.png", "InputError: the input has the shape (3, 6, 9), expected (3, 6, 8): give a size")
        ]

    def test_relevance_that_is_not_finite_is_a_failure_of_its_sample(self, tmp_path: Path) -> None:
        images = IMAGES.clone()
        images[7, 0, 0, 0] = 1e38
        source = ArraySource(images, LABELS, preprocessing=Preprocessing(size=(6, 8)))
        run = ws.explain(nn.Sequential(net(), Squared()), source, tmp_path / "run")
        assert [failure.index for failure in run.failures] == [7]
        assert "is not finite: " in run.failures[0].error
        assert np.isfinite(run.relevance[:]).all()

    def test_a_model_without_any_finite_relevance_is_refused_before_anything_is_written(self, tmp_path: Path) -> None:
        model = net()
        with torch.no_grad():
            model[3].bias[1] = torch.nan
        with pytest.raises(InputError, match="the output is not finite for any of 8 samples spread over the data"):
            ws.explain(model, IMAGES, tmp_path / "run")
        assert not (tmp_path / "run").exists()

    def test_relevance_alone_can_be_what_is_not_finite(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="the relevance is not finite for any of 8 samples"):
            ws.explain(nn.Sequential(Rooted(), net()), IMAGES, tmp_path / "run", composite=None)
        assert not (tmp_path / "run").exists()


class Squared(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * x


class Rooted(nn.Module):
    """Finite, with an infinite gradient everywhere."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sqrt(x - x.detach())


class Fails(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError(f"mat1 and mat2 do not fit: {x.dtype}")


class Pair(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x, x


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a target that is no class": ({"target": 3}, "target 3 is not an output of the model, which has outputs 0 to 2"),
    "labels beyond the outputs": (
        {"dataset": (IMAGES, LABELS + 9)},
        r"label \d+ is not a class of the model: it has outputs 0 to 2",
    ),
    "too many class names": (
        {"class_names": list("abcd")},
        "expected 3 class names, one for each output of the model, got 4",
    ),
    "an input of the wrong shape": ({"dataset": IMAGES[:, :, :5]}, r"does not accept inputs of shape \(8, 3, 5, 8\)"),
    "a model that fails": ({"model": Fails()}, "does not accept inputs of shape .*mat1 and mat2 do not fit"),
    "a model with two outputs": ({"model": Pair()}, r"returns tuple, and 2 outputs could be explained"),
    "a model with maps as output": ({"model": nn.Identity()}, r"logits needs outputs of shape \(samples, outputs\)"),
    "something that is no model": ({"model": 3}, "model must be a torch.nn.Module or a ModelSource, not int"),
    "an unknown engine": ({"engine": "cluster"}, "engine 'cluster' not found: expected one of serial"),
    "an unknown device": ({"device": "gpu"}, "device 'gpu' cannot be used here"),
    "no samples in a batch": ({"batch_size": 0}, "batch_size is 0: expected a whole number of at least 1"),
    "half a sample in a batch": ({"batch_size": 2.5}, "batch_size is 2.5: expected a whole number of at least 1"),
    "a batch in words": ({"batch_size": "4"}, "batch_size is '4': expected a whole number"),
    "no batch size": ({"batch_size": None}, "batch_size is None: expected a whole number"),
    "half a limit": ({"limit": 2.5}, "limit is 2.5: expected a whole number"),
    "half a pixel": ({"pool": 2.5}, "pool is 2.5: expected a whole number"),
    "a seed in words": ({"seed": "a"}, "seed is 'a': expected a whole number"),
    "half a seed": ({"seed": 1.5}, "seed is 1.5: expected a whole number"),
    "a seed below 0": ({"seed": -1}, "seed is -1: expected a whole number of at least 0"),
    "a seed beyond 64 bits": ({"seed": 2**64}, r"seed is 18446744073709551616: .* from 0 to 2\*\*63 - 1"),
    "a limit beyond 64 bits": ({"limit": 2**64}, "whole number of 65 bits: expected at most 64"),
    "a timeout in words": ({"stall_timeout": "x"}, "stall_timeout is 'x': expected seconds, or 0 for no limit"),
    "two timeouts": ({"stall_timeout": [1]}, r"stall_timeout is \[1\]: expected seconds"),
    "an engine that is none": ({"engine": 3}, "engine: expected an Engine or one of serial, .*, got int"),
    "layers that are none": ({"layers": 3}, "layers: expected names of modules, got 3"),
    "no samples at all": ({"limit": 0}, "limit is 0: expected a whole number of at least 1"),
    "a folder without preprocessing": (
        {"dataset": "."},
        r"the images in \. have no preprocessing.*pass preprocessing=Preprocessing\(",
    ),
    "bytes without preprocessing": (
        {"dataset": np.zeros((3, 6, 8, 3), np.uint8)},
        r"the uint8 images of the array have no preprocessing.*pass preprocessing=Preprocessing\(",
    ),
    "PIL images without preprocessing": (
        {"dataset": [(Image.new("RGB", (8, 6)), 0)] * 3},
        r"the PIL images of the data set have no preprocessing.*pass preprocessing=Preprocessing\(",
    ),
    "a preprocessing of another kind": (
        {"preprocessing": {"size": 8}},
        "preprocessing must be a whyset.runner.Preprocessing, not dict",
    ),
    "a preprocessing beside a source": (
        {"dataset": ArraySource(IMAGES), "preprocessing": Preprocessing()},
        r"give it to ArraySource\(\.\.\.\) instead",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_and_nothing_is_written(case: str, tmp_path: Path) -> None:
    changed, message = REFUSED[case]
    with pytest.raises(InputError, match=message):
        ws.explain(**{"model": net(), "dataset": (IMAGES, LABELS), "out": tmp_path / "run"} | changed)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("form", ["array", "images", "folder"])
def test_preprocessing_is_given_with_the_data(form: str, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 6, 8, 3), dtype=np.uint8)
    preprocessing = Preprocessing(mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3))
    images = [Image.fromarray(image) for image in pixels]
    (tmp_path / "flat").mkdir()
    for index, image in enumerate(images):
        image.save(tmp_path / "flat" / f"{index}.png")
    data = {"array": pixels, "images": [(image, 0) for image in images], "folder": tmp_path / "flat"}[form]
    run = ws.explain(net(), data, tmp_path / "run", preprocessing=preprocessing, target=0, dtype="float32")
    assert np.array_equal(run.inputs[:], pixels.transpose(0, 3, 1, 2))
    x = torch.stack([preprocessing.normalize(torch.from_numpy(image.transpose(2, 0, 1))) for image in pixels])
    same = ws.explain(net(), x, tmp_path / "same", preprocessing=preprocessing, target=0, dtype="float32")
    assert np.array_equal(same.inputs[:], run.inputs[:])
    assert np.allclose(same.relevance[:], run.relevance[:], rtol=1e-5, atol=1e-7)


def test_fewer_folders_than_outputs_need_a_labels_file(
    image_folder: ImageFolder, model_file: Path, tmp_path: Path
) -> None:
    torch.save(ModelSource(f"{model_file}:net").load().module.__class__(5).state_dict(), tmp_path / "five.pt")
    model = ModelSource(f"{model_file}:net", tmp_path / "five.pt")
    with pytest.raises(InputError, match=r"the data has 2 classes, but the model has 5 outputs.*--labels labels\.json"):
        ws.explain(model, image_folder(), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    run = ws.explain(model, tmp_path / "images", tmp_path / "run", class_names=["a", "dog", "b", "cat", "c"])
    assert run.labels.tolist() == [3, 3, 3, 1, 1]
    assert run.classes == ["a", "dog", "b", "cat", "c"]


def test_a_disk_that_is_too_small_is_refused_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**6, 10**6 - 100, 100))
    with pytest.raises(InputError, match=r"needs about [\d,]+ bytes, but its disk has 100 bytes free"):
        ws.explain(net(), IMAGES, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("many_shards")
def test_a_run_without_a_single_shard_is_an_error_and_one_with_some_is_returned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(run: Any, shard: int, *rest: Any, **named: Any) -> None:
        if shard in failing:
            raise RuntimeError("out of memory")
        original(run, shard, *rest, **named)

    from whyset.runner import shard as module

    original, failing = module.write_shard, {0, 1, 2}
    monkeypatch.setattr(module, "write_shard", write)
    with pytest.raises(WhysetError, match="no shard could be computed; the first error is RuntimeError: out of memory"):
        ws.explain(net(), IMAGES, tmp_path / "run")
    failing.remove(1)
    said = Said()
    run = ws.explain(net(), IMAGES, tmp_path / "run", progress=said)
    assert np.flatnonzero(run.committed).tolist() == list(range(16, 32))
    assert "shard 0 (samples 0 to 15) failed: RuntimeError: out of memory" in said


def test_a_complete_run_can_be_opened_again_where_nothing_may_be_written(tmp_path: Path) -> None:
    ws.explain(net(), IMAGES, tmp_path / "run")
    (tmp_path / "run" / "leases").rename(tmp_path / "leases")
    assert ws.explain(net(), IMAGES, tmp_path / "run").committed.all()
    assert not (tmp_path / "run" / "leases").exists()


def test_the_place_of_the_data_is_kept_for_people(image_folder: ImageFolder, model_file: Path, tmp_path: Path) -> None:
    run = ws.explain(ModelSource(f"{model_file}:net"), image_folder(), tmp_path / "run", limit=3)
    assert run.config.dataset == str(tmp_path / "images")
    assert run.samples["uri"].to_pylist()[0] == (tmp_path / "images" / "cat" / "0000.png").as_uri()


def test_a_float64_model_is_explained_in_float64(tmp_path: Path) -> None:
    run = ws.explain(net().double(), IMAGES, tmp_path / "run", composite=None)
    with Gradient(net().double()) as attribute:
        _, relevance = attribute(IMAGES.double())
    scale = relevance.abs().amax(dim=(1, 2, 3), keepdim=True).numpy()
    assert (np.abs(run.relevance[:] - relevance.numpy()) <= 2**-10 * scale).all()
