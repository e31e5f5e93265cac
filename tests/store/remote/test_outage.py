"""A store that goes away while `explain` is at work: one sentence, and the same command again finishes the run."""

import os
import subprocess
import sys

from whyset.store import open_run
from whyset.testing.engines import read_stored_bytes

EXPLAIN = """
import sys
from unittest.mock import patch
import torch
from torch import nn
import whyset as ws
from whyset.store import RemotePath

def explain(out):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 60, 2))
    with patch("whyset.runner.plan.shard_rows_for", lambda *_: 16):  # shards small enough for a test
        return ws.explain(net, torch.rand(40, 3, 64, 60), out=out, target="prediction")
"""
CUT_OFF = 'explain(RemotePath.of(sys.argv[1], retry_config={"max_retries": 1}))'


def test_a_store_that_goes_away_in_the_middle_of_explain(wire, url, tmp_path):
    wire.budget = 800_000  # a shard has about 550 kB
    command = [sys.executable, "-c", EXPLAIN + CUT_OFF, url]
    environment = {**os.environ, "AWS_ENDPOINT_URL": wire.endpoint}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    told = ended.stderr.strip().splitlines()[-1]
    assert ended.returncode == 1
    assert told.startswith("whyset.store.remote_errors.RemoteError: s3://bucket/runs/")
    assert told.endswith("committed data is safe: run the same command again when the store can be reached")
    assert open_run(url).shards == ["committed", "pending", "pending"]
    namespace = {}
    exec(EXPLAIN, namespace)
    finished, local = namespace["explain"](url), namespace["explain"](tmp_path / "run")
    assert finished.shards == ["committed"] * 3
    assert read_stored_bytes(finished) == read_stored_bytes(local)
    assert finished.verify() == []
