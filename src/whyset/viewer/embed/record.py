"""Record the answers that the viewer may request; a static page answers from them as the server would."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from whyset.modality import MODALITIES, Modality
from whyset.viewer.embed.archive import CHANNELS, COLUMNS, PER_BLOCK, Archive, sprite
from whyset.viewer.embed.chosen import EmbeddedSelection
from whyset.viewer.embed.local import LocalAnswer, LocalViewer
from whyset.viewer.maps import MOST_BYTES
from whyset.viewer.parameters import LARGEST

OK = 200
PER_SAMPLE = ("index", "embedding", "clustering", "silhouette")
PER_CLUSTER = ("eigenvalues", "mean_map", "mean_abs_map")
"""Columns of a category that the viewer shows, by the first part of their names, besides one number per row."""


@dataclass(frozen=True)
class EmbeddedPictures:
    """Settings of relevance maps and inputs: the longer side, inputs or not, and their WebP quality (100: lossless)."""

    side: int = 64
    inputs: bool = True
    quality: int = 85


def record(viewer: LocalViewer, chosen: EmbeddedSelection, pictures: EmbeddedPictures, note: str) -> Archive:
    """Record all answers about these classes and rows of the viewer's first run."""
    archive = Archive(note, rows=list(chosen.rows))
    run = viewer.json("runs")[0]
    at = f"runs/{quote(run['id'])}"
    detail = viewer.json(at)
    if not pictures.inputs:
        detail["input_shape"] = None
    _describe(archive, viewer, at, run, detail, chosen)
    for name in (quote(column["name"]) for column in detail["columns"]):
        values = read_array(viewer.get(f"{at}/columns/{name}"))
        archive.add_scattered(f"{at}/columns/{name}", values[list(chosen.rows)], len(values))
    _record_list(archive, viewer, f"{at}/samples", chosen.rows)
    _record_analysis(archive, viewer, at, chosen)
    _record_findings(archive, viewer, at, detail, chosen, pictures)
    kind = MODALITIES[detail["modality"]]
    _record_maps(archive, viewer, f"{at}/maps", chosen, _size(kind, detail["map_shape"], pictures.side))
    if kind.thumbnail == "slice":
        _record_maps(archive, viewer, f"{at}/volumes", chosen, f"&size={pictures.side}")
    if kind.resampling == "none":  # for texts and tables the viewer also shows numbers, and these are few
        _record_plain(archive, viewer, f"{at}/relevance", chosen)
    if kind.inputs == "ids" and viewer.ask(f"{at}/tokens?{_indices(chosen.explained[:1])}").status == OK:
        _record_list(archive, viewer, f"{at}/tokens", chosen.explained)
    if detail["input_shape"] is not None:
        size = _size(kind, detail["input_shape"], pictures.side)
        _record_inputs(archive, viewer, f"{at}/inputs", chosen, size, pictures)
        if kind.thumbnail == "slice":
            _record_inputs(archive, viewer, f"{at}/input-volumes", chosen, f"&size={pictures.side}", pictures)
    return archive


def read_array(answer: LocalAnswer) -> NDArray[Any]:
    """Read the array in a binary answer; all integers become int32."""
    values = np.frombuffer(answer.body, np.dtype(answer.headers["x-dtype"]).newbyteorder("<")).reshape(answer.shape)
    if answer.headers["x-coding"] == "steps":
        values = np.cumsum(values)
    return values.astype(np.int32) if values.dtype.kind == "i" else values


def _describe(
    archive: Archive,
    viewer: LocalViewer,
    at: str,
    run: dict[str, Any],
    detail: dict[str, Any],
    chosen: EmbeddedSelection,
) -> None:
    """Describe the run with the one analysis and without paths of this computer, which are private.

    `origin` has the paths of model and data, for repeating the run. A version contains file times, which show when the
    run was copied; as the page never changes, the run's hash is enough.
    """
    summary = {name: words for name, words in detail["summary"].items() if name != "origin"}
    version = {"version": detail["hash"]}
    analyses = [analysis | version for analysis in detail["analyses"] if analysis["name"] == chosen.analysis]
    archive.answers["opening"] = None
    archive.answers["color-maps"] = viewer.json("color-maps")
    archive.answers["runs"] = [run | {"analyses": [chosen.analysis]}]
    checks = [_without_place(check, "message", detail["path"]) for check in detail["checks"]]
    kept = {"path": detail["name"], "summary": summary, "analyses": analyses, "checks": checks}
    archive.answers[at] = detail | version | kept
    archive.answers[f"{at}/selections"] = {"selections": [], "problems": [], "writable": False, "folder": None}


def _record_list(archive: Archive, viewer: LocalViewer, at: str, rows: Sequence[int]) -> None:
    """Record an answer that is a JSON list with one entry for each row."""
    values = [value for some in _some(rows, PER_BLOCK) for value in viewer.json(f"{at}?{_indices(some)}")]
    archive.lists[at] = {"rows": list(rows), "values": values}


