"""Makes a bank of donors from a folder of pictures and a table that says whose they are."""

import csv
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ...donors import folds
from ...donors.bank import DonorBank
from ...donors.choose import openings
from ...errors import InputError
from ...geometry import rasterisation, topology
from ...io.files import atomic_path
from ...landmarks.face_finder import FaceFinder
from ...surrogate.expression_reading import ExpressionReader
from ...surrogate.shape_model import Posed
from ...synthesize.refiner import Refiner
from ...types import Image, Skipped, Values
from .. import layout
from ..networks import StyleEncoder
from ..prepare import skin_ita_deg
from .brows import offsets
from .samples import STYLE_PX

TEXTURE_PX = 448
_MARGIN_PX = 4
_MOST_YAW = 0.25  # of the face's width, between the two halves
_CHROMA = 0.4  # of the colours' detail is kept: coloured light is no skin
_CONTRAST = (0.2, 0.34)  # of a skin's detail: deviations of the logarithm
_QUALITY = 82
_SHADOW = 0.02  # of a texture's side: what is smoother is light rather than skin
_FEWEST_FOR_FOLDS = 100
_COLUMNS = ("file", "source", "licence")


@dataclass(frozen=True)
class Donor:
    """A picture that becomes a texture.

    Attributes:
        row: Of the table.
        image: (H, W, 3) uint8 RGB.
        landmarks_px: (478, 3).
    """

    row: dict[str, str]
    image: Image
    landmarks_px: NDArray[np.float64]


def build(
    folder: Path, table: Path, out: Path, refiner: Refiner, prepared: Path | None = None,
    state: Path | None = None,
) -> Counter[str]:  # fmt: skip
    """Write a bank, and count what became of the table's rows.

    Args:
        folder: Has the pictures.
        table: CSV with file, source, licence and, if known, sex, age_estimate, person.
        out: The bank.
        refiner: Draws donors, for :mod:`ganonymization.training.refine.brows`.
        prepared: The same pictures prepared for training; with ``state`` it gives styles.
        state: What :meth:`Networks.compact` gave; has the style encoder.

    Raises:
        InputError: A column is missing, or no picture can be used.
    """
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    missing = [name for name in _COLUMNS if not rows or name not in rows[0]]
    if missing:
        raise InputError(f"{table}: no rows with the columns {', '.join(missing)}; add them")
    outcomes: Counter[str] = Counter()
    donors = []
    finder = FaceFinder()
    for row in rows:
        donor, reason = _donor(folder, row, finder)
        outcomes[reason] += 1
        if donor is not None:
            donors.append(donor)
    if not donors:
        raise InputError(
            f"{folder}: none of {len(rows)} pictures can lend a texture; give frontal faces whose "
            "licence is stated"
        )
    styles = _styles(donors, prepared, state)
    layout_px = mesh_layout([donor.landmarks_px for donor in donors])
    found = offsets(refiner, _bank(donors, styles, layout_px))
    bank = _bank([_moved(*each) for each in zip(donors, found, strict=True)], styles, layout_px)
    with atomic_path(out, ".npz") as temporary:
        bank.save(temporary)
    return outcomes


def _donor(folder: Path, row: dict[str, str], finder: FaceFinder) -> tuple[Donor | None, str]:
    if not row["licence"]:
        return None, "no licence stated"
    found = finder.largest(folder / row["file"])
    if isinstance(found, Skipped):
        return None, found.reason
    if _yaw(found.landmarks_px) > _MOST_YAW:
        return None, "turned away"
    return Donor(row, found.image, found.landmarks_px), "donor"


def _yaw(points: NDArray[np.float64]) -> float:
    right, left = (np.linalg.norm(points[1, :2] - points[i, :2]) for i in (234, 454))
    return float(abs(right - left) / np.linalg.norm(points[234, :2] - points[454, :2]))


