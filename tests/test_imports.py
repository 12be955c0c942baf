"""One direction of imports, and nothing heavy before it is needed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ganonymization

ROOT = Path(ganonymization.__file__).parent
GROUND = {"errors", "types", "registry", "options", "seeds"}
BASES = {"detect.base", "landmarks.base", "landmarks.plausibility", "landmarks.search"}
BASES |= {"landmarks.face_finder"}
BASES |= {"synthesize.base", "synthesize.face_state"}
STAGE = GROUND | {"geometry", "weights", "onnx_session"}
PIPELINE = GROUND | BASES | {"geometry", "io", "pipeline", "picture_file", "result"}
ALLOWED = {
    "errors": set(),
    "client": {"errors", "io.files"},
    "seeds": {"errors"},
    "registry": {"errors"},
    "options": {"errors"},
    "types": {"errors"},
    "weights": {"errors"},
    "onnx_session": {"errors", "options", "weights"},
    "geometry": GROUND,
    "config": GROUND | {"detect.base", "pipeline", "surrogate.shape_model", "weights"},
    "surrogate": STAGE,
    "donors": STAGE | {"surrogate.expression_reading"},
    **dict.fromkeys(("detect", "io", "recognize"), STAGE),
    "landmarks": STAGE | {"detect.base", "detect.blazeface", "io"},
    "synthesize": STAGE | {"donors", "paper.networks", "result"},
    "pipeline": GROUND
    | BASES
    | {"surrogate", "synthesize.covering", "detect.audit", "detect.finder"}
    | {"donors.surroundings", "locating", "redrawing", "stages"}
    | {"alpha", "given", "result"},
    "redrawing": GROUND
    | {"result"}
    | BASES
    | {"geometry", "surrogate", "synthesize.checked", "synthesize.covering"}
    | {"synthesize.picture_state", "detect.audit", "locating"},
    "stages": GROUND | BASES | {"weights", "donors.surroundings"},
    "locating": GROUND | BASES | {"geometry", "surrogate.expression_reading"},
    "alpha": {"types", "io"},
    "result": {"types", "errors", "io", "alpha"},
    "given": GROUND | {"io", "result"},
    "picture_file": GROUND | {"alpha", "pipeline", "io", "result"},
    "shortcuts": GROUND | {"batch", "config", "pipeline", "video.file", "video.report"},
    "video": PIPELINE | {"surrogate", "recognize", "detect.finder", "detect.audit", "locating"},
    "batch": PIPELINE | {"video.file", "video.kinds"},
    "serve": PIPELINE
    | {"__init__", "config", "detect.blazeface", "onnx_session", "weights"}
    | {"video.file", "video.live", "video.animation", "video.added_boxes", "video.film"}
    | {"video.sources"},
    "datasets": GROUND | BASES | {"io"},
    "training": STAGE
    | BASES
    | {"io", "surrogate", "datasets", "donors"}
    | {"synthesize.generator", "synthesize.pix2pix", "synthesize.refiner"}
    | {"paper.networks"},
    "paper": STAGE | BASES | {"io", "datasets", "training"},
    "evaluation": PIPELINE
    | {"surrogate", "datasets", "recognize", "batch", "video.detections_json"},
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
        may = ALLOWED[room]
        allowed = (
            name in may or name.split(".")[0] in may or any(m.startswith(name + ".") for m in may)
        )
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
        "Anonymizer", "Client", "DetectorOptions", "Face", "FaceError", "FaceNotRedrawnError",
        "FolderReport", "GanonymizationError", "InputError", "LandmarksError", "MissingExtraError",
        "ModelError", "NoFaceError", "OptionError", "OutputError", "Result", "SynthesisError",
        "UnreadableError", "VideoReport", "anonymize", "anonymize_folder",
        "anonymize_frames", "anonymize_video",
    ]  # fmt: skip
    for name in ganonymization.__all__:
        assert getattr(ganonymization, name).__name__ == name
    with pytest.raises(AttributeError):
        _ = ganonymization.nonsense
