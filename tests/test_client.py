"""The client against a server on the loopback, whose stages are fakes."""

import socket
import threading
import time

import av
import pytest
import uvicorn

from ganonymization import Client, onnx_session
from ganonymization.errors import GanonymizationError, InputError
from ganonymization.serve.app import make_app
from ganonymization.serve.decoder import Decoder
from ganonymization.serve.model_pool import BusyError, ModelPool
from ganonymization.serve.settings import ServeSettings

from .serve.conftest import decoded, encoded
from .serve.test_pictures import changed
from .video.test_container import make_clip, pictures
from .video.test_frames import stages
from .video.test_tracking import Disc, DiscDetector, draw

TOKEN = "s3cret"


@pytest.fixture
def server(make_anonymizer, tmp_path):
    models = ModelPool(make_anonymizer(**stages(privacy="balanced")), DiscDetector())
    listener = socket.create_server(("127.0.0.1", 0))
    with Decoder() as decoder:
        app = make_app(models, decoder, ServeSettings(token=TOKEN, folder=tmp_path))
        running = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        deadline = time.monotonic() + 30
        while not running.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", models
        running.should_exit = True
        thread.join()
        listener.close()


def test_pictures_and_videos_come_back(server, tmp_path, monkeypatch):
    address, models = server
    client = Client(address + "/", TOKEN)
    image = draw(Disc(80))
    (tmp_path / "a.png").write_bytes(encoded(image))
    for picture in (tmp_path / "a.png", str(tmp_path / "a.png"), encoded(image)):
        answer = client.anonymize(picture, seed=3, audit=False, add_box=["1,1,9,9"])
        assert changed(image, decoded(answer), Disc(80))
    busy = iter([BusyError()])
    check = models.check_free
    monkeypatch.setattr(models, "check_free", lambda: _raise(next(busy, None)) or check())
    assert client.anonymize(encoded(image), seed=3)
    make_clip(tmp_path / "in.mp4", pictures(4), tones=1)
    job = client.anonymize_file(tmp_path / "in.mp4", tmp_path / "out.mp4", sound=False)
    assert (job["state"], job["done"]) == ("done", 4)
    with av.open(tmp_path / "out.mp4") as movie:
        assert not movie.streams.audio
    assert not [path for path in tmp_path.rglob("*anonymized*") if path.is_file()]  # on the server


def _raise(error):
    if error is not None:
        raise error


def test_what_nobody_waits_for_is_given_up(server, monkeypatch):
    address, models = server
    came = threading.Event()

    def slow(image):
        came.set()
        for _ in range(3000):
            onnx_session._asked.check()
            time.sleep(0.01)

    monkeypatch.setattr(models, "_anonymizer", models.loaded.using(detector=slow))
    host, _, port = address.removeprefix("http://").partition(":")
    body = encoded(draw())
    head = f"POST /v1/anonymize HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\n"
    with socket.create_connection((host, int(port))) as client:
        client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        assert came.wait(30)
        assert models.waiting == 1
    deadline = time.monotonic() + 5
    while models.waiting:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_is_wrong_is_told(server, tmp_path):
    address, _ = server
    client = Client(address, TOKEN)
    with pytest.raises(InputError, match="privcy: no such option; there are"):
        client.anonymize(encoded(draw()), privcy="high")
    with pytest.raises(InputError, match="give the server's token"):
        Client(address).anonymize(encoded(draw()))
    (tmp_path / "a.mp4").write_bytes(b"no video")
    with pytest.raises(InputError, match=r"a\.mp4: not a video"):
        client.anonymize_file(tmp_path / "a.mp4", tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()
    with pytest.raises(GanonymizationError, match=r"no answer .* 'ganonymize serve' running"):
        Client("http://127.0.0.1:1").anonymize(b"x")
