"""What the analysis did about a graph or a class that is not as usual, in words."""

from typing import Any

from whyset.analysis.pipelines import Spray


def treatment_of(spray: Spray, results: dict[str, Any]) -> list[str]:
    """Give one sentence for each thing that was treated, to be recorded with the results."""
    found: list[str] = []
    spectrum, number = results["spectrum"], results["number"]
    samples, used = results["neighbours"].indices.shape
    if used < spray.neighbours:
        found.append(f"{samples} samples are few: each was joined to {used} neighbours instead of {spray.neighbours}.")
    if spectrum.components > 1:
        found.append(
            f"The neighbour graph falls into {spectrum.components} components: each was solved by itself, "
            "and counts as one cluster at least."
        )
    if spectrum.isolated.any():
        found.append(f"{spectrum.isolated.sum()} samples have no neighbour: they are noise in every clustering.")
    if not number.clear:
        found.append(
            "No eigengap is clear: the largest one lies behind the first eigenvalue, as it does where a class has one "
            "strategy; the number of clusters is how it would fall apart best."
        )
    return found + [
        f"{samples} samples are few: t-SNE used the perplexity {part.perplexity_for(samples):.3g} instead of "
        f"{part.perplexity:g}."
        for part in spray.embeddings
        if part.perplexity_for(samples) < part.perplexity
    ]
