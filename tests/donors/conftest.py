"""A bank of drawn textures."""

import cv2
import numpy as np
import pytest

from ganonymization.donors.bank import DonorBank

from ..conftest import face_landmarks

SIZE = 64


def bank_of(count: int, **changes: object) -> DonorBank:
    """Donors whose textures are one grey each, neutral but for the last, who is angry."""
    files = [
        cv2.imencode(".webp", np.full((SIZE, SIZE, 3), 60 + 2 * i, np.uint8))[1].ravel()
        for i in range(count)
    ]
    readings = np.eye(7, dtype=np.float32)[[0] * (count - 1) + [3]]
    arrays: dict[str, object] = {
        "layout_px": face_landmarks((32, 32), 28).astype(np.float32), "size_px": SIZE,
        "webp": np.concatenate(files), "ends": np.cumsum([len(f) for f in files]),
        "readings": readings, "openings": np.zeros((count, 2), np.float32),
        "folds": np.zeros((0, 224, 224), np.int8),
        "styles": np.zeros((0, 16), np.float32), "years": np.full(count, 30, np.float32),
        "skin_ita_deg": np.full(count, 30, np.float32),
        "sexes": np.array(["f"] * count), "people": np.array([f"p{i}" for i in range(count)]),
        "files": np.array([f"{i}.webp" for i in range(count)]),
        "sources": np.array(["drawn"] * count), "licences": np.array(["CC0 1.0"] * count),
    }  # fmt: skip
    return DonorBank(**(arrays | changes))


@pytest.fixture
def bank() -> DonorBank:
    return bank_of(30)
