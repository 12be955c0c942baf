"""Files that are damaged at random: a whole output, or one clear line and nothing else."""

import random

import numpy as np
import pytest
from PIL import Image as Pillow

from ganonymization.errors import GanonymizationError
from ganonymization.io import images
from ganonymization.io.images import Picture
from ganonymization.picture_file import anonymize_file
from ganonymization.video.file import VideoOptions, anonymize_video

from .video.test_container import make_clip, pictures, scraps, times
from .video.test_frames import stages, within

pytestmark = pytest.mark.slow

PICTURES = (".jpg", ".png", ".webp", ".tif", ".bmp", ".avif", ".heic", ".mpo")
FILMS = {
    ".mp4": "libx264", ".mov": "mpeg4", ".mkv": "libx264", ".webm": "libvpx-vp9", ".avi": "mpeg4",
    ".ts": "libx264", ".mpg": "mpeg2video", ".wmv": "wmv2", ".flv": "flv1", ".3gp": "libx264",
    ".gif": None, ".webp": None, ".png": None, ".avif": None, ".mxf": "mpeg2video",
}  # fmt: skip
EACH = 15  # of every kind: 345 in all


def mutated(data, number):
    """Bits flipped, a part cut off, a part of zeros, or a part twice."""
    chance = random.Random(number)
    damaged = bytearray(data)
    kind = number % 5
    if kind == 0:
        return data[: chance.randrange(len(data))]
    if kind in (1, 2):
        for _ in range(1 if kind == 1 else 60):
            damaged[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    elif kind == 3:
        start = chance.randrange(len(data))
        length = chance.randrange(1, 1 + len(data) // 4)
        damaged[start : start + length] = bytes(len(damaged[start : start + length]))
    else:
        start = chance.randrange(min(400, len(data)))  # where headers lie
        damaged[start : start + 4] = chance.randbytes(4)
    return bytes(damaged)


def check(work, out, folder):
    """Either it is written whole, or the error is a line and nothing is written."""
    try:
        within(30, work)
    except GanonymizationError as error:
        assert str(error)
        assert "\n" not in str(error)
        assert not out.exists()
        return False
    finally:
        assert not scraps(folder)
    return True


@pytest.mark.parametrize("suffix", PICTURES)
def test_damaged_pictures(make_anonymizer, tmp_path, suffix):
    anonymizer = make_anonymizer()
    plain = np.random.default_rng(1).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    if suffix == ".mpo":
        Pillow.fromarray(plain).save(tmp_path / "a.mpo", save_all=True,
                                     append_images=[Pillow.fromarray(plain)])  # fmt: skip
    else:
        images.write(tmp_path / f"a{suffix}", Picture(plain))
    data = (tmp_path / f"a{suffix}").read_bytes()
    written = 0
    for number in range(EACH):
        source, out = tmp_path / f"{number}{suffix}", tmp_path / "out" / f"{number}{suffix}"
        source.write_bytes(mutated(data, number))
        work = lambda: anonymize_file(anonymizer, source, out, seed=1)  # noqa: B023, E731
        if check(work, out, tmp_path):
            written += 1
            assert images.read(out).pixels.size
    assert written < EACH


@pytest.mark.parametrize("suffix", FILMS)
def test_damaged_films(make_anonymizer, tmp_path, suffix):
    anonymizer = make_anonymizer(**stages())
    if FILMS[suffix] is None:
        frames = [Pillow.fromarray(each) for each in pictures(6)]
        frames[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=frames[1:])
    else:
        make_clip(tmp_path / f"a{suffix}", pictures(8), codec=FILMS[suffix])
    data = (tmp_path / f"a{suffix}").read_bytes()
    for number in range(EACH):
        source, out = tmp_path / f"{number}{suffix}", tmp_path / "out" / f"{number}.mp4"
        source.write_bytes(mutated(data, number))
        work = lambda: anonymize_video(anonymizer, source, out, VideoOptions(1))  # noqa: B023, E731
        if check(work, out, tmp_path):
            assert times(out)
        else:
            assert not list(tmp_path.glob(f"out/{number}.*"))
