"""What an HDF5 file of somebody else may refer to, and what it may stand for."""

import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from whyset.analysis.virelay_import import describe_imported_category
from whyset.errors import InputError
from whyset.runner import ArrayFileSource, Preprocessing
from whyset.store.foreign_hdf5 import RefusedHdf5Error, open_hdf5, read_attribute
from whyset.store.virelay import DamagedProjectError, import_project

h5py = pytest.importorskip("h5py")

SHAPE = (12, 3, 6, 9)
"""That of the images of the small project."""

Make = Callable[[Any, str, Path], None]


def link_external(group: Any, name: str, secret: Path) -> None:
    group[name] = h5py.ExternalLink(str(secret), "secret")


def link_to_external(group: Any, name: str, secret: Path) -> None:
    group["elsewhere"] = h5py.ExternalLink(str(secret), "/")
    group[name] = h5py.SoftLink(f"{group.name.rstrip('/')}/elsewhere/secret")


def link_in_a_circle(group: Any, name: str, secret: Path) -> None:
    group[name] = h5py.SoftLink(f"{group.name.rstrip('/')}/other")
    group["other"] = h5py.SoftLink(f"{group.name.rstrip('/')}/{name}")


def link_without_end(group: Any, name: str, secret: Path) -> None:
    """Each link leads twice through the next one: following all takes 2**40 steps."""
    group["self"] = group
    for number in range(40):
        group[f"l{number}"] = h5py.SoftLink(f"l{number + 1}/l{number + 1}")
    group["l40"] = h5py.SoftLink("self")
    group[name] = h5py.SoftLink("l0/data")


def store_outside(group: Any, name: str, secret: Path) -> None:
    group.create_dataset(name, SHAPE, "u1", external=[(str(secret), 0, int(np.prod(SHAPE)))])


def map_virtually(group: Any, name: str, secret: Path) -> None:
    layout = h5py.VirtualLayout(SHAPE, "u1")
    layout[...] = h5py.VirtualSource(str(secret), "secret", SHAPE)
    group.create_virtual_dataset(name, layout)


def map_without_end(group: Any, name: str, secret: Path) -> None:
    """The source is a pipe, and HDF5 would ask it for its length."""
    os.mkfifo(secret.with_name("pipe"))
    layout = h5py.VirtualLayout(SHAPE, "u1", maxshape=(None, *SHAPE[1:]))
    source = h5py.VirtualSource(str(secret.with_name("pipe")), "secret", SHAPE, maxshape=(None, *SHAPE[1:]))
    layout[: h5py.h5s.UNLIMITED] = source[: h5py.h5s.UNLIMITED]
    group.create_virtual_dataset(name, layout)


def claim_values(group: Any, name: str, secret: Path) -> None:
    group.create_dataset(name, (10**8, *SHAPE[1:]), "u1")


def claim_rows_without_values(group: Any, name: str, secret: Path) -> None:
    group.create_dataset(name, (2**40, 0), "f4")


def claim_chunks(group: Any, name: str, secret: Path) -> None:
    group.create_dataset(name, SHAPE, "f8", chunks=(2**20, 3, 6, 9), maxshape=(None, 3, 6, 9))


def compress_twice(group: Any, name: str, secret: Path) -> None:
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk(SHAPE)
    plan.set_deflate(9)
    plan.set_filter(h5py.h5z.FILTER_LZF, 0, ())
    space = h5py.h5s.create_simple(SHAPE)
    h5py.h5d.create(group.id, name.encode(), h5py.h5t.NATIVE_UINT8, space, plan)


def refer(group: Any, name: str, secret: Path) -> None:
    group.create_dataset(name, SHAPE, h5py.ref_dtype)


def hold_lists(group: Any, name: str, secret: Path) -> None:
    group.create_dataset(name, SHAPE, h5py.vlen_dtype(np.float64))


def hold_a_type(group: Any, name: str, secret: Path) -> None:
    group[name] = np.dtype("f4")


