"""Pictures to a prepared folder of crops, landmarks and head masks, by the pipeline's stages."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .. import registry
from ..detect.base import DetectorOptions, detect_turned
from ..errors import FaceError, InputError, LandmarksError, OutputError, UnreadableError
from ..geometry import transforms
from ..geometry.wall import Wall
from ..io import images
from ..landmarks.search import find_landmarks
from ..types import Image, Skipped
from .layout import CHANNELS, GENERATOR_SIZE_PX, PREPARED_SIZE_PX
from .segment import OnnxSegmenter, PersonSegmenter, head_mask

_CHEEKS = (50, 101, 280, 330)


def prepare_folder(
    source: Path,
    out: Path,
    detector: str = "centerface",
    segmenter: PersonSegmenter | None = None,
) -> tuple[int, list[Skipped]]:
    """Prepare the largest face of every picture.

    Args:
        source: A folder, read recursively.
        out: The prepared folder to write; see ``training/layout.py`` for what it holds.
        detector: A detector's name.
        segmenter: Tells the head from the background; None takes MediaPipe's.

    Returns:
        How many faces were prepared, and the pictures that were left out.

    Raises:
        InputError: There is no picture with a face.
        OutputError: The folder cannot be written.
    """
    if not source.is_dir():
        raise InputError(f"{source}: not a folder; give a folder of face pictures")
    pictures = [path for path in images.walk(source) if images.is_picture(path)]
    if not pictures:
        raise InputError(f"{source}: holds no pictures; give a folder of face pictures")
    find = registry.load(registry.DETECTORS, detector)(DetectorOptions())
    landmarker = registry.load(registry.LANDMARKERS, "facemesh")()
    segmenter = segmenter or OnnxSegmenter()
    faces = _Faces()
    refused: list[Skipped] = []
    raw = out / "crops.raw.part"
    try:
        out.mkdir(parents=True, exist_ok=True)
        with raw.open("wb") as file:
            for path in pictures:
                try:
                    image = images.read(path).pixels
                    found = detect_turned(find, image)
                    if not found:
                        raise LandmarksError("no face found")
                    landmarks_px = find_landmarks(image, found[0], landmarker)
                except (FaceError, UnreadableError) as error:
                    unreadable = isinstance(error, UnreadableError)
                    refused.append(Skipped(path, str(error), unreadable))
                    continue
                layers, landmarks = prepare_face(image, landmarks_px, segmenter)
                file.write(layers.tobytes())
                faces.add(path.relative_to(source), layers, landmarks)
        if not faces.names:
            raise InputError(f"{source}: no face was found in {len(pictures)} pictures")
        faces.store(out)
        _store_crops(raw, out / "crops.npy", len(faces.names))
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({error.strerror}); choose another") from error
    finally:
        raw.unlink(missing_ok=True)
    return len(faces.names), refused


@dataclass
class _Faces:
    """What is kept of the prepared faces beside their crops."""

    names: list[str] = field(default_factory=list)
    landmarks: list[NDArray[np.float32]] = field(default_factory=list)
    chroma: list[float] = field(default_factory=list)
    skin_ita_deg: list[float] = field(default_factory=list)

    def add(self, name: Path, layers: Image, landmarks: NDArray[np.float64]) -> None:
        self.names.append(name.as_posix())
        self.landmarks.append(landmarks.astype(np.float32))
        self.chroma.append(_chroma(layers))
        self.skin_ita_deg.append(_skin_ita_deg(layers, landmarks))

    def store(self, out: Path) -> None:
        np.save(out / "landmarks.npy", np.stack(self.landmarks))
        np.save(out / "chroma.npy", np.array(self.chroma, np.float32))
        np.save(out / "skin_ita_deg.npy", np.array(self.skin_ita_deg, np.float32))
        text = "".join(f"{name}\n" for name in self.names)
        (out / "files.txt").write_text(text, encoding="utf-8", errors="backslashreplace")


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
    crop_from_image = transforms.generator_crop(landmarks_px, GENERATOR_SIZE_PX)
    crop_from_image[:, 2] += (PREPARED_SIZE_PX - GENERATOR_SIZE_PX) / 2
    colour = transforms.warp(image, crop_from_image, PREPARED_SIZE_PX)
    whole = np.full(image.shape[:2], 255, np.uint8)
    inside = transforms.warp(whole, crop_from_image, PREPARED_SIZE_PX, cv2.BORDER_CONSTANT)
    landmarks = transforms.apply(crop_from_image, landmarks_px)
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


def _store_crops(raw: Path, path: Path, count: int) -> None:
    """Turn the raw bytes into an array file, whose header tells how many there are."""
    shape = (count, PREPARED_SIZE_PX, PREPARED_SIZE_PX, CHANNELS)
    part = path.with_name(path.name + ".part")
    crops = np.lib.format.open_memmap(part, "w+", np.uint8, shape)
    crops[:] = np.memmap(raw, np.uint8, "r", shape=shape)
    crops.flush()
    os.replace(part, path)
