"""Whatever is sent ends in words or without faces; nothing is revealed, and nothing left."""

import io
import json
import logging
import struct
import time
import zipfile

import av
import pytest
from PIL import Image as Pillow

from ganonymization.serve import uploads

from ..video.test_tracking import Disc
from . import broken
from .broken import FACE, MARK
from .conftest import CAMERA, decoded, encoded
from .test_jobs import ended
from .test_pictures import changed

LIMITS = {
    "pixels": 3_000_000, "frame_pixels": 3_000_000, "unpacked_bytes": 1_000_000,
    "animation_pixels": 10_000_000, "zip_files": 50, "frames": 200, "jobs": 1000,
}  # fmt: skip


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return broken.whole(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def client(serve):
    return serve(**LIMITS)


@pytest.fixture(autouse=True)
def silent(recwarn, caplog, capfd):
    """As it runs for users, warnings are no errors; and nothing is said of any file."""
    caplog.set_level(logging.INFO)
    yield
    spoken = capfd.readouterr()
    heard = [str(warning.message) for warning in recwarn]
    assert MARK not in "".join([spoken.out, spoken.err, caplog.text, *heard])
    assert "Traceback" not in spoken.err + caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def of(group, good):
    files = dict(group(good))
    assert len(files) >= 10
    return files


def test_there_are_many(good):
    assert sum(len(of(group, good)) for group in broken.GROUPS) >= 200


@pytest.mark.parametrize("group", broken.GROUPS)
def test_as_a_picture(client, good, group):
    for name, content in of(group, good).items():
        answer = client.post("/v1/anonymize", content=content)
        if answer.status_code == 200:
            assert answer.headers["content-type"].startswith("image/"), name
            assert int(answer.headers["x-faces"]) <= 1, name
            assert MARK.encode() not in answer.content and b"PK\x03\x04" not in answer.content, name
            assert Pillow.open(io.BytesIO(answer.content)).size[0] >= 1, name
        else:
            assert 400 <= answer.status_code < 500, (name, answer.text)
            assert answer.json()["error"].startswith("the picture: "), (name, answer.text)
    assert client.get("/healthz").json()["waiting"] == 0


@pytest.mark.parametrize("group", broken.GROUPS)
def test_as_a_job(client, tmp_path, good, group):
    jobs = {}
    for name, content in of(group, good).items():
        answer = client.post("/v1/jobs", content=content)
        if answer.status_code == 422:
            assert answer.json()["error"] == "a picture; send it to /v1/anonymize", name
            continue
        assert answer.status_code == 202, (name, answer.text)
        jobs[name] = answer.json()
    for name, job in jobs.items():
        final = ended(client, job)
        assert final["state"] in ("done", "failed"), (name, final)
        assert (final["error"] is None) == (final["state"] == "done"), (name, final)
        assert str(tmp_path) not in str(final) and job["id"] not in str(final["error"]), (
            name,
            final,
        )
        result = client.get(f"/v1/jobs/{job['id']}/result")
        assert result.status_code == (200 if final["state"] == "done" else 409), name
        if final["state"] == "done":
            check(name, final["kind"], result.content)
        client.delete(f"/v1/jobs/{job['id']}")
    assert client.get("/v1/jobs").json() == []
    (private,) = tmp_path.glob(f"{uploads._PREFIX}*")
    assert not list(private.iterdir())


@pytest.mark.parametrize("group", broken.GROUPS)
def test_as_a_cameras_frame(client, good, group):
    with client.websocket_connect(CAMERA) as socket:
        for name, content in of(group, good).items():
            socket.send_bytes(content)
            answer = socket.receive()
            if answer.get("bytes") is not None:
                assert Pillow.open(io.BytesIO(answer["bytes"])).format == "JPEG", name
            else:
                assert json.loads(answer["text"])["state"] in ("error", "no face"), name


def check(name, kind, content):
    """A result can be used, and holds nothing of what was hidden in the input."""
    if kind == "video":
        with av.open(io.BytesIO(content)) as movie:
            assert next(movie.decode(video=0)), name
        assert MARK.encode() not in content, name
    elif kind == "animation":
        assert Pillow.open(io.BytesIO(content)).format == "WEBP", name
        assert MARK.encode() not in content, name
    else:
        archive = zipfile.ZipFile(io.BytesIO(content))
        names = archive.namelist()
        assert len(set(names)) == len(names), name
        assert not [n for n in names if n.startswith("/") or ".." in n or "\\" in n], name
        lines = [json.loads(line) for line in archive.read("manifest.jsonl").splitlines()]
        done = {line["file"] for line in lines if "faces" in line}
        assert done == {n for n in names if n != "manifest.jsonl"}, name
        for each in done:
            assert MARK.encode() not in archive.read(each), name


def test_faces_go_from_what_can_be_read(client, good):
    for name, content in broken.polyglots(good):
        answer = client.post("/v1/anonymize", content=content)
        if answer.status_code == 200 and not name.startswith("gif"):
            assert answer.headers["x-faces"] == "1", name
            assert changed(FACE, decoded(answer.content), Disc(80)), name


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_an_animation_is_no_picture(client, kind):
    answer = client.post("/v1/anonymize", content=broken.animation(kind))
    assert answer.status_code == 422


def test_a_name_that_comes_twice_is_written_once(client, good):
    content = dict(broken.archives(good))["ZIP: a name twice"]
    final = ended(client, client.post("/v1/jobs", content=content).json())
    archive = zipfile.ZipFile(io.BytesIO(client.get(f"/v1/jobs/{final['id']}/result").content))
    assert archive.namelist() == [f"{MARK}.png", "manifest.jsonl"]
    assert "comes twice" in archive.read("manifest.jsonl").decode()


def test_playlists_give_no_other_file_of_this_machine(client, good, tmp_path):
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(good["mp4"])
    for name, content in broken.playlists(good, secret):
        final = ended(client, client.post("/v1/jobs", content=content).json())
        assert final["state"] == "failed", name
        assert "can be read" in final["error"], (name, final)


def test_a_format_that_cannot_hold_the_picture_is_told(serve):
    long = encoded(FACE[:1, :1].repeat(20_000, axis=1))
    answer = serve().post("/v1/anonymize?format=webp", content=long)
    assert answer.status_code == 422
    assert "another format" in answer.json()["error"]


def test_results_that_become_too_large_are_given_up(serve, good, tmp_path):
    client = serve(result_bytes=1000)
    content = broken.zipped(*((f"{i}.png", good["png"]) for i in range(5)))
    for sent in (content, good["mp4"]):
        final = ended(client, client.post("/v1/jobs", content=sent).json())
        assert final["state"] == "failed"
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_errors_name_no_option_of_the_command_line(serve, good):
    client = serve(pixels=1000)
    assert "--" not in client.post("/v1/anonymize", content=good["png"]).text
    final = ended(client, client.post("/v1/jobs", content=good["gif"][:-300]).json())
    assert final["state"] == "failed" and "--" not in final["error"]


def test_animations_whose_frames_would_fill_the_memory_are_refused(serve, good):
    pixels = FACE.shape[0] * FACE.shape[1]
    for kind in ("gif", "awebp"):
        enough, little = serve(animation_pixels=4 * pixels), serve(animation_pixels=4 * pixels - 1)
        final = ended(enough, enough.post("/v1/jobs", content=good[kind]).json())
        assert final["state"] == "done"
        final = ended(little, little.post("/v1/jobs", content=good[kind]).json())
        assert "send a smaller one" in final["error"]


def test_a_gif_cannot_grow_behind_its_first_frame(client, good):
    second = good["gif"].index(b"\x2c", good["gif"].index(b"\x2c") + 1000)
    grown = bytearray(good["gif"])
    grown[second + 5 : second + 9] = struct.pack("<HH", 9000, 9000)
    final = ended(client, client.post("/v1/jobs", content=bytes(grown)).json())
    assert final["state"] == "failed"


def test_a_job_that_is_cancelled_while_its_file_comes(client, monkeypatch, tmp_path):
    state = client.app._app.state.serve
    save = uploads.save

    async def cancelled(request, path, limits):
        await save(request, path, limits)
        state.jobs.remove(state.jobs.all()[0])

    monkeypatch.setattr(uploads, "save", cancelled)
    answer = client.post("/v1/jobs", content=b"x")
    assert answer.status_code == 409
    assert client.get("/v1/jobs").json() == []
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_full_disk_is_told(client, monkeypatch, tmp_path):
    async def full(*_):
        yield b"x"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(uploads, "_chunks", full)
    answer = client.post("/v1/jobs", content=b"x")
    assert answer.status_code == 507
    assert "no room" in answer.json()["error"]
    assert client.get("/v1/jobs").json() == []
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_results_go_when_they_expire_though_nobody_asks(serve, good, tmp_path):
    client = serve(keep_s=0.3)
    assert client.post("/v1/jobs", content=good["gif"]).status_code == 202
    deadline = time.monotonic() + 60
    while any(path.is_file() for path in tmp_path.rglob("*")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
