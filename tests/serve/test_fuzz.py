"""Asks the API what its own OpenAPI document allows, and what it does not."""

import time

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ganonymization.pipeline import Anonymizer
from ganonymization.serve.app import make_app
from ganonymization.serve.model_pool import ModelPool
from ganonymization.serve.settings import Limits, ServeSettings

from ..conftest import FakeSynthesizer
from ..video.test_frames import stages
from ..video.test_tracking import Disc, DiscDetector, draw
from .conftest import encoded
from .test_jobs import zipped

ROUTES = [
    ("POST", "/v1/anonymize"), ("POST", "/v1/jobs"), ("GET", "/v1/jobs"),
    ("GET", "/v1/jobs/{number}"), ("DELETE", "/v1/jobs/{number}"),
    ("GET", "/v1/jobs/{number}/result"), ("GET", "/v1/jobs/{number}/preview"),
    ("GET", "/v1/models"), ("GET", "/healthz"),
    ("GET", "/metrics"),
]  # fmt: skip
HOST = "testserver"  # the name by which schemathesis calls it
CHECKS = [
    schemathesis.checks.not_a_server_error, status_code_conformance, content_type_conformance,
    response_headers_conformance, response_schema_conformance,
]  # fmt: skip
FACE, EMPTY = draw(Disc(80)), draw()
PICTURES = [encoded(FACE), encoded(EMPTY, "JPEG"), encoded(FACE, "WEBP"), encoded(FACE, "BMP")]
ARCHIVE = zipped({"a.png": PICTURES[0]})

schemathesis.openapi.media_type("image/*", st.sampled_from(PICTURES) | st.binary(max_size=200))
schemathesis.openapi.media_type(
    "application/octet-stream", st.sampled_from([ARCHIVE, *PICTURES]) | st.binary(max_size=200)
)


@pytest.fixture
def api(tmp_path, decoder):
    anonymizer = Anonymizer(**stages(privacy="balanced", model=FakeSynthesizer()))
    models = ModelPool(anonymizer, DiscDetector())
    app = make_app(
        models, decoder, ServeSettings(HOST, folder=tmp_path, limits=Limits(jobs=10_000))
    )
    return schemathesis.openapi.from_asgi("/openapi.json", app)


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [(*route, GenerationMode.POSITIVE) for route in ROUTES]
    + [(*route, GenerationMode.NEGATIVE) for route in ROUTES if route[0] == "POST"],
)
def test_every_answer_is_one_that_was_declared(api, method, path, kind):
    @settings(
        max_examples=50, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(api[path][method].as_strategy(generation_mode=kind))
    def ask(case):
        case.call_and_validate(checks=CHECKS)

    ask()


def test_every_route_is_asked(api):
    document = api.raw_schema["paths"]
    assert set(ROUTES) == {(m.upper(), path) for path, methods in document.items() for m in methods}


@pytest.mark.parametrize("accept", ["*/*", "application/json"])
@pytest.mark.parametrize("query", [{}, {"mode": "portrait"}, {"faces": "0:keep"}, {"seed": 3}])
def test_pictures_and_their_faces_are_answered_as_declared(api, query, accept):
    case = api["/v1/anonymize"]["POST"].Case(
        query=query, headers={"accept": accept}, body=PICTURES[0], media_type="image/*"
    )
    answer = case.call_and_validate(checks=CHECKS)
    assert answer.status_code == 200


def test_a_jobs_whole_life_is_answered_as_declared(api):
    def ask(path, method="GET", **more):
        return api[path][method].Case(**more).call_and_validate(checks=CHECKS)

    begun = ask(
        "/v1/jobs", "POST", body=ARCHIVE, media_type="application/octet-stream"
    )  # fmt: skip
    assert begun.status_code == 202
    number = {"path_parameters": {"number": begun.json()["id"]}}
    deadline = time.monotonic() + 60
    while ask("/v1/jobs/{number}", **number).json()["state"] != "done":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert ask("/v1/jobs/{number}/result", **number).status_code == 200
    name, _, owner = begun.headers["set-cookie"][0].partition(";")[0].partition("=")
    assert len(ask("/v1/jobs", cookies={name: owner}).json()) == 1
    assert ask("/v1/jobs/{number}", "DELETE", **number).status_code == 200
    assert ask("/v1/jobs/{number}", **number).status_code == 404


HEADERS = ("host", "origin", "sec-fetch-site", "authorization", "accept", "range", "content-length",
           "content-type", "sec-websocket-protocol", "if-range")  # fmt: skip
VALUES = st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=30)
NASTY = st.sampled_from([
    "http://[", "http://[::1", "[", "null", "²", "9" * 5000, "-1", "bytes=9-1", "bytes=a",
    "token.ÿ", "Bearer ÿ", "testserver", "http://testserver",
])  # fmt: skip


@pytest.mark.parametrize("token", [None, "s3cret"])
def test_no_header_breaks_it(serve, token):
    client = serve(token=token)
    job = client.post("/v1/jobs", content=ARCHIVE, headers={"authorization": f"Bearer {token}"})
    result = f"/v1/jobs/{job.json()['id']}/result"

    @settings(max_examples=60, derandomize=True, deadline=None)
    @given(
        st.sampled_from(["/", "/healthz", "/v1/jobs", "/page/style.css", "/v1/anonymize", result]),
        st.dictionaries(st.sampled_from(HEADERS), NASTY | VALUES, max_size=3),
    )
    def ask(path, headers):
        method = "POST" if path == "/v1/anonymize" else "GET"
        sent = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        answer = client.request(method, path, headers=sent)
        assert answer.status_code < 500, (path, headers)

    ask()


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/nothing", 404), ("GET", "/page/nothing.js", 404), ("PUT", "/v1/jobs", 405),
    ("GET", "/v1/anonymize", 405), ("POST", "/page/style.css", 405),
])  # fmt: skip
def test_what_is_not_there_is_told_like_any_error(client, method, path, status):
    answer = client.request(method, path)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]


def test_the_document_has_an_example_for_every_route(api):
    for path, methods in api.raw_schema["paths"].items():
        for method, route in methods.items():
            assert route["summary"], path
            for parameter in route.get("parameters", []):
                assert "example" in str(parameter), (path, parameter["name"])
            good = next(answer for code, answer in route["responses"].items() if code[0] == "2")
            for media, content in good["content"].items():
                if media == "application/json":
                    assert "examples" in str(resolved(api.raw_schema, content)), (path, method)


def resolved(document, content):
    """A schema and what it refers to."""
    schema = content["schema"]
    name = schema.get("items", schema)["$ref"].rpartition("/")[2]
    return document["components"]["schemas"][name]
