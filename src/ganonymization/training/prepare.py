"""Pictures to a prepared folder of crops, landmarks and head masks, by the pipeline's stages."""

import os
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .. import align, images, registry
from ..detect.base import DetectorOptions, detect_turned
from ..errors import FaceError, InputError, LandmarksError, UnreadableError
from ..locate import find_landmarks
from ..types import Image
from ..wall import Wall
from .data import CHANNELS, GENERATOR_SIZE_PX, PREPARED_SIZE_PX
from .segment import PersonSegmenter, SelfieSegmentation, head_mask

_CHEEKS = (50, 101, 280, 330)


def prepare_folder(
    source: Path,
    out: Path,
    detector: str = "centerface",
    segmenter: PersonSegmenter | None = None,
) -> tuple[int, list[tuple[Path, str]]]:
    """Prepare the largest face of every picture.

    Args:
        source: A folder, read recursively.
        out: The prepared folder to write; see ``training/data.py`` for what it holds.
        detector: A detector's name.
        segmenter: Tells the head from the background; None takes MediaPipe's.

    Returns:
        How many faces were prepared, and the pictures that were left out with the reason.

    Raises:
        InputError: There is no picture with a face.
    """
    if not source.is_dir():
        raise InputError(f"{source}: not a folder; give a folder of face pictures")
    pictures = [path for path in images.walk(source) if images.is_picture(path)]
    if not pictures:
        raise InputError(f"{source}: holds no pictures; give a folder of face pictures")
    find = registry.load(registry.DETECTORS, detector)(DetectorOptions())
    landmarker = registry.load(registry.LANDMARKERS, "facemesh")()
    segmenter = segmenter or SelfieSegmentation()
    out.mkdir(parents=True, exist_ok=True)
    made: list[NDArray[np.float32]] = []
    chroma: list[float] = []
    skin_ita_deg: list[float] = []
    names: list[str] = []
    refused: list[tuple[Path, str]] = []
    with (out / "crops.raw.part").open("wb") as raw:
        for path in pictures:
            try:
                image = images.read(path).pixels
                found = detect_turned(find, image)
                if not found:
                    raise LandmarksError("no face found")
                landmarks_px = find_landmarks(image, found[0], landmarker)
            except (FaceError, UnreadableError) as error:
                refused.append((path, str(error)))
                continue
            layers, landmarks = prepare_face(image, landmarks_px, segmenter)
            raw.write(layers.tobytes())
            made.append(landmarks.astype(np.float32))
            chroma.append(_chroma(layers))
            skin_ita_deg.append(_skin_ita_deg(layers, landmarks))
            names.append(path.relative_to(source).as_posix())
    if not made:
        raise InputError(f"{source}: no face was found in {len(pictures)} pictures")
    _store(out, len(made))
    np.save(out / "landmarks.npy", np.stack(made))
    np.save(out / "chroma.npy", np.array(chroma, np.float32))
    np.save(out / "skin_ita_deg.npy", np.array(skin_ita_deg, np.float32))
    (out / "files.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    return len(made), refused


def prepare_face(
    image: Image, landmarks_px: NDArray[np.float64], segmenter: PersonSegmenter
) -> tuple[Image, NDArray[np.float64]]:
    """One face's layers and landmarks.

    Args:
        image: (H, W, 3) uint8 RGB.
        landmarks_px: (478, 3) in picture pixels.
        segmenter: Tells the head from the background.

    Returns:
        (288, 288, 5) uint8: R, G, B, head opacity, 255 inside the picture; and the (478, 3)
        landmarks in pixels of those layers.
    """
    crop_from_image = align.generator_crop(landmarks_px, GENERATOR_SIZE_PX)
    crop_from_image[:, 2] += (PREPARED_SIZE_PX - GENERATOR_SIZE_PX) / 2
    colour = align.warp(image, crop_from_image, PREPARED_SIZE_PX)
    whole = np.full(image.shape[:2], 255, np.uint8)
    inside = align.warp(whole, crop_from_image, PREPARED_SIZE_PX, cv2.BORDER_CONSTANT)
    landmarks = align.apply(crop_from_image, landmarks_px)
    head = head_mask(segmenter(colour), Wall.around(landmarks))
    return np.dstack([colour, head, inside]).astype(np.uint8), landmarks


def _chroma(layers: Image) -> float:
    """Mean spread of R, G and B over the face: near 0 for grey photographs."""
    quarter = PREPARED_SIZE_PX // 4
    face = layers[quarter:-quarter, quarter:-quarter, :3]
    return float(np.ptp(face, axis=2).mean())


def _skin_ita_deg(layers: Image, landmarks: NDArray[np.float64]) -> float:
    """The cheeks' individual typology angle (Chardon et al. 1991): light from 41, dark below 10."""
    lab = cv2.cvtColor(layers[..., :3].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    places = np.round(landmarks[list(_CHEEKS), :2]).astype(int)
    x, y = np.clip(places, 0, PREPARED_SIZE_PX - 1).T
    light, _, yellow = np.median(lab[y, x], axis=0)
    return float(np.degrees(np.arctan2(light - 50, yellow)))


def _store(out: Path, count: int) -> None:
    """Turn the raw bytes into ``crops.npy``, whose header tells how many there are."""
    shape = (count, PREPARED_SIZE_PX, PREPARED_SIZE_PX, CHANNELS)
    part = out / "crops.npy.part"
    crops = np.lib.format.open_memmap(part, "w+", np.uint8, shape)  # type: ignore[no-untyped-call]
    crops[:] = np.memmap(out / "crops.raw.part", np.uint8, "r", shape=shape)
    crops.flush()
    os.replace(part, out / "crops.npy")
    (out / "crops.raw.part").unlink()
