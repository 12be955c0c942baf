"""What one core of this machine can do at most, and how near to it each stage comes.

    python benchmarks/limits.py [--folder FOLDER] [--rounds 15]

This process is held to one core. Limits: multiply-adds a second of ONNX Runtime's convolutions, the
best of several of the kind that the generator has; bytes a second of NumPy's copy; small files a
second, each synced. Networks: multiply-adds counted in their files, and the time of a call. FOLDER
is where the small files go, the system's temporary folder if none is given. Prints Markdown.
"""

import argparse
import io
import os
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image as Pillow

from ganonymization import Anonymizer, DetectorOptions, weights
from ganonymization.cli.demo import astronaut
from ganonymization.geometry import transforms
from ganonymization.io import images
from ganonymization.landmarks.facemesh import FaceMesh

from counting import Work, counted, session  # isort: skip
from processes import machine  # isort: skip
from speed import median_ms  # isort: skip

LAYERS = 8  # so that the layout's change before and behind them counts little
SHAPES = ((32, 128), (64, 64), (128, 32), (256, 16))  # channels, side
COPIED_BYTES, FILE_BYTES, FILES = 256 << 20, 100_000, 100
DETECT_PX = 288
FACEMESH_PX = {"blazeface-near": 128, "facemesh": 192}  # what a call runs one after the other

Layer = tuple[list[onnx.NodeProto], list[onnx.TensorProto]]


def median_s(call: Callable[[], object], rounds: int) -> float:
    """Median seconds of a call; the first warms up."""
    return median_ms(call, rounds=rounds)[0] / 1e3


