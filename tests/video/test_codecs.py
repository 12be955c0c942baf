import pytest

from ganonymization.errors import OptionError
from ganonymization.pipeline import Anonymizer
from ganonymization.video.codecs import encoder_of
from ganonymization.video.container import Reader
from ganonymization.video.file import VideoOptions, anonymize_video

from .test_container import make_clip, pictures
from .test_frames import stages

KNOWN = {"h264": "libx264", "h265": "libx265", "HEVC": "libx265", "av1": "libsvtav1",
         "vp9": "libvpx-vp9", "mpeg4": "mpeg4", "libx264": "libx264"}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_codecs_have_the_names_that_people_know(name):
    assert encoder_of(name) == KNOWN[name]


@pytest.mark.parametrize("name", ["h266", "nonsense", "aac", ""])
def test_what_is_not_there_is_told_with_what_is(name):
    with pytest.raises(OptionError, match=r"there are h264, h265, hevc, av1, vp9, and .* mpeg4,"):
        encoder_of(name)


@pytest.mark.parametrize(("codec", "written"), [("h265", "hevc"), ("av1", "av1")])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_they_are_written(tmp_path, make_anonymizer, codec, written, suffix):
    anonymizer: Anonymizer = make_anonymizer(**stages())
    source, out = make_clip(tmp_path / "in.mp4", pictures(3)), tmp_path / f"out{suffix}"
    anonymize_video(anonymizer, source, out, VideoOptions(1, codec=codec))
    with Reader(out) as reader:
        assert reader.stream.codec_context.codec.canonical_name == written
        assert len(list(reader.frames())) == 3
