import io
import json
import os
import struct
import subprocess
import sys
import threading
import time
import zipfile
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image as Pillow
from starlette.testclient import TestClient

from ganonymization import Anonymizer, onnx_session
from ganonymization.cli.demo import astronaut
from ganonymization.errors import InputError
from ganonymization.serve import job_work
from ganonymization.serve.job import kind_of
from ganonymization.serve.uploads import PrivateFolder
from ganonymization.video import file

from ..video.test_container import make_clip, pictures
from ..video.test_film import FRONT, made
from ..video.test_tracking import Disc, DiscDetector, draw
from .broken import animation
from .conftest import ADDRESS, decoded, encoded


@pytest.fixture
def clip(tmp_path_factory):
    return make_clip(tmp_path_factory.mktemp("clip") / "in.mp4", pictures(12), tones=1).read_bytes()


def zipped(files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def ended(client, job, seconds=120):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        final = client.get(f"/v1/jobs/{job['id']}").json()
        if final["state"] not in ("queued", "running"):
            return final
        time.sleep(0.02)
    raise AssertionError("it hangs")


def posted(client, content, query=""):
    answer = client.post(f"/v1/jobs{query}", content=content)
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    return job


def left(tmp_path):
    return [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_video_comes_back_with_its_sound(client, clip):
    final = ended(client, posted(client, clip))
    assert (final["kind"], final["state"], final["done"], final["total"]) == (
        "video",
        "done",
        12,
        12,
    )
    assert (final["faces"], final["filled"], final["error"]) == (12, 0, None)
    assert 3500 < final["expires_s"] <= 3600
    answer = client.get(f"/v1/jobs/{final['id']}/result")
    assert answer.headers["content-type"] == "video/mp4"
    with av.open(io.BytesIO(answer.content)) as movie:
        assert sum(1 for _ in movie.decode(video=0)) == 12
        assert len(movie.streams.audio) == 1


def decoded_frames(content):
    with av.open(io.BytesIO(content)) as movie:
        return [frame.to_ndarray(format="rgb24") for frame in movie.decode(video=0)]


def test_the_first_seconds_of_a_video_can_be_had_while_the_rest_is_drawn(client, tmp_path):
    job = posted(client, make_clip(tmp_path / "long.mp4", pictures(28), rate=4).read_bytes(),
                 "?preview=true&seed=3")  # fmt: skip
    while not (told := client.get(f"/v1/jobs/{job['id']}").json())["preview"]:
        assert told["state"] in ("queued", "running") and told["done"] == 0
    answer = client.get(f"/v1/jobs/{job['id']}/preview")
    assert answer.headers["content-type"] == "video/mp4"
    final = ended(client, job)
    assert (final["state"], final["done"], final["faces"], final["preview"]) == (
        "done", 28, 28, True,
    )  # fmt: skip
    whole = decoded_frames(client.get(f"/v1/jobs/{job['id']}/result").content)
    first = decoded_frames(answer.content)
    assert (len(first), len(whole)) == (12, 28)
    for early, late in zip(first[:-1], whole, strict=False):  # the last had none after it
        assert np.abs(early.astype(int) - late).mean() < 3


@pytest.mark.parametrize(("frames", "query"), [(24, "?preview=true"), (28, "")])
def test_a_short_video_and_one_that_nobody_asked_for_have_no_preview(
    client, tmp_path, frames, query
):
    content = make_clip(tmp_path / "in.mp4", pictures(frames), rate=4).read_bytes()
    final = ended(client, posted(client, content, query))
    assert (final["state"], final["preview"]) == ("done", False)
    answer = client.get(f"/v1/jobs/{final['id']}/preview")
    assert answer.status_code == 409 and "preview=true" in answer.json()["error"]


def test_a_preview_that_fails_does_not_end_the_job(client, tmp_path, monkeypatch):
    def without_start(anonymizer, source, result, options, advance):
        if options.seconds is not None:
            raise InputError("no frame is within so much")
        return file.anonymize_video(anonymizer, source, result, options, advance)

    monkeypatch.setattr(job_work, "anonymize_video", without_start)
    content = make_clip(tmp_path / "in.mp4", pictures(28), rate=4).read_bytes()
    final = ended(client, posted(client, content, "?preview=true"))
    assert (final["state"], final["preview"], final["done"]) == ("done", False, 28)


def test_the_sound_can_be_left_out(client, clip):
    final = ended(client, posted(client, clip, "?sound=false"))
    with av.open(io.BytesIO(client.get(f"/v1/jobs/{final['id']}/result").content)) as movie:
        assert not movie.streams.audio


def test_an_animation_comes_back_as_one(client):
    frames = [Pillow.fromarray(draw(Disc(60 + i))) for i in range(4)]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=80)
    final = ended(client, posted(client, file.getvalue()))
    assert (final["kind"], final["state"], final["done"]) == ("animation", "done", 4)
    answer = client.get(f"/v1/jobs/{final['id']}/result")
    assert answer.headers["content-type"] == "image/webp"
    assert Pillow.open(io.BytesIO(answer.content)).n_frames == 4


def test_a_zip_comes_back_as_one_of_the_same_names(client):
    image = draw(Disc(80))
    final = ended(client, posted(client, zipped({
        "a.png": encoded(image), "sub/b.jpg": encoded(image, "JPEG"), "c.png": b"broken",
        "notes.txt": b"hello", "../up.png": encoded(image), "/root.png": encoded(image),
        "empty.png": encoded(draw()),
    })))  # fmt: skip
    assert (final["kind"], final["state"], final["done"], final["total"]) == ("zip", "done", 7, 7)
    assert final["faces"] == 2
    answer = client.get(f"/v1/jobs/{final['id']}/result")
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert set(archive.namelist()) == {"a.png", "sub/b.jpg", "empty.png", "manifest.jsonl"}
    assert (decoded(archive.read("a.png")) != image).any()
    lines = [json.loads(line) for line in archive.read("manifest.jsonl").decode().splitlines()]
    states = {line["file"]: line["status"] for line in lines}
    assert states == {
        "a.png": "done", "sub/b.jpg": "done", "c.png": "failed", "notes.txt": "not a picture",
        "../up.png": "not a picture", "/root.png": "not a picture", "empty.png": "no face",
    }  # fmt: skip


def test_a_box_is_added_to_a_part_of_a_video_and_refused_with_a_zip(client, tmp_path):
    empty = make_clip(tmp_path / "empty.mp4", [draw()] * 40, rate=10).read_bytes()
    final = ended(client, posted(client, empty, "?add_box=60,40,40,40,0.2,0.6"))
    assert (final["done"], final["filled"]) == (40, final["faces"])
    assert 4 <= final["faces"] < 22  # a face that is gone stays covered for a while
    zip_ = zipped({"a.png": encoded(draw())})
    answer = client.post("/v1/jobs?add_box=60,40,40,40", content=zip_)
    assert answer.status_code == 422
    assert "/v1/anonymize" in answer.json()["error"]
    assert client.get("/v1/jobs").json() == [final | {"expires_s": client.get(
        f"/v1/jobs/{final['id']}").json()["expires_s"]}]  # fmt: skip
    for text in ("60,40", "60,40,40,40,5,1", "60,40,40,40,a,b"):
        assert client.post(f"/v1/jobs?add_box={text}", content=empty).status_code == 422


@pytest.mark.parametrize(
    ("query", "asked"),
    [("", (False, True)), ("?audit=false", (False, False)), ("?thorough=true", (True, True))],
)
def test_jobs_look_and_search_as_they_are_asked_to(client, monkeypatch, query, asked):
    seen = []

    def using(self, *, thorough=None, audit=None, **more):
        if audit is not None:
            seen.append((thorough, audit))
        return whole(self, thorough=thorough, audit=audit, **more)

    whole = Anonymizer.using
    monkeypatch.setattr(Anonymizer, "using", using)
    final = ended(client, posted(client, zipped({"a.png": encoded(draw(Disc(80)))}), query))
    assert final["state"] == "done"
    assert seen == [asked]


def test_what_the_audit_of_a_zip_covers_is_counted(serve):
    client = serve(fakes={"detector": lambda image: []})
    content = zipped({"a.png": encoded(astronaut()), "b.png": encoded(draw())})
    final = ended(client, posted(client, content))
    assert (final["faces"], final["filled"], final["by_audit"]) == (1, 1, 1)
    archive = zipfile.ZipFile(io.BytesIO(client.get(f"/v1/jobs/{final['id']}/result").content))
    lines = [json.loads(line) for line in archive.read("manifest.jsonl").decode().splitlines()]
    assert [line["by_audit"] for line in lines] == [1, 0]


def test_portraits_of_a_zip(client):
    content = zipped({"a.png": encoded(draw(Disc(80))), "b.png": encoded(draw())})
    final = ended(client, posted(client, content, "?mode=portrait"))
    archive = zipfile.ZipFile(io.BytesIO(client.get(f"/v1/jobs/{final['id']}/result").content))
    assert set(archive.namelist()) == {"a.png", "manifest.jsonl"}
    assert decoded(archive.read("a.png")).shape == (512, 512, 3)


def test_a_bomb_in_a_zip_is_not_unpacked(serve):
    client = serve(unpacked_bytes=10_000)
    final = ended(client, posted(client, zipped({"bomb.png": b"\0" * 50_000_000})))
    archive = zipfile.ZipFile(io.BytesIO(client.get(f"/v1/jobs/{final['id']}/result").content))
    assert "too large" in archive.read("manifest.jsonl").decode()


def test_too_many_files_in_a_zip(serve):
    client = serve(zip_files=2)
    final = ended(client, posted(client, zipped({f"{i}.png": b"x" for i in range(3)})))
    assert final["state"] == "failed"
    assert "send fewer" in final["error"]


@pytest.mark.parametrize(
    "content", [b"no video", b"PK\x03\x04 no zip", b"GIF89a no gif", b"RIFF1234WEBPVP8X1234\x02"]
)
def test_what_is_none_fails_with_words_and_leaves_nothing(client, tmp_path, content):
    final = ended(client, posted(client, content))
    assert final["state"] == "failed"
    assert (
        final["error"] and str(tmp_path) not in final["error"] and final["id"] not in final["error"]
    )
    assert client.get(f"/v1/jobs/{final['id']}/result").status_code == 409
    assert not left(tmp_path)


def test_uploads_are_gone_when_the_job_is_done(client, clip, tmp_path):
    final = ended(client, posted(client, clip))
    assert all(path.name.startswith("anonymized") for path in left(tmp_path))
    client.delete(f"/v1/jobs/{final['id']}")
    assert not left(tmp_path)
    assert client.get(f"/v1/jobs/{final['id']}").status_code == 404


def test_too_large_or_empty_uploads_leave_nothing(serve, clip, tmp_path):
    client = serve(job_bytes=100)
    assert client.post("/v1/jobs", content=clip).status_code == 413
    assert client.post("/v1/jobs", content=iter([clip[:60], clip[60:]])).status_code == 413
    assert client.post("/v1/jobs", content=b"").status_code == 400
    assert client.get("/v1/jobs").json() == []
    assert not left(tmp_path)


def test_videos_that_are_too_large_or_long_fail(serve, clip):
    for limits in ({"frame_pixels": 1000}, {"frames": 5}):
        client = serve(**limits)
        final = ended(client, posted(client, clip))
        assert final["state"] == "failed", limits
        assert "send a" in final["error"]


@pytest.mark.parametrize("limits", [{"frame_pixels": 128 * 96 + 1}, {"frames": 30}])
def test_all_videos_of_a_file_count(serve, tmp_path, limits):
    """A film of twice twenty frames."""
    film = made(tmp_path / "in.mp4", [FRONT, FRONT]).read_bytes()
    client = serve()
    assert ended(client, posted(client, film))["done"] == 40
    client = serve(**limits)
    final = ended(client, posted(client, film))
    assert (final["state"], "send a" in final["error"]) == ("failed", True)


class Held(DiscDetector):
    """Waits at every frame until it is let go."""

    def __init__(self):
        super().__init__()
        self.go, self.came = threading.Event(), threading.Event()

    def __call__(self, image):
        self.came.set()
        self.go.wait(60)
        return super().__call__(image)


def test_jobs_are_cancelled_whether_they_wait_or_run(serve, clip, tmp_path):
    held = Held()
    client = serve(fakes={"detector": held})
    running, waiting = posted(client, clip), posted(client, clip)
    assert held.came.wait(60)
    assert client.get(f"/v1/jobs/{running['id']}").json()["state"] == "running"
    assert client.delete(f"/v1/jobs/{waiting['id']}").json()["state"] == "cancelled"
    client.delete(f"/v1/jobs/{running['id']}")
    held.go.set()
    assert ended(client, running)["state"] == "cancelled"
    assert not left(tmp_path)
    assert len(client.get("/v1/jobs").json()) == 2


class Asking(DiscDetector):
    """Asks before each look, as networks do, whether the work is still wanted."""

    def __init__(self):
        super().__init__()
        self.came = threading.Event()

    def __call__(self, image):
        self.came.set()
        for _ in range(3000):
            onnx_session._asked.check()
            time.sleep(0.01)
        return super().__call__(image)


def test_a_picture_of_a_zip_is_given_up_when_its_job_is_cancelled(serve, tmp_path):
    asking = Asking()
    client = serve(fakes={"detector": asking})
    job = posted(client, zipped({"a.png": encoded(draw(Disc(80)))}))
    assert asking.came.wait(60)
    client.delete(f"/v1/jobs/{job['id']}")
    assert ended(client, job, 2)["state"] == "cancelled"
    assert not left(tmp_path)


def test_jobs_are_listed_to_those_who_made_them_alone(serve, clip):
    client = serve()
    mine = posted(client, clip)
    others = TestClient(client.app, base_url=ADDRESS)
    assert others.get("/v1/jobs").json() == []
    theirs = posted(others, clip)
    assert [job["id"] for job in client.get("/v1/jobs").json()] == [mine["id"]]
    assert [job["id"] for job in others.get("/v1/jobs").json()] == [theirs["id"]]
    assert others.get(f"/v1/jobs/{mine['id']}").status_code == 200  # who has the id has the job
    assert posted(client, clip)["id"] in {job["id"] for job in client.get("/v1/jobs").json()}
    cookies = {"ganonymization": "chosen; Path=/"}
    answer = TestClient(client.app, base_url=ADDRESS, cookies=cookies).post(
        "/v1/jobs", content=clip
    )
    assert "chosen" not in answer.headers["set-cookie"]
    told = answer.headers["set-cookie"].lower()
    assert "httponly" in told and "samesite=strict" in told and "path=/v1/jobs" in told
    for number in (mine["id"], theirs["id"]):
        ended(client, {"id": number})


def test_too_many_jobs_are_told_to_wait(serve, clip):
    held = Held()
    client = serve(jobs=2, fakes={"detector": held})
    jobs = [posted(client, clip) for _ in range(2)]
    refused = client.post("/v1/jobs", content=clip)
    assert refused.status_code == 429
    assert "retry-after" in refused.headers
    held.go.set()
    for job in jobs:
        ended(client, job)
    posted(client, clip)


def test_results_expire(serve, clip, tmp_path):
    client = serve()
    final = ended(client, posted(client, clip))
    (job,) = client.app._app.state.serve.jobs.all()
    job.ended -= 3595
    assert client.get(f"/v1/jobs/{final['id']}").status_code == 200
    job.ended -= 10
    assert client.get(f"/v1/jobs/{final['id']}").status_code == 404
    assert client.get("/v1/jobs").json() == []
    assert not left(tmp_path)


@pytest.mark.parametrize("number", ["x", "..", "%2e%2e", "0" * 32])
def test_jobs_that_never_were(client, number):
    for path in (f"/v1/jobs/{number}", f"/v1/jobs/{number}/result"):
        assert client.get(path).status_code == 404


def test_kinds_are_told_by_content():
    assert kind_of(b"PK\x03\x04....") == "zip"
    assert kind_of(b"GIF89a....") == "animation"
    assert kind_of(b"RIFF....WEBPVP8X....\x02") == "animation"
    for kind in ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "AVIF"):
        assert kind_of(encoded(draw(), kind)[:4096]) is None, kind
    for kind in ("PNG", "WEBP"):
        assert kind_of(animation(kind)[:4096]) is not None, kind
    assert kind_of(b"RIFF....AVI ") == "video"
    assert kind_of(b"\0\0\0 ftypisom") == "video"
    assert kind_of(b"") == "video"


