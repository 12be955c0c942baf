"""Whom a bank of donors holds, in words and as a picture."""

import itertools
from collections import Counter

import cv2
import numpy as np

from ..surrogate.expression_reading import EXPRESSIONS
from ..types import Image
from .bank import DonorBank

_TILE_PX, _COLUMNS = 96, 20
_AGES = (0, 30, 40, 50, 60, 120)


def summary(bank: DonorBank) -> list[str]:
    """Lines: how many donors and people, by expression, age, sex, source and licence."""
    expressions = Counter(EXPRESSIONS[i] for i in bank.readings.argmax(1))
    ages = Counter(_age(float(years)) for years in bank.years)
    rights = Counter(zip(bank.sources.tolist(), bank.licences.tolist(), strict=True))
    return [
        f"{len(bank)} donors, {len(set(bank.people.tolist()))} people",
        "expressions: " + _told(expressions),
        "ages: " + _told(ages),
        "skin: " + _told(Counter(_skin(float(deg)) for deg in bank.skin_ita_deg)),
        "sexes: " + _told(Counter(sex or "unknown" for sex in bank.sexes.tolist())),
        *(f"{count} from {source} ({licence})" for (source, licence), count in rights.items()),
    ]


def contact_sheet(bank: DonorBank) -> Image:
    """All textures, (H, W, 3) uint8 RGB."""
    rows = -(-len(bank) // _COLUMNS)
    sheet = np.zeros((rows * _TILE_PX, _COLUMNS * _TILE_PX, 3), np.uint8)
    for donor in range(len(bank)):
        top, left = donor // _COLUMNS * _TILE_PX, donor % _COLUMNS * _TILE_PX
        tile = cv2.resize(bank.texture(donor), (_TILE_PX, _TILE_PX), interpolation=cv2.INTER_AREA)
        sheet[top : top + _TILE_PX, left : left + _TILE_PX] = tile
    return sheet


def _age(years: float) -> str:
    if years <= 0:
        return "unknown"
    low, high = next((a, b) for a, b in itertools.pairwise(_AGES) if years <= b)
    return f"{low} to {high}"


def _skin(ita_deg: float) -> str:
    """Chardon's classes, two together each."""
    return "light" if ita_deg > 41 else "medium" if ita_deg > 10 else "dark"


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
