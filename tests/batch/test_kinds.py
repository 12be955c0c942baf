"""Folders as phones, cameras and old disks leave them: what is read, and what is told."""

import os
import sys

import numpy as np
import pytest
from PIL import Image as Pillow

from ganonymization.batch.html_report import REPORT, write_report
from ganonymization.batch.manifest import MANIFEST, read_manifest
from ganonymization.io import images
from ganonymization.io.images import Picture

from ..video.test_container import make_clip, pictures, times
from ..video.test_frames import stages
from .test_folder import folder_job, run


@pytest.fixture
def make(make_anonymizer):
    return lambda: make_anonymizer(**stages())


def test_every_kind_that_single_commands_read_is_read_in_folders(make, tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    for name, codec in (("a.avi", "mpeg4"), ("b.MTS", "libx264"), ("c.wmv", "wmv2"),
                        ("d.3gp", "libx264"), ("live.mov", "libx264")):  # fmt: skip
        make_clip(source / name, pictures(4), codec=codec)
    pixels = pictures(1)[0]
    Pillow.fromarray(pixels).save(source / "e.jfif", "JPEG")
    Pillow.fromarray(pixels).save(source / "f.mpo", save_all=True,
                                  append_images=[Pillow.fromarray(pixels)])  # fmt: skip
    images.write(source / "live.heic", Picture(pixels))
    (source / "g.psd").write_bytes(b"8BPS")
    entries = run(folder_job(make, source, out, seed=1))
    statuses = {name: entry.status for name, entry in entries.items()}
    assert statuses.pop("g.psd") == "not a picture"
    assert set(statuses.values()) == {"done"}
    assert len(times(out / "a.avi.mp4")) == len(times(out / "b.MTS.mp4")) == 4
    assert len(times(out / "live.mov")) == 4  # a live photo's film beside its picture
    for name in ("e.jfif", "f.mpo", "live.heic"):
        shown = images.read(out / name)
        assert shown.pixels.shape == pixels.shape
        assert np.abs(shown.pixels.astype(int) - pixels).max() > 40
    again = run(folder_job(make, source, out, seed=1))
    assert {entry.status for name, entry in again.items() if name != "g.psd"} == {"skipped"}


CAMCORDERS = {".mod": ".mpg", ".TOD": ".ts", ".lrv": ".mp4", ".insv": ".mp4", ".qt": ".mov",
              ".h264": ".h264", ".hevc": ".hevc", ".mjpeg": ".mjpeg", ".f4v": ".mp4"}  # fmt: skip
CODECS = {".mpg": "mpeg2video", ".hevc": "libx265", ".mjpeg": "mjpeg"}


@pytest.mark.parametrize("suffix", CAMCORDERS)
def test_films_of_camcorders_and_cameras_under_their_own_names(make, tmp_path, suffix):
    written = CAMCORDERS[suffix]
    codec = CODECS.get(written, "libx264")
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    clip = make_clip(tmp_path / f"in{written}", pictures(4), codec=codec, pix_fmt=pix_fmt)
    (tmp_path / "in").mkdir()
    clip.rename(tmp_path / "in" / f"a{suffix}")
    entry = run(folder_job(make, tmp_path / "in", tmp_path / "out", seed=1))[f"a{suffix}"]
    assert (entry.status, entry.error) == ("done", None)
    assert len(times(tmp_path / "out" / f"a{suffix}.mp4")) == 4


@pytest.mark.parametrize("suffix", [".jif", ".pjpeg", ".pjp", ".jps", ".insp", ".dib"])
def test_pictures_under_rarer_names(make, tmp_path, suffix):
    (tmp_path / "in").mkdir()
    Pillow.fromarray(pictures(1)[0]).save(
        tmp_path / "in" / f"a{suffix}", "BMP" if suffix == ".dib" else "JPEG"
    )
    entry = run(folder_job(make, tmp_path / "in", tmp_path / "out", seed=1))[f"a{suffix}"]
    assert (entry.status, entry.outputs) == ("done", (f"a{suffix}",))


def test_what_a_video_loses_stands_in_its_line_and_strict_refuses_it(make, tmp_path):
    source = tmp_path / "in"
    data = make_clip(source / "a.mkv", pictures(4), tones=1).read_bytes()
    (source / "a.mkv").write_bytes(data.replace(b"A_AAC", b"A_XYZ"))
    run(folder_job(make, source, tmp_path / "out", seed=1))
    (line,) = read_manifest(tmp_path / "out-report" / MANIFEST)
    assert line["dropped"] == ["sound 1 (unknown kind)"]
    entry = run(folder_job(make, source, tmp_path / "strict", seed=1, strict=True))["a.mkv"]
    assert (entry.status, "sound 1" in entry.error) == ("failed", True)
    assert not list((tmp_path / "strict").glob("a*"))


def test_what_a_picture_loses_stands_in_its_line(make, tmp_path):
    source = tmp_path / "in"
    images.write(source / "motion.jpg", Picture(pictures(1)[0]))
    film = make_clip(tmp_path / "film.mp4", pictures(4)).read_bytes()
    with (source / "motion.jpg").open("ab") as file:
        file.write(film)
    entry = run(folder_job(make, source, tmp_path / "out", seed=1))["motion.jpg"]
    assert (entry.status, entry.dropped) == ("done", ("the film of a motion photo",))
    assert b"ftyp" not in (tmp_path / "out" / "motion.jpg").read_bytes()


def test_animated_pictures_in_folders_are_refused_with_what_to_do(make, tmp_path):
    (tmp_path / "in").mkdir()
    first, *rest = (Pillow.fromarray(image) for image in pictures(3))
    for name in ("a.webp", "b.png", "c.avif", "d.tif"):
        first.save(tmp_path / "in" / name, save_all=True, append_images=rest)
    entries = run(folder_job(make, tmp_path / "in", tmp_path / "out", seed=1))
    assert {entry.status for entry in entries.values()} == {"failed"}
    for name in ("a.webp", "b.png", "c.avif"):
        assert "holds 3 pictures; give it to 'ganonymize video'" in entries[name].error
    assert "holds 3 pictures; give one of them" in entries["d.tif"].error


@pytest.mark.skipif(sys.platform != "linux", reason="other disks take no such names")
def test_names_that_are_no_utf8_are_in_the_page(make, tmp_path):
    images.write(tmp_path / "in" / "a.png", Picture(pictures(1)[0]))
    (tmp_path / "in" / "a.png").rename(tmp_path / "in" / os.fsdecode(b"caf\xe9.png"))
    job = folder_job(make, tmp_path / "in", tmp_path / "out", seed=1)
    (entry,) = run(job).values()
    assert entry.status == "done"
    write_report(job)
    assert 'src="../out/caf%E9.png"' in (tmp_path / "out-report" / REPORT).read_text()


@pytest.mark.parametrize("kind", ["pipe", "link to a device"])
def test_what_is_no_file_is_told_and_never_opened(make, tmp_path, kind):
    (tmp_path / "in").mkdir()
    if kind == "pipe":
        os.mkfifo(tmp_path / "in" / "a.png")
    else:
        (tmp_path / "in" / "a.png").symlink_to("/dev/zero")
    entry = run(folder_job(make, tmp_path / "in", tmp_path / "out", seed=1))["a.png"]
    assert (entry.status, "a pipe, a socket or a device" in entry.error) == ("failed", True)
