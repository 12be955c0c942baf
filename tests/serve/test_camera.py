import asyncio
import gc
import warnings

import numpy as np
import pytest
from starlette.websockets import WebSocketDisconnect

from ..video.test_tracking import BLUE, NO_LANDMARKS, Disc, draw
from .conftest import CAMERA, decoded, encoded, wait_for_waiting


def jpeg(*discs, size_wh=(240, 120)):
    return encoded(draw(*discs, size_wh=size_wh), "JPEG", quality=95, subsampling=0)


def test_each_frame_is_answered_without_its_face(client):
    with client.websocket_connect(CAMERA + "?seed=1") as socket:
        for i in range(5):
            disc = Disc(80 + 2 * i)
            socket.send_bytes(jpeg(disc))
            shown = decoded(socket.receive_bytes())
            before = draw(disc, size_wh=(240, 120))
            y, x = round(disc.y) + 6, round(disc.x)
            assert np.abs(shown[y, x].astype(int) - before[y, x]).max() > 30
            assert np.abs(shown[:10].astype(int) - before[:10]).max() < 12


def test_no_face_is_told_in_words_and_no_picture_comes(client):
    with client.websocket_connect(CAMERA) as socket:
        socket.send_bytes(jpeg())
        assert socket.receive_json() == {"state": "no face"}
        socket.send_bytes(jpeg(Disc(80)))
        assert socket.receive_bytes()
        socket.send_bytes(jpeg(Disc(80, level=NO_LANDMARKS)))  # covered, so it may be shown
        shown = decoded(socket.receive_bytes())
        assert np.ptp(shown[round(Disc(80).y) + 6, 78:82].astype(int)) < 12


def test_a_face_that_comes_in_is_covered_in_its_first_frame(client):
    both = (Disc(60), Disc(170, colour=BLUE))
    before = draw(*both, size_wh=(240, 120))
    with client.websocket_connect(CAMERA) as socket:
        for _ in range(5):
            socket.send_bytes(jpeg(both[0]))
            socket.receive_bytes()
        socket.send_bytes(jpeg(*both))
        shown = decoded(socket.receive_bytes())
    for disc in both:
        y, x = round(disc.y) + 6, round(disc.x)
        assert np.abs(shown[y, x].astype(int) - before[y, x]).max() > 30


def test_portraits_and_landmarks(client):
    with client.websocket_connect(CAMERA + "?mode=portrait") as socket:
        socket.send_bytes(jpeg(Disc(80)))
        assert decoded(socket.receive_bytes()).shape == (512, 512, 3)
    with client.websocket_connect(CAMERA + "?view=landmarks") as socket:
        socket.send_bytes(jpeg(Disc(80)))
        mesh = decoded(socket.receive_bytes())
        assert mesh.shape == (512, 512, 3)
        assert mesh[:20].max() < 20 and mesh.max() > 200
        socket.send_bytes(jpeg())
        assert socket.receive_json() == {"state": "no face"}


@pytest.mark.parametrize("frame", [b"", b"x", b"\xff\xd8\xff\xe0 no jpeg"])
def test_what_is_no_picture_is_told_and_the_camera_goes_on(client, frame):
    with client.websocket_connect(CAMERA) as socket:
        socket.send_bytes(frame)
        answer = socket.receive_json()
        assert answer["state"] == "error" and answer["error"].startswith("the frame")
        socket.send_bytes(jpeg(Disc(80)))
        assert socket.receive_bytes()


def test_too_large_frames_are_refused(serve):
    client = serve(camera_side_px=100)
    with client.websocket_connect(CAMERA) as socket:
        socket.send_bytes(jpeg(Disc(80)))
        assert "pixels" in socket.receive_json()["error"]


def test_text_ends_the_camera(client):
    with client.websocket_connect(CAMERA) as socket:
        socket.send_text("hello")
        with pytest.raises(WebSocketDisconnect):
            socket.receive_bytes()


def test_only_so_many_cameras(serve):
    client = serve(cameras=1)
    with client.websocket_connect(CAMERA):
        with (
            client.websocket_connect(CAMERA) as second,
            pytest.raises(WebSocketDisconnect) as e,
        ):
            second.receive_bytes()
        assert e.value.code == 4429
    with client.websocket_connect(CAMERA) as socket:
        socket.send_bytes(jpeg(Disc(80)))
        assert socket.receive_bytes()


