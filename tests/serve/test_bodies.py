import base64
import json

import pytest

from ganonymization.serve.bodies import picture_in
from ganonymization.serve.problems import Problem

from ..video.test_tracking import Disc
from .conftest import decoded
from .test_pictures import changed

FILE = bytes(range(256)) * 3 + b"\r\n--x\r\n"


def form(*parts, boundary="abc"):
    lines = b"".join(
        f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode()
        + content
        + b"\r\n"
        for head, content in parts
    )
    return bytearray(
        lines + f"--{boundary}--\r\n".encode()
    ), f"multipart/form-data; boundary={boundary}"


def as_json(**values):
    return bytearray(json.dumps(values, indent=1).encode()), "application/json; charset=utf-8"


CODED = base64.b64encode(FILE).decode()


@pytest.mark.parametrize("body", [
    (bytearray(FILE), "image/png"), (bytearray(FILE), "application/x-www-form-urlencoded"),
    (bytearray(FILE), ""), form(('name="file"; filename="a.png"', FILE)),
    form(('name="whatever"', FILE)), as_json(image=CODED), as_json(picture=CODED),
    as_json(image=f"data:image/png;base64,{CODED}"),
    (bytearray(b'{"image":"' + CODED.replace("/", "\\/").encode() + b'"}'), "Application/JSON"),
])  # fmt: skip
def test_a_picture_comes_in_each_form(body):
    assert bytes(picture_in(*body)) == FILE


@pytest.mark.parametrize(("body", "words"), [
    (form(('name="a"', FILE), ('name="privacy"', b"high")), "several parts.*privacy=high"),
    (form(), "holds no file"), (form(('name="a"', b"")), "holds no file"),
    ((bytearray(b"no form"), "multipart/form-data; boundary=x"), "damaged"),
    ((bytearray(FILE), "multipart/form-data"), "damaged"),
    ((bytearray(b""), "application/json"), "of another form"),
    ((bytearray(b"[" * 100_000), "application/json"), "of another form"),
    (as_json(image=CODED, privacy="high"), "no Base64"), (as_json(photo=CODED), "another form"),
    (as_json(image="no base64!"), "no Base64"), (as_json(image=[CODED]), "another form"),
])  # fmt: skip
def test_other_bodies_are_refused_with_what_to_send(body, words):
    with pytest.raises(Problem, match=words) as refused:
        picture_in(*body)
    assert refused.value.status == 422


def test_pictures_in_forms_and_json_come_back_without_their_faces(client, picture):
    asked = {"files": {"photo": ("a.png", picture, "image/png")}}
    for more in (asked, {"json": {"image": base64.b64encode(picture).decode()}}):
        answer = client.post("/v1/anonymize?seed=3", **more)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "image/png"
        assert changed(decoded(picture), decoded(answer.content), Disc(80))
    answer = client.post("/v1/anonymize", data={"privacy": "high"}, **asked)
    assert answer.status_code == 422 and "several parts" in answer.json()["error"]


def test_an_unknown_option_is_refused_with_those_that_are_known(client, picture):
    answer = client.post("/v1/anonymize?privcy=high", content=picture)
    assert answer.status_code == 422
    assert answer.json()["error"] == (
        "privcy: no such option; there are add_box, audit, faces, format, mode, privacy, seed, "
        "thorough"
    )
