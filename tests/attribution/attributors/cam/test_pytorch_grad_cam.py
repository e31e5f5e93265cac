"""Agreement with pytorch-grad-cam on a convolutional network, a ViT and a Swin transformer."""

import json
import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

CASES = [f"{name} {network}" for name in ("grad_cam", "grad_cam_plus_plus", "hires_cam", "layer_cam", "score_cam")
         for network in ("cnn", "vit", "swin")] + ["ablation_cam cnn"]  # fmt: skip

TOLERANCE = {
    "grad_cam_plus_plus": 1e-6,  # it adds 1e-6 to the denominator
    "score_cam": 1e-6,  # it keeps scores in single precision
    "ablation_cam": 1e-6,
}


@pytest.fixture(scope="module")
def found(oracle_python):
    """Differences of the maps, computed in the environment of pytorch-grad-cam."""
    here = Path(__file__)
    command = [oracle_python("grad_cam"), here.with_name("grad_cam_maps.py"), here.parents[4] / "src"]
    command.append(sysconfig.get_path("purelib"))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("case", CASES)
def test_maps_are_those_of_pytorch_grad_cam(found, case):
    differences, name = found["maps"][case], case.split()[0]
    assert differences["map"] < TOLERANCE.get(name, 1e-12)
    assert differences["positive"] > 0.1
    if name != "ablation_cam":  # its map changes its sign where the explained value is negative
        assert differences["scaled"] < 1e-6  # it scales in single precision


def test_the_layer_that_is_found_is_the_one_that_it_recommends_for_class_tokens(found):
    assert found["layers"] == {"cnn": "5", "vit": "blocks.2.norm1", "swin": "norm"}