def convolutions(channels: int, side: int, integer: bool) -> bytes:
    """A chain of 3 x 3 convolutions, as ``ganonymize export`` writes them."""
    kind = TensorProto.UINT8 if integer else TensorProto.FLOAT
    layer = integer_layer if integer else layer_in_full
    names = ["x", *(f"y{i}" for i in range(LAYERS))]
    pairs = [layer(channels, before, after) for before, after in pairwise(names)]
    ends = [
        helper.make_tensor_value_info(name, kind, (1, channels, side, side))
        for name in (names[0], names[-1])
    ]
    graph = helper.make_graph(
        [node for nodes, _ in pairs for node in nodes], "convolutions", ends[:1], ends[1:],
        [constant for _, constants in pairs for constant in constants],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def layer_in_full(channels: int, before: str, after: str) -> Layer:
    """In single precision."""
    kernel = np.random.default_rng(0).normal(0, 0.02, (channels, channels, 3, 3))
    constants = [numpy_helper.from_array(kernel.astype(np.float32), f"{after}_kernel")]
    node = helper.make_node("Conv", [before, f"{after}_kernel"], [after], pads=[1, 1, 1, 1])
    return [node], constants


def integer_layer(channels: int, before: str, after: str) -> Layer:
    """Unsigned numbers by signed weights, packed as the exporter packs them."""
    numbers = {
        "step": np.float32(0.02),
        "zero": np.uint8(128),
        "whole": np.random.default_rng(0).integers(-64, 64, (channels, channels, 3, 3), np.int8),
        "steps": np.full(channels, 0.001, np.float32),
        "zeros": np.zeros(channels, np.int8),
    }
    constants = [numpy_helper.from_array(np.asarray(v), f"{after}_{n}") for n, v in numbers.items()]
    step, zero, whole, steps, zeros = (constant.name for constant in constants)
    source, kernel, made = (f"{after}_{name}" for name in ("source", "kernel", "made"))
    nodes = [
        helper.make_node("DequantizeLinear", [before, step, zero], [source]),
        helper.make_node("DequantizeLinear", [whole, steps, zeros], [kernel], axis=0),
        helper.make_node("Conv", [source, kernel], [made], pads=[1, 1, 1, 1]),
        helper.make_node("QuantizeLinear", [made, step, zero], [after]),
    ]
    return nodes, constants


def convolution_gmacs(channels: int, side: int, integer: bool, rounds: int) -> float:
    """Thousand millions of multiply-adds a second."""
    opened = session(convolutions(channels, side, integer))
    kind = np.uint8 if integer else np.float32
    feed = {"x": np.random.default_rng(1).integers(0, 255, (1, channels, side, side)).astype(kind)}
    work = LAYERS * 9 * channels**2 * side**2
    return work / median_s(lambda: opened.run(None, feed), rounds) / 1e9


def copy_gb_s(rounds: int) -> float:
    """Bytes read and written, 10^9 a second."""
    source = np.ones(COPIED_BYTES, np.uint8)
    out = np.empty_like(source)
    return 2 * COPIED_BYTES / median_s(lambda: np.copyto(out, source), rounds) / 1e9


def files_s(folder: Path) -> float:
    """Small files written, synced and renamed, a second."""
    content = os.urandom(FILE_BYTES)

    def one(name: str) -> None:
        images.write_whole(folder / name, lambda file: file.write(content))

    one("first")
    start = time.perf_counter()
    for i in range(FILES):
        one(f"{i}")
    return FILES / (time.perf_counter() - start)


def centerface_row(rounds: int) -> tuple[Work, float]:
    """CenterFace alone, without its decoding."""
    content = weights.path_of("centerface").read_bytes()
    opened = session(content)
    feed = {opened.get_inputs()[0].name: np.zeros((1, 3, DETECT_PX, DETECT_PX), np.float32)}
    spent_s = median_s(lambda: opened.run(None, feed), rounds)
    return counted(onnx.load_from_string(content), feed), spent_s


def generator_s(faces: int, rounds: int) -> tuple[dict[str, np.ndarray], float]:
    """Inputs of the shipped generator for so many faces at once, and seconds of a call."""
    opened = session(weights.resolve("default").read_bytes())
    feed = {
        i.name: np.zeros([n if isinstance(n, int) else faces for n in i.shape], np.float32)
        for i in opened.get_inputs()
    }
    return feed, median_s(lambda: opened.run(None, feed), rounds)


def generator_row(rounds: int) -> tuple[Work, float]:
    """The shipped generator alone."""
    feed, spent_s = generator_s(1, rounds)
    return counted(onnx.load(str(weights.resolve("default"))), feed), spent_s


def print_choices(rounds: int) -> None:
    """What was chosen by time: faces at once, and how hard PNG files are compressed."""
    print("\n| generator, faces at once | ms a face |\n| --- | --- |")
    for faces in (1, 2, 4, 8):
        print(f"| {faces} | {generator_s(faces, rounds)[1] / faces * 1e3:.1f} |")
    print("\n| PNG of 512 x 512, zlib's level | ms | kB |\n| --- | --- | --- |")
    picture = Pillow.fromarray(astronaut())
    for level in (6, 4, 3, 1):
        file = io.BytesIO()
        picture.save(file, "PNG", compress_level=level)

        def save(level: int = level) -> None:
            picture.save(io.BytesIO(), "PNG", compress_level=level)

        spent_ms = median_s(save, rounds) * 1e3
        print(f"| {level} | {spent_ms:.0f} | {file.tell() / 1e3:.0f} |")


def facemesh_row(face: np.ndarray, rounds: int) -> tuple[Work, float]:
    """A call of FaceMesh, which looks for the face again first."""
    landmarker = FaceMesh()
    spent_s = median_s(lambda: landmarker(face), rounds)
    works = [
        counted(
            onnx.load(str(weights.path_of(name))),
            {"picture": np.zeros((1, 3, side, side), np.float32)},
        )
        for name, side in FACEMESH_PX.items()
    ]
    return Work(0, sum(work.fp32 for work in works)), spent_s


def print_networks(
    rows: dict[str, tuple[Work, float]], int8_gmacs: float, fp32_gmacs: float
) -> None:
    """Work, time, and the time at the limit."""
    print("\n| network | MMAC int8 | MMAC fp32 | ms | GMAC/s | ms at the limit | of the limit |\n"
          + "| --- " * 7 + "|")  # fmt: skip
    for name, (work, spent_s) in rows.items():
        least_s = (work.int8 / int8_gmacs + work.fp32 / fp32_gmacs) / 1e9
        cells = [
            f"{work.int8 / 1e6:.0f}", f"{work.fp32 / 1e6:.0f}", f"{spent_s * 1e3:.1f}",
            f"{(work.int8 + work.fp32) / spent_s / 1e9:.1f}", f"{least_s * 1e3:.1f}",
            f"{least_s / spent_s:.0%}",
        ]  # fmt: skip
        print(f"| {name} | " + " | ".join(cells) + " |")


def print_moving(anonymizer: Anonymizer, folder: Path, gb_s: float, rate: float) -> None:
    """Stages that move bytes, and how long the moving alone would take."""
    image = astronaut()
    told = [anonymizer(image, seed=1).timings_ms["composite"] for _ in range(5)]
    print("\n| stage at 512 x 512 | ms | bound by | ms at the limit |\n| --- | --- | --- | --- |")
    least_ms = 2 * image.nbytes / gb_s / 1e6
    print(f"| composite | {np.median(told):.1f} | a copy of the picture | {least_ms:.2f} |")
    for suffix in (".png", ".jpg", ".webp"):
        path = folder / f"picture{suffix}"
        spent_ms = 1e3 * median_s(lambda p=path: images.write(p, images.Picture(image)), 5)
        bound = "a synced file; the rest encodes"
        print(f"| write {suffix[1:].upper()} | {spent_ms:.1f} | {bound} | {1e3 / rate:.1f} |")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    rounds = arguments.rounds
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print("| 3 x 3 convolutions, one core | int8, GMAC/s | fp32, GMAC/s |\n| --- | --- | --- |")
    best = {True: 0.0, False: 0.0}
    for channels, side in SHAPES:
        rates = {i: convolution_gmacs(channels, side, i, rounds) for i in (True, False)}
        best = {i: max(best[i], rates[i]) for i in best}
        print(f"| {channels} channels, {side} x {side} | {rates[True]:.0f} | {rates[False]:.0f} |")
    anonymizer = Anonymizer(threads=1, detector_options=DetectorOptions(threads=1))
    with tempfile.TemporaryDirectory(dir=arguments.folder) as scratch:
        gb_s, rate = copy_gb_s(min(rounds, 5)), files_s(Path(scratch))
        print("\n| limit | measured |\n| --- | --- |")
        print(f"| memory, read and written by a copy, GB/s | {gb_s:.1f} |")
        print(f"| files of {FILE_BYTES // 1000} kB, synced, files/s | {rate:.0f} |")
        detection = anonymizer.detect(astronaut())[0]
        face = transforms.warp(astronaut(), transforms.detection_crop(detection, 384), 384)
        rows = {
            f"CenterFace at {DETECT_PX} x {DETECT_PX}": centerface_row(rounds),
            "FaceMesh with BlazeFace": facemesh_row(face, rounds),
            "generator at 256 x 256": generator_row(rounds),
        }
        print_networks(rows, best[True], best[False])
        print_moving(anonymizer, Path(scratch), gb_s, rate)
    print_choices(rounds)
    print(f"\none of {machine('onnxruntime', 'numpy')}")


if __name__ == "__main__":
    main()
