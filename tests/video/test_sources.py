import io
import sys
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image as Pillow

from ganonymization.errors import InputError, UnreadableError
from ganonymization.video.container import Reader

from .test_container import make_clip, pictures

SDP = b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n"
HLS = b"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nb.mp4\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize(
    "content", [b"ffconcat version 1.0\nfile 'b.mp4'\n", SDP, HLS], ids=["list", "SDP", "HLS"]
)
@pytest.mark.parametrize("name", ["a.mp4", "-"])
def test_what_names_other_files_or_addresses_is_no_video(tmp_path, monkeypatch, name, content):
    """On standard input a session description would wait for what it names."""
    make_clip(tmp_path / "b.mp4", pictures(2))
    (tmp_path / "a.mp4").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    with (tmp_path / "a.mp4").open("rb") as file:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(file))
        with pytest.raises(UnreadableError, match="not a video that can be read"):
            Reader(name if name == "-" else tmp_path / name)


def test_frames_that_grow_beyond_the_bound_are_told(tmp_path):
    packets = []
    for side in (64, 64, 400):
        file = io.BytesIO()
        Pillow.fromarray(np.zeros((side, side, 3), np.uint8)).save(file, "PNG")
        packets.append(file.getvalue())
    with av.open(tmp_path / "a.mov", "w") as movie:
        stream = movie.add_stream("png", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "rgb24"
        for number, content in enumerate(packets):
            packet = av.Packet(content)
            packet.stream, packet.time_base = stream, Fraction(1, 25)
            packet.pts = packet.dts = number
            movie.mux(packet)
    with Reader(tmp_path / "a.mov", max_pixels=10_000) as reader:
        with pytest.raises(InputError, match="or a frame has more than 10,000 pixels"):
            list(reader.frames())
