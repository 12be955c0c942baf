"""The package as a whole: silent, taught by help, one call for each thing."""

import json
import logging
import pydoc
import subprocess
import sys
from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest

import ganonymization
from ganonymization import shortcuts
from ganonymization.errors import MissingExtraError
from ganonymization.io import images
from ganonymization.io.images import Picture

from .video.test_container import make_clip, pictures
from .video.test_frames import stages


def test_help_teaches():
    text = pydoc.plain(pydoc.render_doc(ganonymization))
    for word in (
        'anonymize("portrait.jpg", seed=7)',
        "anonymize_video(",
        "color:",
        "Example:",
    ):
        assert word in text
    assert text.index("anonymize_folder(") < text.index("PACKAGE CONTENTS")
    assert set(ganonymization.__all__) <= set(dir(ganonymization))


def test_it_prints_nothing(tmp_path):
    code = f"""
import numpy as np, ganonymization
from ganonymization.cli.demo import astronaut
ganonymization.anonymize(astronaut()[..., ::-1]).save({str(tmp_path / "o.jpg")!r})
ganonymization.anonymize(np.zeros((64, 64, 3), np.uint8))
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


def test_what_it_has_to_say_is_logged(make_anonymizer, picture, caplog):
    with caplog.at_level(logging.INFO, "ganonymization"):
        make_anonymizer()(picture, name="a.png", seed=4321)
    assert "a.png: 1 of 1 faces redrawn" in caplog.text
    assert "4321" not in caplog.text  # that of a folder is secret


def test_models_are_loaded_once_for_the_same_options(monkeypatch, make_anonymizer, picture):
    made = []
    monkeypatch.setattr(shortcuts, "Anonymizer", lambda **o: made.append(o) or make_anonymizer())
    shortcuts._loaded.cache_clear()
    for options in ({}, {}, {"privacy": "high"}, {"privacy": "high"}):
        ganonymization.anonymize(picture, **options)
    assert made == [{}, {"privacy": "high"}]
    ganonymization.anonymize(picture, detector=[])  # what has no hash is loaded each time
    assert len(made) == 3
    shortcuts._loaded.cache_clear()


def test_an_unknown_option_says_so(picture):
    with pytest.raises(TypeError, match="privcy"):
        ganonymization.anonymize(picture, privcy="high")


def test_a_video_reports_what_the_command_does(make_anonymizer, tmp_path):
    source = make_clip(tmp_path / "in.mp4", pictures(6), tones=1)
    report = ganonymization.anonymize_video(
        str(source), str(tmp_path / "out.mp4"), seed=3, seconds=0.1, audio=False,
        report=tmp_path / "r", anonymizer=make_anonymizer(**stages()),
    )  # fmt: skip
    assert (report.frames, report.seed, report.sound) == (3, 3, "left out")
    assert json.loads((tmp_path / "r" / "out.mp4.json").read_text())["frames"] == 3


def test_a_folder_reports_what_the_command_does(make_anonymizer, picture, tmp_path):
    images.write(tmp_path / "in" / "a.png", Picture(picture))
    (tmp_path / "in" / "bad.png").write_bytes(b"")
    (tmp_path / "in" / "notes.txt").write_text("hello")

    def run(**options):
        return ganonymization.anonymize_folder(
            tmp_path / "in", tmp_path / "out", anonymizer=make_anonymizer(), **options
        )

    report = run()
    assert report.counts == {"done": 1, "failed": 1, "not a picture": 1}
    assert (report.files, report.faces, report.covered, report.seed) == (3, 1, 0, None)
    assert "the file is empty" in report.failed["bad.png"] and report.left_out == ["notes.txt"]
    assert report.exit_code == 1
    (tmp_path / "in" / "bad.png").unlink()
    again = run()
    assert (again.counts["skipped"], again.exit_code) == (1, 0)
    assert run(strict=True).exit_code == 1
    assert np.array_equal(images.read(tmp_path / "out" / "a.png").pixels.shape, picture.shape)


URLS = {
    None: "pip install '.[serve]' in the project's folder",
    '{"url": "file:///a%20b/c", "dir_info": {"editable": true}}': "pip install -e '/a b/c[serve]'",
    '{"url": "file:///a/c", "dir_info": {}}': "pip install '/a/c[serve]'",
    '{"url": "https://x.org/g.git", "vcs_info": {"vcs": "git", "requested_revision": "v1"}}':
        "pip install 'ganonymization[serve] @ git+https://x.org/g.git@v1'",
    '{"url": "https://x.org/g.git", "vcs_info": {"vcs": "git"}}':
        "pip install 'ganonymization[serve] @ git+https://x.org/g.git'",
    '{"url": "file:///d/g-0.1.0-py3-none-any.whl", "archive_info": {}}':
        "pip install 'ganonymization[serve] @ file:///d/g-0.1.0-py3-none-any.whl'",
    "not installed": "pip install '.[serve]' in the project's folder",
}  # fmt: skip


@pytest.mark.parametrize("told", URLS)
def test_a_missing_extra_is_told_as_it_was_installed(monkeypatch, told):
    class Installed:
        def read_text(self, name):
            assert name == "direct_url.json"
            return told

    def distribution(name):
        if told == "not installed":
            raise PackageNotFoundError(name)
        return Installed()

    monkeypatch.setattr("importlib.metadata.distribution", distribution)
    assert str(MissingExtraError("the service", "serve")) == (
        f"the service needs the extra serve: {URLS[told]}"
    )
