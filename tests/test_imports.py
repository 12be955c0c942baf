"""One direction of imports, and nothing heavy before it is needed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ganonymization

ROOT = Path(ganonymization.__file__).parent
GROUND = {"errors", "types", "registry", "topology", "seeds", "options"}
GEOMETRY = {"align", "wall", "condition"}  # what every stage and the training share
STAGES = {"detect", "landmarks", "synthesize", "composite", "images"}
BASES = {"detect.base", "landmarks.base", "landmarks.plausibility", "synthesize.base"}
ALLOWED = {
    "errors": set(),
    "topology": set(),
    "seeds": set(),
    "registry": {"errors"},
    "options": {"errors"},
    "devices": {"errors", "options"},
    "types": {"errors"},
    "weights": {"errors"},
    "align": GROUND,
    "wall": GROUND | {"align"},
    "condition": GROUND | {"align"},
    **dict.fromkeys(STAGES, GROUND | GEOMETRY | {"weights", "devices"}),
    "openings": GROUND,
    "shape": GROUND | {"align", "openings"},
    "people": GROUND | BASES | {"locate", "images"},
    "locate": GROUND | {"align"} | BASES,
    "faces": GROUND | {"wall"},
    "pipeline": GROUND
    | GEOMETRY
    | BASES
    | {"faces", "shape", "locate", "composite", "weights", "synthesize.fill"},
    "steady": GROUND | {"shape", "wall"},
    "track": GROUND | BASES | {"align", "locate"},
    "video": GROUND | {"faces", "pipeline", "steady", "track", "wall"},
    "keep": GROUND | {"images", "pipeline", "track"},
    "boxes": GROUND | {"images"},
    "sound": GROUND,
    "live": GROUND | {"align", "condition", "faces", "pipeline", "steady", "track", "video"},
    "serve": GROUND
    | BASES
    | {"__init__", "faces", "images", "live", "pipeline", "videofile", "weights"}
    | {"picturefile"},
    "movie": GROUND | {"sound"},
    "animation": GROUND | {"images", "movie"},
    "videofile": GROUND | {"pipeline", "images", "movie", "video", "keep", "boxes", "animation"},
    "picturefile": GROUND | {"pipeline", "images"},
    "manifest": GROUND,
    "tree": GROUND | {"images", "manifest"},
    "address": GROUND | {"images", "manifest", "tree"},
    "folders": GROUND | {"address", "tree"},
    "plan": GROUND | {"tree"},
    "batch": GROUND
    | {"pipeline", "images", "folders", "manifest", "plan"}
    | {"picturefile", "tree", "videofile"},
    **dict.fromkeys(("cluster", "processes"), GROUND | {"batch", "manifest", "plan", "tree"}),
    "shards": GROUND | {"pipeline", "images", "picturefile"},
    "columns": GROUND,
    "rows": GROUND | {"columns", "pipeline", "images", "shards"},
    "collection": GROUND | {"images", "manifest", "tree"},
    "console": GROUND
    | {"pipeline", "images", "batch", "collection", "manifest", "picturefile", "plan", "videofile"},
    "demo": GROUND | {"pipeline", "images"},
    "speed": GROUND | GEOMETRY,
    "datasets": GROUND | {"images"},
    "evaluation": GROUND
    | BASES
    | {"align", "openings", "locate", "people", "shape", "images", "batch", "manifest", "datasets"},
    "training": GROUND
    | GEOMETRY
    | BASES
    | {"locate", "images", "people", "shape", "datasets", "datasets.table", "weights"}
    | {"synthesize.generator", "synthesize.pix2pix", "synthesize.pix2pix_networks"},
}


def imported_by(path: Path) -> set[str]:
    """Our own modules that a file imports, as dotted names under the package."""
    package = ["ganonymization", *path.relative_to(ROOT).parts[:-1]]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found |= {module} | {f"{module}.{a.name}" for a in node.names}
    ours = {name.removeprefix("ganonymization.") for name in found if "ganonymization." in name}
    modules = {
        ".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for p in ROOT.rglob("*.py")
    }
    return ours & modules


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_one_way(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    room = parts[0]
    if room in ("__init__", "__main__", "cli"):
        return  # may import all of it, inside a function
    for name in imported_by(path):
        own_folder = name.split(".")[0] == room
        allowed = name in ALLOWED[room] or name.split(".")[0] in ALLOWED[room] & GROUND
        assert own_folder or allowed, f"{room} must not import {name}"


def test_nobody_imports_the_command_line():
    for path in set(ROOT.rglob("*.py")) - {ROOT / "__main__.py", *(ROOT / "cli").iterdir()}:
        assert "cli" not in imported_by(path), path


def loaded_after(code: str) -> set[str]:
    answer = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(answer.stdout.split())


@pytest.mark.parametrize("code", ["import ganonymization", "import ganonymization.cli"])
def test_importing_loads_nothing_heavy(code):
    heavy = {"torch", "cv2", "mediapipe", "fastapi", "onnxruntime", "onnx", "numpy", "PIL"}
    assert not loaded_after(code) & heavy


def test_the_pipeline_never_imports_torch():
    code = "from ganonymization import Anonymizer\nfrom ganonymization.landmarks import facemesh"
    assert "torch" not in loaded_after(code)


def test_public_names():
    assert sorted(ganonymization.__all__) == [
        "Anonymizer", "DetectorOptions", "Face", "FaceError", "FaceNotRedrawnError",
        "GanonymizationError", "InputError", "LandmarksError", "MissingExtraError", "ModelError",
        "NoFaceError", "OptionError", "OutputError", "Result", "SynthesisError", "UnreadableError",
        "anonymize_frames",
    ]  # fmt: skip
    for name in ganonymization.__all__:
        assert getattr(ganonymization, name).__name__ == name
    with pytest.raises(AttributeError):
        _ = ganonymization.nonsense