def mesh_layout(faces: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The mesh that textures lie on, (478, 3) px: the mean of open-mouthed faces, symmetric.

    Args:
        faces: (478, 3) each; the tenth with the widest mouths is used, for closed lips would leave
            no room for teeth.
    """
    widest = sorted(faces, key=lambda p: -openings(p)[0])[: max(1, len(faces) // 10)]
    level = []
    for points in widest:
        right, left = points[topology.OUTER_EYE_RIGHT], points[topology.OUTER_EYE_LEFT]
        along = (left - right)[:2] / np.linalg.norm((left - right)[:2])
        turn = np.array([[along[0], along[1], 0], [-along[1], along[0], 0], [0, 0, 1]])
        level.append((points - (right + left) / 2) @ turn.T / np.linalg.norm((left - right)[:2]))
    mean = np.mean(level, 0)
    mean = (mean + mean[topology.mirror()] * [-1, 1, 1]) / 2
    low, high = mean[:, :2].min(0), mean[:, :2].max(0)
    scale = (TEXTURE_PX - 2 * _MARGIN_PX) / float((high - low).max())
    middle = np.array([*(low + high) / 2, 0])
    found: NDArray[np.float64] = (mean - middle) * scale + [TEXTURE_PX / 2, TEXTURE_PX / 2, 0]
    return found


def _moved(donor: Donor, offset: Values) -> Donor:
    """With other landmarks, moved by (478, 3) in the canonical frame."""
    face = Posed.of(donor.landmarks_px)
    return replace(donor, landmarks_px=face.posed(face.frontal + offset))


def _bank(
    donors: list[Donor], styles: NDArray[np.float32], layout_px: NDArray[np.float64]
) -> DonorBank:
    files = [_texture(d, layout_px) for d in donors]
    readings, opened = _expressions(donors)
    years = np.array([float(d.row.get("age_estimate") or 0) for d in donors], np.float32)

    def column(name: str, instead: str = "") -> NDArray[np.str_]:
        return np.array([d.row.get(name) or (d.row[instead] if instead else "") for d in donors])

    return DonorBank(
        layout_px=layout_px.astype(np.float32), size_px=TEXTURE_PX,
        webp=np.concatenate(files), ends=np.cumsum([len(f) for f in files]),
        readings=readings, openings=opened,
        folds=_folds(files, layout_px, readings, opened, years, column("sex")),
        styles=styles, years=years, sexes=column("sex"),
        skin_ita_deg=np.array([skin_ita_deg(d.image, d.landmarks_px) for d in donors], np.float32),
        people=column("person", "file"),
        files=column("file"),
        sources=column("source"), licences=column("licence"),
    )  # fmt: skip


def _expressions(donors: list[Donor]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Readings, (N, 7), and openings, (N, 2)."""
    reader = ExpressionReader()
    readings = [reader(d.image, d.landmarks_px) for d in donors]
    return np.array(readings), np.array([openings(d.landmarks_px) for d in donors], np.float32)


def _folds(
    files: list[NDArray[np.uint8]], layout_px: NDArray[np.float64], readings: NDArray[np.float32],
    opened: NDArray[np.float32], years: NDArray[np.float32], sexes: NDArray[np.str_],
) -> NDArray[np.int8]:  # fmt: skip
    """See :mod:`ganonymization.donors.folds`; too few donors have none."""
    if len(files) < _FEWEST_FOR_FOLDS:
        return np.zeros((0, folds.SIZE_PX, folds.SIZE_PX), np.int8)
    textures = [np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.uint8) for file in files]
    return folds.fit(textures, layout_px, readings, opened, years, sexes)


