import base64
import io
import threading

import numpy as np
import pytest
from PIL import Image as Pillow

from ganonymization.serve import uploads
from ganonymization.serve.pictures import Choices
from ganonymization.serve.problems import Problem

from ..video.test_tracking import BLUE, Disc, DiscDetector, draw
from .conftest import decoded, encoded, wait_for_waiting

TWO = (Disc(60), Disc(160, colour=BLUE))


def changed(before, after, disc):
    y, x = round(disc.y) + 6, round(disc.x)
    return bool((before[y, x] != after[y, x]).any())


def test_a_picture_comes_back_without_its_face_in_its_own_format(client):
    image = draw(Disc(80))
    for kind, media in (("PNG", "image/png"), ("BMP", "image/bmp"), ("WEBP", "image/webp")):
        options = {"lossless": True} if kind == "WEBP" else {}
        answer = client.post("/v1/anonymize?seed=3", content=encoded(image, kind, **options))
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == media
        assert (answer.headers["x-seed"], answer.headers["x-faces"]) == ("3", "1")
        assert changed(image, decoded(answer.content), Disc(80))


def test_the_format_can_be_asked_for(client, picture):
    for chosen, media in (("png", "image/png"), ("jpeg", "image/jpeg"), ("webp", "image/webp")):
        answer = client.post(f"/v1/anonymize?format={chosen}", content=picture)
        assert answer.headers["content-type"] == media
        assert Pillow.open(io.BytesIO(answer.content)).format == chosen.upper()


def test_metadata_does_not_come_back(client):
    exif = Pillow.Exif()
    exif[0x010E] = "taken at home"
    content = encoded(draw(Disc(80)), "JPEG", exif=exif, comment=b"by me")
    assert b"taken at home" in content and b"by me" in content
    for query in ("", "?format=png", "?format=webp"):
        answer = client.post(f"/v1/anonymize{query}", content=content).content
        assert b"taken at home" not in answer and b"by me" not in answer


def test_json_tells_of_every_face(client):
    image = draw(*TWO)
    answer = client.post(
        "/v1/anonymize?seed=5", content=encoded(image), headers={"accept": "application/json"}
    ).json()
    assert (answer["seed"], answer["width"], answer["height"]) == (
        5,
        image.shape[1],
        image.shape[0],
    )
    assert [face["index"] for face in answer["faces"]] == [0, 1]
    assert {face["outcome"] for face in answer["faces"]} == {"synthesized"}
    assert len({face["seed"] for face in answer["faces"]}) == 2
    shown = decoded(base64.b64decode(answer["picture"].partition(",")[2]))
    assert all(changed(image, shown, disc) for disc in TWO)
    assert answer["portraits"] == []


def test_portraits_are_heads(client, picture):
    answer = client.post("/v1/anonymize?mode=portrait", content=picture)
    assert decoded(answer.content).shape == (512, 512, 3)
    answer = client.post(
        "/v1/anonymize?mode=portrait", content=picture, headers={"accept": "application/json"}
    ).json()
    assert answer["picture"] is None
    assert len(answer["portraits"]) == 1


def test_a_picture_without_a_face(client):
    empty = encoded(draw())
    assert client.post("/v1/anonymize", content=empty).headers["x-faces"] == "0"
    answer = client.post("/v1/anonymize?mode=portrait", content=empty)
    assert answer.status_code == 422
    assert "no face found" in answer.json()["error"]


def ask(client, image, faces):
    answer = client.post(
        f"/v1/anonymize?seed=5&faces={faces}", content=encoded(image),
        headers={"accept": "application/json"},
    ).json()  # fmt: skip
    return answer["faces"], decoded(base64.b64decode(answer["picture"].partition(",")[2]))


