"""Write what the static page in ``web/`` needs from the package, and what its comparison reads.

    python tools/web_assets.py web/dist/assets
    python tools/web_assets.py web/dist/assets --fixtures web/dist/fixtures

generator.onnx, generator.json   the shipped generator as it is, and what its metadata say
shape_model.bin, shape_model.json            the shape model, and how skin follows eyelids and lips
topology.json                    triangles, their colours, the canonical face, index lists

Fixtures are posed faces of the shape model, no photographs: their landmarks, and for each what the
package makes of them, stage by stage.

A ``.bin`` file is little-endian numbers; the ``.json`` beside it tells each array's name, type,
shape and place.
"""

import argparse
import hashlib
import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ganonymization import (
    seeds,
    weights,
)
from ganonymization.geometry import (
    conditioning,
    topology,
    transforms,
)
from ganonymization.geometry.wall import GeneratorInput, Place, Wall, ellipses
from ganonymization.surrogate import (
    eye_mouth_opening,
)
from ganonymization.surrogate.eye_mouth_opening import EYES, MOUTH
from ganonymization.surrogate.shape_model import ShapeModel
from ganonymization.synthesize import (
    compositing,
    generator,
)
from ganonymization.synthesize.load import load
from ganonymization.types import Detection, Image

Arrays = Mapping[str, NDArray[Any]]

_ALIGNMENT = 8  # bytes: what a Float64Array asks of its place
_PICTURE_PX = 512
# Of each posed face: yaw, pitch, roll in degrees, outer-eye distance in pixels, and what it does.
_POSES: tuple[tuple[float, float, float, float, str], ...] = (
    (0, 0, 0, 75, "rest"),
    (25, -5, 0, 75, "mouth"),
    (-30, 10, 12, 60, "wink"),
    (10, 15, -25, 90, "codes"),
    (-12, -15, 40, 110, "gaze"),
    (45, 0, 5, 70, "closed"),
)


def write_arrays(stem: Path, arrays: Arrays) -> None:
    """Arrays as ``stem.bin`` and what lies where as ``stem.json``."""
    entries, place = [], 0
    with stem.with_suffix(".bin").open("wb") as file:
        for name, values in arrays.items():
            data = np.ascontiguousarray(values)
            data = data.astype(data.dtype.newbyteorder("<"))
            padding = -place % _ALIGNMENT
            file.write(b"\0" * padding + data.tobytes())
            entries.append(
                {
                    "name": name,
                    "type": str(data.dtype),
                    "shape": list(data.shape),
                    "offset": place + padding,
                }
            )
            place += padding + data.nbytes
    stem.with_suffix(".json").write_text(json.dumps({"arrays": entries}, indent=1) + "\n")


