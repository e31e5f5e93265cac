"""Columns of a class with the share of hosts that each sample turned, one for each tested intervention."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from whyset.errors import BrokenRunError, InputError
from whyset.store import Run
from whyset.store.category import Category
from whyset.store.effects import ClassEffects, InterventionEffects, open_effects
from whyset.store.effects.files import list_effects, read_class

PREFIX = "effect."


def read_effect_columns(run: Run, category: Category) -> Mapping[str, NDArray[np.float32]]:
    """Read the share of hosts whose prediction each row of a class turned, by `effect.<intervention>`.

    NaN where a row was not tested. Shares on fresh hosts come before those of the hosts that selected candidates. Empty
    if the class was not tested, or the effects are damaged or outdated, which `whyset verify` reports.
    """
    effects = _read_effects(run, category.name)
    if effects is None or "index" not in category.columns:
        return {}
    rows = np.asarray(category.column("index"))
    columns = {f"{PREFIX}{one.text}": _measure(one, len(run))[rows] for one in effects.interventions}
    return {name: values for name, values in columns.items() if "/" not in name and len(name) <= 128}


def _read_effects(run: Run, class_name: str) -> ClassEffects | None:
    names = list_effects(run.path)
    if not names:
        return None
    try:
        effects = open_effects(run.path, "effects" if "effects" in names else names[0], len(run))
        listed = next((one for one in effects.listed if one.name == class_name), None)
        if listed is None or effects.outdated:
            return None
        file = effects.path / f"{listed.id}.json"
        tested = read_class(file, listed, effects.config_hash, effects.data, len(run)) if file.is_file() else None
    except (BrokenRunError, InputError):
        return None
    return None if tested is None or tested.problem else tested.effects


def _measure(effects: InterventionEffects, n_rows: int) -> NDArray[np.float32]:
    """Return the share of turned hosts for each row of the run; later trials replace earlier ones."""
    shares = np.full(n_rows, np.nan, np.float32)
    for trials in (effects.screening, effects.selection, effects.random, effects.candidates):
        hosts = np.array(trials.hosts, np.float32)
        turned = np.array(trials.turned, np.float32)
        known = hosts > 0
        shares[np.array(trials.rows, np.int64)[known]] = turned[known] / hosts[known]
    return shares
