"""The refiner's training loop: on one device, for so many minutes, and on from where it stopped.

python -m ganonymization.training.refine.loop RUN --data PREPARED --minutes 60
"""

import argparse
import json
import os
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, default_collate

from ..data import Batches
from .losses import Batch, Networks, discriminator_loss, refiner_loss, unpack
from .network import compose
from .samples import RefinerFaces

_ADAM = (0.5, 0.99)
_HEAD_START_STEPS = 150  # style encoder and new layers learn alone first
_AVERAGE_SAMPLES = 3000
_RATE_OF_DISCRIMINATOR = 2  # times the refiner's
_KEEP_EVERY_S, _SHEET_EVERY_S = 300, 420
_SHEET_FIRST = 1 << 40  # beyond any sample of a run
_SHEET_ROWS = 8
_ENDLESS = 1 << 40  # samples; the time limit ends a run
_NEW = ("texture_stem", "to_opacity", "style", "reading")


class Run:
    """Networks, optimizers, and how far they are.

    Args:
        folder: Holds ``checkpoint.pt``, ``metrics.jsonl`` and ``sheet.png``; made.
        device: Torch's name.
        learning_rate: Of the refiner.
        start_from: What :meth:`Networks.compact` gave an earlier run, as a file; or None.
        bfloat16: Compute in it: twice as fast on processors that can. CUDA devices always do.
    """

    def __init__(
        self, folder: Path, device: str = "cpu", learning_rate: float = 2e-4,
        start_from: Path | None = None, bfloat16: bool = False,
    ) -> None:  # fmt: skip
        self.folder, self.device, self.step = folder, torch.device(device), 0
        self.bfloat16 = bfloat16 or self.device.type == "cuda"
        torch.manual_seed(0)
        nets = Networks().to(self.device)
        self.nets = nets.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer_g = torch.optim.Adam(nets.painters(), learning_rate, _ADAM)
        self.optimizer_d = torch.optim.Adam(
            nets.discriminator.parameters(), _RATE_OF_DISCRIMINATOR * learning_rate, _ADAM
        )
        folder.mkdir(parents=True, exist_ok=True)
        self.young = start_from is None
        if start_from is not None:
            nets.load_compact(torch.load(start_from, map_location=self.device))
        if (folder / "checkpoint.pt").exists():
            state = torch.load(folder / "checkpoint.pt", map_location=self.device)
            self.nets.load_state_dict(state["nets"])
            self.optimizer_g.load_state_dict(state["optimizer_g"])
            self.optimizer_d.load_state_dict(state["optimizer_d"])
            self.step = state["step"]
            self.optimizer_g.param_groups[0]["lr"] = learning_rate  # a later one may differ
            self.optimizer_d.param_groups[0]["lr"] = _RATE_OF_DISCRIMINATOR * learning_rate

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        state = {
            "nets": self.nets.state_dict(), "optimizer_g": self.optimizer_g.state_dict(),
            "optimizer_d": self.optimizer_d.state_dict(), "step": self.step,
        }  # fmt: skip
        torch.save(state, self.folder / "checkpoint.part")
        os.replace(self.folder / "checkpoint.part", self.folder / "checkpoint.pt")

    def learn(self, batch: Batch, weight_gan: float) -> dict[str, float]:
        """One step of both networks."""
        nets = self.nets
        x = unpack({name: layer.to(self.device) for name, layer in batch.items()})
        if self.step == 0 and self.young:
            nets.features.calibrate(x["picture"])
        nets.discriminator.requires_grad_(False)
        half = torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16)
        with half:
            loss, judged, parts = refiner_loss(nets, x, weight_gan)
        self.optimizer_g.zero_grad()
        torch.autograd.backward(loss)
        if self.young and self.step < _HEAD_START_STEPS:
            for name, parameter in nets.refiner.named_parameters():
                if not name.startswith(_NEW):
                    parameter.grad = None
        self.optimizer_g.step()
        nets.discriminator.requires_grad_(True)
        with half:
            loss_d = discriminator_loss(nets, judged, x["reading"])
        self.optimizer_d.zero_grad()
        torch.autograd.backward(loss_d)
        self.optimizer_d.step()
        nets.follow(len(x["picture"]), self.step, _AVERAGE_SAMPLES)
        self.step += 1
        return {name: float(part) for name, part in parts.items()} | {"d": float(loss_d.detach())}

    @torch.no_grad()
    def draw_sheet(self, fixed: Batch) -> None:
        """Fixed faces: picture, texture, composed, drawn alone, opacity."""
        x = unpack({name: layer.to(self.device) for name, layer in fixed.items()})
        mean, _ = self.nets.encoder(x["style_of"])
        rgb, share = self.nets.average(x["input"], mean, x["reading"])
        drawn = compose(rgb, share, x["texture"], x["cover"])
        composed = drawn * x["opacity"] + x["picture"] * (1 - x["opacity"])
        side = x["picture"].shape[-2:]
        columns = [
            x["picture"], x["toned"] * (x["cover"] > 0), composed, rgb,
            (F.interpolate(share, side) * x["cover"] * 2 - 1).expand(-1, 3, -1, -1),
        ]  # fmt: skip
        rows = torch.cat([_strip(column) for column in columns], 2)
        pixels = ((rows.clamp(-1, 1) + 1) * 127.5).byte().permute(1, 2, 0).cpu().numpy()
        cv2.imwrite(str(self.folder / "sheet.png"), np.ascontiguousarray(pixels[..., ::-1]))


