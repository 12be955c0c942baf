"""Train the paper's classifier, or go on with one, and report on pictures it has not seen.

config.json, model.safetensors    the classifier with the best validation, for load_classifier
models/                           Lightning's checkpoints; last.ckpt is resumed
logs/                             TensorBoard's events
split.csv                         which picture was used for what
result_pred_label.npz, ...        see report
"""

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import lightning
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, EarlyStopping
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.data import DataLoader

from ...datasets.table import SPLITS, Table
from ...errors import InputError, ModelError, OptionError, OutputError, UnreadableError
from ...io.text import write_csv
from ...training.harness import reason_of
from ...types import Mask, Skipped, Values
from .callbacks import EpochLines, Keeper, quiet
from .classifier import Classifier
from .data import LabelledPictures, Sample, balance, fill_split, known_rows, labels_of, wanted_by
from .network import Labels, new_network, save_classifier
from .report import predict, write_report
from .settings import ClassifierSettings
from .task import ClassifierTask, check_monitor

SPLIT_FILE = "split.csv"


@dataclass(frozen=True)
class TrainedClassifier:
    """The classifier with the best validation, how many pictures each split has, and a report.

    ``skipped`` are pictures of the reported split that could not be read.
    """

    classifier: Classifier
    pictures: dict[str, int]
    reported_on: str
    report: str
    skipped: list[Skipped]

    def summary(self) -> str:
        """For people."""
        counts = ", ".join(f"{name} {count}" for name, count in self.pictures.items())
        return f"pictures: {counts}; the report is about {self.reported_on}\n{self.report}"


def train_classifier(
    table: Table, out: Path, settings: ClassifierSettings | None = None
) -> TrainedClassifier:
    """Train on a table, or go on with the run in ``out``, and write the classifier and its report.

    Pictures whose label is not known are not used.

    Raises:
        InputError: The labels or the split cannot be learned from, or a picture cannot be read.
        ModelError: ``out`` holds a run of other classes, or the weights cannot be read.
        OptionError: A setting makes no sense, here or for these data.
        OutputError: ``out`` cannot be written.
    """
    settings = settings or ClassifierSettings()
    labels = labels_of(table, settings.columns)
    _check_count(labels, settings)
    used = table.of(known_rows(wanted_by(labels, table)))
    used = fill_split(used, settings.seed)
    wanted = wanted_by(labels, used)
    rows = {name: used.split == name for name in SPLITS}
    weights = balance(labels, wanted[rows["train"]])
    mode = check_monitor(settings.monitor, settings.metric_mode, labels.multi_label)
    reported_on = _reported_on(settings, rows)

    lightning.seed_everything(settings.seed, workers=True, verbose=False)
    network = new_network(
        labels, settings.size, settings.size_px, settings.weights, settings.download
    )
    task = ClassifierTask(network, labels, weights, settings.learning_rate)
    loaders = [
        _loader(used.of(rows[name]), wanted[rows[name]], network.size_px, settings, name == "train")
        for name in ("train", "val")
    ]
    with _folder_written(out):
        _fit(task, loaders, out, settings, mode)
    save_classifier(network, out)
    write_csv(out / SPLIT_FILE, ["file", "split"], zip(used.files, used.split, strict=True))
    classifier = Classifier(network)
    predictions, skipped = predict(classifier, used.of(rows[reported_on]))
    report = write_report(out, predictions, settings.report_prefix)
    pictures = {name: int(chosen.sum()) for name, chosen in rows.items()}
    return TrainedClassifier(classifier, pictures, reported_on, report, skipped)


def _check_count(labels: Labels, settings: ClassifierSettings) -> None:
    count = len(labels.classes)
    if settings.num_classes not in (None, count):
        raise OptionError(
            f"{settings.num_classes} classes were expected, but the data have {count}: "
            f"{', '.join(labels.classes)}; give this number or other label columns"
        )