def _record_analysis(archive: Archive, viewer: LocalViewer, at: str, chosen: EmbeddedSelection) -> None:
    place = f"{at}/analyses/{quote(chosen.analysis)}"
    detail = viewer.json(place)
    path = viewer.json(at)["path"]
    rows = [_without_place(row, "problem", path) for row in detail["categories"] if row["id"] in chosen.categories]
    finding = detail["finding"]
    told = finding if finding and finding["category"] in chosen.categories else None
    explained = set(chosen.explained)
    shown = {id: row for id, row in detail["thumbnails"].items() if row in explained}
    archive.answers[place] = detail | {"categories": rows, "finding": told, "thumbnails": shown}
    for row in rows:
        category = f"{place}/{quote(row['id'])}"
        if viewer.ask(category).status == OK:  # otherwise the row states its problem
            _record_category(archive, viewer, category, chosen)


def _without_place(record: dict[str, Any], field: str, path: str) -> dict[str, Any]:
    """Replace the paths in a text field (or None) of the record by paths relative to the run at `path`."""
    return record | {field: record[field] and record[field].replace(f"{path}/", "")}


def _record_category(archive: Archive, viewer: LocalViewer, at: str, chosen: EmbeddedSelection) -> None:
    detail = viewer.json(at)
    size, shown = detail["evidence"]["n_explanations"], []
    kept = None if chosen.whole else _find_held(viewer, at, detail, chosen)
    for column in detail["columns"]:
        per_sample = _is_per_sample(column, size)
        if not per_sample and _kind(column) not in PER_CLUSTER:
            continue
        address = f"{at}/columns/{quote(column['name'])}"
        values = read_array(viewer.get(address))
        held = values[kept] if per_sample and kept is not None else values
        archive.add_array(address, held)
        shown.append(column | {"shape": list(held.shape)})
        if _kind(column) == "clustering":
            scales = f"{at}/scales/{quote(column['name'].partition('.')[2])}"
            archive.answers[scales] = viewer.json(scales)
            summaries = scales.replace(f"{at}/scales/", f"{at}/summaries/")
            archive.answers[summaries] = viewer.json(summaries)
    evidence = detail["evidence"] if kept is None else _reduce_evidence(detail["evidence"], int(kept.sum()))
    archive.answers[at] = detail | {"columns": shown, "evidence": evidence}
    archive.answers[f"{at}/names"] = viewer.json(f"{at}/names") | {"writable": False}


def _reduce_evidence(evidence: dict[str, Any], held: int) -> dict[str, Any]:
    """Count the explanations in the page; the number of samples is known if each has one explanation."""
    single = evidence["n_samples"] == evidence["n_explanations"]
    return evidence | {"n_explanations": held, "n_samples": held if single else None}


def _find_held(
    viewer: LocalViewer, at: str, detail: dict[str, Any], chosen: EmbeddedSelection
) -> NDArray[np.bool_] | None:
    """Find the rows of the category that the page includes; None if the category does not list its rows."""
    if all(column["name"] != "index" for column in detail["columns"]):
        return None
    return np.isin(read_array(viewer.get(f"{at}/columns/index")), chosen.rows)


def _is_per_sample(column: dict[str, Any], size: int | None) -> bool:
    """Return True if a column has a value, or a position, for each row; any such column can be a color."""
    return _kind(column) in PER_SAMPLE or (column["shape"] == [size] and _kind(column) not in PER_CLUSTER)


def _kind(column: dict[str, Any]) -> str:
    return str(column["name"]).partition(".")[0]


def _record_maps(archive: Archive, viewer: LocalViewer, at: str, chosen: EmbeddedSelection, size: str) -> None:
    """Record relevance maps exactly as the server sends them: float32 scale and uint8 codes."""
    answers = [viewer.get(f"{at}?{_indices(some)}{size}") for some in _some(chosen.explained, PER_BLOCK)]
    archive.add_pictures(at, chosen.explained, [answer.body for answer in answers], **_form(answers), form="scaled")


def _record_plain(archive: Archive, viewer: LocalViewer, at: str, chosen: EmbeddedSelection) -> None:
    """Record numbers as the server sends them."""
    answers = [viewer.get(f"{at}?{_indices(some)}") for some in _some(chosen.explained, PER_BLOCK)]
    archive.add_pictures(at, chosen.explained, [answer.body for answer in answers], **_form(answers), form="plain")


def _record_inputs(
    archive: Archive, viewer: LocalViewer, at: str, chosen: EmbeddedSelection, size: str, pictures: EmbeddedPictures
) -> None:
    """Record the inputs of the explained rows."""
    _record_pixels(archive, viewer, at, chosen.explained, size, pictures)


