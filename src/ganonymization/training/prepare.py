"""Pictures to a prepared folder of crops, landmarks and head masks, by the pipeline's stages."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..datasets.layout import face_pictures
from ..errors import InputError, OutputError
from ..geometry import transforms
from ..geometry.wall import Wall
from ..io.files import atomic_path
from ..landmarks.face_finder import FaceFinder
from ..types import Image, Skipped, Values
from .layout import CHANNELS, GENERATOR_SIZE_PX, PREPARED_SIZE_PX
from .segment import OnnxSegmenter, PersonSegmenter, head_mask

_CHEEKS = (50, 101, 280, 330)
_Face = tuple[str, NDArray[np.float32], float, float]  # name, landmarks, chroma, skin_ita_deg


def prepare_folder(
    source: Path, out: Path, detector: str = "centerface", segmenter: PersonSegmenter | None = None
) -> tuple[int, list[Skipped]]:
    """Prepare the largest face of every picture under a folder; ``layout`` says what is written.

    Returns:
        How many faces were prepared, and the pictures that were skipped.

    Raises:
        InputError: There is no picture with a face.
        OutputError: The folder cannot be written.
    """
    pictures = face_pictures(source)
    finder, segmenter = FaceFinder(detector), segmenter or OnnxSegmenter()
    faces, skipped = list[_Face](), []
    raw = out / "crops.raw.part"
    try:
        out.mkdir(parents=True, exist_ok=True)
        with raw.open("wb") as file:
            for path in pictures:
                found = finder.largest(path)
                if isinstance(found, Skipped):
                    skipped.append(found)
                    continue
                layers, landmarks = prepare_face(*found, segmenter)
                file.write(layers.tobytes())
                name = path.relative_to(source).as_posix()
                measured = _chroma(layers), skin_ita_deg(layers, landmarks)
                faces.append((name, landmarks.astype(np.float32), *measured))
        if not faces:
            raise InputError(f"{source}: no face was found in {len(pictures)} pictures")
        _store(faces, out)
        _store_crops(raw, out / "crops.npy", len(faces))
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({error.strerror}); choose another") from error
    finally:
        raw.unlink(missing_ok=True)
    return len(faces), skipped


def _store(faces: list[_Face], out: Path) -> None:
    """Write what is kept of the prepared faces beside their crops."""
    names, landmarks, chroma, angles = zip(*faces, strict=True)
    np.save(out / "landmarks.npy", np.stack(landmarks))
    np.save(out / "chroma.npy", np.array(chroma, np.float32))
    np.save(out / "skin_ita_deg.npy", np.array(angles, np.float32))
    text = "".join(f"{name}\n" for name in names)
    (out / "files.txt").write_text(text, encoding="utf-8", errors="backslashreplace")


def prepare_face(
    image: Image, landmarks_px: Values, segmenter: PersonSegmenter
) -> tuple[Image, Values]:
    """One face's layers (288, 288, 5), see ``layout.py``, and its landmarks in their pixels.

    Args:
        image: (H, W, 3) uint8 RGB.
        landmarks_px: (478, 3) in picture pixels.
        segmenter: Finds the head.
    """
    crop_from_image = prepared_from_image(landmarks_px)
    colour = transforms.warp(image, crop_from_image, PREPARED_SIZE_PX)
    whole = np.full(image.shape[:2], 255, np.uint8)
    inside = transforms.warp(whole, crop_from_image, PREPARED_SIZE_PX, cv2.BORDER_CONSTANT)
    landmarks = transforms.apply(crop_from_image, landmarks_px)
    head = head_mask(segmenter(colour), Wall.around(landmarks))
    return np.dstack([colour, head, inside]).astype(np.uint8), landmarks


def prepared_from_image(landmarks_px: Values) -> Values:
    """The transform, (2, 3), that puts the generator's crop in the middle of a prepared one."""
    prepared = transforms.generator_crop(landmarks_px, GENERATOR_SIZE_PX)
    prepared[:, 2] += (PREPARED_SIZE_PX - GENERATOR_SIZE_PX) / 2
    return prepared


def _chroma(layers: Image) -> float:
    """Mean spread of R, G and B over the face: near 0 for grey photographs."""
    quarter = PREPARED_SIZE_PX // 4
    face = layers[quarter:-quarter, quarter:-quarter, :3]
    return float(np.ptp(face, axis=2).mean())


def skin_ita_deg(layers: Image, landmarks: Values) -> float:
    """The cheeks' individual typology angle (Chardon et al. 1991): light from 41, dark below 10.

    Args:
        layers: (S, S, 3 or more) uint8, RGB first.
        landmarks: (478, 3) in its pixels.
    """
    lab = cv2.cvtColor(layers[..., :3].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    places = np.round(landmarks[list(_CHEEKS), :2]).astype(int)
    x, y = np.clip(places, 0, np.array(layers.shape[1::-1]) - 1).T
    light, _, yellow = np.median(lab[y, x], axis=0)
    return float(np.degrees(np.arctan2(light - 50, yellow)))


def _store_crops(raw: Path, path: Path, count: int) -> None:
    """Turn the raw bytes into an array file, whose header says how many there are."""
    shape = (count, PREPARED_SIZE_PX, PREPARED_SIZE_PX, CHANNELS)
    with atomic_path(path) as part:
        crops = np.lib.format.open_memmap(part, "w+", np.uint8, shape)
        crops[:] = np.memmap(raw, np.uint8, "r", shape=shape)
        crops.flush()
