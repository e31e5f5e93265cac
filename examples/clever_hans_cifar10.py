"""Study: does spectral relevance analysis distinguish models that learned a shortcut from models that did not?

    python examples/clever_hans_cifar10.py DATA --out clever-hans

After figure 12 of Anders et al. 2021 (arXiv 2106.13200). For every class of CIFAR-10 and every seed, a small network
learns twice to distinguish the class from the next one: from clean images, and from images of which a part of the class
has a small magenta square. Both networks are explained on the same training images of the class, including marked ones,
and the class is analyzed; the clean network is also explained on its own training images, as its owner would do. DATA
holds `cifar10.tar.xz` with `train/<class>/*.jpg` and `test/<class>/*.jpg`.

Every model writes one file to OUT/models and its runs to OUT/runs. Started again, the study continues where it stopped.
`examples/clever_hans_figure.py OUT` draws the figure and prints the table.
"""

import argparse
import json
import tarfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

import whyset
from whyset.attribution.composites import EpsilonPlusFlat
from whyset.runner import Preprocessing
from whyset.runner.sources import ArraySource

CLASSES = "airplane automobile bird cat deer dog frog horse ship truck".split()
MAGENTA = (255, 0, 255)
PREPROCESSING = Preprocessing(size=(32, 32), mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))


@dataclass(frozen=True)
class Study:
    """Parameters of the study: images per class, the mark, the training, and the analysis."""

    train: int = 2000
    test: int = 1000
    explained: int = 1000
    share: float = 0.25
    side: int = 3
    epochs: int = 8
    batch: int = 64
    rate: float = 2e-3
    surrogates: int = 19


@dataclass(frozen=True)
class Case:
    """One model: the index of the class that may have marks, the seed, and whether it learned from marked images."""

    label: int
    seed: int
    poisoned: bool

    @property
    def name(self) -> str:
        return f"{CLASSES[self.label]}-{self.seed}-{'poisoned' if self.poisoned else 'clean'}"

    @property
    def other(self) -> int:
        return (self.label + 1) % len(CLASSES)


def read_images(archive, wanted, counts):
    """Read the first `counts` images of each wanted class, uint8 (count, 32, 32, 3), by part and class."""
    found = {(part, name): {} for part in counts for name in wanted}
    with tarfile.open(archive) as members:
        for member in members:
            part, name, file = Path(member.name).parts[-3:] if member.isfile() else ("", "", "")
            if (part, name) in found and int(Path(file).stem) < counts[part]:
                image = Image.open(members.extractfile(member)).convert("RGB")
                found[part, name][file] = np.asarray(image)
    stacked = {key: np.stack([files[file] for file in sorted(files)]) for key, files in found.items()}
    return [{name: stacked[part, name] for name in wanted} for part in counts]


def with_mark(images, side):
    marked = images.copy()
    marked[:, 1 : 1 + side, 1 : 1 + side] = MAGENTA
    return marked


def as_input(images):
    return (torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.25


def network():
    def block(inputs, outputs):
        return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]

    return nn.Sequential(*block(3, 16), *block(16, 32), *block(32, 32), nn.Flatten(), nn.Linear(512, 2))


def trained(images, others, study, seed):
    """Train a network that predicts output 0 for `images` and output 1 for `others`."""
    torch.manual_seed(seed)
    inputs = torch.cat([as_input(images), as_input(others)])
    labels = torch.arange(2).repeat_interleave(torch.tensor([len(images), len(others)]))
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=study.rate)
    for _ in range(study.epochs):
        for batch in torch.randperm(len(labels)).split(study.batch):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs[batch]), labels[batch]).backward()
            optimizer.step()
    return model.eval()


@torch.no_grad()
def share_taken_for_class(model, images):
    return float((model(as_input(images)).argmax(1) == 0).float().mean())


def accuracies(model, own, other, study):
    """Compute the accuracy on clean test images and on marked ones, and the effect of the mark on the other class.

    The share of marked test images is that of the training.
    """
    plain = [share_taken_for_class(model, own), 1 - share_taken_for_class(model, other)]
    with_marks = share_taken_for_class(model, with_mark(own, study.side))
    own_as_trained = study.share * with_marks + (1 - study.share) * plain[0]
    return {
        "accuracy": sum(plain) / 2,
        "accuracy_marked": (own_as_trained + plain[1]) / 2,
        "fooled": share_taken_for_class(model, with_mark(other, study.side)) - (1 - plain[1]),
    }


