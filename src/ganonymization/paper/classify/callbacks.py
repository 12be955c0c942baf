"""How Lightning behaves in a classifier's training: what it says, and where checkpoints lie."""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback, ModelCheckpoint


@contextmanager
def quiet() -> Iterator[None]:
    """Without Lightning's notes on devices, workers and what else it sells."""
    loggers = [logging.getLogger(f"lightning.{name}") for name in ("pytorch", "fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


class EpochLines(Callback):
    """A line an epoch."""

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Print what was logged."""
        numbers = {name: float(value) for name, value in trainer.callback_metrics.items()}
        line = ", ".join(f"{name} {value:.4f}" for name, value in sorted(numbers.items()))
        print(f"epoch {trainer.current_epoch}: {line}", file=sys.stderr)


class Keeper(ModelCheckpoint):
    """Finds its checkpoints again where their folder was moved."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what a checkpoint knows of the others."""

        def here(path: str) -> str:
            return str(Path(self.dirpath or "") / Path(path).name) if path else path

        moved = {
            name: here(value) for name, value in state_dict.items() if name.endswith("model_path")
        }
        kept = {here(path): score for path, score in state_dict["best_k_models"].items()}
        known = {"dirpath": self.dirpath, "best_k_models": kept}
        super().load_state_dict(state_dict | moved | known)
