"""Time and memory of what users wait for, beside the published generator in the same run.

    python benchmarks/speed.py [--beside plain] [--reference reference-pix2pix.json]

Prints a table in Markdown. Times are medians. The published architecture is built from the names
and shapes in the JSON file; without the file its rows are left out.
"""

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ganonymization import Anonymizer
from ganonymization.cli.demo import astronaut
from ganonymization.geometry import transforms
from ganonymization.geometry.wall import GeneratorInput
from ganonymization.io import images
from ganonymization.io.images import Picture

from processes import OURS, machine, run  # isort: skip


def median_ms(*calls: Callable[[], object], rounds: int = 15) -> list[float]:
    """Median milliseconds of each call, taken in turns so that noise hits all alike."""
    for call in calls:
        call()
    spent: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for i, call in enumerate(calls):
            start = time.perf_counter()
            call()
            spent[i].append((time.perf_counter() - start) * 1e3)
    return [float(np.median(times)) for times in spent]


def reference_generator(description: Path) -> Callable[[], object]:
    """The published 8-level U-Net in PyTorch, filled with noise, on one 256 px condition."""
    import torch
    from torch import nn

    shapes = json.loads(description.read_text())["generator"]

    class Reference(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down = nn.ModuleList(
                nn.Conv2d(i, o, 4, 2, 1, bias=False)
                for o, i, *_ in (shapes[f"down{k}.model.0.weight"] for k in range(1, 9))
            )
            self.up = nn.ModuleList(
                nn.ConvTranspose2d(i, o, 4, 2, 1, bias=False)
                for i, o, *_ in (shapes[f"up{k}.model.0.weight"] for k in range(1, 8))
            )
            out, last, *_ = shapes["final.2.weight"]
            self.final = nn.Conv2d(last, out, 4, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            norm = nn.functional.instance_norm
            skips = []
            for k, layer in enumerate(self.down):
                x = layer(x)
                x = norm(x) if 0 < k < 7 else x
                x = nn.functional.leaky_relu(x, 0.2)
                skips.append(x)
            for k, layer in enumerate(self.up):
                x = torch.cat([nn.functional.relu(norm(layer(x))), skips[6 - k]], 1)
            x = nn.functional.interpolate(x, scale_factor=2)
            return torch.tanh(self.final(nn.functional.pad(x, (1, 0, 1, 0))))

    torch.set_num_threads(os.cpu_count() or 1)
    network = Reference().eval()
    count = sum(p.numel() for p in network.parameters())
    expected = sum(int(np.prod(shape)) for shape in shapes.values())
    assert count == expected, (count, expected)
    condition = torch.zeros(1, 3, 256, 256)

    def call() -> object:
        with torch.inference_mode():
            return network(condition)

    return call


def whole_commands(picture: np.ndarray, model: str) -> list[tuple[str, str]]:
    """Whole processes with their start."""
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small.png", Path(folder) / "large.jpg"
        images.write(small, Picture(picture))
        tiled = np.tile(picture, (6, 8, 1))[:3000, :4000]
        tiled[:, 512:] = 128  # one column of faces in twelve megapixels
        images.write(large, Picture(np.ascontiguousarray(tiled)))
        helps = [run([*OURS, "--help"], small).seconds for _ in range(5)]
        first, second = (
            run([*OURS, "image", str(path), str(out), "--model", model], out)
            for path, out in ((small, Path(folder) / "a.png"), (large, Path(folder) / "b.jpg"))
        )
    return [
        ("ganonymize --help", f"{np.median(helps):.2f} s"),
        ("first picture from a cold start", f"{first.seconds:.1f} s"),
        ("12 megapixels, 6 faces, cold start", f"{second.seconds:.1f} s"),
        ("12 megapixels, peak memory", f"{second.peak_mb:.0f} MB"),
    ]


def drawing_call(anonymizer: Anonymizer, picture: np.ndarray, size_px: int) -> Callable[[], object]:
    """Draw one face on black, in a crop of a size."""
    generator = anonymizer._synthesizer
    points = anonymizer.locate(picture)[0].landmarks_px
    to_crop = transforms.generator_crop(points, size_px, generator.crop_side_eyes)
    crossing = GeneratorInput.portrait(size_px, transforms.apply(to_crop, points), 1)
    return lambda: generator(crossing)


def drawing_calls(anonymizer: Anonymizer, picture: np.ndarray) -> list[Callable[[], object]]:
    """Draw one face of the network's own size; and its network alone, on zeros."""
    generator = anonymizer._synthesizer
    blob = {
        given.name: np.zeros(
            [side if isinstance(side, int) else 1 for side in given.shape],
            np.uint8 if given.type == "tensor(uint8)" else np.float32,
        )
        for given in generator._session.get_inputs()
    }
    whole = drawing_call(anonymizer, picture, generator.size_px)
    return [whole, lambda: generator._session.run(None, blob)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--beside", help="another model, drawn with in turns")
    arguments = parser.parse_args()
    picture = astronaut()
    rows = whole_commands(picture, arguments.model)
    for detector in ("blazeface", "centerface"):
        anonymizer = Anonymizer(model=arguments.model, detector=detector)
        portrait = anonymizer.using(mode="portrait")
        scene_ms, portrait_ms = median_ms(
            lambda a=anonymizer: a(picture, seed=1), lambda a=portrait: a(picture, seed=1)
        )
        rows.append((f"512 x 512, one face, scene, {detector}", f"{scene_ms:.0f} ms"))
        rows.append((f"512 x 512, one face, portrait, {detector}", f"{portrait_ms:.0f} ms"))
    stages = anonymizer(picture, seed=1).timings_ms
    rows.append(("of which, by stage", ", ".join(f"{k} {v:.0f}" for k, v in stages.items())))

    calls = drawing_calls(anonymizer, picture)
    if arguments.beside:
        calls += drawing_calls(Anonymizer(model=arguments.beside), picture)
    if arguments.reference:
        calls.append(reference_generator(arguments.reference))
    spent_ms = median_ms(*calls)
    for model in filter(None, (arguments.model, arguments.beside)):
        whole, network, *spent_ms = spent_ms
        rows.append((f"{model}: generator with condition and style, 256 px", f"{whole:.1f} ms"))
        rows.append((f"{model}: network alone, 256 px, ONNX Runtime", f"{network:.1f} ms"))
    sizes_px = getattr(anonymizer._synthesizer, "sizes_px", (256,))[1:]
    large_ms = median_ms(*(drawing_call(anonymizer, picture, size) for size in sizes_px))
    for size, large in zip(sizes_px, large_ms, strict=True):
        rows.append((f"{arguments.model}: generator, in a crop of {size} px", f"{large:.0f} ms"))
    if spent_ms:
        rows.append(("published generator, 256 px, PyTorch", f"{spent_ms[0]:.0f} ms"))

    print("| what | measured |\n| --- | --- |")
    for name, value in rows:
        print(f"| {name} | {value} |")
    print(
        f"\n{machine()}, "
        f"this process at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB"
    )


if __name__ == "__main__":
    main()
