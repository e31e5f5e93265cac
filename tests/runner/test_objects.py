"""The rows of a run of a detector: closed forms of linear detectors, torchvision's FCOS, true classes, and errors."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import whyset as ws
from whyset.attribution import Gradient
from whyset.attribution.composites import EpsilonPlus
from whyset.errors import InputError, RunMismatchError
from whyset.runner import objects
from whyset.runner.output_kinds import Boxes
from whyset.store import Run

COUNT, SIDES, ANCHORS, CLASSES = 6, (4, 6), 3, 2
RANDOM = np.random.default_rng(0)
X = torch.tensor(RANDOM.normal(size=(COUNT, 1, *SIDES)))
PLACES = torch.tensor([[0.0, 0.0, 3.0, 2.0], [0.0, 0.0, 3.0, 2.5], [3.0, 1.0, 6.0, 4.0]])
"""The first two boxes overlap by 6 / 7.5."""
SCORES = torch.tensor(
    [
        [[3, -3], [2, -3], [-3, -3]],  # the second object is the first one
        [[1, 4], [-3, -3], [-3, 2]],  # two classes at an anchor, and another anchor
        [[-3, -3], [-3, -3], [-3, -3]],  # nothing
        [[-3, 2], [-3, 5], [1, -3]],  # the first object is the second one
        [[-3, 1], [2, -3], [-3, -3]],  # boxes overlap, classes differ
        [[-1, -3], [-3, -3], [-3, -2]],  # nothing above 1/2
    ]
).double()
FOUND = ["0#0", "1#0", "1#1", "1#2", "3#0", "3#1", "4#0", "4#1"]
ANCHOR, CLASS = [0, 0, 2, 0, 1, 2, 1, 0], [0, 1, 1, 0, 1, 0, 0, 1]
SAMPLE = [int(id[0]) for id in FOUND]


def as_mapping(scores: torch.Tensor, boxes: torch.Tensor) -> Any:
    return {"boxes": boxes, "scores": scores}


WEIGHT = torch.linalg.lstsq(X.flatten(1), SCORES.flatten(1)).solution.T


class Linear(nn.Module):
    """A linear detector with the scores SCORES for X, and the boxes PLACES, as `pack` returns them."""

    def __init__(self, pack: Callable[[Any, Any], Any] = as_mapping) -> None:
        super().__init__()
        self.head = nn.Linear(X[0].numel(), ANCHORS * CLASSES, bias=False).double()
        self.head.weight.data = WEIGHT.clone()
        self.pack = pack

    def forward(self, x: torch.Tensor) -> Any:
        scores = self.head(x.flatten(1)).unflatten(1, (ANCHORS, CLASSES))
        return self.pack(scores, PLACES.expand(len(x), -1, -1))


def explain(data: Any, out: Path, model: nn.Module | None = None, **options: Any) -> Run:
    given: dict[str, Any] = {"composite": "epsilon_plus", "dtype": "float32", "output_kind": "boxes", **options}
    return ws.explain(Linear().eval() if model is None else model.eval(), data, out, **given)


def expected_maps() -> np.ndarray:
    return (
        (WEIGHT.unflatten(0, (ANCHORS, CLASSES))[ANCHOR, CLASS] * X[SAMPLE].flatten(1)).reshape(-1, 1, *SIDES).numpy()
    )


PACKED = {
    "mapping": as_mapping,
    "named logits": lambda scores, boxes: {"logits": scores, "features": scores[..., 0], "boxes": boxes},
    "tuple": lambda scores, boxes: (scores, boxes),
    "list": lambda scores, boxes: [scores, boxes, scores[..., 0]],
}


@pytest.mark.parametrize("packed", PACKED)
def test_a_row_explains_each_object(tmp_path: Path, packed: str) -> None:
    run = explain(X, tmp_path / "run", Linear(PACKED[packed]))
    assert run.ids == FOUND
    assert run.samples["image"].to_pylist() == list(map(str, SAMPLE))
    assert (run.samples["anchor"].to_pylist(), run.samples["detected"].to_pylist()) == (ANCHOR, CLASS)
    assert run.column("target").tolist() == run.column("prediction").tolist() == CLASS
    assert (run.labels == -1).all()
    boxes = np.stack([run.samples[f"box_{side}"] for side in ("left", "top", "right", "bottom")], axis=1)
    assert np.array_equal(boxes, PLACES[ANCHOR])
    scores = SCORES[SAMPLE, ANCHOR, CLASS].numpy()
    np.testing.assert_allclose(run.column("output_value"), scores, rtol=1e-6)
    np.testing.assert_allclose(run.column("confidence"), 1 / (1 + np.exp(-scores)), rtol=1e-6)
    np.testing.assert_allclose(np.asarray(run.relevance), expected_maps(), rtol=1e-5, atol=1e-6)
    assert any("8 rows explain the objects detected in 4 of 6 images" in check.message for check in run.checks)


def test_parameters_choose_the_objects(tmp_path: Path) -> None:
    ids = {
        "threshold": explain(X, tmp_path / "a", output_kind=Boxes(threshold=0.98)).ids,  # logit 3.9
        "iou": explain(X, tmp_path / "b", output_kind=Boxes(iou=0.9)).ids,
        "max_objects": explain(X, tmp_path / "c", output_kind=Boxes(max_objects=1)).ids,
        "background": explain(X, tmp_path / "d", output_kind=Boxes(background=1)).ids,
    }
    assert ids["threshold"] == ["1#0", "3#0"]
    assert ids["iou"] == sorted([*FOUND, "0#1", "3#2"])
    assert ids["max_objects"] == ["0#0", "1#0", "3#0", "4#0"]
    assert ids["background"] == ["0#0", "1#0", "3#0", "4#0"]


def test_probabilities_over_the_classes_of_an_anchor(tmp_path: Path) -> None:
    """Of two scores, the softmax is the sigmoid of their difference."""
    run = explain(X, tmp_path / "run", output_kind=Boxes(activation="softmax", threshold=0.9, max_objects=2))
    p = SCORES.softmax(dim=2)[SAMPLE, ANCHOR, CLASS]
    assert run.ids == [id for id, probability in zip(FOUND, p, strict=True) if probability > 0.9]
    image, anchor, label = (list(map(int, run.samples[name].to_pylist())) for name in ("image", "anchor", "detected"))
    score, other = SCORES[image, anchor, label], SCORES[image, anchor].sum(1) - SCORES[image, anchor, label]
    np.testing.assert_allclose(run.column("output_value"), score, rtol=1e-6)
    np.testing.assert_allclose(run.column("confidence"), (score - other).sigmoid(), rtol=1e-6)


def test_the_logit_before_a_sigmoid_is_explained(tmp_path: Path) -> None:
    model = Linear(lambda scores, boxes: (scores.sigmoid(), boxes))
    run = explain(X, tmp_path / "run", model)
    assert run.ids == FOUND
    assert run.config.output == "logit before sigmoid"
    np.testing.assert_allclose(np.asarray(run.relevance), expected_maps(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(run.column("confidence"), SCORES[SAMPLE, ANCHOR, CLASS].sigmoid(), rtol=1e-6)


def test_probabilities_without_a_known_logit_are_taken_as_they_are(tmp_path: Path) -> None:
    model = Linear(lambda scores, boxes: (scores.sigmoid() * 0.9, boxes))
    run = explain(X, tmp_path / "run", model)
    assert run.config.output == "probabilities"
    np.testing.assert_allclose(run.column("confidence"), 0.9 * SCORES[SAMPLE, ANCHOR, CLASS].sigmoid(), rtol=1e-6)


@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion"])
def test_other_methods_explain_objects(tmp_path: Path, method: str) -> None:
    """Both are exact for a linear model, of which a row is one score."""
    from whyset.attribution.methods import METHODS, IntegratedGradientsMethod, OcclusionMethod

    chosen = OcclusionMethod(window=1) if method == "occlusion" else IntegratedGradientsMethod()
    assert type(chosen) is METHODS[method]
    run = ws.explain(Linear().eval(), X, tmp_path / "run", method=chosen, dtype="float32", output_kind="boxes")
    np.testing.assert_allclose(np.asarray(run.relevance), expected_maps(), rtol=1e-4, atol=1e-5)


TRUTH: list[dict[str, Any]] = [
    {"boxes": [[0, 0, 3, 2]], "labels": [0]},
    {"boxes": [[0, 0, 3, 1.9], [3, 1, 6, 4]], "labels": [0, 1]},  # one of both classes at the anchor is wrong
    {"boxes": [], "labels": []},
    {"boxes": [[0, 0, 1, 1]], "labels": [0]},  # overlaps nothing enough
    {"boxes": [[0, 0, 3, 2], [0, 0, 3, 2.6]], "labels": [1, 0]},
    {"boxes": [[5, 3, 6, 4]], "labels": [1]},
]


def as_tensors(label: dict[str, Any]) -> dict[str, Any]:
    return {"boxes": torch.tensor(label["boxes"]).reshape(-1, 4), "labels": torch.tensor(label["labels"]).long()}


@pytest.mark.parametrize(
    "data",
    [
        list(zip(X, map(as_tensors, TRUTH), strict=True)),
        list(zip(X, TRUTH, strict=True)),
        (X, TRUTH),
    ],
    ids=["tensors", "lists", "a pair"],
)
def test_the_true_class_is_that_of_the_true_object_in_this_place(tmp_path: Path, data: Any) -> None:
    run = explain(data, tmp_path / "run")
    assert run.ids == FOUND
    assert run.labels.tolist() == [0, 0, 1, 0, -1, -1, 0, 1]
    assert run.failures == []


def test_an_image_that_cannot_be_read_has_a_row_that_fails(tmp_path: Path) -> None:
    images: list[Any] = list(X)
    images[1] = torch.full_like(X[1], torch.nan)
    run = explain(images, tmp_path / "run")
    assert run.ids == ["0#0", "1#0", "3#0", "3#1", "4#0", "4#1"]
    assert [(failure.id, "not finite" in failure.error) for failure in run.failures] == [("1#0", True)]
    assert run.samples["anchor"].to_pylist()[1] is None
    assert any("1 images cannot be read" in check.message for check in run.checks)
    again = explain(images, tmp_path / "run")
    assert [failure.id for failure in again.failures] == ["1#0"]


def test_an_image_whose_scores_are_not_finite_has_a_row_that_fails(tmp_path: Path) -> None:
    """Comparisons with NaN are false: the image would count as one without objects."""
    model = Linear(lambda scores, boxes: (torch.where(scores == scores[0, 0, 0], torch.nan, scores), boxes))
    run = explain(X, tmp_path / "run", model)
    assert run.ids == FOUND
    assert [(failure.id, "output is not finite" in failure.error) for failure in run.failures] == [("0#0", True)]


def test_one_image_is_explained_like_many(tmp_path: Path) -> None:
    run = explain(X[1:2], tmp_path / "run", batch_size=1)
    assert run.ids == ["0#0", "0#1", "0#2"]
    np.testing.assert_allclose(np.asarray(run.relevance), expected_maps()[1:4], rtol=1e-5, atol=1e-6)


def test_labels_of_whole_images_are_kept(tmp_path: Path) -> None:
    single = explain((X, [1, 0, 1, 1, 0, 1]), tmp_path / "single", class_names=["cat", "dog"])
    assert single.samples["true_labels"].to_pylist() == ["dog", *["cat"] * 3, *["dog"] * 2, *["cat"] * 2]
    sets = explain((X, [{1}, set(), {0, 1}, {0, 1}, {0}, {1}]), tmp_path / "sets", class_names=["cat", "dog"])
    assert sets.samples["true_labels"].to_pylist() == ["dog", *[""] * 3, *["cat, dog"] * 2, *["cat"] * 2]
    assert (single.labels == -1).all()
    assert (sets.labels == -1).all()


def test_a_run_is_continued_with_its_objects_and_not_with_other_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    explain(X, tmp_path / "run")
    with pytest.raises(RunMismatchError, match="fingerprint"):
        explain(X + 1e-3, tmp_path / "run")
    with pytest.raises(RunMismatchError, match="output_kind"):
        explain(X, tmp_path / "run", output_kind=Boxes(iou=0.6))
    monkeypatch.setattr(objects, "Detector", None)
    assert explain(X, tmp_path / "run").ids == FOUND


def test_a_limited_run_has_the_objects_of_its_images(tmp_path: Path) -> None:
    assert explain(X, tmp_path / "run", limit=2).ids == ["0#0", "3#0", "3#1"]


NO_BOXES: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "one tensor": (lambda scores, boxes: scores, "one tensor (6, 3, 2) and no boxes"),
    "no boxes": (lambda scores, boxes: {"scores": scores}, "a mapping with the keys scores"),
    "no scores": (lambda scores, boxes: {"boxes": boxes, "p": scores}, "a mapping with the keys boxes, p"),
    "objects": (
        lambda scores, boxes: [{"boxes": boxes[0], "scores": scores[0, :, 0], "labels": scores[0, :, 0]}] * len(scores),
        "those after non-maximum suppression",
    ),
    "two axes": (lambda scores, boxes: (scores[..., 0], boxes), "(samples, places, classes), got (6, 3)"),
    "few boxes": (lambda scores, boxes: (scores, boxes[:, :2]), "the boxes are (6, 2, 4) for scores (6, 3, 2)"),
    "five sides": (lambda scores, boxes: (scores, torch.cat([boxes, boxes], 2)), "the boxes are (6, 3, 8)"),
    "centers": (
        lambda scores, boxes: (scores, boxes.flip(2)),
        "the box of anchor 0 is (2, 3, 0, 0): expected left, top, right, bottom",
    ),
    "not finite": (lambda scores, boxes: (scores, boxes / 0), "the box of anchor 0 is (nan, nan, inf, inf)"),
    "fractions": (lambda scores, boxes: (scores, boxes / 6), "are in [0, 1]: expected pixels of the input (1, 4, 6)"),
    "nothing": (
        lambda scores, boxes: (scores - 9, boxes),
        "no object has a probability above the threshold 0.5; the highest one is 0.018",
    ),
}


@pytest.mark.parametrize("case", NO_BOXES)
def test_outputs_that_are_not_those_of_a_detector(tmp_path: Path, case: str) -> None:
    pack, message = NO_BOXES[case]
    with pytest.raises(InputError, match=re.escape(message)):
        explain(X, tmp_path / "run", Linear(pack))
    assert not (tmp_path / "run").exists()


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"target": "prediction"}, "leave target and targets (--target) out"),
    ({"targets": [0, 1]}, "leave target and targets (--target) out"),
    ({"target": [0] * COUNT}, "leave target and targets (--target) out"),
    ({"output_kind": "logits", "output": "scores"}, "output_kind"),
    ({"output_kind": Boxes(background=2)}, "the classes of the model are 0 to 1"),
    ({"output_kind": Boxes(n_classes=3)}, "the scores (6, 3, 2) have 2 classes"),
    ({"output_kind": Boxes(boxes="corners")}, "output='corners'"),
    ({"class_names": ["one"]}, "expected 2 class names"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_wrong_options(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        explain(X, tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"threshold": 1.0}, "threshold=1.0"),
        ({"iou": -0.1}, "iou=-0.1"),
        ({"max_objects": 0}, "max_objects=0"),
        ({"activation": "relu"}, "activation='relu'"),
    ],
)
def test_wrong_parameters(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        Boxes(**given)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ({"boxes": [[0, 0, 3, 2]], "labels": [2]}, "the label 2 of an object of 0 is not a class of the model"),
        ({"boxes": [[8, 0, 16, 2]], "labels": [0]}, "is outside of the input, 4 x 6 pixels"),
        ({"boxes": [[0, 0, 3]], "labels": [0]}, "boxes int64 (1, 3)"),
        ({"boxes": [[0, 0, 3, 2]], "labels": [0.5]}, "as whole numbers"),
    ],
)
def test_wrong_labels(tmp_path: Path, label: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        explain([(x, label) for x in X], tmp_path / "run")


def test_labels_of_objects_need_a_detector(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="labels are boxes of objects, but outputs are of kind logits"):
        explain(
            [(x, TRUTH[0]) for x in X], tmp_path / "run", nn.Sequential(nn.Flatten(), Linear().head), output_kind="auto"
        )


class Body(nn.Sequential):
    """One level of features, at a stride of 4, in a dictionary, as those of torchvision."""

    out_channels = 32

    def __init__(self) -> None:
        super().__init__(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 32, 3, 2, 1), nn.ReLU())

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"0": super().forward(x)}


@pytest.fixture(scope="module")
def fcos() -> Any:
    """An untrained FCOS in double precision, of three classes."""
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.fcos import FCOS

    torch.manual_seed(0)
    body: Any = Body()
    return FCOS(body, 3, anchor_generator=AnchorGenerator(((8,),), ((1.0,),)), min_size=24, max_size=36).double().eval()


def make_all_anchors(detector: Any) -> nn.Module:
    """The module of docs/outputs.md."""
    page = (Path(__file__).parents[2] / "docs" / "outputs.md").read_text("utf-8")
    (code,) = (part for part in page.split("```") if "class AllAnchors" in part)
    names: dict[str, Any] = {"nn": nn, "torch": torch}
    exec(code.removeprefix("python"), names)
    module: nn.Module = names["AllAnchors"](detector)
    return module


def test_objects_of_fcos_are_explained_before_suppression(tmp_path: Path, fcos: Any) -> None:
    """Relevance is that of a direct call for the anchor's score, in double precision, up to its rounding to float32."""
    model, x = make_all_anchors(fcos), torch.rand(4, 3, 24, 36, generator=torch.Generator().manual_seed(1)).double()
    run = explain(x, tmp_path / "run", model, output_kind=Boxes(threshold=0.011, iou=0.3, max_objects=3))
    assert len(run) == 12
    assert run.failures == []
    with torch.no_grad():
        found = model(x)

    def choose(returned: dict[str, torch.Tensor]) -> torch.Tensor:
        return returned["scores"].flatten(1)

    with Gradient(model, EpsilonPlus(), output=choose) as attribute:
        for row, (image, anchor) in enumerate(zip(run.samples["image"], run.samples["anchor"], strict=True)):
            place, target = int(image.as_py()), int(run.column("target")[row])
            box = [run.samples[f"box_{side}"][row].as_py() for side in ("left", "top", "right", "bottom")]
            np.testing.assert_allclose(box, found["boxes"][place, anchor.as_py()], rtol=1e-12, atol=1e-12)
            _, relevance = attribute(x[place : place + 1], 3 * anchor.as_py() + target)
            scale = relevance.abs().max().item()
            np.testing.assert_allclose(run.relevance[row], relevance[0], rtol=0, atol=1e-6 * scale)
            np.testing.assert_allclose(run.column("output_value")[row], found["scores"][place, anchor.as_py(), target])


def test_the_objects_that_fcos_returns_are_refused(tmp_path: Path, fcos: Any) -> None:
    with pytest.raises(InputError, match="those after non-maximum suppression"):
        explain(torch.rand(4, 3, 24, 36).double(), tmp_path / "run", fcos)
