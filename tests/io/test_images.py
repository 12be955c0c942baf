import io
import os
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from ganonymization.errors import OutputError, UnreadableError
from ganonymization.io import images
from ganonymization.io.icc import rebuilt
from ganonymization.io.images import Picture

LOSSLESS = [".png", ".tif", ".tiff", ".bmp"]


def smooth(h=40, w=60):
    y, x = np.mgrid[:h, :w]
    return np.dstack([x * 255 // w, y * 255 // h, (x + y) * 255 // (w + h)]).astype(np.uint8)


@settings(max_examples=25)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from(LOSSLESS), st.integers(0, 99))
def test_lossless_formats_keep_every_pixel(tmp_path_factory, h, w, suffix, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (h, w, 3), dtype=np.uint8)
    path = tmp_path_factory.mktemp("io") / f"a{suffix}"
    images.write(path, Picture(pixels))
    assert np.array_equal(images.read(path).pixels, pixels)


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp", ".avif", ".JPG", ".heic", ".HEIF"])
def test_lossy_formats_come_back_close(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    images.write(path, Picture(smooth()))
    assert np.abs(images.read(path).pixels.astype(int) - smooth()).mean() < 3


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_alpha_is_kept(tmp_path, suffix):
    alpha = smooth()[..., 0]
    path = tmp_path / f"a{suffix}"
    images.write(path, Picture(smooth(), alpha=alpha))
    assert np.array_equal(images.read(path).alpha, alpha)


def test_alpha_comes_back_close_from_heic(tmp_path):
    alpha = smooth()[..., 0]
    images.write(tmp_path / "a.heic", Picture(smooth(), alpha=alpha))
    assert np.abs(images.read(tmp_path / "a.heic").alpha.astype(int) - alpha).mean() < 3


def test_alpha_is_left_out_where_the_format_has_none(tmp_path):
    images.write(tmp_path / "a.jpg", Picture(smooth(), alpha=smooth()[..., 0]))
    assert images.read(tmp_path / "a.jpg").alpha is None


def test_grey_stays_grey(tmp_path):
    Image.fromarray(smooth()[..., 0]).save(tmp_path / "a.png")
    picture = images.read(tmp_path / "a.png")
    assert picture.grey
    assert np.array_equal(picture.pixels[..., 1], smooth()[..., 0])
    images.write(tmp_path / "b.png", picture)
    assert opened(tmp_path / "b.png").mode == "L"


def test_sixteen_bits_are_scaled_not_cut(tmp_path):
    deep = (smooth()[..., 0].astype(np.uint16) * 257).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "a.png")
    assert opened(tmp_path / "a.png").mode == "I;16"
    assert np.array_equal(images.read(tmp_path / "a.png").pixels[..., 0], smooth()[..., 0])


def test_palettes_with_transparency(tmp_path):
    image = Image.fromarray(smooth()).quantize(16)
    image.info["transparency"] = 3
    image.save(tmp_path / "a.png", transparency=3)
    picture = images.read(tmp_path / "a.png")
    assert picture.pixels.shape == (40, 60, 3)
    assert set(np.unique(picture.alpha)) == {0, 255}


@pytest.mark.parametrize("profile", [None, b"broken"])
def test_cmyk_becomes_rgb(tmp_path, profile):
    options = {"icc_profile": profile} if profile else {}
    Image.fromarray(smooth()).convert("CMYK").save(tmp_path / "a.jpg", quality=95, **options)
    picture = images.read(tmp_path / "a.jpg")
    assert np.abs(picture.pixels.astype(int) - smooth()).mean() < 4
    assert picture.icc is None


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(tmp_path, orientation):
    upright = Image.fromarray(smooth())
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # transpositions that store it turned
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(images.read(tmp_path / "a.png").pixels, smooth())


def test_metadata_is_dropped_and_the_profile_kept(tmp_path):
    secret = b"48 deg 51 min, thumbnail, author"
    exif = Image.Exif()
    exif[0x010E] = secret.decode()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(smooth()).save(
        tmp_path / "a.jpg", exif=exif, comment=secret, icc_profile=profile, xmp=secret
    )
    text = PngInfo()
    text.add_text("Comment", secret.decode())
    Image.fromarray(smooth()).save(tmp_path / "a.png", pnginfo=text, exif=exif)
    for name in ("a.jpg", "a.png"):
        assert secret in (tmp_path / name).read_bytes()
        for suffix in images.WRITERS:
            out = tmp_path / f"out{suffix}"
            images.write(out, images.read(tmp_path / name))
            assert secret not in out.read_bytes()
    images.write(tmp_path / "b.jpg", images.read(tmp_path / "a.jpg"))
    assert opened(tmp_path / "b.jpg").info["icc_profile"] == rebuilt(profile)


def test_jpeg_quality_is_kept(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for quality in (40, 90):
        Image.fromarray(noise).save(tmp_path / "a.jpg", quality=quality)
        images.write(tmp_path / "b.jpg", images.read(tmp_path / "a.jpg"))
        tables = [opened(tmp_path / n).quantization for n in ("a.jpg", "b.jpg")]
        assert tables[0] == tables[1]


def opened(path):
    """A closed picture with its mode and information."""
    with Image.open(path) as image:
        image.load()
        return image


def bad_files():
    png = io.BytesIO()
    Image.fromarray(smooth()).save(png, "PNG")
    jpeg = io.BytesIO()
    Image.fromarray(smooth(400, 400)).save(jpeg, "JPEG")
    gif = io.BytesIO()
    frames = [Image.fromarray(smooth()).convert("P"), Image.fromarray(255 - smooth()).convert("P")]
    frames[0].save(gif, "GIF", save_all=True, append_images=frames[1:])
    bomb = bytearray(png.getvalue())
    bomb[16:24] = struct.pack(">II", 60000, 60000)
    return {
        "empty.jpg": b"",
        "text.jpg": b"not a picture",
        "cut.png": png.getvalue()[:-40],
        "cut.jpg": jpeg.getvalue()[: len(jpeg.getvalue()) // 2],
        "bomb.png": bytes(bomb),
        "moving.gif": gif.getvalue(),
    }


@pytest.mark.parametrize("name", list(bad_files()))
def test_bad_files_are_refused_by_name(tmp_path, name):
    (tmp_path / name).write_bytes(bad_files()[name])
    with pytest.raises(UnreadableError, match=name):
        images.read(tmp_path / name)


def test_missing_files_folders_and_large_pictures_are_refused(tmp_path):
    with pytest.raises(UnreadableError, match="no such file"):
        images.read(tmp_path / "none.jpg")
    with pytest.raises(UnreadableError, match="folder"):
        images.read(tmp_path)
    images.write(tmp_path / "a.png", Picture(smooth()))
    with pytest.raises(UnreadableError, match="raise `max_pixels`"):
        images.read(tmp_path / "a.png", max_pixels=100)


def test_outputs_that_must_not_be_written_are_refused(tmp_path):
    source = tmp_path / "a.png"
    images.write(source, Picture(smooth()))
    with pytest.raises(OutputError, match="is the input"):
        images.check_output(source, tmp_path / "." / "a.png")
    os.link(source, tmp_path / "link.png")
    with pytest.raises(OutputError, match="is the input"):
        images.check_output(source, tmp_path / "link.png")
    with pytest.raises(OutputError, match="folder"):
        images.check_output(source, tmp_path)
    with pytest.raises(OutputError, match="xyz"):
        images.check_output(source, tmp_path / "b.xyz")
    with pytest.raises(OutputError, match="suffix"):
        images.write(tmp_path / "b", Picture(smooth()))


def test_a_format_that_cannot_hold_a_picture_is_one_error(tmp_path):
    huge = Picture(np.zeros((1, 70_000, 3), np.uint8))
    with pytest.raises(OutputError, match=r"a\.jpg: cannot be written"):
        images.write(tmp_path / "a.jpg", huge)
    with pytest.raises(OutputError, match=r"a\.webp: cannot be written as WEBP"):
        images.encoded(huge, "WEBP", "a.webp")
    assert not list(tmp_path.iterdir())


def test_missing_output_folders_are_made_and_files_stand_in_the_way(tmp_path):
    images.write(tmp_path / "x" / "y" / "a.png", Picture(smooth()))
    assert (tmp_path / "x" / "y" / "a.png").is_file()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be written"):
        images.write(tmp_path / "file" / "a.png", Picture(smooth()))


@pytest.mark.parametrize(("depth", "dtype"), [(8, np.int32), (12, np.uint16), (14, np.uint16)])
def test_other_depths_are_not_lost_in_the_dark(tmp_path, depth, dtype):
    deep = (smooth()[..., 0].astype(np.int64) * (2**depth - 1) // 255).astype(dtype)
    deep[0, 0] = 2**depth - 1
    Image.fromarray(deep).save(tmp_path / "a.tif")
    found = images.read(tmp_path / "a.tif").pixels[..., 0].astype(int)
    assert np.abs(found - smooth()[..., 0])[1:].max() <= 1


def test_a_float_picture_with_a_hole_is_read(tmp_path):
    values = smooth()[..., 0].astype(np.float32) / 255
    values[3, 3] = np.nan
    Image.fromarray(values).save(tmp_path / "a.tif")
    found = images.read(tmp_path / "a.tif").pixels[..., 0].astype(int)
    assert np.abs(found - smooth()[..., 0])[4:].max() <= 1


def test_other_formats_do_not_reach_their_decoders(tmp_path):
    """Postscript would be run."""
    (tmp_path / "a.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n")
    with pytest.raises(UnreadableError, match="not a picture"):
        images.read(tmp_path / "a.jpg")


def test_a_name_that_is_too_long_and_a_picture_too_wide_are_refused(tmp_path):
    with pytest.raises(UnreadableError):
        images.read(tmp_path / ("a" * 300 + ".jpg"))
    with pytest.raises(OutputError):
        images.check_output(tmp_path / "a.jpg", tmp_path / ("a" * 300 + ".jpg"))
    with pytest.raises(OutputError, match="cannot be written"):
        images.write(tmp_path / "wide.webp", Picture(np.zeros((1, 17000, 3), np.uint8)))
    assert list(tmp_path.iterdir()) == []


def test_files_get_ordinary_permissions(tmp_path):
    images.write(tmp_path / "a.png", Picture(smooth()))
    (tmp_path / "b").write_bytes(b"")
    modes = [(tmp_path / name).stat().st_mode for name in ("a.png", "b")]
    assert modes[0] == modes[1]