def test_single_faces_are_kept_covered_and_given_another_seed(client):
    image = draw(*TWO)
    usual, first = ask(client, image, "")
    kept = next(i for i, f in enumerate(usual) if abs(f["box_xyxy"][0] - 60) < 40)
    other = 1 - kept
    faces, shown = ask(client, image, f"{kept}:keep")
    assert faces[kept]["outcome"] == "kept"
    assert faces[other] == usual[other]
    assert not changed(image, shown, TWO[0])
    assert changed(image, shown, TWO[1])
    faces, shown = ask(client, image, f"{other}:fill")
    assert faces[other]["outcome"] == "filled: as was asked for"
    assert faces[kept] == usual[kept]
    faces, again = ask(client, image, f"{other}:seed-77,{kept}:seed-{usual[kept]['seed']}")
    assert faces[other]["seed"] == "77"
    assert not changed(first, again, TWO[0])


def test_a_kept_face_that_is_not_there_changes_nothing(client):
    image = draw(Disc(80))
    faces, shown = ask(client, image, "7:keep")
    assert [face["outcome"] for face in faces] == ["synthesized"]
    assert changed(image, shown, Disc(80))


@pytest.mark.parametrize(
    "text", ["0", "0:", "keep", "0:kept", "-1:keep", "0:seed-", "0:seed-x", "0:keep;1:fill"]
)  # fmt: skip
def test_choices_that_make_no_sense(client, picture, text):
    with pytest.raises(Problem):
        Choices.parse(text)
    answer = client.post("/v1/anonymize", params={"faces": text}, content=picture)
    assert answer.status_code == 422
    assert "give e.g. 0:keep" in answer.json()["error"]


@pytest.mark.parametrize(
    ("query", "words"),
    [("mode=x", "mode"), ("privacy=none", "privacy"), ("seed=-1", "seed"), ("seed=a", "seed"),
     (f"seed={1 << 53}", "seed"), ("format=exe", "format")],
)  # fmt: skip
def test_options_that_make_no_sense(client, picture, query, words):
    answer = client.post(f"/v1/anonymize?{query}", content=picture)
    assert answer.status_code == 422
    assert words in answer.json()["error"]


@pytest.mark.parametrize("path", ["/v1/anonymize", "/v1/jobs"])
def test_options_that_there_are_not_are_refused(client, picture, path):
    answer = client.post(f"{path}?mode=scene&add_boxes=1,2,3,4", content=picture)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("add_boxes: no such option; there are add_box, audit")


def test_the_same_seed_gives_the_same_picture(client, picture):
    one, two, other = (
        client.post(f"/v1/anonymize?seed={seed}", content=picture).content for seed in (7, 7, 8)
    )
    assert one == two
    assert client.post("/v1/anonymize", content=picture).headers["x-seed"] != "7"
    assert other is not None


@pytest.mark.parametrize(
    "content", [b"x", b"\xff\xd8\xff", b"PK\x03\x04zip", b"%!PS-Adobe", b"\0" * 99]
)
def test_what_is_no_picture_is_told_so(client, content):
    answer = client.post("/v1/anonymize", content=content)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("the picture: ")


def test_truncated_pictures_are_told_so(client, picture):
    for share in (0.1, 0.5, 0.95):
        answer = client.post("/v1/anonymize", content=picture[: round(len(picture) * share)])
        assert answer.status_code == 422, share


def test_animations_are_sent_to_jobs(client):
    frames = [Pillow.fromarray(draw(Disc(60 + i))) for i in range(3)]
    file = io.BytesIO()
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:])
    assert client.post("/v1/anonymize", content=file.getvalue()).status_code == 422


def test_too_large_is_refused(serve, picture):
    client = serve(upload_bytes=100)
    assert client.post("/v1/anonymize", content=picture).status_code == 413
    assert (
        client.post("/v1/anonymize", content=iter([picture])).status_code == 413
    )  # no length announced
    small = serve(pixels=1000)
    answer = small.post("/v1/anonymize", content=picture)
    assert answer.status_code == 422
    assert "pixels" in answer.json()["error"]


def test_an_empty_body_is_refused(client):
    assert client.post("/v1/anonymize").status_code == 400


class Slow(DiscDetector):
    """Waits until it is let go."""

    def __init__(self):
        super().__init__()
        self.go = threading.Event()

    def __call__(self, image):
        self.go.wait(60)
        return super().__call__(image)


