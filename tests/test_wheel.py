"""The wheel in an environment of its own, run from another folder."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(*words, folder):
    """A command without this process's PYTHONPATH, in which the checkout may stand."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    answer = subprocess.run(
        list(map(str, words)), capture_output=True, text=True, cwd=folder, env=environment
    )
    assert answer.returncode == 0, answer.stderr
    return answer


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation",
        "--wheel-dir", out, ROOT, folder=out)  # fmt: skip
    (path,) = out.iterdir()
    return path


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """An interpreter with the wheel and, by their place, the packages that it depends on."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder, folder=folder)
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    packages = folder / "lib" / version / "site-packages"
    run(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", packages, wheel,
        folder=folder)  # fmt: skip
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin" / "python"


@pytest.mark.slow
def test_it_is_small_and_typed(wheel):
    assert wheel.stat().st_size < 40_000_000
    names = zipfile.ZipFile(wheel).namelist()
    for name in ("py.typed", "weights/NOTICE.md", "weights/LICENSE-Apache-2.0.txt"):
        assert f"ganonymization/{name}" in names


@pytest.mark.slow
def test_it_anonymizes_without_a_word_from_any_library(python, tmp_path):
    where = "import ganonymization; print(ganonymization.__file__)"
    package = Path(run(python, "-c", where, folder=tmp_path).stdout.strip())
    assert package.is_relative_to(python.parent.parent)
    answer = run(python, "-m", "ganonymization", "demo", "--out", tmp_path / "demo",
                 folder=tmp_path)  # fmt: skip
    assert answer.stderr == ""
    names = {path.name for path in (tmp_path / "demo").iterdir()}
    assert {"before.png", "scene-1.png", "portrait-4.png", "sheet.png"} <= names
    assert len(names) == 10
