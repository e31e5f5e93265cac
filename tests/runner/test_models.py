"""ModelSource: a model file, and the libraries' models, with the class count of the checkpoint."""

from pathlib import Path

import pytest
import torch

from whyset.errors import InputError
from whyset.runner import ModelSource, Preprocessing
from whyset.runner.models import weights_hash


def test_a_function_of_a_file_with_the_files_preprocessing(model_file: Path) -> None:
    loaded = ModelSource(f"{model_file}:net").load()
    assert loaded.name == "model.py:net"
    assert loaded.preprocessing == Preprocessing(size=(6, 8), mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3))
    assert not loaded.module.training
    assert loaded.module(torch.zeros(1, 3, 6, 8)).shape == (1, 2)
    assert "no weights were given" in loaded.notes[0]


def test_the_class_count_comes_from_the_checkpoint(model_file: Path, tmp_path: Path) -> None:
    small = ModelSource(f"{model_file}:net").load().module
    large = type(small)(num_classes=5)
    torch.save(large.state_dict(), tmp_path / "five.pt")
    loaded = ModelSource(f"{model_file}:net", tmp_path / "five.pt").load()
    assert loaded.module.head.out_features == 5
    assert weights_hash(loaded.module) == weights_hash(large)


def test_given_fields_win_over_the_file_and_a_preprocessing_replaces_it(model_file: Path) -> None:
    changed = ModelSource(f"{model_file}:net", preprocessing={"size": 12}).load().preprocessing
    assert changed == Preprocessing(size=(12, 12), mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3))
    whole = Preprocessing(mode="L", size=(3, 4))
    assert ModelSource(f"{model_file}:net", preprocessing=whole).load().preprocessing == whole


def test_what_lies_beside_a_model_file_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "layers_beside.py").write_text("from torch import nn\nHead = nn.Linear\n")
    (tmp_path / "model.py").write_text("from layers_beside import Head\ndef net(): return Head(2, 3)\n")
    assert ModelSource(f"{tmp_path / 'model.py'}:net").load().module.out_features == 3


def test_the_hash_of_the_code_follows_the_file(model_file: Path) -> None:
    before = ModelSource(f"{model_file}:net").load().code_hash
    model_file.write_text(model_file.read_text() + "\n# changed\n")
    assert ModelSource(f"{model_file}:net").load().code_hash != before


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("model.py:nett", "has no function 'nett'; it has broken, net, no_model"),
        ("model.py:broken", "could not be called: KeyError: 'no such thing'"),
        ("model.py:no_model", "must return a torch.nn.Module, not int"),
        ("gone.py:net", "gone.py does not exist; --model must be file.py:function, torchvision:NAME or timm:NAME"),
    ],
)
def test_what_is_wrong_with_a_function_is_said(spec: str, message: str, model_file: Path) -> None:
    with pytest.raises(InputError, match=message):
        ModelSource(f"{model_file.parent}/{spec}").load()


@pytest.mark.parametrize("spec", ["model.py", "", ":", "resnet50", "model.py:"])
def test_a_spec_without_both_parts_is_refused(spec: str) -> None:
    with pytest.raises(InputError, match=r"model must be file\.py:function, torchvision:NAME or timm:NAME"):
        ModelSource(spec)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import nothing_of_this_name\n", "does not run: ModuleNotFoundError: No module named"),
        ("def net(:\n", "does not run: SyntaxError"),
        ("import sys\nsys.exit(3)\n", r"model.py does not run: it calls sys.exit\(3\)"),
        ("import argparse\nargparse.ArgumentParser().parse_args(['x'])\n", r"it calls sys.exit\(2\), as argparse does"),
        ("def net():\n    raise SystemExit\n", r"could not be called: it calls sys.exit\(None\)"),
        (
            "PREPROCESSING = 3\ndef net():\n    from torch import nn\n    return nn.Flatten()\n",
            "PREPROCESSING in .* must be a dict",
        ),
        (
            "PREPROCESSING = {'sise': 3}\ndef net():\n    from torch import nn\n    return nn.Flatten()\n",
            "unknown field 'sise'",
        ),
    ],
)
def test_a_file_that_does_not_run_is_said_in_one_line(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        ModelSource(f"{tmp_path / 'model.py'}:net").load()
    assert "\n" not in str(caught.value)


def test_the_hash_is_of_the_exact_bytes(model_file: Path) -> None:
    module = ModelSource(f"{model_file}:net").load().module
    before = weights_hash(module)
    assert weights_hash(ModelSource(f"{model_file}:net").load().module) == before
    with torch.no_grad():
        module.head.bias[1] = torch.nextafter(module.head.bias[1], torch.tensor(9.0))
    assert weights_hash(module) != before


class TestLibraries:
    """torchvision and timm, with weights from a file: nothing is downloaded."""

    @pytest.mark.parametrize("name", ["resnet18", "squeezenet1_1"])
    def test_torchvision(self, name: str, tmp_path: Path) -> None:
        models = pytest.importorskip("torchvision.models", exc_type=ImportError)
        torch.save(models.get_model(name, num_classes=7).state_dict(), tmp_path / "w.pt")
        loaded = ModelSource(f"torchvision:{name}", tmp_path / "w.pt").load()
        assert loaded.module(torch.zeros(1, 3, 224, 224)).shape == (1, 7)
        assert loaded.preprocessing is not None
        assert (loaded.preprocessing.size, loaded.preprocessing.resize) == ((224, 224), 256)
        assert loaded.preprocessing.mean == (0.485, 0.456, 0.406)
        assert "the preprocessing is that of torchvision's" in loaded.notes[-1]

    def test_timm_and_its_own_transform(self, tmp_path: Path) -> None:
        timm = pytest.importorskip("timm", exc_type=ImportError)
        import numpy as np
        from PIL import Image

        model = timm.create_model("resnet18", num_classes=7)
        torch.save({"state_dict": model.state_dict()}, tmp_path / "w.pt")
        loaded = ModelSource("timm:resnet18", tmp_path / "w.pt").load()
        assert loaded.module(torch.zeros(1, 3, 224, 224)).shape == (1, 7)
        image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 451, 3), dtype=np.uint8))
        theirs = timm.data.create_transform(**timm.data.resolve_model_data_config(model), is_training=False)(image)
        assert loaded.preprocessing is not None
        torch.testing.assert_close(loaded.preprocessing.forward(image), theirs, rtol=0, atol=1e-6)

    @pytest.mark.parametrize("library", ["torchvision", "timm"])
    def test_an_unknown_name_is_answered_with_one_that_is_close(self, library: str) -> None:
        pytest.importorskip(library, exc_type=ImportError)
        with pytest.raises(InputError, match=f"{library} has no model 'resnet5O'; did you mean resnet50"):
            ModelSource(f"{library}:resnet5O").load()

    def test_weights_of_another_architecture_do_not_fit(self, tmp_path: Path) -> None:
        models = pytest.importorskip("torchvision.models", exc_type=ImportError)
        torch.save(models.get_model("squeezenet1_1", num_classes=7).state_dict(), tmp_path / "w.pt")
        with pytest.raises(InputError, match="do not fit torchvision:resnet18"):
            ModelSource("torchvision:resnet18", tmp_path / "w.pt").load()
