"""What a classifier's training minimises and what it is judged by."""

from dataclasses import asdict
from typing import Any

import lightning
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchmetrics import Metric
from torchmetrics.classification import MulticlassAccuracy, MultilabelAccuracy

from ...errors import OptionError
from ...types import Values
from .data import Sample
from .network import Labels, Network

_WEIGHT_DECAY = 0.001
_PATIENCE = 3  # epochs without a lower validation loss that the learning rate waits
_UNKNOWN = -1


class ClassifierTask(lightning.LightningModule):
    """One run's network, loss with the weights of :func:`data.balance`, (C,), and optimizer.

    It logs ``train_loss``, ``val_loss`` and, for several columns, ``val_accuracy``, else
    ``val_top_1_acc`` and ``val_top_5_acc``. Every class counts alike in these accuracies.
    """

    def __init__(
        self, network: Network, labels: Labels, weights: Values, learning_rate: float
    ) -> None:
        super().__init__()
        self.network, self.labels, self.learning_rate = network, labels, learning_rate
        self.register_buffer("weights", torch.from_numpy(weights).float(), persistent=False)
        self.judges = nn.ModuleDict(_judges(labels))

    def training_step(self, batch: Sample, _: int) -> Tensor:
        """The loss of a batch."""
        loss = self._loss(self.network(batch.pixels), batch.wanted)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(batch.wanted))
        return loss

    def validation_step(self, batch: Sample, _: int) -> None:
        """Log the loss and the accuracies of a batch."""
        logits = self.network(batch.pixels)
        loss = self._loss(logits, batch.wanted)
        self.log("val_loss", loss, batch_size=len(batch.wanted))
        if self.labels.multi_label:
            logits, wanted = logits.sigmoid(), batch.wanted.nan_to_num(_UNKNOWN).long()
        else:
            wanted = batch.wanted.argmax(1)
        for name, judge in self.judges.items():
            judge.update(logits, wanted)  # type: ignore[operator]
            self.log(name, judge, batch_size=len(batch.wanted))  # type: ignore[arg-type]

    def configure_optimizers(self) -> Any:
        """AdamW, slower where the validation loss stays."""
        optimizer = torch.optim.AdamW(
            self.network.parameters(), self.learning_rate, weight_decay=_WEIGHT_DECAY
        )
        slower = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=_PATIENCE)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": slower, "monitor": "val_loss"},
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """A checkpoint names its classes, so that no run of others goes on with it."""
        checkpoint["labels"] = asdict(self.labels)

    def _loss(self, logits: Tensor, wanted: Tensor) -> Tensor:
        weights = self.get_buffer("weights")
        return loss_of(logits, wanted, weights, self.labels.multi_label)


def loss_of(logits: Tensor, wanted: Tensor, weights: Tensor, multi_label: bool) -> Tensor:
    """The mean loss over what is known.

    Multi-label is binary cross entropy of each class, else cross entropy over the classes.

    Args:
        logits: (N, C).
        wanted: (N, C) 0, 1, or NaN for unknown; multi-class has whole rows of them.
        weights: (C,) of the classes or, for multi-label, of their presence.
        multi_label: Each class holds or not by itself.
    """
    known = ~wanted.isnan()
    if multi_label:
        each = F.binary_cross_entropy_with_logits(
            logits, wanted.nan_to_num(), pos_weight=weights, reduction="none"
        )
        return (each * known).sum() / known.sum().clamp(min=1)
    target = torch.where(known.all(1), wanted.nan_to_num().argmax(1), _UNKNOWN)
    each = F.cross_entropy(logits, target, weights, ignore_index=_UNKNOWN, reduction="none")
    total = (weights[target.clamp(min=0)] * known.all(1)).sum()
    return each.sum() / total.clamp(min=torch.finfo(total.dtype).tiny)


def check_monitor(monitor: str, mode: str | None, multi_label: bool) -> str:
    """``"min"`` for a loss and ``"max"`` for an accuracy.

    Raises:
        OptionError: Nothing of that name is logged, or the mode would keep the worst.
    """
    loss, *accuracies = _names(multi_label)
    if monitor not in (loss, *accuracies):
        raise OptionError(
            f"monitor {monitor!r}: these classes have {', '.join((loss, *accuracies))}"
        )
    better = "min" if monitor == loss else "max"
    if mode not in (None, better):
        raise OptionError(f"metric mode {mode!r} would keep the worst {monitor}; give {better}")
    return better


def _names(multi_label: bool) -> tuple[str, ...]:
    return ("val_loss", *(("val_accuracy",) if multi_label else ("val_top_1_acc", "val_top_5_acc")))


def _judges(labels: Labels) -> dict[str, Metric]:
    count, names = len(labels.classes), _names(labels.multi_label)[1:]
    if labels.multi_label:
        return {names[0]: MultilabelAccuracy(count, ignore_index=_UNKNOWN)}
    return {
        names[0]: MulticlassAccuracy(count),
        names[1]: MulticlassAccuracy(count, top_k=min(5, count)),
    }
