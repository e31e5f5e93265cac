"""`whyset explain`: every wrong input is one line and exit code 2, and nothing is left half-written."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.io import wavfile
from torch import nn

import whyset as ws

Program = Callable[[Sequence[str]], Any]


def test_a_run_is_made_and_the_way_on_is_told(job: Any, whyset: Program) -> None:
    printed = whyset(job.arguments())
    assert (printed.code, printed.err) == (0, "")
    lines = printed.out.splitlines()
    assert lines[0] == "composite: epsilon_plus_flat (chosen because of convolutions on images)"
    assert (
        lines[1]
        == f"{job.run}: 12 samples: relevance maps of 3x4x5 and channels of conv, mean_activation:conv, about 0.0 MB"
    )
    assert any(line.startswith("accuracy: ") for line in lines)
    assert lines[-1] == f"{job.run} is complete; next: whyset analyze {job.run}"
    run = ws.open_run(job.run)
    assert run.config.composite["name"] == "EpsilonPlusFlat"
    assert run.classes == ["cat", "dog"]
    assert run.ids[0] == "cat/0000.png"


def test_options_win_over_the_model_file(job: Any, whyset: Program) -> None:
    more = ["--size", "4x5", "--mean", "0.1,0.2,0.3", "--std", "0.5", "--no-inputs", "--target", "1", "--limit", "4"]
    assert whyset(job.arguments(*more, composite="epsilon_gamma_box", seed="7")).code == 0
    run = ws.open_run(job.run)
    assert run.config.preprocessing["mean"] == [0.1, 0.2, 0.3]
    assert run.config.preprocessing["std"] == [0.5, 0.5, 0.5]
    assert (run.config.target, run.config.seed, run.inputs, len(run)) == ("1", 7, None, 4)
    assert run.config.composite["name"] == "EpsilonGammaBox"


def test_the_plain_gradient_is_a_choice(job: Any, whyset: Program) -> None:
    assert whyset(job.arguments(composite="gradient")).code == 0
    assert ws.open_run(job.run).config.composite is None


def test_a_method_and_its_options_are_given_continued_and_repeated(job: Any, whyset: Program) -> None:
    options = ["--method", "integrated_gradients", "--method-option", "n_iter=4", "--method-option", "baseline=-0.5"]
    assert whyset(job.arguments(*options)).code == 0
    run = ws.open_run(job.run)
    assert run.config.attributor == {"name": "integrated_gradients", "fields": {"n_iter": 4, "baseline": -0.5}}
    assert run.config.method == "integrated gradients, 4 steps, baseline -0.5"
    printed = whyset(job.arguments(*options))
    assert (printed.code, "12 of 12 samples are already explained" in printed.out) == (0, True)
    again = whyset(["rerun", str(job.run), "--out", f"{job.run}-again"])
    assert again.code == 0
    np.testing.assert_array_equal(ws.open_run(f"{job.run}-again").relevance[:], run.relevance[:])
    other = whyset(job.arguments(*options[:4]))
    assert other.code == 2
    assert "attributor.fields.baseline is -0.5 there and 0.0 here" in other.err


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--method", "integral"], "unknown method 'integral'"),
        (["--method", "occlusion", "--method-option", "area=3"], "has no option 'area'; it has window, stride, fill"),
        (["--method", "occlusion", "--method-option", "window=x"], "expected a whole number"),
        (["--method", "captum"], "captum needs method: add --method-option method=..."),
        (["--method", "captum", "--method-option", "method=Lucky"], "no attribution method 'Lucky'"),
        (["--method-option", "window=3"], "add --method NAME"),
        (["--method", "occlusion", "--composite", "epsilon_plus"], "both method and composite were given"),
        (["--method", "occlusion", "--on-unknown", "raise"], "both method and composite were given"),
        (["--method", "occlusion", "--layer", "conv"], "layers (--layer) cannot be recorded by the method occlusion"),
        (["--method", "occlusion", "--method-option", "window=3,4,5"], "expected one number, or 2"),
    ],
)
def test_a_wrong_method_is_one_line_with_exit_code_2(options: list[str], line: str, job: Any, whyset: Program) -> None:
    printed = whyset(job.arguments(*options))
    assert (printed.code, printed.err.count("\n")) == (2, 1)
    assert line in printed.err
    assert not job.run.exists()


def test_a_flat_folder_is_explained_by_prediction(job: Any, whyset: Program) -> None:
    printed = whyset(job.arguments(data=job.folder / "images" / "cat"))
    assert printed.code == 0
    assert "accuracy" not in printed.out
    run = ws.open_run(job.run)
    assert (run.column("target") == run.column("prediction")).all()


def test_unreadable_images_are_named_and_counted_and_the_run_goes_on(job: Any, whyset: Program) -> None:
    (job.folder / "images" / "cat" / "0002.png").write_bytes(b"no image")
    printed = whyset(job.arguments())
    assert printed.code == 0
    assert "1 of 12 samples failed: cat/0002.png (UnidentifiedImageError: cannot identify image file" in printed.out
    assert "failed: cat/0002.png: UnidentifiedImageError" in whyset(["verify", str(job.run)]).out
    assert [failure.id for failure in ws.open_run(job.run).failures] == ["cat/0002.png"]


def test_what_is_missing_is_told_with_exit_code_3(job: Any, whyset: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    from whyset.runner import shard as module

    original = module.write_shard

    def write(run: Any, shard: int, *rest: Any, **named: Any) -> None:
        if shard == 1:
            raise RuntimeError("out of memory")
        original(run, shard, *rest, **named)

    monkeypatch.setattr(module, "write_shard", write)
    monkeypatch.setattr("whyset.runner.plan.shard_rows_for", lambda *_: 8)
    printed = whyset(job.arguments())
    assert printed.code == 3
    assert "shard 1 (samples 8 to 11) failed: RuntimeError: out of memory" in printed.out
    assert "4 of 12 samples are missing; repeat the command to try them again" in printed.out
    assert whyset(["verify", str(job.run)]).code == 3
    several = ["--target", "0", "--target", "1", "--out", f"{job.run}-of-two-targets"]
    assert "4 of 12 samples are missing" in whyset(job.arguments(*several)).out
    assert (
        "8 of 12 samples are present and intact, 0 of their explanations failed" in whyset(["verify", several[-1]]).out
    )
    monkeypatch.setattr(module, "write_shard", original)
    assert whyset(job.arguments()).code == 0
    assert whyset(["verify", str(job.run)]).code == 0


def nan_weights(job: Any) -> Path:
    state = torch.load(job.folder / "net.pt")
    state["head.bias"][:] = torch.nan
    torch.save(state, job.folder / "nan.pt")
    return job.folder / "nan.pt"


def other_weights(job: Any) -> Path:
    torch.save(nn.Linear(3, 2).state_dict(), job.folder / "other.pt")
    return job.folder / "other.pt"


def pickled_model(job: Any) -> Path:
    torch.save(nn.Linear(3, 2), job.folder / "pickle.pt")
    return job.folder / "pickle.pt"


def empty_folder(job: Any) -> Path:
    (job.folder / "empty" / "cat").mkdir(parents=True)
    return job.folder / "empty"


def unreadable_images(job: Any) -> Path:
    for image in (job.folder / "images").rglob("*.png"):
        image.write_bytes(b"no image")
    return job.folder / "images"


def single_class(job: Any) -> Path:
    shutil.rmtree(job.folder / "images" / "dog")
    return job.folder / "images"


def text_labels(job: Any) -> Path:
    (job.folder / "labels.json").write_text("cat, dog")
    return job.folder / "labels.json"


def few_labels(job: Any) -> Path:
    (job.folder / "labels.json").write_text('["cat", "bird"]')
    return job.folder / "labels.json"


def occupied(job: Any) -> Path:
    (job.folder / "mine").mkdir()
    (job.folder / "mine" / "thesis.txt").write_text("precious")
    return job.folder / "mine"


WRONG: dict[str, tuple[str, Any, str]] = {
    "no model file": ("model", "gone.py:net", "model file gone.py does not exist"),
    "no such function": ("model", lambda job: f"{job.folder}/model.py:nett", "has no function 'nett'; it has net"),
    "a model without a function": (
        "model",
        "resnet50",
        "model must be file.py:function, torchvision:NAME or timm:NAME",
    ),
    "no weights file": ("weights", "gone.pt", "weights file gone.pt does not exist"),
    "weights that do not fit": ("weights", other_weights, "do not fit"),
    "a full pickle": ("weights", pickled_model, "is a full pickle, which can run code; if you trust it: python -c"),
    "weights that are no weights": ("weights", lambda job: job.folder / "model.py", "is not a PyTorch checkpoint"),
    "no data folder": ("data", "gone", "data gone does not exist"),
    "a file as data folder": ("data", lambda job: job.folder / "net.pt", "is a file"),
    "a folder without images": ("data", empty_folder, "holds no images"),
    "no readable image": (
        "data",
        unreadable_images,
        "samples spread over the data can be read; the first one is cat/0000.png",
    ),
    "fewer folders than outputs": ("data", single_class, "--labels labels.json"),
    "no labels file": ("labels", "gone.json", "labels file gone.json does not exist"),
    "a labels file that is no JSON": ("labels", text_labels, "is not JSON"),
    "a folder that is no class": ("labels", few_labels, "the class 'dog' is not in the labels file"),
    "no such class": ("target", "2", "target 2 is not an output of the model, which has outputs 0 to 1"),
    "a target that is not a class": ("target", "dgo", "target 'dgo' is not a class of the model"),
    "no such composite": ("composite", "epsilon_plus_flt", "did you mean epsilon_plus_flat?"),
    "no such engine": ("engine", "cluster", "engine 'cluster' not found: expected one of serial, local, dask, static"),
    "no scheduler": ("engine", "dask", "needs the address of a scheduler: --scheduler tcp://HOST:8786"),
    "a scheduler for another engine": (
        "scheduler",
        "tcp://10.0.0.7:8786",
        "--scheduler applies to --engine dask only, got --engine serial",
    ),
    "no rank": ("engine", "static", "the engine 'static' needs rank and world: expected SLURM_ARRAY_TASK_ID"),
    "workers without a local engine": (
        "workers",
        "2",
        "--workers applies to --engine local and static only, got --engine serial",
    ),
    "no such device": ("device", "gpu", "device 'gpu' cannot be used here"),
    "a size in words": ("size", "large", "--size: expected numbers"),
    "a size that the model does not take": ("size", "9", "the model does not accept inputs of shape"),
    "two numbers for three channels": ("mean", "0.1,0.2", "mean needs 1 or 3 finite numbers"),
    "no deviation": ("std", "0", "std must be positive"),
    "no such mode": ("mode", "HSV", "mode must be one of RGB, L, RGBA, LA"),
    "an unknown way out": ("on-unknown", "ignore", "on_unknown must be warn, raise or gradient"),
    "relevance that is not finite": ("weights", nan_weights, "is not finite for any of 8 samples"),
    "a folder of something else": ("out", occupied, "is neither empty nor a run"),
    "a file in the way": ("out", lambda job: job.folder / "net.pt", "net.pt is a file"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_one_line_with_exit_code_2_and_nothing_is_written(case: str, job: Any, whyset: Program) -> None:
    option, value, line = WRONG[case]
    arguments = job.arguments(**{option: value(job) if callable(value) else value})
    before = {path: path.stat().st_size for path in job.folder.rglob("*")}
    printed = whyset(arguments)
    assert printed.code == 2
    assert line in printed.err
    assert printed.err.startswith("whyset: ")
    assert printed.err.count("\n") == 1
    after = {path: path.stat().st_size for path in job.folder.rglob("*") if "__pycache__" not in path.parts}
    assert before == after


def test_the_folder_of_another_run_is_refused_and_stays_as_it_is(job: Any, whyset: Program) -> None:
    whyset(job.arguments())
    before = {path: path.stat().st_mtime_ns for path in job.run.rglob("*") if path.is_file()}
    printed = whyset(job.arguments(target="1"))
    assert printed.code == 2
    assert "is another run: target is 'label' there and '1' here; choose another folder" in printed.err
    assert before == {path: path.stat().st_mtime_ns for path in job.run.rglob("*") if path.is_file()}


def test_a_model_file_that_changed_is_another_run(job: Any, whyset: Program) -> None:
    whyset(job.arguments())
    text = (job.folder / "model.py").read_text()
    (job.folder / "model.py").write_text(text.replace("torch.relu", "torch.tanh"))
    printed = whyset(job.arguments())
    assert printed.code == 2
    assert "model is 'model.py:net (code " in printed.err


def test_the_same_run_again_says_so_and_changes_nothing(job: Any, whyset: Program) -> None:
    whyset(job.arguments())
    maps = ws.open_run(job.run).relevance[:]
    printed = whyset(job.arguments())
    assert printed.code == 0
    assert "12 of 12 samples are already explained; nothing to do" in printed.out
    assert np.array_equal(ws.open_run(job.run).relevance[:], maps)


def test_layers_targets_and_smaller_maps_are_options(job: Any, whyset: Program) -> None:
    more = ["--target", "label", "--target", "top:2", "--layer", "conv", "--concept", "conv", "--concept", "head"]
    printed = whyset(job.arguments(*more, dtype="float32", reduction="channel_sum", pool="3"))
    assert printed.code == 0, printed.err
    assert (
        "36 explanations of 12 samples: relevance maps of 1x2x3 and layer conv, channels of conv, channels of head"
        in printed.out
    )
    run = ws.open_run(job.run)
    assert (len(run), run.relevance.shape[1:], run.layer("conv").shape[1:]) == (36, (1, 2, 3), (4, 4, 5))
    assert run.concept("head").shape == (36, 2)


def test_activations_are_recorded_and_analyzed(job: Any, whyset: Program) -> None:
    printed = whyset(job.arguments("--record", "activation:conv", "--record", "mean_activation:conv"))
    assert printed.code == 0, printed.err
    assert "and activation:conv, mean_activation:conv, about" in printed.out
    run = ws.open_run(job.run)
    assert (run.activation("conv").shape[1:], run.mean_activation("conv").shape[1:]) == ((4, 4, 5), (4,))
    few = whyset(["analyze", job.run, "--array", "mean_activation/conv"])
    assert "Too few explanations: 6" in few.err  # the array is known
    wrong = whyset(job.arguments("--record", "relevance:conv"))
    assert (wrong.code, wrong.err.count("\n")) == (2, 1)
    assert "layers=[LAYER] (--layer LAYER)" in wrong.err


def test_an_array_file_is_data(job: Any, whyset: Program) -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, 4, 5, 3), dtype=np.uint8)
    np.savez(job.folder / "some.npz", images=images, labels=np.arange(6) % 2)
    assert whyset(job.arguments(data=job.folder / "some.npz")).code == 0
    assert np.array_equal(ws.open_run(job.run).inputs[:], images.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("data", ["a folder", "an array"])
def test_without_preprocessing_the_options_that_give_it_are_named(data: str, job: Any, whyset: Program) -> None:
    file = job.folder / "model.py"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if not line.startswith("PREPROCESSING")))
    np.savez(job.folder / "some.npz", images=np.zeros((6, 4, 5, 3), np.uint8))
    given = {} if data == "a folder" else {"data": job.folder / "some.npz"}
    printed = whyset(job.arguments(**given))
    assert printed.code == 2
    assert printed.err.count("\n") == 1
    assert "have no preprocessing: add --size, --mean and --std" in printed.err
    assert "PREPROCESSING in the model file" in printed.err
    assert "Preprocessing(" not in printed.err
    assert not job.run.exists()
    sized = whyset([*job.arguments(**given), "--size", "4x5", "--mean", "0.4,0.5,0.6", "--std", "0.2,0.25,0.3"])
    assert (sized.code, sized.err.count("have no preprocessing")) == (0, 0)


@pytest.mark.parametrize("module", ["torchvision", "timm"])
def test_a_library_whose_import_fails_is_one_line(
    module: str, job: Any, whyset: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = job.folder / "broken" / module
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('operator torchvision::nms\\ndoes not exist')\n")
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(package.parent)
    printed = whyset(job.arguments(model=f"{module}:resnet18"))
    assert (printed.code, printed.out) == (2, "")
    assert printed.err.count("\n") == 1
    assert f"whyset: {module}:resnet18 needs {module}" in printed.err
    assert "import fails (RuntimeError: operator torchvision::nms does not exist)" in printed.err
    assert "install the torchvision that was built for the installed torch" in printed.err
    assert not job.run.exists()


def test_a_run_is_repeated_from_its_folder_alone(job: Any, whyset: Program) -> None:
    whyset(job.arguments(composite="epsilon_gamma_box", target="1", limit="9"))
    printed = whyset(["rerun", str(job.run), "--out", str(job.folder / "new")])
    assert (printed.code, printed.err) == (0, "")
    first, second = ws.open_run(job.run), ws.open_run(job.folder / "new")
    assert np.array_equal(first.relevance[:], second.relevance[:])
    assert first.config.hash == second.config.hash


@pytest.mark.parametrize(
    ("more", "line"),
    [
        (["--composite", "epsilon_plus"], "No such option: --composite"),
        (["--data", "gone"], "data gone does not exist (any more): give its new path by --data"),
    ],
)
def test_what_a_repeated_run_was_made_from_is_not_changed(
    more: list[str], line: str, job: Any, whyset: Program
) -> None:
    whyset(job.arguments())
    printed = whyset(["rerun", str(job.run), "--out", str(job.folder / "new"), *more])
    assert (printed.code, printed.err.count("\n")) == (2, 1)
    assert line in printed.err
    assert not (job.folder / "new").exists()


def test_a_received_run_is_repeated_with_trust_only(
    job: Any, whyset: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whyset(job.arguments())
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another-machine"))
    command = ["rerun", str(job.run), "--out", str(job.folder / "new")]
    printed = whyset(command)
    assert (printed.code, printed.err.count("\n")) == (2, 1)
    assert f"repeating it executes {job.folder / 'model.py'} (SHA-256 " in printed.err
    assert not (job.folder / "new").exists()
    printed = whyset([*command, "--trust"])
    assert (printed.code, printed.err) == (0, "")
    assert f"executing {job.folder / 'model.py'} (SHA-256 " in printed.out
    assert whyset(job.arguments("--trust")).code == 2


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 2), ("", 2)])
def test_at_a_terminal_one_is_asked(
    answer: str, code: int, job: Any, whyset: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whyset(job.arguments())
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another-machine"))
    main, terminal = os.openpty()
    command = [sys.executable, "-c", "import sys; from whyset.cli import main; sys.exit(main())"]
    command += ["rerun", str(job.run), "--out", str(job.folder / "new")]
    with subprocess.Popen(command, stdin=terminal, stdout=subprocess.DEVNULL, stderr=terminal) as process:
        os.close(terminal)
        shown = b""
        while b"[y/N]" not in shown:
            shown += os.read(main, 1024)
        os.write(main, f"{answer}\n".encode())
        assert process.wait() == code
    assert str(job.folder / "model.py").encode() in shown
    assert (job.folder / "new").exists() == (code == 0)
    os.close(main)


def test_what_comes_next_can_be_pasted(job: Any, whyset: Program) -> None:
    out = job.folder / "my run'; $(touch pwned)"
    line = whyset(job.arguments(out=out)).out.splitlines()[-1].partition("next: ")[2]
    stub = 'whyset() { printf "%s\\n" "$@"; }; '
    done = subprocess.run(["sh", "-c", stub + line], cwd=job.folder, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["analyze", str(out)]
    assert not (job.folder / "pwned").exists()


def test_a_folder_of_sounds_has_the_stated_length(tmp_path: Path, whyset: Program) -> None:
    (tmp_path / "model.py").write_text(
        "from torch import nn\n\n\ndef net():\n    return nn.Sequential(nn.Flatten(), nn.Linear(400, 2))\n"
    )
    torch.save(nn.Sequential(nn.Flatten(), nn.Linear(400, 2)).state_dict(), tmp_path / "weights.pt")
    for name, length in (("bark", 300), ("meow", 500)):
        (tmp_path / "sounds" / name).mkdir(parents=True)
        wavfile.write(tmp_path / "sounds" / name / "0.wav", 8000, np.full(length, 2**14, np.int16))
    command = ["explain", "--model", f"{tmp_path / 'model.py'}:net", "--weights", tmp_path / "weights.pt"]
    command += ["--data", tmp_path / "sounds", "--out", tmp_path / "run"]
    refused = whyset(command)
    assert (refused.code, "differ in their length" in refused.err, "--seconds" in refused.err) == (2, True, True)
    assert not (tmp_path / "run").exists()
    assert whyset([*command, "--seconds", "0.05"]).code == 0
    run = ws.open_run(tmp_path / "run")
    assert (run.config.rate, run.classes, run.inputs.shape) == (8000, ["bark", "meow"], (2, 1, 400))
    assert (run.inputs[:][:, 0, 299:301] == [[0.5, 0], [0.5, 0.5]]).all()


TEXT_MODEL = """
from torch import nn


