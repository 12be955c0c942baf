"""Trains the reader of surroundings: apparent age, sex, skin and its tone from all but the face.

python -m ganonymization.training.refine.surroundings PREPARED INDEX OUT.onnx

INDEX has the columns file, sex (f, female, m or male) and age_estimate, each empty where nobody
said. A fifth of the pictures is held out for the figures that are printed.
"""

import argparse
import csv
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from ...donors.surroundings import SIZE_PX, YEARS_SCALE, lab_of, surroundings
from ...geometry.skin import skin_lab
from ...io.files import atomic_path
from ...types import Image, Values
from ..augment import jittered_wall, other_skin, recoloured
from ..data import Shards
from ..export import halve_weights

_WIDTHS = (24, 48, 96, 128)
_TONE_WIDTHS, _CELL_PX, _NEVER = (16, 32), 4, -1e4
_PLACED = 24  # channels that know where something lies: a neck is below
_CROP_PX = 128
_HELD_OUT = 5  # one of so many
_BATCH, _STEPS, _RATE = 64, 5000, 1e-3
_YEARS_WEIGHT, _TONE_WEIGHT = 20.0, 20.0
_OTHER_SKIN_SHARE = 0.5  # else hair tells the skin
_VIEWS = 10  # of each face, made beforehand


class ToneNetwork(nn.Module):
    """Where skin is seen: (N, 4, 64, 64) to the RGB of its tone, (N, 3) from 0 to 1.

    A mean of visible colours, weighted by what the layers hold for skin, times a gain for each
    channel that is the same in all pictures: cheeks are lit better than what is beside them. So it
    stays near a colour that is there, however strange the picture.
    """

    def __init__(self) -> None:
        super().__init__()
        first, then = _TONE_WIDTHS
        self.held = nn.Sequential(
            nn.Conv2d(4, first, 3, 2, 1), nn.BatchNorm2d(first), nn.ReLU(),
            nn.Conv2d(first, then, 3, 2, 1), nn.BatchNorm2d(then), nn.ReLU(),
            nn.Conv2d(then, then, 3, padding=2, dilation=2), nn.ReLU(),
            nn.Conv2d(then, then, 3, padding=4, dilation=4), nn.ReLU(),
            nn.Conv2d(then, 1, 1),
        )  # fmt: skip
        self.usual = nn.Parameter(torch.zeros(1, 1, SIZE_PX // _CELL_PX, SIZE_PX // _CELL_PX))
        self.gain = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 4, 64, 64) to (N, 3)."""
        visible = 1 - x[:, 3:]
        share = F.avg_pool2d(visible, _CELL_PX)
        colours = F.avg_pool2d((x[:, :3] + 1) / 2 * visible, _CELL_PX) / share.clamp(min=0.05)
        held = self.held(x) + self.usual
        held = torch.where(share > 0, held, torch.full_like(held, _NEVER))
        weights = F.softmax(held.flatten(2), 2)
        return (colours.flatten(2) * weights).sum(2) * self.gain


class SurroundingsNetwork(nn.Module):
    """Four layers of (N, 4, 64, 64) to kind and tone, the numbers of ``donors.surroundings``."""

    def __init__(self) -> None:
        super().__init__()
        channels = (4, *_WIDTHS)
        self.layers = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(a, b, 3, 2, 1), nn.BatchNorm2d(b), nn.ReLU())
                for a, b in pairwise(channels)
            )
        )
        self.places = nn.Conv2d(_WIDTHS[-1], _PLACED, 1)
        side = SIZE_PX >> len(_WIDTHS)
        self.out = nn.Linear(_WIDTHS[-1] * 2 + _PLACED * side**2, 2)
        nn.init.constant_(self.out.bias, 0.35)
        self.tone = ToneNetwork()

    def forward(self, x: Tensor) -> Tensor:
        """(N, 4, 64, 64) to (N, 5)."""
        h = self.layers(x)
        places = F.relu(self.places(h)).flatten(1)
        pooled = torch.cat([h.mean((2, 3)), h.amax((2, 3)), places], 1)
        if self.training:
            pooled = F.dropout(pooled, 0.3)
        return torch.cat([self.out(pooled), self.tone(x)], 1)


def labels(index: Path, names: list[str]) -> NDArray[np.float32]:
    """(N, 2): 1 for a woman, 0 for a man; years in hundreds.

    NaN where nobody said.
    """
    rows = {row["file"]: row for row in csv.DictReader(index.read_text().splitlines())}
    found = []
    for name in names:
        row = rows.get(name, {})
        sex = {"f": 1.0, "m": 0.0}.get(row.get("sex", "")[:1], np.nan)
        age = float(row.get("age_estimate") or np.nan)
        found.append((sex, age / YEARS_SCALE))
    return np.array(found, np.float32)


def views(
    shards: Shards, faces: NDArray[np.intp], rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """What the network sees of faces, moved, recoloured and behind walls of many sizes.

    Returns:
        (N, 4, 64, 64) float16; the tone of the skin behind the wall, (N, 3) RGB from 0 to 1.
    """
    seen, tones = [], []
    for face in faces:
        crop, points = shards.moved(int(face), rng, _CROP_PX)
        hidden = jittered_wall(points, rng).radius_map(_CROP_PX) <= 1 + rng.uniform(0, 0.15)
        colour = np.ascontiguousarray(crop[..., :3])
        if rng.random() < _OTHER_SKIN_SHARE:
            colour = other_skin(colour, points, rng.uniform(28, 88))
        colour = recoloured(colour, rng)
        tones.append(skin_rgb(colour, points))
        seen.append(surroundings((colour * ~hidden[..., None]).astype(np.uint8), hidden))
    x = torch.from_numpy(np.stack(seen).astype(np.float16))
    return x, torch.from_numpy(np.stack(tones).astype(np.float32))


def loss_of(found: Tensor, wanted: Tensor) -> Tensor:
    """Cross entropy of the sex and absolute errors of the others, where they are known."""
    sexed, aged = ~wanted[:, 0].isnan(), ~wanted[:, 1].isnan()
    sex = F.binary_cross_entropy_with_logits(found[sexed, 0], wanted[sexed, 0])
    years = (found[aged, 1] - wanted[aged, 1]).abs().mean()
    tone = (found[:, 2:] - wanted[:, 2:]).abs().mean()
    return sex + _YEARS_WEIGHT * years + _TONE_WEIGHT * tone


def train(prepared: Path, index: Path, out: Path) -> dict[str, float]:
    """Train, write the network and tell how right it is on faces that were held out."""
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    shards = Shards([prepared])
    names = (prepared / "files.txt").read_text().splitlines()
    wanted = labels(index, names)
    known = np.nonzero(~np.isnan(wanted).all(1) & ~shards.grey)[0]
    apart = known % _HELD_OUT == 0
    taught = np.repeat(known[~apart], _VIEWS)
    x, tones = views(shards, taught, rng)
    y = torch.cat([torch.from_numpy(wanted[taught]), tones], 1)
    network = SurroundingsNetwork()
    optimizer = torch.optim.AdamW(network.parameters(), _RATE, weight_decay=0.2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, _STEPS)
    for _ in range(_STEPS):
        batch = torch.from_numpy(rng.integers(len(x), size=_BATCH))
        loss = loss_of(network(x[batch].float()), y[batch])
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
    network.eval()
    _export(network, out)
    with torch.inference_mode():
        x, tones = views(shards, known[apart], rng)
        found = network(x.float())
    right = torch.from_numpy(wanted[known[apart]])
    sexed, aged = ~right[:, 0].isnan(), ~right[:, 1].isnan()
    years = YEARS_SCALE * right[aged, 1]
    gaps = torch.from_numpy(lab_of(found[:, 2:].numpy()) - lab_of(tones.numpy()))
    light, red, yellow = gaps.abs().mean(0).tolist()
    return {
        "sex_right": float(((found[sexed, 0] > 0) == (right[sexed, 0] > 0.5)).float().mean()),
        "years_error": float((YEARS_SCALE * found[aged, 1] - years).abs().mean()),
        "years_error_of_the_median": float((years - years.median()).abs().mean()),
        "tone_error_l": light,
        "tone_error_a": red,
        "tone_error_b": yellow,
        "tone_delta_median": float(gaps.norm(dim=1).median()),
    }


def skin_rgb(picture: Image, points: Values) -> NDArray[np.float32]:
    """The tone of cheeks, forehead and chin as RGB from 0 to 1, (3,)."""
    lab = skin_lab(picture, points)[None, None]
    return np.asarray(np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)[0, 0], 0, 1), np.float32)


def _export(network: nn.Module, out: Path) -> None:
    example = torch.zeros(1, 4, SIZE_PX, SIZE_PX)
    with atomic_path(out, ".onnx") as temporary:
        torch.onnx.export(
            network, (example,), str(temporary), dynamo=False, opset_version=17,
            input_names=["surroundings"], output_names=["found"],
            dynamic_axes={"surroundings": {0: "n"}, "found": {0: "n"}},
        )  # fmt: skip
        model = onnx.load(str(temporary))
        halve_weights(model)
        onnx.checker.check_model(model)
        onnx.save(model, str(temporary))


def main() -> None:
    """Parse the command line, train, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prepared", type=Path)
    parser.add_argument("index", type=Path)
    parser.add_argument("out", type=Path)
    a = parser.parse_args()
    print(train(a.prepared, a.index, a.out))


if __name__ == "__main__":
    main()
