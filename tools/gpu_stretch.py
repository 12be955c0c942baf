r"""Train the refiner for some minutes on one CUDA device, far from the prepared folders.

    python tools/gpu_stretch.py pack PREPARED --into stretch
    OUT=results python tools/gpu_stretch.py train stretch --minutes 8 \
        --start-from training-state/refiner.pt

``pack`` writes pictures as WebP, masks as PNG at a third of their size, landmarks in half
precision, and readings, into a folder that git ignores; with the repository it stays below 64 MiB.
``train`` lays them out as a prepared folder, trains in bfloat16 with all cores making samples,
prints samples a second and the losses of held-out faces, and writes ``refiner.pt`` (half precision,
below 16 MB), ``metrics.jsonl`` and ``sheet.png`` into the folder that the environment's ``OUT``
names.
"""

import argparse
import io
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

from ganonymization.training import layout

META = ("chroma.npy", "skin_ita_deg.npy", "readings.npy", "age.npy", "held_out.npy")
MOST_BYTES = 14_000_000
MASK_SHRINK = 3
QUALITY = 75


def encoded(picture: np.ndarray, kind: str, **options: object) -> bytes:
    """A picture file's content."""
    file = io.BytesIO()
    Pillow.fromarray(picture).save(file, kind, **options)  # type: ignore[arg-type]
    return file.getvalue()


def pack(prepared: Path, into: Path) -> None:
    """Write a prepared folder's faces, held-out and vivid ones first, as far as there is room."""
    crops = layout.load(prepared, "crops.npy", "r")
    landmarks = layout.load(prepared, "landmarks.npy").astype(np.float16)
    meta = {name: layout.load(prepared, name) for name in META}
    vivid = meta["readings.npy"][:, 2:].sum(1) + 9 * meta["held_out.npy"]
    vivid = vivid + (meta["age.npy"] > 50) + 1e-3 * np.random.default_rng(0).random(len(vivid))
    chosen, parts, size = [], [], 0
    for face in np.argsort(-vivid):
        crop = np.asarray(crops[face])
        colour = encoded(crop[..., :3], "WEBP", quality=QUALITY, method=4)
        masks = np.hstack([crop[::MASK_SHRINK, ::MASK_SHRINK, i] for i in (3, 4)])
        mask = encoded(np.ascontiguousarray(masks), "PNG", optimize=True)
        size += len(colour) + len(mask) + landmarks[face].nbytes + 64
        if size > MOST_BYTES:
            break
        chosen.append(face)
        parts += [colour, mask]
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    (into / "pictures.bin").write_bytes(b"".join(parts))
    np.save(into / "lengths.npy", np.array([len(part) for part in parts], np.uint32))
    np.save(into / "landmarks.npy", landmarks[chosen])
    for name, values in meta.items():
        np.save(into / name, values[chosen])
    total = sum(file.stat().st_size for file in into.iterdir())
    print(f"{len(chosen)} of {len(crops)} faces, {total / 1e6:.1f} MB in {into}")


def unpack(packed: Path, prepared: Path) -> None:
    """Lay a pack out as a prepared folder."""
    lengths = np.load(packed / "lengths.npy").astype(int)
    ends = np.cumsum(lengths)
    content = (packed / "pictures.bin").read_bytes()
    count, side = len(lengths) // 2, layout.PREPARED_SIZE_PX
    crops = np.lib.format.open_memmap(
        prepared / "crops.npy", "w+", np.uint8, (count, side, side, layout.CHANNELS)
    )
    for face in range(count):
        colour, mask = (
            Pillow.open(io.BytesIO(content[ends[i] - lengths[i] : ends[i]]))
            for i in (2 * face, 2 * face + 1)
        )
        crops[face, ..., :3] = np.asarray(colour.convert("RGB"))
        wide = mask.resize((2 * side, side), Pillow.Resampling.BILINEAR)
        crops[face, ..., 3:] = np.stack(np.split(np.asarray(wide), 2, 1), -1)
    crops.flush()
    np.save(prepared / "landmarks.npy", np.load(packed / "landmarks.npy").astype(np.float32))
    for name in META:
        shutil.copy(packed / name, prepared / name)


def train(packed: Path, minutes: float, batch: int, workers: int, start_from: Path | None) -> None:
    """Train, and write what is worth keeping."""
    import torch

    from ganonymization.training.refine import loop
    from ganonymization.training.refine.samples import RefinerFaces

    out = Path(os.environ["OUT"])
    out.mkdir(parents=True, exist_ok=True)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with tempfile.TemporaryDirectory(prefix="stretch-") as scratch:
        unpack(packed, Path(scratch))
        faces = RefinerFaces([Path(scratch)], 256, 0.25, seed=int.from_bytes(os.urandom(4), "big"))
        shown = RefinerFaces([Path(scratch)], 256, 0.25, seed=1, held_out=True)
        run = loop.Run(Path(scratch) / "run", device, 2e-4, start_from)
        loop.train(run, faces, shown, minutes, batch, workers)
        losses = loop.held_out_losses(run, shown)
        print(
            f"{run.step * batch} samples on {device};", *(f"{k} {v:.4f}" for k, v in losses.items())
        )
        torch.save(run.nets.compact(), out / "refiner.pt")
        for name in ("metrics.jsonl", "sheet.png"):
            if (run.folder / name).exists():
                shutil.copy(run.folder / name, out / name)
    print(f"{(out / 'refiner.pt').stat().st_size / 1e6:.1f} MB in {out / 'refiner.pt'}")


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack")
    packing.add_argument("prepared", type=Path)
    packing.add_argument("--into", type=Path, default=Path("stretch"))
    training = commands.add_parser("train")
    training.add_argument("packed", type=Path)
    training.add_argument("--minutes", type=float, default=8)
    training.add_argument("--batch", type=int, default=32)
    training.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    training.add_argument("--start-from", type=Path)
    a = parser.parse_args()
    if a.command == "pack":
        pack(a.prepared, a.into)
    else:
        train(a.packed, a.minutes, a.batch, a.workers, a.start_from)


if __name__ == "__main__":
    main()
