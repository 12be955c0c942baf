"""Profiles with a face and a name in them; what is left says how colours look and no more."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from ganonymization.io import images
from ganonymization.io.icc import rebuilt

from .test_images import smooth
from .test_planted import NAME, face

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def fixed(*values):
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def profile(version=2, more=(), **changed):
    """Display P3 in version 2 or 4, with further tags."""
    gamma = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256))
    tags = {b"wtpt": b"XYZ \0\0\0\0" + fixed(0.9642, 1, 0.8249),
            b"rXYZ": b"XYZ \0\0\0\0" + fixed(0.5151, 0.2412, -0.0011),
            b"gXYZ": b"XYZ \0\0\0\0" + fixed(0.2920, 0.6922, 0.0419),
            b"bXYZ": b"XYZ \0\0\0\0" + fixed(0.1571, 0.0666, 0.7841),
            b"rTRC": gamma, b"gTRC": gamma, b"bTRC": gamma,
            b"cprt": b"text\0\0\0\0" + NAME}  # fmt: skip
    tags |= {name.encode(): tag for name, tag in changed.items()} | dict(more)
    place, table, content = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, tag in tags.items():
        table += struct.pack(">4sII", name, place + len(content), len(tag))
        content += tag + bytes(-len(tag) % 4)
    head = struct.pack(">I4sI4s4s4s12x4s", place + len(content), b"test", version << 24, b"mntr",
                       b"RGB ", b"XYZ ", b"acsp")  # fmt: skip
    return head + bytes(28) + fixed(0.9642, 1, 0.8249) + bytes(48) + table + content


def shown(icc):
    """Colours on an ordinary screen."""
    source, target = ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.createProfile("sRGB")
    return np.asarray(ImageCms.profileToProfile(Image.fromarray(smooth()), source, target), int)


PARAMETERS = b"para\0\0\0\0" + struct.pack(">H2x", 3) + fixed(2.4, 0.948, 0.052, 0.077, 0.04)
STEPS = b"curv\0\0\0\0" + struct.pack(">I1024H", 1024, *(round(64 * i) for i in range(1024)))


@pytest.mark.parametrize("version", [2, 4])
@pytest.mark.parametrize("curve", [None, PARAMETERS, STEPS, b"curv" + bytes(8)])
def test_colours_look_as_they_did(version, curve):
    curves = {} if curve is None else dict.fromkeys(("rTRC", "gTRC", "bTRC"), curve)
    icc = profile(version, **curves)
    assert np.abs(shown(rebuilt(icc)) - shown(icc)).max() <= 1
    assert np.abs(shown(icc) - smooth()).max() > 8  # the profile matters
    assert rebuilt(rebuilt(icc)) == rebuilt(icc)


def test_standard_profiles_are_kept():
    assert np.abs(shown(rebuilt(SRGB)) - smooth()).max() <= 1


@pytest.mark.parametrize(
    "icc",
    [profile(more={b"face": face()[1]}), profile(more={b"desc": b"desc" + face()[1]}),
     profile() + face()[1] + NAME, profile(rTRC=STEPS + face()[1])],
)  # fmt: skip
def test_what_lies_in_a_profile_is_dropped(icc):
    clean = rebuilt(icc)
    assert NAME not in clean
    assert face()[1][-400:-300] not in clean
    assert len(clean) < 3000


def curve_of(data):
    return b"curv\0\0\0\0" + struct.pack(">I", len(data) // 2) + data[: len(data) // 2 * 2]


@pytest.mark.parametrize(
    "icc",
    [face()[1], b"", b"broken", profile()[:200], profile(rTRC=curve_of(face()[1])),
     profile(rXYZ=b"XYZ \0\0\0\0" + b"face" * 3), profile(rTRC=b"mft2" + face()[1]),
     profile()[:16] + b"CMYK" + profile()[20:], profile()[:20] + b"Lab " + profile()[24:]],
)  # fmt: skip
def test_what_is_no_profile_of_three_colours_is_dropped(icc):
    assert rebuilt(icc) is None


def message(channel):
    """A curve that goes up by the bytes of a picture."""
    ups = np.frombuffer(face()[1][: 3 * 450], np.uint8).reshape(3, -1)[channel].astype(int)
    return curve_of(np.minimum(np.cumsum(ups), 65535).astype(">u2").tobytes())


def test_a_curve_that_holds_a_message_is_dropped():
    curves = {name: message(i) for i, name in enumerate(("rTRC", "gTRC", "bTRC"))}
    assert rebuilt(profile(**curves)) is None


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_colours_of_other_profiles_become_those_of_srgb(tmp_path, mode):
    bent = curve_of((65535 * np.linspace(0, 1, 256) ** 3.3).astype(">u2").tobytes())
    icc = profile(**dict.fromkeys(("rTRC", "gTRC", "bTRC"), bent))
    Image.fromarray(smooth()).convert(mode).save(tmp_path / "a.png", icc_profile=icc)
    picture = images.read(tmp_path / "a.png")
    assert rebuilt(icc) is None and picture.icc is None
    assert np.abs(picture.pixels - shown(icc)).max() <= 1
    assert (picture.alpha is None) == (mode == "RGB")


def test_grey_of_other_profiles_becomes_that_of_srgb(tmp_path):
    steps = (65535 * np.linspace(0, 1, 256) ** 3.3).astype(">u2").tobytes()
    icc = profile(kTRC=curve_of(steps))
    icc = icc[:16] + b"GRAY" + icc[20:]
    Image.fromarray(np.full((8, 8), 128, np.uint8)).save(tmp_path / "a.png", icc_profile=icc)
    picture = images.read(tmp_path / "a.png")
    assert picture.grey and picture.icc is None
    assert abs(int(picture.pixels[0, 0, 0]) - 91) <= 2  # 255 (128 / 255) ** 3.3, coded as sRGB


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_a_picture_in_the_place_of_a_profile_does_not_come_back(tmp_path, suffix):
    images.write(tmp_path / f"a{suffix}", images.Picture(smooth(), icc=face()[1]))
    images.write(tmp_path / f"b{suffix}", images.read(tmp_path / f"a{suffix}"))
    with Image.open(tmp_path / f"b{suffix}") as opened:
        assert "icc_profile" not in opened.info
    assert face()[1][-400:-300] not in (tmp_path / f"b{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".avif", ".heic"])
def test_no_picture_passes_a_profile_on_as_it_was(tmp_path, suffix):
    icc = profile(more={b"face": face()[1]})
    images.write(tmp_path / f"a{suffix}", images.Picture(smooth(), icc=icc))
    assert written_in(tmp_path / f"a{suffix}") == icc
    images.write(tmp_path / f"b{suffix}", images.read(tmp_path / f"a{suffix}"))
    assert written_in(tmp_path / f"b{suffix}") == rebuilt(icc)
    assert face()[1][-400:-300] not in (tmp_path / f"b{suffix}").read_bytes()


def written_in(path):
    images.know_heif()
    with Image.open(path) as opened:
        return opened.info["icc_profile"]
