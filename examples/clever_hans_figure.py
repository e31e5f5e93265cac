"""Draw the figure and print the table of the study that examples/clever_hans_cifar10.py made.

    python examples/clever_hans_figure.py clever-hans --figure docs/images/clever-hans.svg

AUROC is the probability that a score is larger for a model that learned from marked images than for one that did not,
with ties counting half: 0.5 is chance. Its interval of 95 % is a bootstrap over the ten classes, each drawn with all
its models, because the seeds of a class are not independent samples.
"""

import argparse
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

DRAWS = 2000
MARKED, OWN = "marked images", "own images"
SCORES = {
    "separability": lambda found: found["separability"],
    "separability / null": lambda found: found["null_median"] and found["separability"] / found["null_median"],
    "cluster's separability": lambda found: found["cluster_separability"],
    "silhouette": lambda found: found["silhouette"],
    "p-value (small)": lambda found: found["p_value"] and -found["p_value"],
    "eigengap": lambda found: found["eigengap"],
    "number of clusters": lambda found: found["clusters"],
    "largest coherence": lambda found: found["coherence"],
}


@dataclass(frozen=True)
class Pair:
    """The two models of a class and seed."""

    clean: dict
    poisoned: dict

    def accuracy(self, key="accuracy"):
        return self.clean[key], self.poisoned[key]

    def score(self, score, kind):
        clean = self.clean["analyses"][kind]
        return score(clean), score(self.poisoned["analyses"][MARKED])


def pairs_of(folder):
    """Return all pairs of finished models, by class."""
    models = [json.loads(file.read_text()) for file in sorted((folder / "models").glob("*.json"))]
    found = {(model["class"], model["seed"], model["poisoned"]): model for model in models}
    pairs = defaultdict(list)
    for name, seed, poisoned in found:
        if poisoned and (name, seed, False) in found:
            pairs[name].append(Pair(found[name, seed, False], found[name, seed, True]))
    return dict(pairs)


def auroc(values):
    """Compute the AUROC from pairs (clean, poisoned), comparing all clean models with all poisoned ones."""
    clean, poisoned = np.array(values, float).T
    ranks = rankdata(np.concatenate([poisoned, clean]))[: len(poisoned)]
    return (ranks.sum() - len(poisoned) * (len(poisoned) + 1) / 2) / (len(poisoned) * len(clean))


def with_interval(by_class):
    """Compute the AUROC with its interval; `by_class` holds the pairs of values of each class."""
    rng = np.random.default_rng(0)
    classes = list(by_class.values())
    drawn = [
        auroc([value for place in rng.integers(len(classes), size=len(classes)) for value in classes[place]])
        for _ in range(DRAWS)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return auroc([value for values in classes for value in values]), low, high


def compared(pairs):
    """Return name, AUROC, interval and share of pairs in which the poisoned model has the larger score, per score."""
    rows = {}
    for key, name in (("accuracy", "accuracy, clean test"), ("accuracy_marked", "accuracy, test like training")):
        rows[name] = {c: [tuple(-v for v in pair.accuracy(key)) for pair in own] for c, own in pairs.items()}
    for kind, suffix in ((MARKED, ""), (OWN, ", own images")):
        for name, score in SCORES.items():
            rows[name + suffix] = {c: [pair.score(score, kind) for pair in own] for c, own in pairs.items()}
    compared_scores = []
    for name, by_class in rows.items():
        values = [value for own in by_class.values() for value in own]
        if None in {number for pair in values for number in pair}:
            continue  # a study without surrogates has no p-values
        compared_scores.append(
            (name, *with_interval(by_class), np.mean([poisoned > clean for clean, poisoned in values]))
        )
    return compared_scores


def printed(pairs):
    yield "| score | AUROC | 95 % | larger in its pair |\n|---|--:|--:|--:|"
    for name, area, low, high, larger in compared(pairs):
        yield f"| {name} | {area:.3f} | {low:.2f} to {high:.2f} | {100 * larger:.0f} % |"
    yield "\n| class | against | accuracy clean / poisoned | fooled | clean, own | clean, marked | poisoned | F1 |"
    yield "|---|---|---|--:|--:|--:|--:|--:|"
    for name, own in pairs.items():

        def mean(read, own=own):
            return np.mean([read(pair) for pair in own])

        def separabilities(read, own=own):
            return ", ".join(f"{read(pair)['separability']:.1f}" for pair in own)

        yield (
            f"| {name} | {own[0].clean['other']} | {mean(lambda p: p.clean['accuracy']):.3f} / "
            f"{mean(lambda p: p.poisoned['accuracy']):.3f} | {mean(lambda p: p.poisoned['fooled']):.2f} | "
            f"{separabilities(lambda p: p.clean['analyses'][OWN])} | "
            f"{separabilities(lambda p: p.clean['analyses'][MARKED])} | "
            f"{separabilities(lambda p: p.poisoned['analyses'][MARKED])} | "
            f"{mean(lambda p: p.poisoned['analyses'][MARKED]['best_f1']):.2f} |"
        )
    seconds = [model["seconds"] for own in pairs.values() for pair in own for model in (pair.clean, pair.poisoned)]
    yield f"\n{len(seconds)} models, {sum(seconds) / 60:.0f} minutes of processor time."


def drawn(pairs, file):
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "clever-hans"  # the same study gives the same file
    figure, (left, middle, right) = plt.subplots(
        1, 3, figsize=(12.5, 4), width_ratios=(1, 1, 1.1), layout="constrained"
    )
    colors = dict(zip(pairs, plt.get_cmap("tab10").colors, strict=False))
    for name, own in pairs.items():
        accuracies = np.array([pair.accuracy() for pair in own])
        scores = np.array([pair.score(SCORES["separability"], MARKED) for pair in own])
        left.scatter(*accuracies.T, color=colors[name], label=name, s=26)
        middle.scatter(*scores.T, color=colors[name], s=26)
    middle.set(xscale="log", yscale="log", xlabel="clean model", ylabel="poisoned model", title="separability")
    left.set(xlabel="clean model", ylabel="poisoned model", title="accuracy on clean test images")
    for axes in (left, middle):
        low, high = min(axes.get_xlim()[0], axes.get_ylim()[0]), max(axes.get_xlim()[1], axes.get_ylim()[1])
        axes.plot([low, high], [low, high], color="0.7", linewidth=1, zorder=0)
        axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    left.legend(fontsize=7, ncols=2, loc="upper left", frameon=False)
    shown = [row for row in compared(pairs) if "own" not in row[0]][::-1]
    areas, low, high = (np.array([row[column] for row in shown]) for column in (1, 2, 3))
    bars = [np.maximum(areas - low, 0), np.maximum(high - areas, 0)]
    right.errorbar(areas, range(len(shown)), xerr=bars, fmt="o", color="0.2", capsize=3, markersize=5)
    right.set(yticks=range(len(shown)), yticklabels=[row[0] for row in shown], xlim=(0, 1.03), title="AUROC, 95 %")
    right.axvline(0.5, color="0.7", linewidth=1, zorder=0)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None, dpi=110)


def main(given=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, help="folder of the study")
    parser.add_argument("--figure", type=Path, help="figure to write, .svg or .png (needs matplotlib)")
    options = parser.parse_args(given)
    pairs = pairs_of(options.study)
    if not pairs:
        parser.error(f"{options.study}: no pair of a clean and a poisoned model found; run the study first")
    print("\n".join(printed(pairs)))
    if options.figure:
        drawn(pairs, options.figure)


if __name__ == "__main__":
    main()