class Scores(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.segments, self.head = nn.Embedding(9, 4), nn.Embedding(2, 4), nn.Linear(4, 2)

    def forward(self, input_ids, token_type_ids, attention_mask):
        x = (self.words(input_ids) + self.segments(token_type_ids)) * attention_mask.unsqueeze(-1)
        return self.head(x.sum(1) / attention_mask.sum(1, keepdim=True))
"""


def test_texts_have_words_of_a_tokenizer_and_an_input_is_chosen(tmp_path: Path, whyset: Program) -> None:
    datasets = pytest.importorskip("datasets")
    (tmp_path / "model.py").write_text(TEXT_MODEL)
    scope: dict[str, Any] = {}
    exec(TEXT_MODEL, scope)
    torch.save(scope["Scores"]().state_dict(), tmp_path / "weights.pt")
    ids = [[3, 4, 5], [6], [7, 8]]
    columns = {"input_ids": ids, "token_type_ids": [[0] * len(one) for one in ids], "label": [0, 1, 0]}
    datasets.Dataset.from_dict(columns).save_to_disk(tmp_path / "texts")
    (tmp_path / "vocabulary.txt").write_text("pad\nunk\nend\nthe\ncat\nsat\nyes\nno\nway\n")
    command = ["explain", "--model", f"{tmp_path / 'model.py'}:Scores", "--weights", tmp_path / "weights.pt"]
    command += ["--data", tmp_path / "texts", "--tokenizer", tmp_path / "vocabulary.txt"]
    runs = []
    for name, more in (("words", []), ("segments", ["--input", "token_type_ids"])):
        printed = whyset([*command, "--out", tmp_path / name, *more])
        assert (printed.code, printed.err) == (0, "")
        runs.append(ws.open_run(tmp_path / name))
    assert "the input input_ids is explained" in whyset([*command, "--out", tmp_path / "words"]).out
    assert runs[0].tokens([0, 1]) == [["the", "cat", "sat"], ["yes"]]
    assert runs[0].inputs[:].tolist() == [[3, 4, 5], [6, 0, 0], [7, 8, 0]]
    assert not np.array_equal(runs[0].relevance[:], runs[1].relevance[:])
    assert whyset(["rerun", tmp_path / "segments", "--out", tmp_path / "again"]).code == 0
    again = ws.open_run(tmp_path / "again")
    np.testing.assert_array_equal(again.relevance[:], runs[1].relevance[:])
    for options, line in (
        (["--input", "words"], "input 'words': expected one of the inputs of the samples"),
        (["--tokenizer", tmp_path / "missing"], "missing does not exist"),
    ):
        refused = whyset([*command, "--out", tmp_path / "refused", *options])
        assert (refused.code, refused.err.count("\n")) == (2, 1)
        assert line in refused.err
        assert not (tmp_path / "refused").exists()
