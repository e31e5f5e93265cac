"""The batch script of docs/cluster.md is run as Slurm would run it: by bash, once for every task of the array."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

import whyset as ws

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cluster.md"
MODEL = """
import time

import torch

PREPROCESSING = {"size": (4, 5), "mean": (0.5,), "std": (0.5,)}


class Slow(torch.nn.Linear):
    def forward(self, x):
        time.sleep(0.05)  # of samples that are explained at once, a shard has more than 1024
        return super().forward(x.flatten(1))


def net():
    torch.manual_seed(0)
    return Slow(3 * 4 * 5, 2)
"""


def test_the_tasks_of_the_array_fill_one_run(tmp_path: Path) -> None:
    (script,) = re.findall(r"```bash\n(#!/bin/bash\n.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "venv/bin").mkdir(parents=True)
    (tmp_path / "venv/bin/activate").write_text(f"export PATH={Path(sys.executable).parent}:$PATH\n")
    (tmp_path / "images").mkdir()
    for number in range(1100):
        pixels = np.full((4, 5, 3), number % 256, np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"images/{number:04d}.png")
    job = {"SLURM_ARRAY_JOB_ID": "70", "SLURM_SUBMIT_DIR": str(tmp_path), "SLURM_ARRAY_TASK_COUNT": "2"}
    tasks = [
        subprocess.Popen(
            ["bash", "-c", script],
            env=os.environ | job | {"SLURM_ARRAY_TASK_ID": str(task), "SLURM_JOB_ID": str(70 + task)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for task in range(2)
    ]
    told = [task.communicate(timeout=300)[0] for task in tasks]
    assert [task.returncode for task in tasks] == [0, 0], told
    assert any("is complete" in text for text in told), told
    run = ws.open_run(tmp_path / "runs/mine")
    assert run.shard_count == 2
    assert run.committed.all()
    assert run.verify() == []
