"""The modality of a run: stated in run.json, or else that of the shape of its maps."""

from collections.abc import Sequence

from whyset.modality import infer_modality


def get_modality(stated: str | None, shape: Sequence[int]) -> str:
    """Return the stated modality, or else that of the shape.

    (F,) is a table, (C, T) a series, (C, D, H, W) a volume; others are images.

    >>> get_modality(None, (3, 32, 24)), get_modality(None, (1, 16000)), get_modality("text", (40,))
    ('image', 'series', 'text')
    """
    return infer_modality(shape) if stated is None else stated
