import os
import signal
import time

import numpy as np
import pytest

from ganonymization.errors import UnreadableError
from ganonymization.io import images
from ganonymization.serve import child
from ganonymization.serve.budget import Budget
from ganonymization.serve.child import Channel
from ganonymization.serve.decoder import Decoder
from ganonymization.serve.model_pool import BusyError

from ..io import hostile
from ..video.test_tracking import Disc, draw
from .conftest import encoded

PIXELS = 100_000_000


def opened(decoder, content, budget=None):
    with decoder.decoded(content, "a", PIXELS, budget or Budget(PIXELS)) as picture:
        return picture


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_picture_comes_as_it_does_without_a_process(decoder, tmp_path, mode):
    image = draw(Disc(80))
    if mode == "RGBA":
        image = np.dstack([image, image[..., 0]])
    for kind in ("PNG", "WEBP", "TIFF"):
        content = encoded(image, kind)
        (tmp_path / "a").write_bytes(content)
        plain, found = images.read(tmp_path / "a"), opened(decoder, content)
        assert np.array_equal(found.pixels, plain.pixels)
        assert (found.alpha is None) == (plain.alpha is None) == (mode == "RGB")
        if plain.alpha is not None:
            assert np.array_equal(found.alpha, plain.alpha)
        assert (found.kind, found.grey, found.icc) == (plain.kind, plain.grey, plain.icc)


def test_errors_are_the_same_and_the_process_stays(decoder):
    with pytest.raises(UnreadableError, match="a: not a picture"):
        opened(decoder, b"no picture")
    (worker,) = decoder._idle
    assert opened(decoder, encoded(draw())).kind == "PNG"
    assert decoder._idle == [worker]


def test_what_takes_too_long_is_ended():
    slow = hostile.scans(9000, 20)  # a second and more
    with Decoder(deadline_s=0.4) as decoder:
        opened(decoder, encoded(draw()))
        start = time.monotonic()
        with pytest.raises(UnreadableError, match="takes too long to decode; save it anew"):
            opened(decoder, slow)
        assert time.monotonic() - start < 3
        assert decoder._idle == []


def test_what_takes_too_much_memory_is_refused():
    with Decoder(memory_bytes=450_000_000) as decoder:
        with pytest.raises(UnreadableError, match="needs too much memory; shrink it"):
            opened(decoder, hostile.deep_png(9000))
        assert opened(decoder, encoded(draw())).kind == "PNG"


def test_a_process_that_dies_is_replaced():
    with Decoder() as decoder:
        opened(decoder, encoded(draw()))
        os.kill(decoder._idle[0].pid, signal.SIGKILL)
        with pytest.raises(UnreadableError):
            opened(decoder, encoded(draw()))
        assert opened(decoder, encoded(draw())).kind == "PNG"


def test_pixels_are_reserved_before_they_are_decoded_until_the_work_is_done(decoder):
    content = encoded(draw())
    budget = Budget(draw()[..., 0].size)
    with decoder.decoded(content, "a", PIXELS, budget):
        with pytest.raises(BusyError), decoder.decoded(content, "b", PIXELS, budget):
            pass
        with pytest.raises(UnreadableError, match="pixels"):
            opened(decoder, hostile.deep_png(10_001), budget)
    assert opened(decoder, content, budget) is not None
    with pytest.raises(BusyError), decoder.decoded(content, "c", PIXELS, Budget(1), patient=True):
        pass


def test_processes_can_be_there_before_the_first_picture(monkeypatch):
    with Decoder() as decoder:
        decoder.prepare(2)
        assert len(decoder._idle) == 2
        monkeypatch.setattr(child, "_ALONE", {"PYTHONHOME": "/nowhere"})  # no other begins
        assert opened(decoder, encoded(draw())).kind == "PNG"


def test_answers_are_not_believed(decoder, monkeypatch):
    """Of a process that was taken over."""
    good = {"height": 2, "width": 2, "alpha": False, "grey": False, "kind": "PNG", "icc": None,
            "qtables": [], "subsampling": None, "dropped": []}  # fmt: skip
    for told in (
        {}, {"pixels": "many"}, {"pixels": 10**12}, good | {"height": 10**9}, good | {"width": -1},
        good | {"kind": "EPS"}, good | {"qtables": 7, "subsampling": 0}, {"error": "x"},
    ):  # fmt: skip
        with Decoder() as own:
            opened(own, encoded(draw()))
            monkeypatch.setattr(Channel, "receive", lambda *_, told=told: told)
            with pytest.raises(UnreadableError, match="damaged"):
                opened(own, encoded(draw()))
            assert own._idle == []
            monkeypatch.undo()


def test_a_process_that_does_not_begin_is_told_and_ended(monkeypatch):
    monkeypatch.setattr(child, "_ALONE", {"PYTHONHOME": "/nowhere"})
    with Decoder() as decoder:
        with pytest.raises(UnreadableError, match="a: nothing could be started to decode it"):
            opened(decoder, encoded(draw()))
        assert decoder._idle == []
