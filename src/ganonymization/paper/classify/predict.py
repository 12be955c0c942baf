"""What ``classify predict`` does around the library: find pictures, a device, and words."""

from pathlib import Path

import torch

from ...datasets.folder import read_unlabelled
from ...errors import InputError, OptionError
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
    """Ask a classifier about a data set, one of its splits, or just pictures; write its answers.

    ``kind`` and ``index`` are those of :func:`read_dataset`.

    Returns:
        A summary for people, and what was skipped.

    Raises:
        InputError: There are no such pictures.
        ModelError: There is no classifier.
        OptionError: Options contradict each other, or there is no such device.
        OutputError: ``out`` cannot be written.
    """
    if unlabelled and (kind or index or split):
        raise OptionError("just pictures have no kind, table or split", "drop `unlabelled`")
    classifier = load_classifier(model, _device(accelerator))
    table, skipped = read_unlabelled(data) if unlabelled else read_labelled(data, kind, index)
    if split is not None:
        if not (table.split == split).any():
            raise InputError(f"{data}: no picture has the split {split!r}", "drop `split`")
        table = table.of(table.split == split)
    predictions, unread = predict(classifier, table)
    report = write_report(out, predictions)
    lines = [
        f"{len(predictions.files)} pictures, {int(predictions.judged.sum())} with a known label",
        *(
            f"{count} are {name!r}, which the classifier does not know"
            for name, count in sorted(foreign_classes(classifier.labels, table).items())
        ),
        report or f"no report; see {RESULT_FILE}",
    ]
    return "\n".join(lines), [*skipped, *unread]


def _device(accelerator: str) -> str:
    if accelerator == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if accelerator not in ("cpu", "cuda"):
        raise OptionError(f"accelerator {accelerator!r}: give cpu, cuda or auto")
    return accelerator
