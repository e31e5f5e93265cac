"""docs/what-executes-code.md: what comes from somebody else executes nothing when it is opened, checked or viewed."""

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import whyset as ws
from whyset.analysis import Pipeline
from whyset.analysis.memo_values import decode
from whyset.cli import main
from whyset.errors import WhysetError
from whyset.report import as_text, report
from whyset.runner import ModelSource
from whyset.runner.models.checkpoint import Checkpoint
from whyset.runner.sources import source_at
from whyset.runner.tokens import load_tokenizer
from whyset.store.virelay.yaml_file import read_yaml
from whyset.viewer import Server


class Evil:
    """Makes a file when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.trace),)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return tmp_path / "executed"


@pytest.fixture
def evil(trace: Path) -> bytes:
    return pickle.dumps(Evil(trace))


def test_the_trap_works(evil: bytes, trace: Path) -> None:
    pickle.loads(evil)
    assert trace.exists()


def test_programs_and_pickles_in_a_run_are_not_executed_by_whatever_reads_it(
    evil: bytes, trace: Path, tmp_path: Path, sample_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path(sample_run.make_sample_run(tmp_path / "run").path)
    program = f"import os\nos.mkdir({str(trace)!r})\n"
    folders = [run, *(folder for folder in run.rglob("*") if folder.is_dir())]
    for folder in folders:
        for name in ("__init__.py", "conftest.py", "sitecustomize.py", "whyset.py", "numpy.py"):
            (folder / name).write_text(program)
        for name in ("evil.pkl", "evil.pt", "evil.npy"):
            (folder / name).write_bytes(evil)
    monkeypatch.chdir(run)
    opened = ws.open_run(run)
    opened.verify()
    opened.relevance[:3]
    as_text(report(run))
    with Server([run]) as server:
        assert server.port
    assert not trace.exists()


def test_pickles_in_place_of_results_are_refused(evil: bytes, trace: Path, tmp_path: Path, sample_run: Any) -> None:
    run = Path(sample_run.make_sample_run(tmp_path / "run").path)
    array = np.empty(1, object)
    array[0] = Evil(trace)
    replaced = list(run.rglob("*.npy"))
    assert replaced
    for file in replaced:
        with file.open("wb") as opened:
            np.save(opened, array, allow_pickle=True)
    (run / "samples.parquet").write_bytes(evil)
    with pytest.raises((WhysetError, OSError)):
        ws.open_run(run).samples.to_pylist()
    assert not trace.exists()


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_data_that_needs_pickle_is_refused(name: str, trace: Path, tmp_path: Path) -> None:
    array = np.empty(3, object)
    array[:] = [Evil(trace)] * 3
    (np.save if name.endswith("npy") else np.savez)(tmp_path / name, array)
    with pytest.raises((WhysetError, ValueError)):
        source_at(tmp_path / name, None, None)[0]
    assert not trace.exists()


def test_weights_that_need_pickle_are_refused(evil: bytes, trace: Path, tmp_path: Path) -> None:
    torch.save({"weight": Evil(trace)}, tmp_path / "net.pt", pickle_protocol=2)
    (tmp_path / "raw.pt").write_bytes(evil)
    torch.save(nn.Linear(2, 2), tmp_path / "whole.pt")
    for name in ("net.pt", "raw.pt", "whole.pt"):
        with pytest.raises(WhysetError):
            Checkpoint.read(tmp_path / name)
    assert not trace.exists()


def test_code_in_the_folder_of_a_tokenizer_is_not_executed(evil: bytes, trace: Path, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    (folder / "evil.py").write_text(f"import os\nos.mkdir({str(trace)!r})\n\n\nclass Evil:\n    pass\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"auto_map": {"AutoTokenizer": ["evil.Evil", None]}}))
    (folder / "vocab.bin").write_bytes(evil)
    with pytest.raises(WhysetError, match="cannot be read"):
        load_tokenizer(folder)
    assert not trace.exists()


def test_a_stored_name_imports_no_module(trace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "evil_parts.py").write_text(f"import os\nos.mkdir({str(trace)!r})\n")
    monkeypatch.syspath_prepend(tmp_path)
    step = {"name": "x", "processor": {"name": "evil_parts:Evil", "fields": {}}, "inputs": ["maps"]}
    with pytest.raises(WhysetError):
        Pipeline.from_json(json.dumps({"format": "whyset-pipeline/1", "name": "x", "steps": [step]}))
    assert not trace.exists()


def test_a_memo_entry_is_no_pickle(evil: bytes, trace: Path) -> None:
    with pytest.raises(WhysetError):
        decode(evil)
    assert not trace.exists()


def test_yaml_makes_plain_values_only(trace: Path, tmp_path: Path) -> None:
    (tmp_path / "project.yaml").write_text(f"a: !!python/object/apply:os.mkdir [{str(trace)!r}]\n")
    with pytest.raises(WhysetError):
        read_yaml(tmp_path / "project.yaml")
    assert not trace.exists()


def test_a_model_file_that_one_names_is_executed(trace: Path, tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(
        f"import os, torch\nos.mkdir({str(trace)!r})\nnet = lambda: torch.nn.Identity()\n"
    )
    ModelSource(f"{tmp_path / 'model.py'}:net").load()
    assert trace.exists()


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_pickled_maps_are_refused(suffix: str, trace: Path, tmp_path: Path) -> None:
    array = np.empty(2, object)
    array[:] = [Evil(trace), Evil(trace)]
    file = tmp_path / f"maps{suffix}"
    with file.open("wb") as opened:
        np.save(opened, array, allow_pickle=True) if suffix == ".npy" else np.savez(opened, relevance=array)
    assert main(["import-arrays", str(file), "--out", str(tmp_path / "run")]) == 2
    assert not trace.exists()
    assert not (tmp_path / "run").exists()