def _reported_on(settings: ClassifierSettings, rows: dict[str, Mask]) -> str:
    chosen = settings.report_on or ("test" if rows["test"].any() else "val")
    for name in ("train", "val", chosen):
        if name not in rows or not rows[name].any():
            raise InputError(f"no picture with a known label has the split {name!r}; add some")
    return chosen


def _loader(
    table: Table, wanted: Values, size_px: int, settings: ClassifierSettings, fit: bool
) -> DataLoader[Sample]:
    return DataLoader(
        LabelledPictures(table, wanted, size_px, varied=fit), settings.batch_size, shuffle=fit,
        num_workers=settings.num_workers, persistent_workers=settings.num_workers > 0,
    )  # fmt: skip


def _fit(
    task: ClassifierTask,
    loaders: list[DataLoader[Sample]],
    out: Path,
    settings: ClassifierSettings,
    mode: str,
) -> None:
    """Train and leave the best weights in the task's network, on the device it was trained on."""
    models = out / "models"
    keeper = Keeper(
        models, f"{{epoch}}-{{{settings.monitor}:.6f}}", settings.monitor, mode=mode,
        save_top_k=settings.save_top_k or -1, save_last=True, enable_version_counter=False,
    )  # fmt: skip
    callbacks: list[Callback] = [keeper, EpochLines()]
    if settings.early_stop_n:
        callbacks.append(EarlyStopping(settings.monitor, patience=settings.early_stop_n, mode=mode))
    last = models / "last.ckpt"
    resumed = str(last) if last.exists() else None
    if resumed:
        _load(task, last)  # refuses another run's before Lightning starts
    with quiet():
        trainer = _trainer(settings, out, callbacks)
        trainer.fit(task, loaders[0], loaders[1], ckpt_path=resumed, weights_only=True)
    if not keeper.best_model_path:
        raise OptionError(f"{out}: its run is over and had another monitor; give more epochs")
    if keeper.best_model_score is None or not math.isfinite(keeper.best_model_score):
        raise OptionError(
            f"learning rate {settings.learning_rate}: {settings.monitor} is no number; give a "
            f"lower one and another folder than {out}"
        )
    _load(task, Path(keeper.best_model_path))
    task.network.to(trainer.strategy.root_device)


def _trainer(
    settings: ClassifierSettings, out: Path, callbacks: list[Callback]
) -> lightning.Trainer:
    accelerator: str = settings.accelerator
    devices: int | list[int] = 1
    if settings.gpu is not None:
        cuda = settings.gpu >= 0 and torch.cuda.is_available()
        accelerator, devices = ("cuda", [settings.gpu]) if cuda else ("cpu", 1)
    try:
        return lightning.Trainer(
            accelerator=accelerator, devices=devices,
            callbacks=callbacks, logger=TensorBoardLogger(out / "logs", name="", version=""),
            max_epochs=settings.n_epochs, num_sanity_val_steps=0, log_every_n_steps=1,
            enable_model_summary=False, enable_progress_bar=sys.stderr.isatty(),
        )  # fmt: skip
    except (MisconfigurationException, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise OptionError(f"no such device: {reason}; try the accelerator cpu") from error


def _load(task: ClassifierTask, checkpoint: Path) -> None:
    try:
        content = torch.load(checkpoint, map_location="cpu", weights_only=True)
        if content["labels"] != asdict(task.labels):
            raise ModelError(
                f"{checkpoint}: a run with the classes {', '.join(content['labels']['classes'])}; "
                "name another folder"
            )
        task.load_state_dict(content["state_dict"])
    except ModelError:
        raise
    except Exception as error:  # torch raises many kinds on a wrong file
        raise ModelError(
            f"{checkpoint}: not a checkpoint of this network; name another folder, or give the "
            "size that its run had"
        ) from error


@contextmanager
def _folder_written(out: Path) -> Iterator[None]:
    try:
        out.mkdir(parents=True, exist_ok=True)
        yield
    except UnreadableError as error:
        raise InputError(reason_of(error)) from error
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({error}); choose another place") from error