def test_further_requests_are_told_to_wait(serve, picture):
    slow = Slow()
    client = serve(workers=1, waiting=1, fakes={"detector": slow})
    answers = []
    threads = [
        threading.Thread(
            target=lambda: answers.append(client.post("/v1/anonymize", content=picture))
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    wait_for_waiting(client, 2)
    refused = client.post("/v1/anonymize", content=picture)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    slow.go.set()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200, 200]
    assert client.post("/v1/anonymize", content=picture).status_code == 200


def test_a_busy_server_says_so_before_it_reads_a_picture(serve, picture, monkeypatch):
    slow = Slow()
    client = serve(workers=1, waiting=0, fakes={"detector": slow})
    thread = threading.Thread(
        target=client.post, args=["/v1/anonymize"], kwargs={"content": picture}
    )
    thread.start()
    wait_for_waiting(client, 1)
    with monkeypatch.context() as patch:
        patch.setattr(uploads, "_chunks", None)  # nothing may be read
        assert client.post("/v1/anonymize", content=picture).status_code == 429
    slow.go.set()
    thread.join()


def test_bytes_are_reserved_before_they_are_read(serve, picture):
    client = serve(held_bytes=len(picture))
    state = client.app._app.state.serve
    assert client.post("/v1/anonymize", content=picture).status_code == 200
    assert client.post("/v1/anonymize", content=iter([picture])).status_code == 429  # not announced
    with state.bytes.reserved(1):
        refused = client.post("/v1/anonymize", content=picture)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert client.post("/v1/anonymize", content=b"x").status_code == 422
    assert client.post("/v1/anonymize", content=picture).status_code == 200


def test_a_stage_that_breaks_is_a_cover_not_a_500(serve, picture):
    class Broken:
        def __call__(self, crop):
            raise RuntimeError("out of memory")

    client = serve(fakes={"landmarker": Broken()})
    answer = client.post(
        "/v1/anonymize", content=picture, headers={"accept": "application/json"}
    ).json()
    assert answer["faces"][0]["outcome"] == "filled: RuntimeError: out of memory"
    assert np.any(decoded(base64.b64decode(answer["picture"].partition(",")[2])))


def test_models_health_and_metrics(client, picture):
    client.post("/v1/anonymize", content=picture)
    client.post("/v1/anonymize", content=b"x")
    assert client.get("/v1/models").json()[0]["name"] == "default"
    assert client.get("/healthz").json() == {"status": "ok", "waiting": 0}
    text = client.get("/metrics").text
    assert 'ganonymization_requests_total{path="/v1/anonymize",status="200"} 1' in text
    assert 'ganonymization_requests_total{path="/v1/anonymize",status="422"} 1' in text
    assert 'ganonymization_faces_total{outcome="synthesized"} 1' in text
    assert "ganonymization_waiting 0" in text


def test_openapi_tells_of_all_that_is_there(client):
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths) == {
        "/v1/anonymize", "/v1/jobs", "/v1/jobs/{number}", "/v1/jobs/{number}/result",
        "/v1/jobs/{number}/preview", "/v1/models", "/healthz", "/metrics",
    }  # fmt: skip
    assert "image/*" in paths["/v1/anonymize"]["post"]["requestBody"]["content"]


def test_drawing_has_a_deadline(serve, picture):
    client = serve(draw_s=0.0)
    answer = client.post("/v1/anonymize", content=picture)
    assert answer.status_code == 422
    assert answer.json()["error"] == "the picture: takes too long to draw; shrink it first"
    assert client.get("/healthz").json()["waiting"] == 0


def test_the_page_brings_its_sample_and_small_pictures(serve):
    client = serve(token="s3cret")
    pictures = [client.get(f"/page/{name}.webp") for name in ("sample", "scene", "portrait")]
    assert [decoded(answer.content).shape[:2] for answer in pictures] == [
        (512, 512), (160, 160), (160, 160),
    ]  # fmt: skip
    clip = client.get("/page/sample.mp4")
    assert clip.headers["content-type"] == "video/mp4"
    assert sum(len(answer.content) for answer in [*pictures[1:], clip]) < 60_000