def test_options_that_make_no_sense_are_refused(client):
    for query in ("mode=x", "privacy=y", "view=z", "seed=-1"):
        with (
            pytest.raises(WebSocketDisconnect),
            client.websocket_connect(f"{CAMERA}?{query}"),
        ):
            pass


def test_a_frame_of_another_size_goes_on(client):
    with client.websocket_connect(CAMERA) as socket:
        for size_wh in ((240, 120), (200, 140)):
            socket.send_bytes(jpeg(Disc(80), size_wh=size_wh))
            assert decoded(socket.receive_bytes()).shape[:2] == size_wh[::-1]


def test_frames_that_are_sent_at_once_are_answered_in_order(client):
    discs = [Disc(60 + 6 * i) for i in range(8)]
    with client.websocket_connect(CAMERA + "?seed=1") as socket:
        for disc in discs:
            socket.send_bytes(jpeg(disc))
        for disc in discs:
            shown = decoded(socket.receive_bytes()).astype(int)
            changed = np.abs(shown - draw(size_wh=(240, 120)).astype(int)).max(2) > 40
            assert abs(np.where(changed.any(0))[0].mean() - disc.x) < 6


def test_a_client_that_leaves_leaves_nothing_waiting(serve):
    client = serve()
    for _ in range(3):
        with client.websocket_connect(CAMERA) as socket:
            for i in range(6):
                socket.send_bytes(jpeg(Disc(60 + 6 * i)))
    with client.websocket_connect(CAMERA) as socket:
        socket.send_bytes(jpeg(Disc(80)))
        assert socket.receive_bytes()
    wait_for_waiting(client, 0)  # frames that were being drawn end by themselves


SCOPE = {
    "type": "websocket", "path": "/v1/camera", "query_string": b"seed=1", "root_path": "",
    "headers": [(b"host", b"127.0.0.1:8000")], "subprotocols": [], "scheme": "ws",
}  # fmt: skip


def run_camera(client, receive, send):
    """What a server does for one camera; a connection that does not end fails."""

    async def run():
        await asyncio.wait_for(client.app(dict(SCOPE), receive, send), 60)

    client.portal.call(run)


def test_clients_that_leave_with_frames_in_flight_free_their_places(serve):
    """Writing to such a client fails while the next frames wait for their turn."""
    client = serve(cameras=4)
    models = client.app._app.state.serve.models

    def leave():
        received = []

        async def receive():
            received.append(None)
            if len(received) == 1:
                return {"type": "websocket.connect"}
            return {"type": "websocket.receive", "bytes": jpeg(Disc(60 + 2 * len(received)))}

        async def send(message):
            if message["type"] == "websocket.accept":
                return
            while models.waiting or len(received) < 4:  # until the third frame waits
                await asyncio.sleep(0.01)
            raise OSError("the client has left")

        run_camera(client, receive, send)

    for _ in range(4):
        leave()
    assert "ganonymization_cameras 0" in client.get("/metrics").text
    with client.websocket_connect(CAMERA) as socket:
        socket.send_bytes(jpeg(Disc(80)))
        assert socket.receive_bytes()


def test_a_client_that_leaves_before_its_frame_is_drawn_leaves_no_coroutine(client):
    coming = iter([
        {"type": "websocket.connect"}, {"type": "websocket.receive", "bytes": jpeg(Disc(80))},
        {"type": "websocket.disconnect", "code": 1001},
    ])  # fmt: skip

    async def receive():
        return next(coming)

    async def send(message):
        assert message["type"] == "websocket.accept"

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run_camera(client, receive, send)
        gc.collect()
    assert not [str(w.message) for w in caught if "never awaited" in str(w.message)]
    assert "ganonymization_cameras 0" in client.get("/metrics").text


def test_a_bug_ends_its_camera_alone(serve, monkeypatch):
    client = serve()
    with monkeypatch.context() as patched:
        patched.setattr("ganonymization.serve.camera._jpeg", lambda image: 1 / 0)
        with (
            pytest.raises(ExceptionGroup) as raised,
            client.websocket_connect(CAMERA) as socket,
        ):
            socket.send_bytes(jpeg(Disc(80)))
            socket.receive_bytes()
    assert raised.group_contains(ZeroDivisionError)
    with client.websocket_connect(CAMERA) as socket:
        socket.send_bytes(jpeg(Disc(80)))
        assert socket.receive_bytes()