def analyzed(model, images, marked, names, out, study):
    """Explain and analyze the images of the class; return scores, and how well a cluster matches the marked images."""
    source = ArraySource(images, np.zeros(len(images), int), class_names=names, preprocessing=PREPROCESSING)
    run = whyset.explain(model, source, out, composite=EpsilonPlusFlat(), batch_size=250)
    category = whyset.analyze(run, whyset.Spray(surrogates=study.surrogates, resamplings=0), views="maps").categories[0]
    evidence = category.evidence
    if evidence.problem is not None:
        raise RuntimeError(f"{out}: {evidence.problem}")
    clustering = evidence.clusterings["kmeans"]
    labels, rows = category.column("clustering.kmeans"), category.column("index")
    return {
        "separability": evidence.separability.value,
        "p_value": evidence.separability.p_value,
        "null_median": evidence.separability.null_median,
        "eigengap": evidence.eigengap.value,
        "clusters": clustering.n_clusters,
        "silhouette": clustering.silhouette,
        "components": evidence.graph.n_connected_components,
        "coherence": max(cluster.coherence for cluster in clustering.clusters),
        "cluster_separability": max(cluster.separability for cluster in clustering.clusters),
        "best_f1": best_f1(labels, marked[rows]),
    }


def best_f1(labels, marked):
    """Return the largest F1 of any cluster for the marked samples."""
    found = [labels == cluster for cluster in range(labels.max() + 1)]
    return max(2 * float((inside & marked).sum()) / float(inside.sum() + marked.sum()) for inside in found)


def do(case, train, test, out, study):
    """Train, test, explain and analyze one model, and write its results to a file."""
    began = time.process_time()
    name, other = CLASSES[case.label], CLASSES[case.other]
    random = np.random.default_rng([case.label, case.seed])
    clean = train[name]
    marked = np.zeros(len(clean), bool)
    marked[random.permutation(len(clean))[: round(study.share * len(clean))]] = True
    poisoned = np.where(marked[:, None, None, None], with_mark(clean, study.side), clean)
    model = trained(poisoned if case.poisoned else clean, train[other], study, case.seed)
    results = {**asdict(case), "class": name, "other": other, **accuracies(model, test[name], test[other], study)}
    trained_for = time.process_time() - began
    shown = {"marked images": poisoned} if case.poisoned else {"marked images": poisoned, "own images": clean}
    results["analyses"] = {
        kind: analyzed(
            model,
            images[: study.explained],
            marked[: study.explained],
            [name, other],
            out / "runs" / f"{case.name}-{kind.split()[0]}",
            study,
        )
        for kind, images in shown.items()
    }
    results |= {"seconds_training": trained_for, "seconds": time.process_time() - began}
    file = out / "models" / f"{case.name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_text(json.dumps({"study": asdict(study), **results}, indent=1))
    part.replace(file)
    return results


def main(given=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with cifar10.tar.xz")
    parser.add_argument("--out", type=Path, default=Path("clever-hans"))
    parser.add_argument("--classes", nargs="+", choices=CLASSES, default=CLASSES, metavar="CLASS")
    parser.add_argument("--seeds", type=int, default=3)
    for name, value in asdict(Study()).items():
        parser.add_argument(f"--{name}", type=type(value), default=value, help=f"default {value}")
    options = parser.parse_args(given)
    study = Study(**{name: getattr(options, name) for name in asdict(Study())})
    archive = options.data / "cifar10.tar.xz"
    if not archive.is_file():
        parser.error(f"{archive} not found: DATA must be the folder that holds the images of CIFAR-10 as one archive")
    torch.set_num_threads(1)  # sums over threads differ in the last digits
    labels = [CLASSES.index(name) for name in options.classes]
    cases = [Case(label, seed, kind) for seed in range(options.seeds) for label in labels for kind in (False, True)]
    done = [case for case in cases if (options.out / "models" / f"{case.name}.json").is_file()]
    for case in done:
        file = options.out / "models" / f"{case.name}.json"
        if json.loads(file.read_text())["study"] != asdict(study):
            parser.error(f"{file} belongs to a study with other parameters: choose another --out")
    if len(done) == len(cases):
        print(f"all {len(cases)} models are done; next: python examples/clever_hans_figure.py {options.out}")
        return
    wanted = {CLASSES[number % len(CLASSES)] for label in labels for number in (label, label + 1)}
    train, test = read_images(archive, wanted, {"train": study.train, "test": study.test})
    for number, case in enumerate(cases, 1):
        if case not in done:
            results = do(case, train, test, options.out, study)
            print(f"{number}/{len(cases)} {case.name}: {in_short(results)}", flush=True)


def in_short(results):
    found = results["analyses"]["marked images"]
    return (
        f"accuracy {results['accuracy']:.3f}, fooled {results['fooled']:+.2f}, "
        f"separability {found['separability']:.2f}, p {found['p_value']}, {results['seconds']:.0f} s"
    )


if __name__ == "__main__":
    main()