HOSTILE: dict[Make, str] = {
    link_external: "link to another file, '.*secret.h5': copy the data",
    link_to_external: "link to another file, '.*secret.h5': copy the data",
    link_in_a_circle: "more than 16 others",
    link_without_end: "more than 16 others",
    store_outside: "is in another file, '.*secret.h5': copy the data",
    map_virtually: "virtual data set",
    map_without_end: "virtual data set",
    claim_values: r"claims 16,200,000,000 bytes of values, but the file holds 0",
    claim_rows_without_values: "claims 4,398,046,511,104 bytes",
    claim_chunks: "claims 1,358,954,496 bytes",
    compress_twice: "compressed more than once",
    refer: "references or lists",
    hold_lists: "references or lists",
    hold_a_type: "is a datatype: expected an array or a group",
}
KINDS = pytest.mark.parametrize(("make", "message"), HOSTILE.items(), ids=[make.__name__ for make in HOSTILE])


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of the reader's, which no other file may show."""
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["secret"] = np.full(SHAPE, 77, np.uint8)
    return tmp_path / "secret.h5"


@pytest.fixture
def files(virelay_project: ModuleType, tmp_path: Path) -> Any:
    """A small consistent project."""
    return virelay_project.ProjectFiles(tmp_path / "project")


@KINDS
@pytest.mark.parametrize("name", ["images", "labels", "ids"])
def test_data_to_explain_is_refused(make: Make, message: str, name: str, secret: Path, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "data.h5", "w") as file:
        if name != "images":
            file["images"] = np.zeros(SHAPE, np.uint8)
        make(file, name, secret)
    with pytest.raises(InputError, match=rf"data\.h5 cannot be read: .*{message}"):
        ArrayFileSource(tmp_path / "data.h5", Preprocessing())


PLACES = [
    ("data.h5", "/", "data"),
    ("data.h5", "/", "label"),
    ("attributions.h5", "/", "attribution"),
    ("attributions.h5", "/", "prediction"),
    ("attributions.h5", "/", "index"),
    ("analysis.h5", "/n02123045", "index"),
    ("analysis.h5", "/n02123045/embedding", "tsne"),
    ("analysis.h5", "/n02123045/cluster", "dbscan"),
    ("analysis.h5", "/", "n02123045"),
]


@KINDS
@pytest.mark.parametrize(("file", "group", "name"), PLACES)
def test_a_project_is_refused(make: Make, message: str, file: str, group: str, name: str, secret, files, tmp_path):
    project = files.write()
    with h5py.File(files.folder / file, "a") as opened:
        del opened[group][name]
        make(opened[group], name, secret)
    with pytest.raises(DamagedProjectError, match=rf"{file}: .*{message}"):
        import_project(project, tmp_path / "run", describe_imported_category)


@pytest.mark.parametrize("make", [link_external, link_to_external])
def test_a_group_of_another_file_is_refused(make: Make, secret: Path, files, tmp_path):
    with h5py.File(secret, "a") as file:
        del file["secret"]
        file["secret/0"] = np.zeros(SHAPE[1:], np.uint8)
    project = files.write()
    with h5py.File(files.folder / "data.h5", "a") as file:
        del file["data"]
        make(file, "data", secret)
    with pytest.raises(DamagedProjectError, match=r"data\.h5: .*link to another file"):
        import_project(project, tmp_path / "run", describe_imported_category)


def test_links_inside_a_file_are_followed(tmp_path: Path) -> None:
    images = np.arange(np.prod(SHAPE), dtype=np.uint8).reshape(SHAPE)
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["entry/deep/pixels"] = images
        file["entry/here"] = h5py.SoftLink("deep/pixels")
        file["images"] = h5py.SoftLink("/entry/./here")
        file["unused"] = h5py.ExternalLink("gone.h5", "/")
        file["labels"] = file["again"] = np.arange(12)
        file["again2"] = file["again"]
    source = ArrayFileSource(tmp_path / "data.h5", Preprocessing())
    assert len(source) == 12
    with open_hdf5(tmp_path / "data.h5") as file:
        assert np.array_equal(file["images"][...], images)
        assert np.array_equal(file["again2"][...], np.arange(12))


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "gzip", "compression_opts": 9, "shuffle": True, "fletcher32": True},
        {"compression": "lzf"},
        {"compression": "gzip", "scaleoffset": 8},
    ],
)
def test_usual_compression_is_read(options: dict[str, Any], tmp_path: Path) -> None:
    values = np.zeros((2000, 64), np.int64)
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file.create_dataset("labels", data=values, chunks=True, **options)
    with open_hdf5(tmp_path / "data.h5") as file:
        assert np.array_equal(file.whole(file["labels"]), values)


