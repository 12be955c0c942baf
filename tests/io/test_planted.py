"""A face and a name are planted wherever a picture file can hold them; no output has them."""

import base64
import io
import struct
import zlib

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms, TiffImagePlugin
from PIL.PngImagePlugin import PngInfo

from ganonymization.errors import UnreadableError
from ganonymization.io import images
from ganonymization.io.icc import rebuilt

from .test_images import smooth

NAME = b"NAME-OF-A-PERSON"


def face():
    """Pixels that stand for what must not come back, and its JPEG."""
    pixels = np.random.default_rng(5).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    jpeg = io.BytesIO()
    Image.fromarray(pixels).save(jpeg, "JPEG", quality=95)
    return pixels, jpeg.getvalue()


def exif():
    """With a thumbnail, a maker's notes, and a position."""
    tags = Image.Exif()
    tags[0x010E] = NAME.decode()
    ifd = tags.get_ifd(0x8769)
    ifd[0x927C] = b"Maker\0" + face()[1]
    ifd[0x9286] = b"ASCII\0\0\0" + NAME
    tags.get_ifd(0x8825)[1] = "N"
    return tags.tobytes()


def xmp():
    """As phones write depth and gain maps, and the offset of a film within."""
    inside = base64.b64encode(face()[1])
    return b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + NAME + b" GDepth:Data='" + inside + b"'/>"


def segment(marker, data):
    return bytes([255, marker]) + struct.pack(">H", len(data) + 2) + data


def jpeg(path):
    """Segments of every kind, and behind the picture a film and another picture."""
    Image.fromarray(smooth()).save(path, "JPEG", exif=exif(), comment=NAME, xmp=xmp())
    data = path.read_bytes()
    planted = b"".join(
        segment(marker, kind + NAME + face()[1])
        for marker, kind in ((0xE0, b"JFXX\0\x10"), (0xE2, b"MPX\0"), (0xEB, b"JP"),
                             (0xEC, b"Ducky"), (0xED, b"Photoshop 3.0\0"), (0xEF, b"x"))
    )  # fmt: skip
    path.write_bytes(data[:2] + planted + data[2:] + b"\0\0\0\x18ftypmp42" + NAME + face()[1])


def gain_map(path):
    """A second picture in the file, as Ultra HDR and stereo cameras have it."""
    Image.fromarray(smooth()).save(
        path, "MPO", save_all=True, append_images=[Image.fromarray(face()[0])], exif=exif()
    )


def png(path):
    text = PngInfo()
    text.add_text("Author", NAME.decode())
    text.add_itxt("XML:com.adobe.xmp", xmp().decode("latin-1"))
    text.add_text("zipped", NAME.decode(), zip=True)
    Image.fromarray(smooth()).save(path, "PNG", pnginfo=text, exif=exif())
    path.write_bytes(path.read_bytes() + NAME + face()[1])


def webp(path):
    Image.fromarray(smooth()).save(path, "WEBP", exif=exif(), xmp=xmp())


def avif(path):
    Image.fromarray(smooth()).save(path, "AVIF", exif=exif(), xmp=xmp())


def tiff(path):
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[270], tags[315], tags[700] = NAME.decode(), NAME.decode(), xmp()
    tags[34377], tags[37724] = NAME + face()[1], face()[1]
    Image.fromarray(smooth()).save(path, "TIFF", tiffinfo=tags, exif=exif())
    path.write_bytes(path.read_bytes() + NAME)


def bmp(path):
    Image.fromarray(smooth()).save(path, "BMP")
    path.write_bytes(path.read_bytes() + NAME + face()[1])


def heic(path):
    """With a thumbnail of its own, which is made of the same pixels."""
    pillow_heif.from_pillow(Image.fromarray(smooth())).save(
        path, exif=exif(), xmp=xmp(), thumbnails=[16]
    )


URNS = {
    "depth.heic": (b"urn:mpeg:hevc:2015:auxid:1", b"urn:mpeg:hevc:2015:auxid:2"),
    "gain.heic": (b"urn:mpeg:hevc:2015:auxid:1", b"urn:com:apple:hdrgainmap\0\0"),
    "depth.avif": (b"auxiliary:alpha", b"auxiliary:depth"),
}


def with_map(path):
    """A depth or gain map, which shows the face: alpha by another name."""
    shown = np.dstack([smooth(48, 48), face()[0][..., 0]])
    images.know_heif()
    Image.fromarray(shown).save(path)
    alpha, other = URNS[path.name]
    data = path.read_bytes()
    assert alpha in data
    path.write_bytes(data.replace(alpha, other))


