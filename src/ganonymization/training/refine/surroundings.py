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
from ...geometry.skin import SPREAD_LAB, skin_lab
from ...io.files import atomic_path
from ...surrogate.shape_model import ShapeModel
from ...types import Image, Values
from ..augment import boxed_wall, other_skin, recoloured
from ..data import Shards
from ..export import halve_weights

_WIDTHS = (24, 48, 96, 128)
_TONE_WIDTHS, _CELL_PX = (16, 32), 2
_ALIKE = 0.6  # of a person's usual spread of colours: what is nearer to the cheeks' is skin
_PLACED = 24  # channels that know where something lies: a neck is below
_CROP_PX = 128
_HELD_OUT = 5  # one of so many
_BATCH, _STEPS, _RATE = 64, 5000, 1e-3
_YEARS_WEIGHT, _TONE_WEIGHT, _SKIN_WEIGHT = 20.0, 20.0, 3.0
_SEEN_SKIN = 0.01  # of the picture, that is enough to tell the tone
_ELSEWHERE_SHARE = 0.4  # before another picture: most were taken before a plain wall
_OTHER_SKIN_SHARE = 0.5  # else hair tells the skin
_VIEWS = 10  # of each face, made beforehand


class ToneNetwork(nn.Module):
    """Where skin is seen: (N, 4, 64, 64) to the RGB of its tone, and how much of it is seen.

    A mean of visible colours, weighted by how sure the layers are of skin, times a gain for each
    channel that is the same in all pictures: cheeks are lit better than what is beside them. So it
    stays near a colour that is there, however strange the picture.
    """

    def __init__(self) -> None:
        super().__init__()
        first, then = _TONE_WIDTHS
        self.fine = nn.Sequential(nn.Conv2d(4, first, 3, 2, 1), nn.BatchNorm2d(first), nn.ReLU())
        self.coarse = nn.Sequential(
            nn.Conv2d(first, then, 3, 2, 1), nn.BatchNorm2d(then), nn.ReLU(),
            nn.Conv2d(then, then, 3, padding=1), nn.BatchNorm2d(then), nn.ReLU(),
            nn.Conv2d(then, then, 3, padding=2, dilation=2), nn.BatchNorm2d(then), nn.ReLU(),
            nn.Conv2d(then, then, 3, padding=4, dilation=4), nn.BatchNorm2d(then), nn.ReLU(),
            nn.Upsample(scale_factor=2),
        )  # fmt: skip
        self.skin = nn.Sequential(
            nn.Conv2d(first + then, first, 3, padding=1), nn.ReLU(), nn.Conv2d(first, 1, 1)
        )
        cells = SIZE_PX // _CELL_PX
        self.usual = nn.Parameter(torch.full((1, 1, cells, cells), -2.0))
        self.gain = nn.Parameter(torch.ones(3))

    def logits(self, x: Tensor) -> Tensor:
        """Of skin in cells of 2 x 2, (N, 1, 32, 32)."""
        fine = self.fine(x)
        found: Tensor = self.skin(torch.cat([fine, self.coarse(fine)], 1)) + self.usual
        return found

    def forward(self, x: Tensor) -> Tensor:
        """(N, 4, 64, 64) to (N, 4), RGB from 0 to 1 and the share of the picture that is skin."""
        return self.told(x, self.logits(x))

    def told(self, x: Tensor, logits: Tensor) -> Tensor:
        """See :meth:`forward`; logits of :meth:`logits`."""
        visible = 1 - x[:, 3:]
        share = F.avg_pool2d(visible, _CELL_PX)
        colours = F.avg_pool2d((x[:, :3] + 1) / 2 * visible, _CELL_PX)
        sure = torch.sigmoid(logits)
        weights = sure**2  # of what is half skin a quarter is taken
        tone = (colours * weights).sum((2, 3)) / ((share * weights).sum((2, 3)) + 1e-3)
        return torch.cat([tone * self.gain, (weights * share).mean((2, 3))], 1)


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
        """(N, 4, 64, 64) to (N, 6)."""
        return torch.cat([self.kind(x), self.tone(x)], 1)

    def kind(self, x: Tensor) -> Tensor:
        """(N, 4, 64, 64) to (N, 2)."""
        h = self.layers(x)
        places = F.relu(self.places(h)).flatten(1)
        pooled = torch.cat([h.mean((2, 3)), h.amax((2, 3)), places], 1)
        if self.training:
            pooled = F.dropout(pooled, 0.3)
        found: Tensor = self.out(pooled)
        return found


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
) -> tuple[Tensor, Tensor, Tensor]:
    """What the network sees of faces, moved, recoloured and behind walls of many sizes.

    Returns:
        (N, 4, 64, 64) float16; the tone of the skin behind the wall, (N, 3) RGB from 0 to 1; how
        far what is seen is the person's skin, (N, 1, 32, 32) float16.
    """
    seen, tones, skins = [], [], []
    shapes = ShapeModel.load()
    for face in faces:
        crop, points = shards.moved(int(face), rng, _CROP_PX)
        held = np.concatenate([points, shapes.surrogate(points, int(rng.integers(1 << 31)))])
        hidden = boxed_wall(held, rng).radius_map(_CROP_PX) <= 1 + rng.uniform(0, 0.05)
        colour = np.ascontiguousarray(crop[..., :3])
        if rng.random() < _ELSEWHERE_SHARE:
            other, _ = shards.moved(int(rng.choice(faces)), rng, _CROP_PX)
            behind = np.rot90(other[..., :3], int(rng.integers(1, 4)))
            head = crop[..., 3:4] / np.float32(255)
            colour = np.round(head * colour + (1 - head) * behind).astype(np.uint8)
        if rng.random() < _OTHER_SKIN_SHARE:
            colour = other_skin(colour, points, rng.uniform(28, 88))
        alike = _alike(colour, points) * (crop[..., 3] / np.float32(255)) * ~hidden
        cells = (SIZE_PX // _CELL_PX,) * 2
        skins.append(cv2.resize(alike, cells, interpolation=cv2.INTER_AREA)[None])
        colour = recoloured(colour, rng)
        tones.append(skin_rgb(colour, points))
        seen.append(surroundings((colour * ~hidden[..., None]).astype(np.uint8), hidden))
    x, skin = (torch.from_numpy(np.stack(of).astype(np.float16)) for of in (seen, skins))
    return x, torch.from_numpy(np.stack(tones).astype(np.float32)), skin


def _alike(picture: Image, points: Values) -> NDArray[np.float32]:
    """How much each pixel has the colour of cheeks, forehead and chin, (S, S) from 0 to 1."""
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    off = (lab - skin_lab(picture, points)) / (_ALIKE * SPREAD_LAB)
    return np.asarray(np.exp(-(off**2).sum(2) / 2), np.float32)


def kind_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """Cross entropy of the sex and absolute error of the years, where they are known."""
    sexed, aged = ~wanted[:, 0].isnan(), ~wanted[:, 1].isnan()
    sex = F.binary_cross_entropy_with_logits(found[sexed, 0], wanted[sexed, 0])
    return sex + _YEARS_WEIGHT * (found[aged, 1] - wanted[aged, 1]).abs().mean()


def tone_loss(network: ToneNetwork, x: Tensor, wanted: Tensor, skin: Tensor) -> Tensor:
    """Cross entropy of what is skin where something is seen, and the tone where skin is seen."""
    logits, visible = network.logits(x), F.avg_pool2d(1 - x[:, 3:], _CELL_PX)
    told = network.told(x, logits)
    share = (skin / visible.clamp(min=1e-3)).clamp(0, 1)
    found = F.binary_cross_entropy_with_logits(logits, share, visible)
    enough = (skin.mean((1, 2, 3)) / _SEEN_SKIN).clamp(max=1)
    off = (told[:, :3] - wanted).abs().mean(1)
    return _SKIN_WEIGHT * found + _TONE_WEIGHT * (off * enough).mean()


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
    x, tones, skin = views(shards, taught, rng)
    y = torch.from_numpy(wanted[taught])
    network = SurroundingsNetwork()
    optimizer = torch.optim.AdamW(network.parameters(), _RATE, weight_decay=0.2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, _STEPS)
    for _ in range(_STEPS):
        batch = torch.from_numpy(rng.integers(len(x), size=_BATCH))
        seen = x[batch].float()
        loss = kind_loss(network.kind(seen), y[batch])
        loss = loss + tone_loss(network.tone, seen, tones[batch], skin[batch].float())
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
    network.eval()
    _export(network, out)
    with torch.inference_mode():
        x, tones, skin = views(shards, known[apart], rng)
        found = network(x.float())
    right = torch.from_numpy(wanted[known[apart]])
    sexed, aged = ~right[:, 0].isnan(), ~right[:, 1].isnan()
    years = YEARS_SCALE * right[aged, 1]
    gaps = torch.from_numpy(lab_of(found[:, 2:5].numpy()) - lab_of(tones.numpy()))
    gaps = gaps[skin.float().mean((1, 2, 3)) > _SEEN_SKIN]
    light, red, yellow = gaps.abs().mean(0).tolist()
    return {
        "sex_right": float(((found[sexed, 0] > 0) == (right[sexed, 0] > 0.5)).float().mean()),
        "years_error": float((YEARS_SCALE * found[aged, 1] - years).abs().mean()),
        "years_error_of_the_median": float((years - years.median()).abs().mean()),
        "tone_error_l": light,
        "tone_error_a": red,
        "tone_error_b": yellow,
        "tone_delta_median": float(gaps.norm(dim=1).median()),
        "skin_seen": len(gaps) / len(found),
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
