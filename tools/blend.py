"""A generator between an exported one and what a run made of it.

    python tools/blend.py RUN/checkpoint.pt EXPORTED SHARE OUT.pt

Weights are averaged: SHARE of the run's, the rest of the exported one's, from which the run must
have started. Such a mean often keeps what training on gained and less of what it lost (Wortsman et
al., "Robust fine-tuning of zero-shot models", CVPR 2022). Export OUT.pt as any checkpoint.
"""

import argparse
from pathlib import Path

import torch

from ganonymization.training.from_onnx import load_exported
from ganonymization.training.networks import Generator


def main() -> None:
    """Mix and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("exported")
    parser.add_argument("share", type=float)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    state = torch.load(arguments.checkpoint, weights_only=True, map_location="cpu")
    start = Generator()
    load_exported(start, arguments.exported)
    for name, before in start.state_dict().items():
        after = state["nets"][f"average.{name}"]
        state["nets"][f"average.{name}"] = torch.lerp(before, after, arguments.share)
    torch.save(state, arguments.out)


if __name__ == "__main__":
    main()
