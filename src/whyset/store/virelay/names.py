"""Conversion of names to names that files of a run can have."""

import re
from collections.abc import Collection, Iterable

LONGEST = 100


def safe_name_for(name: str, taken: Collection[str] = ()) -> str:
    """Return a safe name (letters, digits, '.', '_' and '-') that is not taken, ignoring case.

    >>> safe_name_for("k-means 3", taken=["K-MEANS_3"])
    'k-means_3_2'
    """
    base = re.sub(r"[^A-Za-z0-9._-]+", "_", name).lstrip(".-").rstrip(".")[:LONGEST] or "unnamed"
    lowered = {other.casefold() for other in taken}
    candidate, number = base, 1
    while candidate.casefold() in lowered:
        number += 1
        candidate = f"{base}_{number}"
    return candidate


def safe_names(names: Iterable[str]) -> dict[str, str]:
    """Return a different safe name for every name.

    >>> safe_names(["k-means 3", "k-means/3"])
    {'k-means 3': 'k-means_3', 'k-means/3': 'k-means_3_2'}
    """
    safe: dict[str, str] = {}
    for name in names:
        if name not in safe:
            safe[name] = safe_name_for(name, safe.values())
    return safe
