"""Export of the data set: images in an HDF5 file, or links to image files."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlparse
from urllib.request import url2pathname

import numpy as np
import numpy.typing as npt
from PIL import Image

from whyset.errors import InputError
from whyset.progress import Progress
from whyset.store import Run
from whyset.store.virelay.counting import count_blocks
from whyset.store.virelay.dataset import MARK
from whyset.store.virelay.export_attributions import ExplainedRows, label_rows
from whyset.store.virelay.hdf5 import Indices
from whyset.store.virelay.packages import h5py

LABEL_IN_NAME = r"^.*/[0-9]+\.([0-9]+)\.[^/]*$"


def write_dataset(run: Run, folder: Path, explained: ExplainedRows, telling: Progress) -> dict[str, object]:
    """Write the images of the run, as bytes with three channels, and return the entry of the data set.

    ViRelAy overlays maps on images of the same size, so images are resized to the size of the maps.
    """
    stored, size = run.inputs, explained.size
    if stored is None:
        raise InputError(
            f"{run.path} has no stored images (it was made with --no-inputs): link the image files instead"
        )
    channels = stored.shape[1]
    if channels not in (1, 3, 4):
        raise InputError(
            f"{run.path} has inputs of {channels} channels: expected images of 1, 3 or 4 channels for ViRelAy"
        )
    if stored.shape[2:] != size:
        telling.info(f"images are resized from {stored.shape[2:]} to the size of the relevance maps, {size}")
    if channels == 4:
        telling.info("the fourth channel of the images is not exported")
    with h5py().File(folder / "dataset.h5", "w") as file:
        file.attrs[MARK] = json.dumps({"channels": 1 if channels == 1 else 3})
        data = file.create_dataset("data", (len(run), 3, *size), np.uint8, chunks=(1, 3, *size))
        for rows in count_blocks(iterate_committed_blocks(run), int(run.committed.sum()), "images", telling):
            data[rows[0] : rows[-1] + 1] = _pictures(stored[rows], size)
        file["label"] = label_rows(run.labels, explained.classes)
        file["whyset_id"] = [_encode_id(id) for id in unique_ids(run)]
    return {"type": "hdf5", "path": "dataset.h5"}


def iterate_committed_blocks(run: Run) -> Iterator[Indices]:
    """Yield the rows of every committed shard."""
    for shard in range(run.shard_count):
        if run.is_committed(shard):
            yield np.arange(*run.shard_range(shard))


def unique_ids(run: Run) -> list[str]:
    """Return the samples' ids; if a sample has several rows, with the number of the row."""
    if len(set(run.ids)) == len(run):
        return run.ids
    return [f"{id}#{row}" for row, id in enumerate(run.ids)]


def _pictures(stored: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    pictures = np.repeat(stored, 3, axis=1) if stored.shape[1] == 1 else stored[:, :3]
    if pictures.shape[2:] == size:
        return pictures
    resized = [
        np.asarray(Image.fromarray(picture.transpose(1, 2, 0)).resize(size[::-1], Image.Resampling.BOX))
        for picture in pictures
    ]
    return np.stack(resized).transpose(0, 3, 1, 2)


def _encode_id(id: str) -> bytes:
    if "\0" in id:
        raise InputError(f"the sample {id!r} cannot be exported: HDF5 cannot store texts with null characters")
    return id.encode()


def link_images(run: Run, folder: Path, explained: ExplainedRows, telling: Progress) -> dict[str, object]:
    """Link the image files that the samples' uris name, and return the entry of the data set.

    A link is named `<row>.<label>.<suffix>`: ViRelAy sorts the files and reads the label from the path.
    """
    files = [_get_file(uri) for uri in run.samples["uri"].to_pylist()]
    _refuse_unlinkable(run, files)
    (folder / "images").mkdir()
    for row, (file, label) in enumerate(zip(files, run.labels.tolist(), strict=True)):
        assert file is not None, "refused before"
        (folder / "images" / f"{row:09d}.{label}{file.suffix or '.image'}").symlink_to(file)
    telling.info("ViRelAy resizes linked images: if the model saw a crop, relevance maps and images do not coincide")
    height, width = explained.size
    return {
        "type": "image_directory",
        "path": "images",
        "input_width": width,
        "input_height": height,
        "down_sampling_method": "resize",
        "up_sampling_method": "resize",
        "label_index_regex": LABEL_IN_NAME,
        "label_word_net_id_regex": None,
    }


def _get_file(uri: str | None) -> Path | None:
    parts = urlparse(uri or "")
    return Path(url2pathname(unquote(parts.path))) if parts.scheme == "file" and not parts.fragment else None


def _refuse_unlinkable(run: Run, files: list[Path | None]) -> None:
    missing = [row for row, file in enumerate(files) if file is None or not file.is_file()]
    if missing:
        where = files[missing[0]] or "no file"
        raise InputError(
            f"{len(missing)} of {len(run)} samples have no existing image file (sample {missing[0]}: {where}); "
            "export the stored images of the run instead"
        )
    unknown = np.flatnonzero(run.labels < 0)
    if len(unknown):
        raise InputError(f"{len(unknown)} samples have no label (such as {unknown[0]}), which linked images need")
