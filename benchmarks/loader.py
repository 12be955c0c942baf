"""Samples a second of the training loader alone, beside what a training step takes.

python benchmarks/loader.py PREPARED [--workers 2] [--seconds 20]
"""

import argparse
import dataclasses
import sys
import time
from pathlib import Path

from torch.utils.data import DataLoader

from ganonymization.training.config import read_config
from ganonymization.training.data import Batches, PreparedFaces
from ganonymization.training.train import rehearse


def main() -> None:
    """Print one line per stage of the default settings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prepared", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=20.0)
    arguments = parser.parse_args()
    settings = Path(__file__).parents[1] / "configs" / "default.toml"
    config = dataclasses.replace(read_config(settings), data=(str(arguments.prepared),))
    for stage, step_s in rehearse(config):
        faces = PreparedFaces(
            [arguments.prepared], stage.size_px, config.portrait_share, config.jitter_eyes, 0
        )
        batches = Batches(0, sys.maxsize, stage.batch)
        loader = iter(DataLoader(faces, batch_sampler=batches, num_workers=arguments.workers))
        next(loader)
        count, start = 0, time.monotonic()
        while time.monotonic() - start < arguments.seconds:
            next(loader)
            count += stage.batch
        rate = count / (time.monotonic() - start)
        step = stage.batch / step_s
        print(
            f"{stage.size_px} px: loader with {arguments.workers} workers {rate:.0f} images/s, "
            f"step {step:.1f} images/s, ratio {rate / step:.1f}"
        )


if __name__ == "__main__":
    main()