@pytest.mark.parametrize("name", URNS)
def test_depth_and_gain_maps_are_dropped(tmp_path, name):
    with_map(tmp_path / name)
    data = (tmp_path / name).read_bytes()
    hidden = data[data.index(b"mdat") + 8 :]
    picture = images.read(tmp_path / name)
    assert picture.alpha is None
    assert np.abs(picture.pixels.astype(int) - smooth(48, 48)).mean() < 6
    for suffix in (".jpg", ".png", ".heic", ".avif"):
        images.write(tmp_path / f"out{suffix}", picture)
        written = (tmp_path / f"out{suffix}").read_bytes()
        assert b"urn:" not in written
        assert not any(hidden[at : at + 24] in written for at in range(0, len(hidden) - 24, 8))
        with Image.open(tmp_path / f"out{suffix}") as opened:
            assert not opened.info.get("aux")
            assert not opened.info.get("depth_images")


KINDS = {"a.jpg": jpeg, "a.mpo": gain_map, "a.png": png, "a.webp": webp, "a.avif": avif,
         "a.tif": tiff, "a.bmp": bmp, "a.heic": heic}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_nothing_that_was_planted_comes_back(tmp_path, name):
    KINDS[name](tmp_path / name)
    data = (tmp_path / name).read_bytes()
    assert NAME in data or face()[1][-400:-300] in data
    picture = images.read(tmp_path / name)
    assert picture.pixels.shape == smooth().shape
    assert np.abs(picture.pixels.astype(int) - smooth()).mean() < 4
    for suffix in (".jpg", ".png", ".webp", ".tif", ".bmp", ".avif", ".heic"):
        images.write(tmp_path / f"out{suffix}", picture)
        written = (tmp_path / f"out{suffix}").read_bytes()
        assert NAME not in written
        assert face()[1][-400:-300] not in written
        assert written.count(b"\xff\xd8\xff") <= 1
        with images.Pillow.open(tmp_path / f"out{suffix}") as opened:
            assert getattr(opened, "n_frames", 1) == 1
            assert not {"exif", "xmp", "comment", "thumbnails"} & {
                key for key, value in opened.info.items() if value
            }


@pytest.mark.parametrize(
    ("name", "options"),
    [("a.tif", {}), ("a.png", {"duration": 100}), ("a.webp", {"duration": 100}),
     ("a.avif", {"duration": 100}), ("a.heic", {})],
)  # fmt: skip
def test_files_of_several_pages_or_frames_are_refused(tmp_path, name, options):
    """Else all but the first would be lost, or pass unseen."""
    first, second = Image.fromarray(smooth()), Image.fromarray(smooth()[::-1])
    images.know_heif()
    first.save(tmp_path / name, save_all=True, append_images=[second], **options)
    with pytest.raises(UnreadableError, match="holds 2 pictures; give"):
        images.read(tmp_path / name)


def test_a_palette_and_a_bitmap_become_what_they_show(tmp_path):
    colours = Image.fromarray(smooth()).quantize(64)
    colours.save(tmp_path / "a.png")
    shown = np.asarray(colours.convert("RGB"))
    assert np.array_equal(images.read(tmp_path / "a.png").pixels, shown)
    bits = Image.fromarray(smooth()[..., 0]).convert("1")
    bits.save(tmp_path / "b.tif")
    assert np.array_equal(
        images.read(tmp_path / "b.tif").pixels[..., 0], np.asarray(bits.convert("L"))
    )


def test_a_colour_picture_of_sixteen_bits_becomes_one_of_eight(tmp_path):
    """Written by hand: Pillow writes no such PNG."""
    deep = smooth().astype(">u2") * 257
    rows = b"".join(b"\0" + row.tobytes() for row in deep)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(
            ">I", zlib.crc32(kind + data)
        )  # fmt: skip

    header = struct.pack(">IIBBBBB", deep.shape[1], deep.shape[0], 16, 2, 0, 0, 0)
    (tmp_path / "a.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )  # fmt: skip
    assert np.array_equal(images.read(tmp_path / "a.png").pixels, smooth())


def test_wide_colours_keep_their_profile(tmp_path):
    """The numbers of any profile of three channels are told to viewers as they were."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for suffix in (".jpg", ".png", ".webp", ".tif", ".avif", ".heic"):
        images.write(tmp_path / f"a{suffix}", images.Picture(smooth(), icc=profile))
        assert images.read(tmp_path / f"a{suffix}").icc == rebuilt(profile)