def _texture(donor: Donor, layout_px: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The donor's file: delit, of usual contrast, its colours' detail lessened."""
    worn = rasterisation.render(donor.image, donor.landmarks_px, layout_px, TEXTURE_PX)
    cover = np.maximum(worn.skin, worn.features)
    delit = rasterisation.delit(worn.image, cover, topology.outer_eyes_px(layout_px))
    grey = delit.mean(2, keepdims=True)
    chroma = _CHROMA + (1 - _CHROMA) * _lips(layout_px)[..., None]
    usual = _usual_contrast(grey + chroma * (delit - grey), worn.skin == 255)
    plain = evenly_lit(usual, worn.features)
    done, file = cv2.imencode(
        ".webp", cv2.cvtColor(plain, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_WEBP_QUALITY, _QUALITY]
    )
    assert done
    return np.asarray(file, np.uint8).ravel()


def _lips(layout_px: NDArray[np.float64]) -> NDArray[np.float32]:
    """1 on lips, which have a colour of their own, fading out around them, (S, S)."""
    shape = np.zeros((TEXTURE_PX, TEXTURE_PX), np.float32)
    outline = np.round(layout_px[list(topology.LIPS_OUTER), :2]).astype(np.int32)
    cv2.fillPoly(shape, [outline], (1.0,))
    return np.asarray(cv2.GaussianBlur(shape, (0, 0), TEXTURE_PX / 150), np.float32)


def evenly_lit(delit: Image, features: NDArray[np.uint8]) -> Image:
    """A texture without the shadow of a lamp at the side.

    What is smooth in it is told from its mirror image, for a layout is symmetric: lids, lips and
    folds are in both, a nose's shadow in one. Of what both have the fainter stays, of what one has
    a quarter.

    Args:
        delit: (S, S, 3) uint8, a middle grey where nothing is seen.
        features: (S, S) uint8, above 0 in eyes and mouth, which stay as they are.
    """
    deviation = _SHADOW * delit.shape[0]
    log = np.log(np.clip(delit, 1, 255) / 127.5)
    smooth = np.asarray(cv2.GaussianBlur(log, (0, 0), deviation))
    twin = smooth[:, ::-1]
    fainter = np.sign(smooth) * np.minimum(np.abs(smooth), np.abs(twin))
    both = np.where(smooth * twin > 0, fainter, (smooth + twin) / 4)
    both = np.asarray(cv2.GaussianBlur(both, (0, 0), deviation / 2))
    both = np.where(features[..., None] > 0, smooth, both)
    return np.clip(127.5 * np.exp(log - smooth + both), 0, 255).astype(np.uint8)


def _usual_contrast(delit: NDArray[np.float64], skin: NDArray[np.bool_]) -> Image:
    """Detail made fainter where hard light has burnt in, and stronger where a face is retouched."""
    log = np.log(np.clip(delit, 1, 255) / 127.5)
    usual = float(np.clip(log[skin].std(), *_CONTRAST))
    gain = usual / max(float(log[skin].std()), 1e-3)
    return np.clip(127.5 * np.exp(gain * log), 0, 255).astype(np.uint8)


def _styles(donors: list[Donor], prepared: Path | None, state: Path | None) -> NDArray[np.float32]:
    """The donors' styles, (N, 16), or none, (0, 16)."""
    if prepared is None or state is None:
        return np.zeros((0, 16), np.float32)
    encoder = StyleEncoder()
    kept = torch.load(state, map_location="cpu", weights_only=True)["encoder"]
    encoder.load_state_dict({key: value.float() for key, value in kept.items()})
    crops = layout.load(prepared, "crops.npy", "r")
    numbers = {n: i for i, n in enumerate((prepared / "files.txt").read_text().splitlines())}
    heads = []
    for donor in donors:
        crop = np.asarray(crops[numbers[donor.row["file"]]])
        head = (crop[..., :3] * (crop[..., 3:4] / 255.0)).astype(np.uint8)
        heads.append(cv2.resize(head, (STYLE_PX, STYLE_PX), interpolation=cv2.INTER_AREA))
    x = torch.from_numpy(np.stack(heads)).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.inference_mode():
        mean, _ = encoder(x)
    return np.asarray(mean.numpy(), np.float32)
