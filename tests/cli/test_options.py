"""What commands share: bars that reach their end, and how long they are."""

import re

import pytest

from ganonymization.cli.options import progress
from ganonymization.cli.video import _frames

from ..video.test_container import make_clip, pictures


@pytest.mark.parametrize("total", [None, 3, 5, 9])
def test_a_bar_reaches_its_end_whatever_was_guessed(total, capfd):
    with progress("", total) as advance:
        for _ in range(5):
            advance()
    last = capfd.readouterr().err.strip().splitlines()[-1]
    assert re.search(r"5/5\s+100%", last)


def test_a_bar_stops_where_the_work_did(capfd):
    with pytest.raises(RuntimeError), progress("", 9) as advance:
        advance()
        raise RuntimeError("broken")
    assert "1/9" in capfd.readouterr().err


@pytest.mark.parametrize(("seconds", "frames"), [(None, 8), (0.125, 4), (0.1, 3), (60, 8)])
def test_only_the_frames_that_are_asked_for_are_expected(tmp_path, seconds, frames):
    source = make_clip(tmp_path / "in.mp4", pictures(8))
    assert _frames(source, seconds) == frames


@pytest.mark.parametrize("place", ["-", "rtsp://127.0.0.1:1/a"])
def test_of_streams_nobody_knows(place):
    assert _frames(place, 3) is None
