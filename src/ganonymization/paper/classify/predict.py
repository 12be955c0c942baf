"""What ``classify predict`` does around the library: find pictures, a device, and words."""

from pathlib import Path

import numpy as np
import torch

from ...datasets.table import Table
from ...errors import InputError, OptionError
from ...io import images
from ...types import Skipped
from .classifier import load_classifier
from .data import foreign_classes
from .published import read_labelled
from .report import RESULT_FILE, predict, write_report


def predict_folder(
    model: Path,
    data: Path,
    out: Path,
    kind: str | None = None,
    index: Path | None = None,
    split: str | None = None,
    unlabelled: bool = False,
    accelerator: str = "auto",
) -> tuple[str, list[Skipped]]:
    """Ask a classifier about a folder, write what it says, and tell what was found.

    Args:
        model: Folder of the classifier.
        data: Of the pictures.
        out: To write.
        kind: Of data set; None finds out.
        index: A table of the pictures.
        split: The only one that is asked about, or None.
        unlabelled: ``data`` is just pictures.
        accelerator: ``"cpu"``, ``"cuda"`` or ``"auto"``.

    Raises:
        InputError: There are no such pictures.
        ModelError: There is no classifier.
        OptionError: Options contradict each other, or there is no such device.
        OutputError: ``out`` cannot be written.
    """
    if unlabelled and (kind or index or split):
        raise OptionError("just pictures have no kind, table or split; leave out --unlabelled")
    classifier = load_classifier(model, _device(accelerator))
    table, left_out = plain_table(data) if unlabelled else read_labelled(data, kind, index)
    if split is not None:
        if not (table.split == split).any():
            raise InputError(f"{data}: no picture has the split {split!r}; leave out --split")
        table = table.of(table.split == split)
    predictions, unread = predict(classifier, table)
    report = write_report(out, predictions)
    told = [
        f"{len(predictions.files)} pictures, {int(predictions.judged.sum())} with a known label"
    ]
    for name, count in sorted(foreign_classes(classifier.labels, table).items()):
        told.append(f"{count} are {name!r}, which the classifier does not know")
    return "\n".join([*told, report or f"no report; see {RESULT_FILE}"]), [*left_out, *unread]


def plain_table(folder: Path) -> tuple[Table, list[Skipped]]:
    """All pictures under a folder, of which nothing is known.

    Raises:
        InputError: There are none.
    """
    found = list(images.walk(folder)) if folder.is_dir() else []
    files = [path.relative_to(folder).as_posix() for path in found if images.is_picture(path)]
    if not files:
        raise InputError(f"{folder}: no pictures; give a folder that holds some")
    # Links to folders and folders that cannot be listed are walked as themselves.
    left_out = [
        Skipped(path, "a folder that was not read", False) for path in found if path.is_dir()
    ]
    blank = np.full(len(files), "")
    return Table(folder, np.array(files), blank, blank, {}), left_out


def _device(accelerator: str) -> str:
    if accelerator == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if accelerator not in ("cpu", "cuda"):
        raise OptionError(f"accelerator {accelerator!r}: give cpu, cuda or auto")
    return accelerator
