"""Fixed models that a run keeps: loaded for the original model, and explained into a run of their own."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from whyset.display import resolve_progress
from whyset.engines import Progress
from whyset.errors import InputError
from whyset.fixing.saved_fixes import load_saved
from whyset.runner.consent import Trust
from whyset.runner.explaining import load, run_explanation
from whyset.runner.models import layers_hash, weights_hash
from whyset.runner.rerun import choose_device, permit, restore_request
from whyset.store import Run, open_run
from whyset.store.fixes import FixedModelOrigin
from whyset.store.fixes.files import read_model
from whyset.store.remote import AnyPath, as_path


def load_fixed(run: Run | str | AnyPath, finding: str, model: nn.Module, method: str | None = None) -> nn.Module:
    """Return a fixed model that `fix` made; nothing in its file is executed.

    Parameters
    ----------
    run : Run, str or path
        The run, its folder or its URL.
    finding : str
        The id of the finding.
    model : torch.nn.Module
        The original model, which stays as it is.
    method : str, optional
        The id, name or description of the fix; by default the recommended one.

    Returns
    -------
    torch.nn.Module
        The fixed model in evaluation mode: a `FixedModel` around the original one, or a trained copy.

    Raises
    ------
    InputError
        The run has no such fix, none is recommended, or the model is not the one that it was made for.
    BrokenRunError
        The file is damaged.
    """
    opened = run if isinstance(run, Run) else open_run(run)
    record = opened.fix(finding)
    chosen = record.get(method)
    for what, stored, own in (
        ("weights", record.weights_hash, weights_hash(model)),
        ("layers", record.layers_hash, layers_hash(model)),
    ):
        if stored != own:
            raise InputError(
                f"fix {chosen.id} of {opened.path} was made for another model: expected {what} with the hash "
                f"{stored[:12]}, got {own[:12]}: load the weights that it was made for, or fix this model"
            )
    data = read_model(opened.path, record.finding, chosen)
    return load_saved(data, model, changes_weights=chosen.changes_weights)


def explain_fixed(
    run: Run | str | AnyPath,
    finding: str,
    out: str | AnyPath,
    method: str | None = None,
    *,
    model: nn.Module | None = None,
    dataset: Any = None,
    data: str | Path | None = None,
    device: str | None = None,
    trust: Trust = False,
    progress: Progress | bool | None = None,
) -> Run:
    """Explain a fixed model on the data of a run, with the options of the run, into a new run to compare with it.

    Parameters
    ----------
    run : Run, str or path
        The run with the fix, its folder or its URL.
    finding : str
        The id of the finding.
    out : str or path
        The folder of the new run.
    method : str, optional
        The id, name or description of the fix; by default the recommended one.
    model, dataset, data, device, trust, progress
        As for `whyset.find`.

    Returns
    -------
    Run
        The new run; its run.json names the run, the finding and the fix. The model is an object, so call this again to
        continue.

    Raises
    ------
    InputError
        As `load_fixed`, or the run cannot be repeated.
    """
    opened, said = run if isinstance(run, Run) else open_run(run), resolve_progress(progress)
    record = opened.fix(finding)
    chosen = record.get(method)  # raises before the model is loaded
    request = restore_request(opened, opened.path, data, model, dataset)
    request = replace(request, device=choose_device(opened.config, device), out=as_path(out), progress=progress)
    permit(opened, request, trust, said)
    loaded = load(request.model, request.device)
    fixed = load_fixed(opened, record.finding, loaded.module, chosen.id)
    path = str(opened.path.absolute() if isinstance(opened.path, Path) else opened.path)
    origin = FixedModelOrigin(opened.config_hash, path, record.finding, chosen.id, str(chosen.sha256))
    return run_explanation(replace(request, model=fixed), origin=origin.to_json())
