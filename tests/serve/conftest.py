import io
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as Pillow
from starlette.testclient import TestClient

from ganonymization.serve.app import make_app
from ganonymization.serve.decoder import Decoder
from ganonymization.serve.model_pool import ModelPool
from ganonymization.serve.settings import Limits, ServeSettings

from ..video.test_frames import stages
from ..video.test_tracking import Disc, DiscDetector, draw

ADDRESS = "http://127.0.0.1:8000"
CAMERA = "ws://127.0.0.1:8000/v1/camera"


def encoded(image, kind="PNG", **options):
    file = io.BytesIO()
    Pillow.fromarray(image).save(file, kind, **options)
    return file.getvalue()


def decoded(content):
    return np.asarray(Pillow.open(io.BytesIO(content)).convert("RGB"))


def wait_for_waiting(client, number):
    """Until so many requests wait or are worked on."""
    deadline = time.monotonic() + 60
    while client.get("/healthz").json()["waiting"] != number:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def picture():
    """A face on grey, as PNG."""
    return encoded(draw(Disc(80)))


@pytest.fixture(scope="session")
def decoder():
    with Decoder() as processes:
        yield processes


@pytest.fixture
def serve(make_anonymizer, decoder, tmp_path):
    """Start a server of fakes; its client asks as curl would."""
    opened = []

    def start(workers=2, token=None, host="127.0.0.1", fakes=None, **limits):
        settings = ServeSettings(
            host=host, token=token, workers=workers, folder=tmp_path,
            limits=replace(Limits(), **limits),
        )  # fmt: skip
        anonymizer = make_anonymizer(**stages(**({"privacy": "balanced"} | (fakes or {}))))
        models = ModelPool(anonymizer, DiscDetector(), workers, settings.limits.waiting)
        client = TestClient(make_app(models, decoder, settings), base_url=ADDRESS)
        opened.append(client.__enter__())
        return opened[-1]

    yield start
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def client(serve):
    return serve()