def test_a_picture_is_no_job_and_is_not_stored(client, picture, tmp_path):
    answer = client.post("/v1/jobs", content=picture)
    assert answer.status_code == 422
    assert answer.json()["error"] == "a picture; send it to /v1/anonymize"
    assert client.get("/v1/jobs").json() == []
    assert not left(tmp_path)


def test_the_private_folder_is_private_and_goes(tmp_path):
    folder = PrivateFolder(tmp_path)
    assert folder.path.stat().st_mode & 0o777 == 0o700
    (folder.path / "x").write_bytes(b"x")
    folder.close()
    assert not list(tmp_path.iterdir())


def test_what_a_killed_server_left_goes_with_the_next_one_whatever_its_process_is(tmp_path):
    """As in a container, where each is process 1: the folder's name tells of one that runs."""
    code = (
        "import sys, time; from pathlib import Path;"
        "from ganonymization.serve.uploads import PrivateFolder;"
        "folder = PrivateFolder(Path(sys.argv[1]));"
        "(folder.path / 'upload').write_bytes(b'a face'); print(flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE) as server:
        server.stdout.readline()
        (used,) = tmp_path.iterdir()
        beside = PrivateFolder(tmp_path)
        assert left(used) == [used / "upload"]  # it runs
        server.kill()
    used = used.rename(tmp_path / f"ganonymization-serve-{os.getpid()}-abc")
    (tmp_path / "ganonymization-serve-link").symlink_to(tmp_path.parent)
    after = PrivateFolder(tmp_path)
    assert not used.exists() and beside.path.exists() and tmp_path.parent.exists()
    beside.close()
    after.close()
    assert not left(tmp_path)


def test_a_video_cannot_grow_behind_its_first_frame(serve, tmp_path):
    """A decoder takes no frame beyond the limit, wherever it comes."""
    small, large = (
        encoded(np.zeros((side, side, 3), np.uint8), compress_level=9) for side in (64, 3100)
    )
    with av.open(tmp_path / "in.mov", "w") as movie:
        stream = movie.add_stream("png", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "rgb24"
        for number, content in enumerate([small] * 4 + [large] * 4):
            packet = av.Packet(content)
            packet.stream, packet.time_base = stream, Fraction(1, 25)
            packet.pts = packet.dts = number
            packet.is_keyframe = True
            movie.mux(packet)
    content = (tmp_path / "in.mov").read_bytes()
    (tmp_path / "in.mov").unlink()
    client = serve(frame_pixels=10_000_000)
    final = ended(client, posted(client, content))
    assert final["state"] == "done", final["error"]
    client = serve()
    final = ended(client, posted(client, content))
    assert (final["state"], final["done"]) == ("failed", 0)


def test_a_zips_directory_is_not_read_before_it_is_bounded(client, monkeypatch):
    """It would take ten times its size in memory."""
    entry = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, *[20] * 2, *[0] * 7, 1, *[0] * 6) + b"a"
    count = 200_000
    start = b"PK\x03\x04" + bytes(26)
    size, place = count * len(entry), len(start) + count * len(entry)
    end = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, size, len(start))
    end += struct.pack("<IIQI", 0x07064B50, 0, place, 1)
    end += struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, *[0xFFFF] * 2, *[0xFFFFFFFF] * 2, 0)
    monkeypatch.setattr(zipfile, "ZipInfo", None)  # nothing may be made of it
    final = ended(client, posted(client, start + entry * count + end))
    assert final["state"] == "failed"
    assert "list of files is too long" in final["error"]