@torch.no_grad()
def held_out_losses(run: Run, faces: RefinerFaces, count: int = 32) -> dict[str, float]:
    """The parts of the loss on fixed faces that are never trained on."""
    batches = [
        default_collate([faces[_SHEET_FIRST + i] for i in range(first, first + _SHEET_ROWS)])
        for first in range(0, count, _SHEET_ROWS)
    ]
    torch.manual_seed(0)
    found = []
    for batch in batches:
        x = unpack({name: layer.to(run.device) for name, layer in batch.items()})
        found.append(refiner_loss(run.nets, x, 0.0)[2])
    return {name: float(sum(part[name] for part in found)) / len(found) for name in found[0]}


def _strip(pictures: Tensor) -> Tensor:
    return torch.cat(list(pictures), 1)


def train(
    run: Run, faces: RefinerFaces, shown: RefinerFaces, minutes: float, batch: int, workers: int,
    weight_gan: float = 2.0,
) -> None:  # fmt: skip
    """Train for so long, writing checkpoint, metrics and sheet as it goes.

    Args:
        run: The run.
        faces: Trained on.
        shown: Shown on the sheet.
        minutes: How long.
        batch: Samples a step.
        workers: Processes that make samples.
        weight_gan: Of the discriminators' verdict.
    """
    fixed = default_collate([shown[_SHEET_FIRST + i] for i in range(_SHEET_ROWS)])
    loader = DataLoader(
        faces, batch_sampler=Batches(run.step * batch, _ENDLESS, batch), num_workers=workers,
        prefetch_factor=4 if workers else None, pin_memory=run.device.type == "cuda",
    )  # fmt: skip
    started = kept = sheet = time.monotonic()
    first = run.step
    for samples in loader:
        parts = run.learn(samples, weight_gan)
        now = time.monotonic()
        if run.step % 25 == 0:
            speed = (run.step - first) * batch / (now - started)
            told = {name: round(value, 4) for name, value in parts.items()}
            with (run.folder / "metrics.jsonl").open("a") as file:
                file.write(json.dumps({"step": run.step, "per_s": round(speed, 2)} | told) + "\n")
        if now - sheet > _SHEET_EVERY_S or run.step in (1, 50):
            run.draw_sheet(fixed)
            sheet = now
        if now - kept > _KEEP_EVERY_S:
            run.save()
            kept = now
        if now - started > minutes * 60:
            break
    run.save()
    run.draw_sheet(fixed)


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--shown", type=Path, help="prepared folder for the sheet")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bfloat16", action="store_true", help="faster where processors can")
    parser.add_argument("--seed", type=int, default=0, help="of the samples: another for each run")
    parser.add_argument("--start-from", type=Path, help="a compact state of an earlier run")
    parser.add_argument("--compact", type=Path, help="write the run's compact state and end")
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    run = Run(a.run, a.device, a.rate, a.start_from, a.bfloat16)
    if a.compact is not None:
        torch.save(run.nets.compact(), a.compact)
        return
    faces = RefinerFaces(a.data, a.size, 0.25, seed=a.seed)
    shown = RefinerFaces([a.shown or a.data[0]], a.size, 0.25, seed=1, held_out=a.shown is None)
    train(run, faces, shown, a.minutes, a.batch, a.workers)


if __name__ == "__main__":
    main()
