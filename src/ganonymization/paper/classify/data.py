"""What a classifier learns from: label columns as numbers, a split by person, pictures."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from ...datasets.table import Table
from ...errors import InputError
from ...io import images
from ...types import Mask, Values
from .classifier import fit_picture
from .network import Labels

USUAL_COLUMN = "expression"
_HELD_OUT = 0.15  # of the people for "val", and again for "test"
_SHIFT = 0.05  # of the side
_YES_NO = {"0", "1"}


def labels_of(table: Table, columns: Sequence[str] = ()) -> Labels:
    """Choose the classes of a table.

    Args:
        table: Of labelled pictures.
        columns: One, whose values are the classes, or several that hold 0 and 1. Empty for
            ``expression`` or, in a table without it, for every column that holds 0 and 1.

    Raises:
        InputError: No such column, no known value, one class only, or something but 0 and 1 in one
            of several columns.
    """
    columns = list(dict.fromkeys(columns)) or _usual_columns(table)
    for column in columns:
        if column not in table.labels:
            known = ", ".join(table.labels) or "none"
            raise InputError(f"{table.folder}: no label column {column!r}; there are: {known}")
    values = {column: set(table.labels[column].tolist()) - {""} for column in columns}
    if len(columns) > 1:
        for column in columns:
            if values[column] - _YES_NO:
                raise InputError(
                    f"{table.folder}: the column {column!r} holds "
                    f"{sorted(values[column] - _YES_NO)[0]!r}; several columns at once must hold "
                    "0 and 1: name this one alone"
                )
        return Labels(tuple(columns), True, "")
    (column,) = columns
    if len(values[column]) < 2:
        raise InputError(
            f"{table.folder}: the column {column!r} knows {sorted(values[column]) or 'nothing'}; a "
            "classifier needs two classes: name another column or add pictures"
        )
    return Labels(tuple(sorted(values[column])), False, column)


def wanted_by(labels: Labels, table: Table) -> Values:
    """What a classifier should answer: (N, C) 1 where a class holds, 0 where not, NaN if unknown.

    All NaN where the table lacks the column, or has a class there that the classifier does not
    know; :func:`foreign_classes` counts these.
    """
    unknown = np.full((len(table.files), len(labels.classes)), np.nan)
    if labels.multi_label:
        for place, name in enumerate(labels.classes):
            if name in table.labels:
                values = table.labels[name]
                unknown[values == "0", place], unknown[values == "1", place] = 0, 1
        return unknown
    if labels.column not in table.labels:
        return unknown
    hot = table.labels[labels.column][:, None] == np.array(labels.classes)[None]
    return np.where(hot.any(axis=1, keepdims=True), hot.astype(np.float64), np.nan)


def known_rows(wanted: Values) -> Mask:
    """(N,) pictures of which at least one class is known, by (N, C) of :func:`wanted_by`."""
    return np.asarray(~np.isnan(wanted).all(axis=1))


def foreign_classes(labels: Labels, table: Table) -> Counter[str]:
    """How many pictures have which class that the classifier does not know."""
    if labels.multi_label or labels.column not in table.labels:
        return Counter()
    return Counter(str(v) for v in table.labels[labels.column] if v and v not in labels.classes)


def fill_split(table: Table, seed: int = 42) -> Table:
    """Fill in the split where the table has none; it depends on the people and the seed alone.

    A table with training but without validation pictures gives up some people for these. Where
    nobody is known, pictures are split.

    Raises:
        InputError: Only some pictures have a split, none is for training, or there are too few
            people.
    """
    splits = set(table.split.tolist())
    if splits - {""} and "" in splits:
        raise InputError(
            f"{table.folder}: {int((table.split == '').sum())} of {len(table.split)} pictures have "
            "no split; fill it in for all or for none"
        )
    if splits >= {"train", "val"}:
        return table
    if splits - {""} and "train" not in splits:
        raise InputError(f"{table.folder}: no picture has the split 'train'; add some")
    rows = np.isin(table.split, ["", "train"])
    new = ["val"] if "train" in splits else ["val", "test"]
    who = np.where(table.person == "", np.char.add("file ", table.files), table.person)
    people = np.unique(who[rows])
    held = max(1, round(_HELD_OUT * len(people)))
    if len(people) < len(new) + 1:
        raise InputError(
            f"{table.folder}: {len(people)} people cannot be split into train, {' and '.join(new)}"
            "; add people, or fill in the split"
        )
    order = np.random.default_rng(seed).permutation(people)
    split = np.where(rows, "train", table.split).astype("<U5")
    for number, name in enumerate(new):
        split[rows & np.isin(who, order[number * held : (number + 1) * held])] = name
    return replace(table, split=split)


def balance(labels: Labels, wanted: Values) -> Values:
    """What makes rare classes count as much as frequent ones, (C,).

    Multi-class: the weight of each class, pictures / (classes * pictures of the class).
    Multi-label: what the presence of a class is multiplied by, absent / present.

    Args:
        labels: The classes.
        wanted: (N, C) of the training pictures.

    Raises:
        InputError: One of the classes is on none of them, or on all.
    """
    present, absent = (np.nansum(wanted == value, axis=0) for value in (1.0, 0.0))
    for number, name in enumerate(labels.classes):
        if not present[number] or not absent[number]:
            which = "no" if not present[number] else "every"
            raise InputError(
                f"{which} training picture is {name!r}, so that it cannot be learned; add "
                "pictures, fill in another split, or leave this class out"
            )
    weights = absent / present if labels.multi_label else len(wanted) / len(present) / present
    return np.asarray(weights, dtype=np.float64)


class Sample(NamedTuple):
    """A picture, (3, S, S) uint8, and what is wanted, (C,) with NaN for unknown; or a batch."""

    pixels: Tensor
    wanted: Tensor


class LabelledPictures(Dataset[Sample]):
    """Pictures of a table with what is wanted of them.

    Args:
        table: Of the pictures.
        wanted: (N, C).
        size_px: Side of what comes out.
        varied: Half of them mirrored, all moved by up to a twentieth.
    """

    def __init__(self, table: Table, wanted: Values, size_px: int, varied: bool = False) -> None:
        self.folder, self.files = table.folder, table.files
        self.wanted = torch.from_numpy(wanted.astype(np.float32))
        self.size_px, self.varied = size_px, varied

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        picture = images.read(self.folder / str(self.files[index])).pixels
        fitted = fit_picture(picture, self.size_px)
        if self.varied:
            fitted = _vary(fitted)
        pixels = torch.from_numpy(np.ascontiguousarray(fitted.transpose(2, 0, 1)))
        return Sample(pixels, self.wanted[index])


def _vary(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Torch draws the numbers, for it gives each of a loader's processes others."""
    most = max(1, round(_SHIFT * picture.shape[0]))
    mirrored, x, y = (int(torch.randint(n, ())) for n in (2, 2 * most + 1, 2 * most + 1))
    wide = cv2.copyMakeBorder(picture, most, most, most, most, cv2.BORDER_REPLICATE)
    moved = wide[y : y + picture.shape[0], x : x + picture.shape[1]]
    return np.asarray(moved[:, ::-1] if mirrored else moved, dtype=np.uint8)


def _usual_columns(table: Table) -> list[str]:
    if USUAL_COLUMN in table.labels:
        return [USUAL_COLUMN]
    values = {name: set(column.tolist()) for name, column in table.labels.items()}
    found = [name for name, known in values.items() if _YES_NO <= known <= {"", *_YES_NO}]
    if not found:
        raise InputError(
            f"{table.folder}: no label column {USUAL_COLUMN!r} and none of 0 and 1; name one of "
            f"the label columns: {', '.join(table.labels) or 'none'}"
        )
    return found
