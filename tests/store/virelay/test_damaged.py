"""An inconsistent project: all that is wrong is told at once, file by file, and nothing is left behind."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whyset.errors import InputError
from whyset.store.evidence import to_json
from whyset.store.virelay import DamagedProjectError, import_project

CATEGORY = "n02084071"


def attributions(files):
    return files.attributions["attributions.h5"]


def category(files):
    return files.analyses["Spectral"]["analysis.h5"][CATEGORY]


def changed(part, name, change):
    """A damage: the member `name` of a part of the project becomes something else."""

    def damage(files):
        members = part(files)
        members[name] = change(members[name])

    return damage


def without(part, name):
    return lambda files: part(files).pop(name)


def filled(value, places):
    def change(values):
        values = values.astype(float) if np.isnan(value) or np.isinf(value) else values.copy()
        values[places] = value
        return values

    return change


def dataset(files):
    return files.dataset


def labels(files):
    return files.labels


def clusters(files):
    return category(files)["cluster"]


def embeddings(files):
    return category(files)["embedding"]


DAMAGES = [
    (changed(dataset, "label", lambda v: v[:11]), "data.h5: label has 11 rows, data 12"),
    (changed(dataset, "label", filled(7, 3)), "data.h5: label holds 7 in 1 of 12 rows: the label map has the outputs"),
    (changed(dataset, "label", lambda v: v + 0.5), "data.h5: label holds 0.5, 1.5, 2.5, 0.5, 1.5, ... in 12 of 12"),
    (changed(dataset, "data", filled(np.nan, 5)), "data.h5: data holds NaN or infinity in 1 of 12 rows"),
    (changed(dataset, "data", lambda v: v.astype(int) + 300), "data.h5: data holds whole numbers from 30"),
    (changed(dataset, "data", lambda v: v[:, :2]), "data.h5: data has 2 channels: expected 3"),
    (changed(dataset, "data", lambda v: v[:, 0]), "data.h5: data has rows of the shape (6, 9): expected (C, H, W)"),
    (changed(dataset, "data", lambda v: v[..., :8]), "data.h5: the samples are (height, width) = (6, 8), the attrib"),
    (without(dataset, "data"), "data.h5: data is missing; the file has label"),
    (without(attributions, "prediction"), "attributions.h5: prediction is missing; the file has attribution, index"),
    (changed(attributions, "prediction", lambda v: v[:5]), "attributions.h5: prediction has 5 rows, attribution 12"),
    (changed(attributions, "prediction", lambda v: v[:, :2]), "prediction has 2 outputs, the label map 3"),
    (changed(attributions, "prediction", filled(np.nan, 2)), "prediction holds NaN or infinity in 1 of 12 rows"),
    (changed(attributions, "attribution", filled(np.inf, [4, 8])), "in 2 of 12 rows: of the samples 4, 8"),
    (changed(attributions, "index", lambda v: v + 1), "index names 12: the data set has the samples 0 to 11"),
    (
        changed(attributions, "index", filled(3, 4)),
        "1 samples are explained more than once, here or in another file: 3",
    ),
    (changed(attributions, "index", lambda v: v[:10]), "attributions.h5: index has 10 rows, attribution 12"),
    (changed(attributions, "index", lambda v: v / 2), "attributions.h5: index holds float64: expected whole numbers"),
    (without(category, "index"), f"analysis.h5: {CATEGORY}: index is missing"),
    (changed(category, "index", lambda v: v + 9), f"{CATEGORY}: index names 13, 16, 19: the data set has the samples"),
    (changed(category, "index", filled(1, 2)), f"{CATEGORY}: index names 1 samples more than once"),
    (without(category, "embedding"), f"{CATEGORY}: no embedding was found"),
    (without(category, "cluster"), f"{CATEGORY}: no clustering was found"),
    (
        changed(embeddings, "tsne", filled(np.nan, 0)),
        f"{CATEGORY}: embedding/tsne holds NaN or infinity in 1 of 4 rows",
    ),
    (changed(embeddings, "tsne", lambda v: v * np.float64(1e300)), "embedding/tsne holds NaN or infinity in 4 of 4"),
    (
        changed(attributions, "attribution", lambda v: v.astype(float) + 1e300),
        "infinity in 12 of 12 rows: of the samples 0, 1",
    ),
    (changed(embeddings, "tsne", lambda v: v[:3]), "embedding/tsne is float32 of shape (3, 2): expected (4, d)"),
    (changed(embeddings, "spectral", lambda v: (v[0], {"eigenvalue": np.array([np.nan])})), "or not finite"),
    (changed(embeddings, "tsne", lambda v: {"name": "no root"}), "embedding/tsne is a group without root"),
    (changed(clusters, "dbscan", filled(-2, 0)), "cluster/dbscan holds -2: expected -1 (noise) or 0 to 4"),
    (changed(clusters, "dbscan", filled(99, 0)), "cluster/dbscan holds 99: expected -1 (noise) or 0 to 4"),
    (changed(clusters, "dbscan", lambda v: v[1:]), "cluster/dbscan is int32 of shape (3,): expected whole numbers"),
    (lambda f: f.labels.append(dict(f.labels[0])), "label-map.json: entry 3: the index 0 occurs more than once"),
    (lambda f: f.labels[1].pop("name"), "label-map.json: entry 1: name is None: expected text"),
    (lambda f: f.labels.clear(), "label-map.json: expected a list of {index, word_net_id, name}"),
    (lambda f: f.labels[2].update(index=10**9), "label-map.json: entry 2: index is 1000000000: expected the number"),
    (lambda f: f.project.update(model=None), "project.yaml: project.model is None: expected text"),
    (lambda f: f.project.update(analyses="none"), "project.yaml: project.analyses is 'none': expected a list"),
    (lambda f: f.project.update(label_map="gone.json"), "gone.json: cannot be read: No such file or directory"),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGES, ids=[message[:40] for _, message in DAMAGES])
def test_each_inconsistency_is_told_and_nothing_is_left_behind(damage, message, files, imported, tmp_path):
    damage(files)
    with pytest.raises(DamagedProjectError) as told:
        imported(files.write())
    assert message in str(told.value)
    assert [path.name for path in tmp_path.iterdir()] == ["project"]


def test_all_of_them_are_told_at_once(files, imported):
    damages = [DAMAGES[i] for i in (1, 3, 12, 13, 23, 27, 31)]
    for damage, _ in damages:
        damage(files)
    with pytest.raises(DamagedProjectError) as told:
        imported(files.write())
    for _, message in damages:
        assert message in str(told.value)
    assert len(told.value.findings) >= len(damages)
    assert "nothing was imported" in told.value.summary


def test_categories_of_samples_without_attribution(files, imported):
    for name in ("attribution", "label", "prediction", "index"):
        attributions(files)[name] = attributions(files)[name][:10]
    with pytest.raises(DamagedProjectError, match="n02374451: 1 of 4 samples have no attribution: 11"):
        imported(files.write())


def test_members_of_groups_that_stand_for_samples_of_other_names(files, imported):
    keys = [f"{row:02d}" for row in range(12)]
    files.dataset = {name: dict(zip(keys, values, strict=True)) for name, values in files.dataset.items()}
    maps = attributions(files)["attribution"]
    attributions(files)["attribution"] = dict(zip(["a", *keys[1:]], maps, strict=True))
    assert len(imported(files.write()).run) == 12  # by their index
    del attributions(files)["index"]
    with pytest.raises(DamagedProjectError, match=r"12 of 12 members of attribution have other names than the samples"):
        imported(files.write(), files.folder / "other")


def test_parts_of_a_category_that_speak_of_different_samples(files, imported):
    other = category(files) | {"index": category(files)["index"][::-1]}
    files.analyses["Spectral"]["b.h5"] = {CATEGORY: other}
    with pytest.raises(DamagedProjectError, match=f"b.h5: {CATEGORY}: index differs from that in"):
        imported(files.write())
    files.analyses["Spectral"]["b.h5"] = {CATEGORY: category(files)}
    with pytest.raises(DamagedProjectError, match=f"b.h5: {CATEGORY}: the embeddings spectral, tsne are also in"):
        imported(files.write())


@pytest.mark.parametrize("name", ["data.h5", "attributions.h5", "analysis.h5"])
@pytest.mark.parametrize("content", [b"", b"no HDF5", None])
def test_files_that_are_missing_or_no_hdf5(name, content, files, imported):
    project = files.write()
    (files.folder / name).unlink()
    if content is not None:
        (files.folder / name).write_bytes(content)
    with pytest.raises(DamagedProjectError, match=rf"{name}: (cannot be read as HDF5|does not exist; --map-path)"):
        imported(project)


@pytest.mark.parametrize("text", ["", "a: [", "project: 7", "- 1", "project: {}", "\x00"])
def test_project_files_that_are_none(text, files, imported):
    project = files.write()
    project.write_text(text)
    with pytest.raises(DamagedProjectError, match="project"):
        imported(project)


def test_a_label_map_that_is_no_json(files, imported):
    project = files.write()
    (files.folder / "label-map.json").write_text("[")
    with pytest.raises(DamagedProjectError, match=r"label-map\.json: is not JSON"):
        imported(project)


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (OSError(28, "No space left on device"), "disk is full"),
        (KeyboardInterrupt(), None),
        (ValueError("else"), "else"),
    ],
)
def test_what_fails_later_leaves_nothing_behind_either(failure, told, files, tmp_path):
    def failing(*_):
        raise failure

    with pytest.raises(BaseException, match=told):  # Ctrl-C is one of them
        import_project(files.write(), tmp_path / "run", failing)
    assert [path.name for path in tmp_path.iterdir()] == ["project"]


STRANGE = st.sampled_from(
    [
        np.zeros(0),
        np.zeros((12, 0)),
        np.zeros(()),
        np.zeros((2, 2, 2, 2, 2)),
        np.full(12, -(2**63)),
        np.full(12, 2**64 - 1, np.uint64),
        np.full((12, 3), np.nan),
        np.full((4, 2), 1e300),
        np.array([b"text"] * 12),
        np.zeros(12, np.complex128),
        np.zeros(12, [("a", np.float32), ("b", np.int8)]),
        np.zeros(12, bool),
        {},
        {"a": np.zeros(3), "b": {"c": np.zeros(2)}},
        {"root": np.zeros(4)},
    ]
)
PLACES = [
    (dataset, "data"),
    (dataset, "label"),
    *((attributions, name) for name in ("attribution", "label", "prediction", "index")),
    *((category, name) for name in ("index", "embedding", "cluster")),
    (embeddings, "tsne"),
    (embeddings, "spectral"),
    (clusters, "dbscan"),
]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damages=st.lists(st.tuples(st.sampled_from(PLACES), STRANGE), min_size=1, max_size=3))
def test_whatever_stands_in_the_files_ends_in_a_report_or_a_whole_run(damages, files, imported, tmp_path_factory):
    folder = tmp_path_factory.mktemp("strange")
    project = type(files)(folder / "project")
    for (part, name), value in sorted(damages, key=lambda damage: damage[0][1] in ("embedding", "cluster")):
        part(project)[name] = value
    try:
        run = imported(project.write(), folder / "run").run
    except InputError:
        assert [path.name for path in folder.iterdir()] == ["project"]
    else:
        assert run.verify() == []
        json.dumps([to_json(category.evidence) for name in run.analyses for category in run.analysis(name).categories])
