"""Agreement with LXT (AttnLRP by its authors) on language models, whose code it patches or, for BERT, replaces."""

import json
import os
import subprocess
import sysconfig
from pathlib import Path

import numpy as np
import pytest

MODELS = ("bert", "gpt2", "llama", "qwen2", "qwen3", "gemma3")


@pytest.fixture(scope="module")
def relevances(oracle_python):
    """Relevance of each token by both, computed in the environment of LXT."""
    here = Path(__file__)
    command = [oracle_python("lxt"), here.with_name("lxt_relevance.py"), here.parents[2] / "src"]
    command.append(sysconfig.get_path("purelib"))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", MODELS)
def test_tokens_have_the_relevance_of_lxt(relevances, name):
    """LXT adds 1e-6 or 1e-10 to denominators, so the two agree to about that."""
    ours, theirs = (np.array(relevances[name][by]) for by in ("whyset", "lxt"))
    assert np.abs(ours - theirs).max() < 1e-6 * np.abs(theirs).max()


def test_the_class_of_bert_is_that_of_lxt(relevances):
    assert relevances["bert"]["module"] == "lxt.efficient.models.bert"
    assert relevances["bert"]["whyset"][-2:] == [0, 0]  # padding
