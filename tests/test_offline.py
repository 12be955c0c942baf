"""No command asks anybody outside of this machine, whatever it starts."""

import os
import socket
import subprocess
import sys
import tarfile
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest

from ganonymization import cli
from ganonymization.cli.demo import astronaut
from ganonymization.io import images
from ganonymization.io.images import Picture

from .video.test_container import make_clip, pictures

WATCH = Path(__file__).parent / "offline"
PLAIN = ("--model", "plain", "--detector", "blazeface")
DONE = {
    "anonymize": ("in/a.png", "clip.mp4", "--out", "out", *PLAIN),
    "image": ("in/a.png", "out/a.png", *PLAIN),
    "folder": ("in", "out", "--jobs", "1", *PLAIN),
    "video": ("clip.mp4", "out/clip.mp4", *PLAIN),
    "dataset": ("a.tar", "out", *PLAIN),
    "models": (),
    "demo": ("--out", "out"),
    "prepare": ("in", "out"),
    "evaluate": ("in", "in", "--out", "out", "--only", "quality"),
    "bank show": (),
}
BEGUN = {  # they end with an error on so little data, after what they need is loaded
    "train": ("none.toml", "out"),
    "fit-shape": ("in", "out/shape.npz"),
    "export": ("none.ckpt", "out/a.onnx"),
    "classify train": ("in", "out"),
    "classify predict": ("none.ckpt", "in"),
    "bank build": ("in", "none.csv", "out/bank.npz"),
}


@pytest.fixture
def folder(tmp_path):
    images.write(tmp_path / "in" / "a.png", Picture(astronaut()[::2, ::2].copy()))
    make_clip(tmp_path / "clip.mp4", pictures(3))
    with tarfile.open(tmp_path / "a.tar", "w") as shard:
        shard.add(tmp_path / "in" / "a.png", "a.png")
    return tmp_path


def start(folder, *words):
    path = os.pathsep.join([str(WATCH), *filter(None, sys.path)])
    return subprocess.Popen(
        [sys.executable, "-m", "ganonymization", *words], cwd=folder, text=True,
        env=os.environ | {"PYTHONPATH": path, "OUTSIDE_LOG": str(folder / "log")},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def asked(folder):
    log = folder / "log"
    return log.read_text() if log.exists() else ""


def test_whoever_asks_is_seen(folder):
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    inner = "import urllib.request; urllib.request.urlopen('http://example.org')"
    subprocess.run(
        [sys.executable, "-c", code, inner], stderr=subprocess.DEVNULL, check=True,
        env=os.environ | {"PYTHONPATH": str(WATCH), "OUTSIDE_LOG": str(folder / "log")},
    )  # fmt: skip
    assert "example.org: socket.getaddrinfo" in asked(folder)


def test_every_command_is_here():
    names = {c.name or c.callback.__name__ for c in cli.app.registered_commands}
    for group in cli.app.registered_groups:
        commands = group.typer_instance.registered_commands
        names |= {f"{group.name} {c.name or c.callback.__name__}" for c in commands}
    assert names == {*DONE, *BEGUN, "serve"}


@pytest.mark.slow
@pytest.mark.parametrize("command", [*DONE, *BEGUN])
def test_a_command_asks_nobody(folder, command):
    words = (DONE | BEGUN)[command]
    process = start(folder, *command.split(), *words)
    _, told = process.communicate(timeout=300)
    done = process.returncode in (0, 3)  # 3: of an evaluation that has not seen enough
    assert done == (command in DONE), told
    assert asked(folder) == ""


@pytest.mark.slow
def test_a_cluster_in_this_machine_asks_nobody(folder):
    process = start(folder, "folder", *DONE["folder"], "--engine", "ray")
    _, told = process.communicate(timeout=300)
    assert process.returncode == 0, told
    assert asked(folder) == ""


@pytest.mark.slow
def test_the_service_asks_nobody(folder):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = start(folder, "serve", "--port", str(port), "--model", "plain")
    try:
        assert posted(port, "/v1/anonymize", (folder / "in" / "a.png").read_bytes()) == 200
        assert posted(port, "/v1/jobs", (folder / "clip.mp4").read_bytes()) == 202
        time.sleep(5)  # the job has begun
    finally:
        process.terminate()
        process.communicate(timeout=60)
    assert asked(folder) == ""


def posted(port, path, content):
    """The status, once the server is up."""
    deadline = time.monotonic() + 60
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request("POST", path, content)
            return connection.getresponse().status
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        finally:
            connection.close()
