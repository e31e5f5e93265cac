"""Tuned methods, from the file or the record that `whyset.tune` makes."""

from dataclasses import replace
from pathlib import Path

from whyset.arguments import name_unknown
from whyset.attribution.composites import Composite
from whyset.attribution.methods import GradientMethod, Method
from whyset.errors import InputError
from whyset.runner.methods import method_from_dict
from whyset.store.tunings import Tuning, read_tuning

SUFFIX = ".json"
"""The suffix by which the command line tells the file of a tuned method from a name."""


def load_method(given: str | Path | Tuning, name: str | None = None) -> Method:
    """Return a method that `tune` chose; nothing in its file is executed.

    The method has all its parameters, so that it gives the same relevance maps as the one that was tuned, bit by bit.
    It also explains other models, if they have the layers that its rules name.

    Parameters
    ----------
    given : str, path or Tuning
        The file that `tune` wrote, or its result.
    name : str, optional
        The name of a candidate; by default the recommended one.

    Returns
    -------
    Method
        The method, to be passed to `explain(method=...)`; rules are a `GradientMethod` with a `composite`.

    Raises
    ------
    InputError
        The file does not exist, is another kind of file, a newer whyset wrote it, or the candidate is unknown or cannot
        be rebuilt.
    BrokenRunError
        The file is damaged.

    Examples
    --------
    >>> load_method("tuned.json")  # doctest: +SKIP
    GradientMethod(composite=LayerMapComposite(...))
    """
    record = given if isinstance(given, Tuning) else read_tuning(Path(given))
    where = "the result of tune" if isinstance(given, Tuning) else str(given)
    chosen = record.chosen if name is None else name
    known = {one.name: one for one in record.candidates if one.method}
    if chosen not in known:
        raise name_unknown(f"candidate of {where}", chosen, known)
    try:
        method = method_from_dict(known[chosen].method, where)
    except InputError as error:
        raise InputError(f"{where}: method {chosen!r} cannot be rebuilt: {error.__cause__ or error}") from error
    assert method is not None  # it has a stored form
    return method


def load_composite(path: str | Path, on_unknown: str = "warn") -> Composite:
    """Return the rules that `tune` recommends, also where another method than rules is better.

    InputError: as `load_method`, or the file has no candidate with rules.
    """
    record = read_tuning(Path(path))
    if record.rules is None:
        raise InputError(f"{path} has no rules: its method is {record.chosen}: pass it as --method (method=)")
    method = load_method(record, record.rules)
    composite = method.composite if isinstance(method, GradientMethod) else None
    if not isinstance(composite, Composite):
        raise InputError(f"{path}: expected rules, got the method {method.describe()}: pass it as --method (method=)")
    return composite if on_unknown == composite.on_unknown else replace(composite, on_unknown=on_unknown)
