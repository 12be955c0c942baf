"""A refiner of fewer channels: cut out of a trained one, then taught to draw what that one draws.

python -m ganonymization.training.refine.slim STATE RUN --data PREPARED --minutes 60

Within a face only light and tone are the refiner's, the rest is the texture's, so much of a large
one's work is thrown away. Channels stay by the product of the norms of what makes them and of what
reads them (Li et al., "Pruning Filters for Efficient ConvNets", ICLR 2017, have the former, as L1
norms); what the large one draws is the target (Hinton et al., "Distilling the Knowledge in a Neural
Network", 2015), as it looks once it wears the texture.
"""

import argparse
import json
import math
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from ..data import Batches
from ..networks import STYLE_SIZE, StyledBlock, StyleEncoder
from .losses import Batch, unpack
from .network import Refiner, compose
from .samples import RefinerFaces

WIDTHS, TAIL = (40, 56, 96, 160), 24
_RATE, _LAST_RATE, _ADAM = 1e-3, 1e-4, (0.9, 0.99)
_MEMORY_STEPS = 150.0
_EDGES, _OPACITY, _RGB = 2.0, 0.5, 0.5  # of the loss
_KEEP_EVERY_S = 300
_ENDLESS = 1 << 40
_STYLE_NOISE = 0.3


@dataclass
class Cut:
    """Which channels of a layer stay: of its output, and of its input (None: all)."""

    out: Tensor | None
    into: Tensor | None

    def apply(self, small: nn.Module, large: nn.Module) -> None:
        """Copy what stays."""
        for name in ("weight", "bias"):
            kept = getattr(large, name)
            if kept is None:
                continue
            if self.out is not None:
                kept = kept[self.out]
            if self.into is not None and name == "weight":
                kept = kept[:, self.into]
            getattr(small, name).data.copy_(kept)


def slimmed(large: Refiner, widths: tuple[int, ...] = WIDTHS, tail: int = TAIL) -> Refiner:
    """A refiner of fewer channels with the weights of a larger one's most important.

    Args:
        large: Is left as it is.
        widths: At 1/4, 1/8, 1/16 and 1/32 of the picture's side, at most the larger one's.
        tail: At 1/2, likewise.
    """
    small = Refiner(widths, tail)
    small.style.load_state_dict(large.style.state_dict())
    small.reading.load_state_dict(large.reading.state_dict())
    levels = range(len(widths))
    encoder, decoder = _blocks(large.encoder), _blocks(large.decoder)
    middle, last = large.middle, len(widths) - 1

    def reads_skip(i: int) -> list[Tensor]:
        """What reads level i of the encoder beside its own block."""
        if i == last:
            return [middle.first.weight, _weight(large.up[last - 1])]
        skip = slice(large.widths[i], None)
        return [_weight(large.down[i]), *(w[:, skip] for w in _inputs(decoder[i]))]

    made = [[large.stem.weight, large.texture_stem.weight, encoder[0].second.weight]]
    made += [[_weight(large.down[i - 1]), encoder[i].second.weight] for i in levels[1:]]
    made[last].append(middle.second.weight)
    streams = [_most(widths[i], made[i], [encoder[i].first.weight, *reads_skip(i)]) for i in levels]
    ups = [
        _most(widths[i], [_weight(large.up[i])],
              [w[:, : large.widths[i]] for w in _inputs(decoder[i])])
        for i in levels[:-1]
    ]  # fmt: skip
    outs = [
        _most(widths[i], [decoder[i].second.weight, _weight(decoder[i].shortcut)],
              [_weight(large.up[i - 1] if i else large.widen)])
        for i in levels[:-1]
    ]  # fmt: skip
    widen = large.widen.weight.reshape(large.tail_width, -1, *large.widen.weight.shape[2:])
    end = _most(
        tail, [widen, large.tail.second.weight],
        [large.tail.first.weight, large.to_rgb.weight, large.to_opacity.weight],
    )  # fmt: skip
    shuffled = (end[:, None] * 4 + torch.arange(4)).flatten()

    Cut(streams[0], None).apply(small.stem, large.stem)
    Cut(streams[0], None).apply(small.texture_stem, large.texture_stem)
    for i in levels:
        _cut_block(small.encoder[i], large.encoder[i], streams[i], streams[i])
    for i in levels[:-1]:
        Cut(streams[i + 1], streams[i]).apply(small.down[i], large.down[i])
        below = streams[last] if i == last - 1 else outs[i + 1]
        Cut(ups[i], below).apply(small.up[i], large.up[i])
        both = torch.cat([ups[i], streams[i] + large.widths[i]])
        _cut_block(small.decoder[i], large.decoder[i], both, outs[i])
    _cut_block(small.middle, middle, streams[last], streams[last])
    Cut(shuffled, outs[0]).apply(small.widen, large.widen)
    _cut_block(small.tail, large.tail, end, end)
    for name in ("to_rgb", "to_opacity"):
        Cut(None, end).apply(getattr(small, name), getattr(large, name))
    return small


def _blocks(modules: nn.ModuleList) -> list[StyledBlock]:
    return [block for block in modules if isinstance(block, StyledBlock)]


def _weight(layer: nn.Module) -> Tensor:
    assert isinstance(layer, nn.Conv2d)
    return layer.weight


def _inputs(block: StyledBlock) -> list[Tensor]:
    return [block.first.weight, _weight(block.shortcut)]


