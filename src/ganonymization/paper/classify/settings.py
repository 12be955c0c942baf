"""How a classifier is trained."""

from dataclasses import dataclass
from pathlib import Path

from ...errors import OptionError


@dataclass(frozen=True)
class ClassifierSettings:
    """How a classifier is trained.

    Attributes:
        columns: Label columns; empty for what :func:`targets_of` chooses.
        num_classes: What the caller expects, or None.
        size: One of ``classifier.SIZES``.
        size_px: Side of the pictures; None for the size's usual one.
        weights: A folder of weights to start from, or None.
        download: Weights of the Hugging Face hub to start from, or None.
        learning_rate: AdamW's at first; a tenth after four epochs without a lower loss.
        batch_size: Pictures a step.
        n_epochs: At most.
        monitor: ``val_loss``, or ``val_top_1_acc`` and ``val_top_5_acc``, or with several columns
            ``val_accuracy``: what the best checkpoint is best at.
        metric_mode: ``"min"`` or ``"max"`` of it; None for the one that is better.
        save_top_k: How many checkpoints are kept; 0 keeps all.
        early_stop_n: Epochs without a better ``monitor`` that end the run; 0 for none.
        num_workers: Processes that load pictures.
        accelerator: ``"cpu"``, ``"cuda"`` or ``"auto"``.
        gpu: Number of a GPU in place of ``accelerator``; -1 for the processor, which is also taken
            where there is no GPU. None for what ``accelerator`` says.
        seed: Of weights, order and variation, and of the split.
        report_on: The split for the report; None for ``test`` or, where there is none, ``val``.
        report_prefix: Of the report's file names.
    """

    columns: tuple[str, ...] = ()
    num_classes: int | None = None
    size: str = "femto"
    size_px: int | None = None
    weights: Path | None = None
    download: str | None = None
    learning_rate: float = 0.001
    batch_size: int = 32
    n_epochs: int = 40
    monitor: str = "val_loss"
    metric_mode: str | None = None
    save_top_k: int = 1
    early_stop_n: int = 8
    num_workers: int = 2
    accelerator: str = "auto"
    gpu: int | None = None
    seed: int = 42
    report_on: str | None = None
    report_prefix: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.learning_rate < 1:
            raise OptionError(f"learning rate {self.learning_rate}: give one between 0 and 1")
        if self.batch_size < 1 or self.n_epochs < 1:
            raise OptionError("the batch size and the number of epochs start at 1")
        if min(self.save_top_k, self.early_stop_n, self.num_workers) < 0:
            raise OptionError("checkpoints to keep, epochs to wait and workers start at 0")
