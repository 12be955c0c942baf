"""Frames as players show them: every orientation, other sizes, what is transparent."""

import io
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from ganonymization.video.container import Reader
from ganonymization.video.decoded import Turn, fitted

from .test_container import make_clip, pictures, rewrite, seen_pictures

ONE = 0x10000
MATRICES = {
    "as it is": (ONE, 0, 0, ONE), "mirrored": (-ONE, 0, 0, ONE),
    "upside down": (ONE, 0, 0, -ONE), "half turn": (-ONE, 0, 0, -ONE),
    "quarter": (0, ONE, -ONE, 0), "back quarter": (0, -ONE, ONE, 0),
    "transposed": (0, ONE, ONE, 0), "other diagonal": (0, -ONE, -ONE, 0),
}  # fmt: skip


def matrix(a, b, c, d, order="<"):
    return struct.pack(f"{order}9i", a, b, 0, c, d, 0, 0, 0, 0x40000000)


def shown_at(pixels, a, b, c, d):
    """By definition: the stored pixel (x, y) is shown at (a x + c y, b x + d y)."""
    height, width = pixels.shape[:2]
    y, x = np.mgrid[:height, :width]
    to_x, to_y = (a * x + c * y) // ONE, (b * x + d * y) // ONE
    to_x, to_y = to_x - to_x.min(), to_y - to_y.min()
    shown = np.zeros((to_y.max() + 1, to_x.max() + 1, 3), pixels.dtype)
    shown[to_y, to_x] = pixels
    return shown


@pytest.mark.parametrize("name", MATRICES)
def test_all_eight_orientations(name):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 7, 3), dtype=np.uint8)
    turn = Turn(matrix(*MATRICES[name]))
    assert np.array_equal(turn(pixels), shown_at(pixels, *MATRICES[name]))
    assert turn.swaps_sides == (turn(pixels).shape != pixels.shape)


def test_no_matrix_or_a_broken_one_turns_nothing():
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    for told in (None, b"", bytes(36)):
        assert np.array_equal(Turn(told)(pixels), pixels)


def test_a_matrix_that_is_no_quarter_turn_means_the_nearest():
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    cos, sin = int(0.97 * ONE), int(0.24 * ONE)
    assert np.array_equal(Turn(matrix(cos, sin, -sin, cos))(pixels), pixels)


def marked():
    """Frames that no orientation leaves as they are."""
    images = pictures(4)
    for image in images:
        image[:24, :40] = (250, 30, 30)
        image[-20:, :30] = (30, 30, 250)
    return images


def with_matrix(path, name):
    """A film in whose header the orientation stands."""
    make_clip(path, marked())
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd")
    place = start + 8 + (20 if data[start + 4] == 0 else 32) + 16
    data[place : place + 36] = matrix(*MATRICES[name], order=">")
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", MATRICES)
def test_a_film_is_shown_as_its_header_says(tmp_path, name):
    source = with_matrix(tmp_path / "in.mp4", name)
    expected = shown_at(marked()[0], *MATRICES[name])
    out = rewrite(source, tmp_path / "out.mp4")
    with av.open(str(out)) as container:
        frame = next(container.decode(video=0))
        assert "DISPLAYMATRIX" not in frame.side_data
        assert np.abs(frame.to_ndarray(format="rgb24").astype(int) - expected).mean() < 4


@pytest.mark.parametrize(("orientation", "name"), [
    (1, "as it is"), (3, "half turn"), (6, "quarter"), (8, "back quarter")
])  # fmt: skip
def test_motion_jpeg_whose_frames_carry_exif(tmp_path, orientation, name):
    """As of older cameras; PyAV gives no side data of such frames, not even their orientation."""
    tags = Image.Exif()
    tags[0x0112] = orientation
    with av.open(str(tmp_path / "in.avi"), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuvj420p"
        container.start_encoding()
        for i, image in enumerate(marked()):
            jpeg = io.BytesIO()
            Image.fromarray(image).save(jpeg, "JPEG", quality=95, exif=tags)
            packet = av.Packet(jpeg.getvalue())
            packet.stream, packet.pts, packet.dts = stream, i, i
            packet.time_base, packet.is_keyframe = Fraction(1, 25), True
            container.mux(packet)
    with av.open(str(tmp_path / "in.avi")) as container:
        frame = next(container.decode(video=0))
        with pytest.raises(ValueError, match="not a valid Type"):
            frame.side_data.get("DISPLAYMATRIX")
    for shown, image in zip(seen_pictures(tmp_path / "in.avi"), marked(), strict=True):
        assert np.abs(shown.astype(int) - shown_at(image, *MATRICES[name])).mean() < 4


@pytest.mark.parametrize(("degrees", "expected"), [(90, (3, 4)), (180, (4, 3))])
def test_pixels_that_are_not_square_are_turned_with_their_film(tmp_path, degrees, expected):
    with av.open(str(tmp_path / "in.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height = 128, 96
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        stream.set_display_rotation(degrees)
        for i, image in enumerate(pictures(3)):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
            frame.pts = i
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with Reader(tmp_path / "in.mp4") as reader:
        reader.size_wh()
        assert reader.pixel_aspect == Fraction(*expected)


def test_frames_of_another_size_fit_into_the_first_ones():
    image = np.full((20, 40, 3), 200, np.uint8)
    assert fitted(image, (40, 20)) is image
    tall = fitted(image, (20, 40))
    assert tall.shape == (40, 20, 3)
    assert (tall[15:25] == 200).all()
    assert not tall[:15].any() and not tall[25:].any()


def test_a_film_whose_size_changes_keeps_every_frame_whole(tmp_path):
    """As broadcasts and calls do: the second half is twice as large."""
    parts = [make_clip(tmp_path / f"{k}.ts", pictures(6, (k * 128, k * 96))) for k in (1, 2)]
    (tmp_path / "in.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    shown = seen_pictures(tmp_path / "in.ts")
    assert len(shown) == 12
    assert {image.shape for image in shown} == {(96, 128, 3)}
    large = seen_pictures(parts[1])[0]
    assert np.abs(shown[6].astype(int) - large[::2, ::2]).mean() < 6
    assert len(seen_pictures(rewrite(tmp_path / "in.ts", tmp_path / "out.mp4"))) == 12


def test_what_is_transparent_becomes_white(tmp_path):
    """What lies below could be what somebody hid."""
    with av.open(str(tmp_path / "in.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "bgra"
        pixels = np.full((48, 64, 4), (10, 20, 30, 255), np.uint8)
        pixels[:, 32:, 3] = 0
        pixels[:, 24:32, 3] = 128
        frame = av.VideoFrame.from_ndarray(pixels, format="rgba").reformat(format="bgra")
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    (shown,) = seen_pictures(tmp_path / "in.mkv")
    assert (shown[:, :24] == (10, 20, 30)).all()
    assert (shown[:, 32:] == 255).all()
    assert (np.abs(shown[:, 24:32].astype(int) - (132, 137, 142)) <= 1).all()