def _cut_block(small: nn.Module, large: nn.Module, into: Tensor, out: Tensor) -> None:
    assert isinstance(small, StyledBlock) and isinstance(large, StyledBlock)
    width = large.first.out_channels
    mid = _most(small.first.out_channels, [large.first.weight], [large.second.weight])
    Cut(mid, into).apply(small.first, large.first)
    Cut(out, mid).apply(small.second, large.second)
    Cut(torch.cat([mid, mid + width]), None).apply(small.style, large.style)
    if isinstance(large.shortcut, nn.Conv2d):
        Cut(out, into).apply(small.shortcut, large.shortcut)


def _most(count: int, made_by: Iterable[Tensor], read_by: Iterable[Tensor]) -> Tensor:
    """Numbers of the channels that matter most, ascending, (count,)."""
    makes = torch.stack([w.detach().flatten(1).norm(dim=1) for w in made_by]).sum(0)
    reads = torch.stack([w.detach().transpose(0, 1).flatten(1).norm(dim=1) for w in read_by]).sum(0)
    return torch.sort(torch.argsort(makes * reads, descending=True)[:count]).values


class Lesson:
    """A large refiner teaches a small one; a later lesson begins with what was kept of this one.

    Args:
        state: What :meth:`Networks.compact` gave, as a file.
        folder: Holds ``student.pt`` and ``metrics.jsonl``; made.
        widths: Of the small one.
        tail: Likewise.
    """

    def __init__(
        self, state: Path, folder: Path, widths: tuple[int, ...] = WIDTHS, tail: int = TAIL
    ) -> None:
        self.folder, self.step = folder, 0
        kept = torch.load(state, map_location="cpu", weights_only=True)
        self.large = Refiner.of(kept["average"]).eval().requires_grad_(False)
        self.encoder = StyleEncoder().eval().requires_grad_(False)
        self.encoder.load_state_dict({k: v.float() for k, v in kept["encoder"].items()})
        folder.mkdir(parents=True, exist_ok=True)
        self.small = slimmed(self.large, widths, tail)
        if (folder / "student.pt").exists():
            found = torch.load(folder / "student.pt", map_location="cpu", weights_only=True)
            self.small = Refiner.of(found["average"])
            self.step = int(found["step"])
        self.small = self.small.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = Refiner(self.small.widths, self.small.tail_width).requires_grad_(False)
        self.average.load_state_dict(self.small.state_dict())
        self.optimizer = torch.optim.Adam(self.small.parameters(), _RATE, _ADAM)

    def learn(self, batch: Batch) -> dict[str, float]:
        """One step."""
        x = unpack(batch)
        with torch.no_grad():
            mean, _ = self.encoder(x["style_of"])
            style = mean + _STYLE_NOISE * torch.randn(len(mean), STYLE_SIZE)
            wanted = self.large(x["input"], style, x["reading"])
        found = self.small(x["input"], style, x["reading"])
        worn = [compose(rgb, share, x["texture"], x["cover"]) for rgb, share in (found, wanted)]
        redrawn = (x["opacity"] > 0).float()
        bare = redrawn * (x["cover"] == 0)
        gap = (worn[0] - worn[1]) * redrawn
        edges = [(gap[..., 1:] - gap[..., :-1]).abs(), (gap[..., 1:, :] - gap[..., :-1, :]).abs()]
        parts = {
            "worn": gap.abs().mean() / redrawn.mean(),
            "edges": _EDGES * sum((e.mean() for e in edges), torch.zeros(())) / redrawn.mean(),
            "rgb": _RGB
            * ((found[0] - wanted[0]).abs() * bare).mean()
            / bare.mean().clamp_min(0.05),
            "opacity": _OPACITY * (found[1] - wanted[1]).abs().mean(),
        }
        self.optimizer.zero_grad()
        torch.autograd.backward(torch.stack(list(parts.values())).sum())
        self.optimizer.step()
        decay = min(math.exp(-1 / _MEMORY_STEPS), (1 + self.step) / (20 + self.step))
        for slow, fast in zip(self.average.parameters(), self.small.parameters(), strict=True):
            slow.data.lerp_(fast.data, 1 - decay)
        self.step += 1
        return {name: float(part.detach()) for name, part in parts.items()}

    def save(self) -> None:
        """Write the averaged student, in half precision, whole or not at all."""
        halves = {key: value.half() for key, value in self.average.state_dict().items()}
        torch.save({"average": halves, "step": self.step}, self.folder / "student.part")
        os.replace(self.folder / "student.part", self.folder / "student.pt")


def teach(lesson: Lesson, faces: RefinerFaces, minutes: float, batch: int, workers: int) -> None:
    """Teach for so long; the rate falls as the time goes."""
    loader = DataLoader(
        faces, batch_sampler=Batches(lesson.step * batch, _ENDLESS, batch), num_workers=workers
    )
    started = kept = time.monotonic()
    for samples in loader:
        done = min((time.monotonic() - started) / (60 * minutes), 1.0)
        rate = _LAST_RATE + (_RATE - _LAST_RATE) * (1 + math.cos(math.pi * done)) / 2
        lesson.optimizer.param_groups[0]["lr"] = rate
        parts = lesson.learn(samples)
        if lesson.step % 25 == 0:
            told = {name: round(value, 4) for name, value in parts.items()}
            with (lesson.folder / "metrics.jsonl").open("a") as file:
                file.write(json.dumps({"step": lesson.step} | told) + "\n")
        if time.monotonic() - kept > _KEEP_EVERY_S:
            lesson.save()
            kept = time.monotonic()
        if done >= 1:
            break
    lesson.save()


def main() -> None:
    """Parse the command line and teach."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("state", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0, help="of the samples: another for each run")
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    faces = RefinerFaces(a.data, 256, 0.25, seed=a.seed)
    teach(Lesson(a.state, a.run), faces, a.minutes, a.batch, a.workers)


if __name__ == "__main__":
    main()