def test_a_filter_that_claims_larger_chunks_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file.create_dataset("labels", data=np.zeros(1234, np.int32), chunks=(617,), scaleoffset=5)
    stored = (tmp_path / "data.h5").read_bytes()
    parameters = struct.pack("<5I", 2, 5, 617, 0, 4)
    assert stored.count(parameters) == 1
    (tmp_path / "data.h5").write_bytes(stored.replace(parameters, struct.pack("<5I", 2, 5, 2**31, 0, 4)))
    with (
        open_hdf5(tmp_path / "data.h5") as file,
        pytest.raises(RefusedHdf5Error, match="its chunks do not have the size recorded in the filter 6"),
    ):
        file["labels"]


def test_texts_of_any_length_are_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["ids"] = [f"id {'ü' * row}" for row in range(200)]
        file["tokens"] = np.array([["a", "bc"], ["d", ""]], dtype=h5py.string_dtype())
        file["one"] = "text"
    with open_hdf5(tmp_path / "data.h5") as file:
        assert [text.decode() for text in file.whole(file["ids"])] == [f"id {'ü' * row}" for row in range(200)]
        assert file.whole(file["tokens"]).tolist() == [[b"a", b"bc"], [b"d", b""]]
        assert file.whole(file["one"]).item() == b"text"


MEASURE = """
import resource, sys
from pathlib import Path
from whyset.store.foreign_hdf5 import RefusedHdf5Error, open_hdf5
resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30, 3 * 2**30))
with open_hdf5(Path(sys.argv[1])) as file:
    try:
        [file.whole(file[name]) for name in file]
    except RefusedHdf5Error as error:
        print(error)
"""


def repeat_one_text(file: Any) -> None:
    """100,000 cells refer to one text of 1 MB."""
    texts = file.create_dataset("ids", (100_000,), h5py.string_dtype())
    texts[0] = "a" * 10**6
    offset = texts.id.get_offset()
    name = file.filename
    file.close()
    with Path(name).open("r+b") as raw:
        raw.seek(offset)
        cell = raw.read(16)
        raw.seek(offset)
        raw.write(cell * 100_000)


def name_one_array_often(file: Any) -> None:
    file.create_dataset("a", data=np.zeros(2**21), chunks=(2**18,), compression="gzip")
    for number in range(2000):
        file[f"b{number}"] = file["a"]


@pytest.mark.parametrize(("make", "message"), [(repeat_one_text, "bytes of text"), (name_one_array_often, "claims")])
def test_many_names_of_the_same_values_cost_no_memory(make, message, tmp_path):
    file = h5py.File(tmp_path / "data.h5", "w")
    make(file)
    file.close()
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path / "data.h5"], capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert message in done.stdout


def test_attributes_are_numbers_or_one_text(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file.attrs.update({"text": "ä", "number": 3, "numbers": [1.5, 2], "texts": ["a"], "reference": file.ref})
    with open_hdf5(tmp_path / "data.h5") as file:
        assert [read_attribute(file, name) for name in ("text", "number", "none")] == ["ä", 3, None]
        assert read_attribute(file, "numbers").tolist() == [1.5, 2]
        for name in ("texts", "reference"):
            with pytest.raises(RefusedHdf5Error, match=f"the attribute {name} holds object"):
                read_attribute(file, name)


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "data.h5")
    with pytest.raises(OSError, match="regular"):
        open_hdf5(tmp_path / "data.h5")
