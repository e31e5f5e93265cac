"""`whyset tune`: what it prints, and the commands that use its file."""

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import whyset as ws

Program = Callable[[Sequence[Any]], Any]


def test_a_tuned_method_is_written_and_explains(larger_job: Any, whyset: Program, tmp_path: Path) -> None:
    arguments = [str(one) for one in larger_job.arguments(out=tmp_path / "run")]
    named = dict(zip(arguments[1::2], arguments[2::2], strict=True))
    model, file = named.pop("--model"), tmp_path / "tuned.json"
    given = [part for name in ("--weights", "--data") if name in named for part in (name, named[name])]
    options = ["--n-samples", "8", "--n-held-out", "8", "--n-candidates", "2", "--other-metric", "complexity"]
    chosen = ["--preset", "epsilon_plus", "--preset", "gradient", "--metric", "relevance_gain:patch_size=2:steps=4"]
    printed = whyset(["tune", model, *given, "--out", file, *options, *chosen])
    assert (printed.code, printed.err) == (0, "")
    found = ws.load_method(file)
    record = ws.store.tunings.read_tuning(file)
    assert "relevance gain, patch_size 2, steps 4, higher is better; 8 tuning samples" in printed.out
    assert record.describe() in printed.out
    assert f"written: {file}" in printed.out
    (suggested,) = (line for line in printed.out.splitlines() if line.startswith("next: "))
    followed = whyset(shlex.split(suggested.removeprefix("next: whyset ")))
    assert (followed.code, followed.err) == (0, "")
    assert len(ws.open_run(file.with_suffix(""))) > 0
    again = whyset(["tune", model, *given, "--out", file])
    assert again.code == 2
    assert "exists already: remove it, or give another file by --out" in again.err

    for flag, out in (("--method", "by_method"), ("--composite", "by_composite")):
        explained = whyset(["explain", "--model", model, *given, flag, file, "--out", tmp_path / out])
        assert (explained.code, explained.err) == (0, "")
    rules = ws.load_method(record, record.rules).composite
    run = ws.open_run(tmp_path / "by_composite")
    assert run.config.composite == ws.attribution.to_dict(rules)
    if record.rules == record.chosen:
        np.testing.assert_array_equal(run.relevance[:], ws.open_run(tmp_path / "by_method").relevance[:])
    else:
        assert ws.open_run(tmp_path / "by_method").config.method == found.describe()
    wrong = whyset(["explain", "--model", model, *given, "--method", file, "--method-option", "n=1", "--out", "x"])
    assert "has its parameters already" in wrong.err
