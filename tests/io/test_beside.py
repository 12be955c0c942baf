"""Pictures whose colours are told by codes, and what a file holds beside its picture."""

import struct
import zlib

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from ganonymization.io import images
from ganonymization.io.high_range import HLG, PQ, Range
from ganonymization.io.icc import of_codes, rebuilt
from ganonymization.picture_file import anonymize_bytes, anonymize_file

from .test_images import smooth

SUFFIXES = (".png", ".avif", ".heic")
P3, BT2020, SRGB = 12, 9, 13


def coded(path, pixels, primaries, transfer):
    """A picture without a profile; what its numbers mean is told by two codes."""
    if path.suffix == ".heic":
        pillow_heif.from_pillow(Image.fromarray(pixels)).save(
            path, quality=100, color_primaries=primaries, transfer_characteristics=transfer,
            matrix_coefficients=6, full_range_flag=1,
        )  # fmt: skip
        return path
    Image.fromarray(pixels).save(path, **({"quality": 100} if path.suffix == ".avif" else {}))
    data = path.read_bytes()
    if path.suffix == ".avif":
        place = data.index(b"colrnclx") + 8
        path.write_bytes(data[:place] + struct.pack(">HH", primaries, transfer) + data[place + 4 :])
    else:
        chunk = b"cICP" + bytes([primaries, transfer, 0, 1])
        whole = struct.pack(">I", 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        path.write_bytes(data[:33] + whole + data[33:])
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_high_range_is_read_as_screens_show_it(tmp_path, suffix, transfer):
    light = Range(transfer, wide=True)
    pixels = (light.deep(smooth()) // 257).astype(np.uint8)
    picture = images.read(coded(tmp_path / f"a{suffix}", pixels, BT2020, transfer))
    assert picture.dropped == ("high dynamic range (tone-mapped)",)
    assert picture.icc is None
    assert np.abs(picture.pixels.astype(int) - smooth()).mean() < 5
    assert np.abs(pixels.astype(int) - smooth()).mean() > 20


def as_srgb(picture):
    source = ImageCms.ImageCmsProfile(images.io.BytesIO(picture.icc))
    shown = ImageCms.profileToProfile(
        Image.fromarray(picture.pixels), source, ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    return np.asarray(shown).astype(int)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_wide_colours_that_are_told_by_codes_get_a_profile(tmp_path, suffix):
    picture = images.read(coded(tmp_path / f"a{suffix}", smooth(), P3, SRGB))
    assert picture.dropped == ()
    assert picture.icc == of_codes(P3, SRGB) == rebuilt(of_codes(P3, SRGB))
    for out in (".png", ".jpg", ".avif", ".heic"):
        images.write(tmp_path / f"out{out}", picture)
        assert images.read(tmp_path / f"out{out}").icc == picture.icc


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_codes_of_srgb_say_nothing_new(tmp_path, suffix):
    picture = images.read(coded(tmp_path / f"a{suffix}", smooth(), 1, SRGB))
    assert (picture.icc, picture.dropped) == (None, ())


@pytest.mark.parametrize(
    ("primaries", "from_coded"),
    [(P3, [[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]]),
     (BT2020, [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083],
               [-0.0182, -0.1006, 1.1187]])],
)  # fmt: skip
def test_a_profile_from_codes_shows_the_colours_that_it_should(primaries, from_coded):
    """Linear light through the published matrices (ITU-R BT.2087 and Display P3's)."""
    pixels = np.array([[[90, 120, 110], [128, 128, 128], [150, 130, 120], [255] * 3]], np.uint8)
    coded = pixels / 255
    light = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    light = np.clip(light @ np.array(from_coded).T, 0, 1)
    expected = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) * 255
    shown = as_srgb(images.Picture(pixels, icc=of_codes(primaries, SRGB)))
    assert np.abs(shown - expected).max() < 2


@pytest.mark.parametrize(("transfer", "level"), [(4, 2.2), (5, 2.8), (8, 1.0)])
def test_tones_that_are_told_by_codes(transfer, level):
    grey = np.full((2, 2, 3), 100, np.uint8)
    light = (100 / 255) ** level
    shown = as_srgb(images.Picture(grey, icc=of_codes(1, transfer)))
    expected = 255 * (1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(shown - expected).max() <= 1


@pytest.mark.parametrize("codes", [(2, 2), (0, 0), (255, 255), (22, 13)])
def test_unknown_codes_are_no_profile(codes):
    assert of_codes(*codes) is None


FILM = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(900)


@pytest.mark.parametrize(("name", "before"), [
    ("a.jpg", b""), ("a.jpg", b"MotionPhoto_Data"), ("a.heic", b""), ("a.heic", b"\0\0\0\0mpvd")
])  # fmt: skip
def test_the_film_of_a_motion_photo_is_told(make_anonymizer, tmp_path, name, before):
    images.write(tmp_path / name, images.Picture(smooth(128, 128)))
    assert images.read(tmp_path / name).dropped == ()
    data = (tmp_path / name).read_bytes() + before + FILM
    (tmp_path / name).write_bytes(data)
    told = ("the film of a motion photo",)
    result, (out,) = anonymize_file(
        make_anonymizer(), tmp_path / name, tmp_path / f"out-{name}", seed=1
    )
    assert result.dropped == told
    assert out.read_bytes().count(b"ftyp") == (1 if name == "a.heic" else 0)
    assert anonymize_bytes(make_anonymizer(), data, seed=1)[0].dropped == told


def test_a_second_view_is_told_and_a_preview_is_not(tmp_path):
    first, second = Image.fromarray(smooth()), Image.fromarray(smooth()[::-1])
    first.save(tmp_path / "a.mpo", save_all=True, append_images=[second])
    assert images.read(tmp_path / "a.mpo").dropped == ()
    data = (tmp_path / "a.mpo").read_bytes()
    with Image.open(tmp_path / "a.mpo") as opened:
        entries = opened.mpinfo[0xB002]
        place = data.index(struct.pack("<I", entries[0]["Size"])) - 4 + 16
    (tmp_path / "a.mpo").write_bytes(data[:place] + struct.pack("<I", 0x020002) + data[place + 4 :])
    assert images.read(tmp_path / "a.mpo").dropped == ("1 further view",)
