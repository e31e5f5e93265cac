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
    runs = [make(tmp_path / f"rate-{rate}", sound, rate) for rate in (999.0, 1000.0, 44100.0, 200001.0, None)]
    return admitted(*(run.path for run in (*runs, make(tmp_path / "table", sound[:, 0], None, "table"))))


@pytest.mark.parametrize("rate", [1000, 44100])
def test_a_sound_is_the_stored_series_at_its_rate(client: TestClient, tmp_path: Path, rate: int) -> None:
    stored = whyset.open_run(tmp_path / f"rate-{float(rate)}").inputs
    assert stored is not None
    for row in range(3):
        answer = client.get(f"/api/runs/rate-{float(rate)}/sound?index={row}")
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
        ("rate-999.0", 0, 404, "their rate is 999"),
        ("rate-200001.0", 0, 404, "their rate is 200001"),
        ("rate-None", 0, 404, "their rate is unknown"),
        ("table", 0, 404, "expected a run of series, got table"),
        ("rate-1000.0", 3, 404, "row 3 not found"),
        ("rate-1000.0", -1, 422, ""),
    ],
)
def test_what_is_not_a_sound_is_refused(client: TestClient, run: str, index: int, status: int, message: str) -> None:
    answer = client.get(f"/api/runs/{run}/sound?index={index}")
    assert answer.status_code == status
    assert message in answer.json()["error"]["message"]


def test_silence_is_a_sound() -> None:
    rate, sound = wavfile.read(BytesIO(encode_sound(np.zeros((1, 4)), 8000)))
    assert (rate, sound.tolist()) == (8000, [0, 0, 0, 0])
