"""A camera on a page of this machine, with a clip in the place of the camera."""

import threading
import urllib.error
import urllib.request
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from ganonymization.errors import InputError
from ganonymization.video.container import Timed
from ganonymization.video.live import LiveAnonymizer
from ganonymization.video.preview import Screen, show_live, shown

from .test_container import pictures
from .test_frames import stages


class Collecting(Screen):
    def __init__(self):
        super().__init__()
        self.images = []

    def show(self, image):
        self.images.append(image)
        super().show(image)


def frames(count, gate=None):
    for number, image in enumerate(pictures(count)):
        if gate is not None and number:
            gate.wait(10)
        yield Timed(image, number)


def test_what_is_shown_has_new_faces(make_anonymizer):
    screen, image = Collecting(), pictures(1)[0]
    live = LiveAnonymizer(make_anonymizer(**stages()), 1)
    expected = LiveAnonymizer(make_anonymizer(**stages()), 1)(image).image
    assert show_live(frames(1), live, screen, lambda: False) == 1
    assert np.array_equal(screen.images[0], expected)
    assert not np.array_equal(screen.images[0], image)


def test_heads_are_shown_in_portrait_mode(make_anonymizer):
    screen = Collecting()
    live = LiveAnonymizer(make_anonymizer(mode="portrait", **stages()), 1)
    assert show_live(frames(1), live, screen, lambda: False) == 1
    assert screen.images[0].shape == (512, 512, 3)


def test_the_newest_frame_is_shown_and_old_ones_are_not_waited_for(make_anonymizer):
    screen, slow = Collecting(), threading.Event()

    class Slow:
        def __call__(self, image):
            slow.wait(0.5)
            return SimpleNamespace(image=image, portraits=())

    count = show_live(frames(50), Slow(), screen, lambda: False)
    assert 1 <= count < 10
    assert np.array_equal(screen.images[-1], pictures(50)[-1])


def test_a_stop_ends_it_and_an_error_is_told():
    assert show_live(frames(5), lambda image: None, Screen(), lambda: True) == 0

    def breaking():
        yield from frames(1)
        raise InputError("the camera is gone")

    with pytest.raises(InputError, match="gone"):
        show_live(breaking(), lambda image: None, Screen(), lambda: False)


def test_the_page_shows_the_stream_to_who_knows_its_address():
    screen, image = Screen(), np.full((48, 64, 3), (200, 100, 50), np.uint8)
    with shown(screen, "/dev/video0 <b>") as address:
        assert address.startswith("http://127.0.0.1:") and len(address) > 40
        with urllib.request.urlopen(address, timeout=10) as page:
            text = page.read().decode()
        assert 'src="stream"' in text and "&lt;b&gt;" in text
        screen.show(image)
        with urllib.request.urlopen(f"{address}stream", timeout=10) as stream:
            assert stream.headers["Content-Type"].startswith("multipart/x-mixed-replace")
            assert stream.readline() == b"--frame\r\n"
            assert stream.readline() == b"Content-Type: image/jpeg\r\n"
            size = int(stream.readline().split()[1])
            stream.readline()
            jpeg = stream.read(size)
        seen = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        assert np.abs(seen.astype(int) - image).max() < 8
        root = address.rsplit("/", 2)[0]
        for path in ("/", "/stream", "/x/stream"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(root + path, timeout=10)
            assert refused.value.code == 404
            refused.value.close()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address, timeout=10)


def test_a_frame_without_a_found_face_is_not_shown():
    screen, image = Collecting(), pictures(1)[0]
    assert show_live(frames(1), lambda image: None, screen, lambda: False) == 1
    assert image.any() and not screen.images[0].any()