def write_generator(out: Path) -> None:
    """Copy the shipped generator; a browser's ONNX Runtime does not tell a file's metadata."""
    source = weights.resolve("plain")
    session = onnxruntime.InferenceSession(str(source), providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    if metadata.get("format") != generator.FORMAT:
        raise SystemExit(f"{source}: the page draws with {generator.FORMAT!r} files only")
    shutil.copyfile(source, out / "generator.onnx")
    told = {
        "file": "generator.onnx",
        "sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
        "format": metadata["format"],
        "size_px": int(metadata["size_px"]),
        "style_size": int(metadata["style_size"]),
        "side_eyes": generator.OnnxGenerator.crop_side_eyes,
        "inputs": [i.name for i in session.get_inputs()],
        "outputs": [o.name for o in session.get_outputs()],
    }
    (out / "generator.json").write_text(json.dumps(told, indent=1) + "\n")


def write_shape(out: Path) -> None:
    """The shape model, and the harmonic weights that are solved for when the package runs."""
    named: dict[str, NDArray[Any]] = dict(ShapeModel.load().arrays())
    for name, opening in zip(("eye_right", "eye_left", "mouth"), (*EYES, MOUTH), strict=True):
        named[f"{name}.followers"] = eye_mouth_opening._followers(opening).astype(np.float32)
    write_arrays(out / "shape", named)


def write_topology(out: Path) -> None:
    """Index lists by the names they have in ``topology.py``, openings with what moves them."""
    parts = {
        name: {
            "corners": opening.corners,
            "upper": opening.upper,
            "lower": opening.lower,
            "upper_share": opening.upper_share,
        }
        for name, opening in zip(("eye_right", "eye_left", "mouth"), (*EYES, MOUTH), strict=True)
    }
    told = {
        "triangles": topology.triangles().tolist(),
        "triangle_colours": conditioning._triangle_colours().astype(int).tolist(),
        "canonical": topology.canonical_face().astype(np.float64).tolist(),
        "rigid": topology.RIGID,
        "lips_outer": topology.LIPS_OUTER,
        "lips_inner": topology.LIPS_INNER,
        "eye_left": topology.EYE_LEFT,
        "eye_right": topology.EYE_RIGHT,
        "iris_left": topology.IRIS_LEFT,
        "iris_right": topology.IRIS_RIGHT,
        "brows": topology.BROWS,
        "openings": parts,
    }
    (out / "topology.json").write_text(json.dumps(told, separators=(",", ":")) + "\n")


def posed_face(
    model: ShapeModel, pose: tuple[float, float, float, float, str], who: int
) -> NDArray[np.float64]:
    """Landmarks of a model face in a picture of 512 pixels, (478, 3)."""
    yaw, pitch, roll, eyes_px, does = pose
    rng = np.random.default_rng(who)
    coder = model.coders["balanced"]
    surface = model.mean + rng.normal(size=len(model.people)) @ model.people
    if does == "codes":
        codes = 2 * coder.threshold * rng.choice([-1, 1], len(coder.threshold))
        surface = surface + codes @ coder.decode
    points = surface.reshape(topology.SURFACE_COUNT, 3)
    if does == "mouth":
        points = MOUTH.opened(points, np.float64(0.45))
    for eye, shut in zip(EYES, (does in ("wink", "closed"), does == "closed"), strict=True):
        points = eye.opened(points, np.float64(0.02)) if shut else points
    gaze = np.array([0.12, -0.04]) if does == "gaze" else np.zeros(2)
    frontal = eye_mouth_opening.with_irises(points, gaze)
    rotation = _turned(math.radians(yaw), math.radians(pitch), math.radians(roll))
    middle = np.array([_PICTURE_PX / 2 - 10 + 5 * who, _PICTURE_PX / 2 - 20, 0])
    return eyes_px * frontal @ rotation.T + middle


def _turned(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    cos, sin = math.cos, math.sin
    about_y = np.array([[cos(yaw), 0, sin(yaw)], [0, 1, 0], [-sin(yaw), 0, cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, cos(pitch), -sin(pitch)], [0, sin(pitch), cos(pitch)]])
    about_z = np.array([[cos(roll), -sin(roll), 0], [sin(roll), cos(roll), 0], [0, 0, 1]])
    turned: NDArray[np.float64] = about_z @ about_y @ about_x
    return turned


def made_scene() -> Image:
    """Surroundings without a face: smooth colours, stripes and a little noise, (512, 512, 3)."""
    y, x = np.mgrid[:_PICTURE_PX, :_PICTURE_PX] / _PICTURE_PX
    planes = [110 + 70 * x - 30 * y, 130 + 50 * np.sin(5 * x + 3 * y), 150 - 60 * x * y]
    stripes = 18 * np.sign(np.sin(40 * (x + 0.4 * y)))
    noise = np.random.default_rng(0).normal(0, 3, (_PICTURE_PX, _PICTURE_PX, 3))
    scene = np.stack(planes, -1) + stripes[..., None] + noise
    return np.clip(np.round(scene), 0, 255).astype(np.uint8)


def stages(
    synthesizer: generator.OnnxGenerator, picture: Image, points: NDArray[np.float64], seed: int
) -> dict[str, NDArray[Any]]:
    """What the package makes of one face, stage by stage."""
    size = synthesizer.size_px
    crop_from_image = transforms.generator_crop(points, size, synthesizer.crop_side_eyes)
    original_px = transforms.apply(crop_from_image, points)
    surrogate_px = ShapeModel.load().surrogate(original_px, seed)
    box = (*points[:, :2].min(0).tolist(), *points[:, :2].max(0).tolist())
    outline_px = transforms.apply(crop_from_image, ellipses(Detection(box, 1.0)))
    wall = Wall.around(np.concatenate([surrogate_px, original_px]), outline_px, size)
    place = Place(wall, crop_from_image, size)
    canvas = compositing.Canvas.of(picture)
    window = place.window(picture.shape, 1.0)
    canvas.image[window][place.radius(window) <= 1] = 127
    inputs = GeneratorInput.scene(canvas.image, place, surrogate_px, seed)
    drawn = synthesizer(inputs)
    toned = compositing.match_tone(drawn, inputs, place)
    compositing.paste(canvas, toned, place)
    head = synthesizer(GeneratorInput.portrait(size, surrogate_px, seed))
    return {
        "landmarks_px": points,
        "crop_from_image": crop_from_image,
        "surrogate_px": surrogate_px,
        "high_px": ShapeModel.load().surrogate(original_px, seed, "high"),
        "wall": np.array([*wall.centre_xy, *wall.half_wh]),
        "style": seeds.style(seed, synthesizer._style_size),
        "condition": conditioning.mesh(surrogate_px, size),
        "context": inputs.context,
        "wall_mask": inputs.wall_mask.astype(np.uint8),
        "drawn": drawn,
        "toned": toned,
        "head": head,
        "scene": canvas.image,
    }


def write_fixtures(out: Path) -> None:
    """One bundle for each posed face, the picture they stand in, and a list of them."""
    model, picture = ShapeModel.load(), made_scene()
    synthesizer = load(weights.resolve("plain"), 1)
    assert isinstance(synthesizer, generator.OnnxGenerator)
    write_arrays(out / "picture", {"picture": picture})
    faces = []
    for index, pose in enumerate(_POSES):
        seed = seeds.face_seed(7, "fixture", index)
        points = posed_face(model, pose, index)
        write_arrays(out / f"face-{index}", stages(synthesizer, picture, points, seed))
        # A seed has 64 bits and JSON's numbers 53, so it goes as text.
        faces.append({"file": f"face-{index}", "does": pose[-1], "seed": str(seed)})
    told = {"run_seed": 7, "name": "fixture", "faces": faces}
    (out / "fixtures.json").write_text(json.dumps(told, indent=1) + "\n")


def main() -> None:
    """Read the command line and write."""
    parser = argparse.ArgumentParser(description="Write the data of the static page in web/.")
    parser.add_argument("out", type=Path, help="the folder for generator, shape and topology")
    parser.add_argument("--fixtures", type=Path, help="also write the comparison's data here")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    write_generator(options.out)
    write_shape(options.out)
    write_topology(options.out)
    if options.fixtures:
        options.fixtures.mkdir(parents=True, exist_ok=True)
        write_fixtures(options.fixtures)


if __name__ == "__main__":
    main()
