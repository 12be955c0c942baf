"""What a classifier says of pictures, and how often it is right.

result_pred_label.npz        pred, label, files, classes
predictions.csv              the same for people
classification_report.txt    precision, recall and F1 of each class; .json holds the same
confusion_matrix.csv         counts; .json has the shares too
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import classification_report, confusion_matrix

from ...datasets.table import Table
from ...errors import InputError, UnreadableError
from ...io import images
from ...io.files import atomic_path
from ...io.text import write_csv, write_text
from ...types import Image, Mask, Skipped, Values
from .classifier import Classifier
from .data import known_rows, wanted_by
from .network import Labels

RESULT_FILE = "result_pred_label.npz"
_READ_AT_ONCE = 32
_READERS = 2


@dataclass(frozen=True)
class Predictions:
    """What a classifier says of N pictures.

    Attributes:
        labels: The classes.
        files: (N,) relative to their folder.
        shares: (N, C) probabilities.
        wanted: (N, C) 1 where a class holds, 0 where not, NaN where it is not known.
    """

    labels: Labels
    files: NDArray[np.str_]
    shares: Values
    wanted: Values

    @property
    def predicted(self) -> Mask:
        """(N, C) what it decides for: the likeliest class, or all above one half if multi-label."""
        if self.labels.multi_label:
            return self.shares > 0.5
        places = np.arange(self.shares.shape[1])
        likeliest: Mask = self.shares.argmax(axis=1)[:, None] == places
        return likeliest

    @property
    def judged(self) -> Mask:
        """(N,) pictures of which something is known."""
        return known_rows(self.wanted)


def predict(classifier: Classifier, table: Table) -> tuple[Predictions, list[Skipped]]:
    """Ask a classifier about every picture of a table; those that cannot be read are skipped.

    Raises:
        InputError: None can be read.
    """

    def read(name: str) -> Image | Skipped:
        path = table.folder / name
        try:
            return images.read(path).pixels
        except UnreadableError as error:
            return Skipped(path, str(error), unreadable=True)

    names = [str(name) for name in table.files]
    shares, skipped, readable = [], [], []
    with ThreadPoolExecutor(_READERS) as pool:
        for start in range(0, len(names), _READ_AT_ONCE):
            pictures = list(pool.map(read, names[start : start + _READ_AT_ONCE]))
            readable += [not isinstance(p, Skipped) for p in pictures]
            skipped += [p for p in pictures if isinstance(p, Skipped)]
            shares.append(classifier([p for p in pictures if not isinstance(p, Skipped)]))
    if not any(readable):
        raise InputError(f"{table.folder}: none of {len(names)} pictures can be read; look at them")
    table, labels = table.of(np.array(readable)), classifier.labels
    found = Predictions(labels, table.files, np.concatenate(shares), wanted_by(labels, table))
    return found, skipped


def confusion(predictions: Predictions) -> NDArray[np.int64]:
    """Counts of the pictures whose class is known; rows are true, columns predicted.

    Returns:
        Multi-class (C, C). Multi-label (C, 2, 2): of each class [[TN, FP], [FN, TP]].
    """
    predicted, wanted = predictions.predicted, predictions.wanted
    if not predictions.labels.multi_label:
        rows = predictions.judged
        return _counts(wanted[rows].argmax(1), predicted[rows].argmax(1), wanted.shape[1])
    known = ~np.isnan(wanted)
    columns = zip(wanted.T, predicted.T, known.T, strict=True)
    return np.stack([_counts(w[k], p[k], 2) for w, p, k in columns])


def _counts(true: NDArray[Any], predicted: NDArray[Any], classes: int) -> NDArray[np.int64]:
    if not len(true):
        return np.zeros((classes, classes), np.int64)
    return np.asarray(
        confusion_matrix(true.astype(int), predicted.astype(int), labels=range(classes))
    )


def report_of(predictions: Predictions, as_dict: bool = False) -> Any:
    """scikit-learn's classification report, as text or as what JSON holds.

    Raises:
        InputError: Of no picture it is known what is true.
    """
    rows, classes = predictions.judged, predictions.labels.classes
    if not rows.any():
        raise InputError("no picture has a known label; without one there is nothing to report")
    predicted, wanted = predictions.predicted[rows].astype(int), predictions.wanted[rows]
    if predictions.labels.multi_label:
        # Where nothing is known both are 0: a true negative, which none of the numbers counts.
        predicted, wanted = (
            np.where(np.isnan(wanted), 0, predicted),
            np.nan_to_num(wanted).astype(int),
        )
    else:
        predicted, wanted = predicted.argmax(1), wanted.argmax(1)
    return classification_report(
        wanted, predicted, labels=range(len(classes)), target_names=classes,
        output_dict=as_dict, zero_division=0.0, digits=3,
    )  # fmt: skip


def write_report(folder: Path, predictions: Predictions, prefix: str = "") -> str:
    """Write all of it and return the report's text, empty where no label is known.

    ``prefix`` begins the names of reports and matrices.

    Raises:
        OutputError: The folder cannot be made or written.
    """
    labels = predictions.labels
    with atomic_path(folder / RESULT_FILE) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file, pred=predictions.shares, label=predictions.wanted, files=predictions.files,
            classes=np.array(labels.classes),
        )  # fmt: skip
    header = ["file", "true", "predicted", *labels.classes]
    write_csv(folder / "predictions.csv", header, _rows(predictions))
    if not predictions.judged.any():
        return ""
    text = str(report_of(predictions))
    report = json.dumps(report_of(predictions, as_dict=True), indent=1)
    write_text(folder / f"{prefix}classification_report.txt", text)
    write_text(folder / f"{prefix}classification_report.json", report)
    _write_matrix(folder, prefix, labels, confusion(predictions))
    return text


def _rows(predictions: Predictions) -> Iterator[list[object]]:
    """Of each picture the file, what is true, what is predicted, and the probabilities."""
    classes, true = np.array(predictions.labels.classes), predictions.wanted == 1
    for row, file in enumerate(predictions.files):
        names = ("|".join(classes[held[row]]) for held in (true, predictions.predicted))
        yield [file, *names, *(f"{share:.6f}" for share in predictions.shares[row])]


def _write_matrix(folder: Path, prefix: str, labels: Labels, counts: NDArray[np.int64]) -> None:
    path = folder / f"{prefix}confusion_matrix.csv"
    header = ["class", "TN", "FP", "FN", "TP"]
    header = header if labels.multi_label else ["true \\ predicted", *labels.classes]
    rows = zip(labels.classes, counts, strict=True)
    write_csv(path, header, ([name, *row.reshape(-1).tolist()] for name, row in rows))
    totals = counts.sum(axis=-1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    content = {
        "classes": labels.classes,
        "rows": "true",
        "columns": "predicted",
        "order": ["absent", "present"] if labels.multi_label else labels.classes,
        "counts": counts.tolist(),
        "shares_of_true": shares.round(6).tolist(),
    }
    write_text(path.with_suffix(".json"), json.dumps(content))
