"""A bar that moves, seen twice in every frame: once in the even rows and later in the odd ones."""

from fractions import Fraction

import av
import numpy as np
import pytest

from .test_container import make_clip, pictures, rewrite, seen_pictures, times

LENGTH, STEP = 12, 6


def woven(i):
    image = np.full((96, 128, 3), 60, np.uint8)
    for field in (0, 1):
        left = 10 + STEP * i + STEP // 2 * field
        image[field::2, left : left + 30] = 220
    return image


def interlaced(path, *, length=LENGTH, start=0):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        stream.options = {"x264-params": "tff=1", "crf": "8"}
        for i in range(length):
            frame = av.VideoFrame.from_ndarray(woven(i), format="rgb24").reformat(format="yuv420p")
            frame.pts = i + start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def torn(image):
    """How much neighbouring rows differ, where the bar's edges are."""
    rows = image[10:-10, :, 1].astype(int)
    return np.abs(rows[1:] - rows[:-1]).mean()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_frames_are_whole_and_keep_number_and_times(tmp_path, suffix):
    source = interlaced(tmp_path / f"in{suffix}")
    with av.open(str(source)) as container:
        assert all(frame.interlaced_frame for frame in container.decode(video=0))
    shown = seen_pictures(source)
    assert len(shown) == LENGTH
    for i, image in enumerate(shown):
        assert torn(image) < 0.25 * torn(woven(i))
        assert image[48, 10 + STEP * i + 15, 1] > 200
    at = times(rewrite(source, tmp_path / "out.mp4"))
    assert [t - at[0] for t in at] == [Fraction(i, 25) for i in range(LENGTH)]
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert not any(frame.interlaced_frame for frame in container.decode(video=0))


def test_progressive_frames_are_left_as_they_are(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pictures(6), crf=4)
    with av.open(str(source)) as container:
        plain = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    for image, expected in zip(seen_pictures(source), plain, strict=True):
        assert np.abs(image.astype(int) - expected).max() <= 3


def test_a_film_that_becomes_interlaced_and_another_size(tmp_path):
    parts = [make_clip(tmp_path / "a.ts", pictures(6, (64, 48))), interlaced(tmp_path / "b.ts"),
             make_clip(tmp_path / "c.ts", pictures(6, (64, 48)))]  # fmt: skip
    (tmp_path / "in.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    shown = seen_pictures(tmp_path / "in.ts")
    assert len(shown) == 12 + LENGTH
    assert len({image.shape for image in shown}) == 1
