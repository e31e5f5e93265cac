"""Stored series as WAV files, read back by scipy and the standard library."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from scipy.io import wavfile

import whyset
from whyset.store import Run
from whyset.viewer.endpoints.sounds import encode_sound


def make(path: Path, sound: NDArray[np.float32], rate: float | None, modality: str = "series") -> Run:
    return whyset.from_arrays(np.ones_like(sound), out=path, inputs=sound, rate=rate, modality=modality, progress=False)


@pytest.fixture
def client(admitted: Callable[..., TestClient], tmp_path: Path) -> TestClient:
    sound = np.random.default_rng(0).normal(size=(3, 2, 50)).astype(np.float32)
    sound[0] /= 10
    runs = [make(tmp_path / f"rate-{rate}", sound, rate) for rate in (999, 1000, 44100, 200001, None)]
    return admitted(*(run.path for run in (*runs, make(tmp_path / "table", sound[:, 0], None, "table"))))


@pytest.mark.parametrize("rate", [1000, 44100])
def test_a_sound_is_the_stored_series_at_its_rate(client: TestClient, tmp_path: Path, rate: int) -> None:
    stored = whyset.open_run(tmp_path / f"rate-{rate}").inputs
    assert stored is not None
    for row in range(3):
        answer = client.get(f"/api/runs/rate-{rate}/sound?index={row}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
        found, sound = wavfile.read(BytesIO(answer.content))
        assert (found, sound.shape, sound.dtype) == (rate, (50, 2), np.float32)
        loudest = max(1, np.abs(stored[[row]]).max())
        np.testing.assert_allclose(sound.T * loudest, stored[[row]][0], rtol=1e-6, atol=0)
        assert np.abs(sound).max() <= 1
        if row == 0:
            assert np.array_equal(sound.T, stored[[0]][0]), "what is within 1 stays as it is"


@pytest.mark.parametrize(
    ("run", "index", "status", "message"),
    [
        ("rate-999", 0, 404, "their rate is 999"),
        ("rate-200001", 0, 404, "their rate is 200001"),
        ("rate-None", 0, 404, "their rate is unknown"),
        ("table", 0, 404, "expected a run of series, got table"),
        ("rate-1000", 3, 404, "row 3 not found"),
        ("rate-1000", -1, 422, ""),
    ],
)
def test_what_is_not_a_sound_is_refused(client: TestClient, run: str, index: int, status: int, message: str) -> None:
    answer = client.get(f"/api/runs/{run}/sound?index={index}")
    assert answer.status_code == status
    assert message in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("requested", "part", "status"),
    [
        ("bytes=0-", slice(0, None), 206),
        ("bytes=10-19", slice(10, 20), 206),
        ("bytes=450-99999", slice(450, None), 206),
        ("bytes=99999-", None, 416),
        ("bytes=20-10", None, 416),
        ("bytes=-5", slice(0, None), 200),
        ("seconds=1-2", slice(0, None), 200),
    ],
)
def test_players_request_parts(client: TestClient, requested: str, part: slice | None, status: int) -> None:
    path = "/api/runs/rate-1000/sound?index=1"
    whole = client.get(path).content
    answer = client.get(path, headers={"Range": requested})
    assert answer.status_code == status
    if part is not None:
        assert answer.content == whole[part]
    if status == 206 and part is not None:
        assert answer.headers["content-range"] == f"bytes {part.start}-{part.start + len(whole[part]) - 1}/{len(whole)}"


def test_silence_is_a_sound() -> None:
    rate, sound = wavfile.read(BytesIO(encode_sound(np.zeros((1, 4)), 8000)))
    assert (rate, sound.tolist()) == (8000, [0, 0, 0, 0])