def _record_pixels(
    archive: Archive, viewer: LocalViewer, at: str, rows: Sequence[int], size: str, pictures: EmbeddedPictures
) -> None:
    """Record inputs as sprites if they are gray or color images, otherwise as numbers."""
    first = [viewer.get(f"{at}?{_indices(rows[:1])}{size}")] if rows else []
    described = _form(first) | {"dtype": read_array(first[0]).dtype.name if first else "uint8"}
    blocks = _input_blocks(viewer, at, rows, size, MOST_BYTES // read_array(first[0]).nbytes if first else 1)
    if described["dtype"] == "uint8" and len(described["shape"]) == 3 and described["shape"][-1] in CHANNELS:
        bodies = [sprite(block, pictures.quality) for block in blocks]
        archive.add_pictures(at, rows, bodies, **described, form="sprite", columns=COLUMNS)
    else:
        bodies = [block.tobytes() for block in blocks]
        archive.add_pictures(at, rows, bodies, **described, form="plain")


def _record_findings(
    archive: Archive,
    viewer: LocalViewer,
    at: str,
    detail: dict[str, Any],
    chosen: EmbeddedSelection,
    pictures: EmbeddedPictures,
) -> None:
    """Record the findings of the chosen classes, with the chosen rows and the examples whose pictures are included."""
    found = viewer.json(f"{at}/findings")
    analysis: Any = archive.answers[f"{at}/analyses/{quote(chosen.analysis)}"]
    names = {row["name"] for row in analysis["categories"]}
    rows, explained = set(chosen.rows), set(chosen.explained)
    kept = [one for one in found["findings"] if one["class_name"] in names]
    for one in kept:
        one["rows"] = [row for row in one["rows"] if row in rows]
        one["examples"] = [each for each in one["examples"] if {each["row"], each["host_row"]} <= explained]
    with_inputs = detail["input_shape"] is not None
    examples = [each for one in kept for each in one["examples"]]
    for each in examples:
        each["place"] = each["place"] if with_inputs else None
    notices = [notice.replace(detail["path"], detail["name"]) for notice in found["notices"]]
    archive.answers[f"{at}/findings"] = found | {"findings": kept, "notices": notices, "searches": []}
    for one in kept:
        page = f"{at}/findings/{quote(one['id'])}"
        archive.answers[page] = _reduce_page(viewer.json(page), one, detail, explained)
    places = sorted({each["place"] for each in examples if each["place"] is not None})
    if places:
        size = _size(MODALITIES[detail["modality"]], detail["input_shape"], pictures.side)
        _record_pixels(archive, viewer, f"{at}/findings/examples", places, size, pictures)


def _reduce_page(
    page: dict[str, Any], card: dict[str, Any], run: dict[str, Any], explained: set[int]
) -> dict[str, Any]:
    """Reduce the page of a finding to what the file includes: the card as it is there, no other runs and searches.

    Paths of this computer in commands and notices become the name of the run.
    """

    def hide(text: Any) -> Any:
        if isinstance(text, str):
            return text.replace(run["path"], run["name"])
        if isinstance(text, list):
            return [hide(one) for one in text]
        return {key: hide(value) for key, value in text.items()} if isinstance(text, dict) else text

    strongest = [row for row in page["confirmation"]["strongest"] if row in explained]
    confirmation = page["confirmation"] | {"strongest": strongest}
    left_out = {"fixed_runs": [], "explain": [], "earlier": [], "searches": [page["search"]]}
    shown: dict[str, Any] = hide(page | left_out | {"confirmation": confirmation})
    return shown | {"card": card}


def _input_blocks(viewer: LocalViewer, at: str, rows: Sequence[int], size: str, most: int) -> Iterator[NDArray[Any]]:
    """Yield the inputs of each block, from several answers of at most `most` inputs; all have one type."""
    for block in _some(rows, PER_BLOCK):
        yield np.concatenate([read_array(viewer.get(f"{at}?{_indices(some)}{size}")) for some in _some(block, most)])


def _form(answers: Sequence[LocalAnswer]) -> dict[str, Any]:
    """Get type and shape of one item, and the original length of a shortened series."""
    headers = answers[0].headers if answers else {"x-dtype": "uint8", "x-shape": "0"}
    shape = [int(side) for side in headers["x-shape"].split(",")[1:]]
    return {"dtype": headers["x-dtype"], "shape": shape, "length": headers.get("x-length")}


def _size(kind: Modality, shape: Sequence[int], side: int) -> str:
    """Get the query for images, and slices of volumes, larger than `side`, and series (C, T) longer than the limit."""
    if kind.resampling == "area":
        return f"&size={side}" if max(shape[-2:]) > side else ""
    return f"&size={LARGEST}" if kind.resampling == "extremes" and shape[-1] > LARGEST else ""


def _some(rows: Sequence[int], most: int) -> Iterator[Sequence[int]]:
    return (rows[start : start + most] for start in range(0, len(rows), most))


def _indices(rows: Sequence[int]) -> str:
    return f"indices={','.join(map(str, rows))}"
