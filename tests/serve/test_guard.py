import base64

import pytest
from starlette.websockets import WebSocketDisconnect

from .conftest import ADDRESS, CAMERA

TOKEN = "s3cret"
PATHS = ("/v1/models", "/healthz", "/metrics", "/v1/jobs", "/openapi.json")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", ""]
)
def test_another_name_for_this_machine_is_refused(client, host):
    """DNS rebinding: a page's own name made to point here."""
    answer = client.get("/healthz", headers={"host": host})
    assert answer.status_code == 421


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:9", "localhost", "localhost:8000", "[::1]:8000"]
)
def test_this_machines_names_are_served(client, host):
    assert client.get("/healthz", headers={"host": host}).status_code == 200


def test_a_server_for_others_answers_to_any_name(serve):
    client = serve(host="0.0.0.0", token=TOKEN)
    assert client.get("/healthz", headers={"host": "clinic.example"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{"origin": "http://evil.example"}, {"origin": "null"}, {"origin": "http://127.0.0.1:9999"},
     {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}],
)  # fmt: skip
def test_other_pages_are_refused(client, picture, headers):
    assert client.post("/v1/anonymize", content=picture, headers=headers).status_code == 403
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        client.websocket_connect(CAMERA, headers=headers),
    ):
        pass
    assert refused.value.code == 4403


def test_the_servers_own_page_is_served(client, picture):
    headers = {"origin": ADDRESS, "sec-fetch-site": "same-origin", "host": "127.0.0.1:8000"}
    assert client.post("/v1/anonymize", content=picture, headers=headers).status_code == 200


def test_without_the_token_only_the_page_is_there(serve, picture):
    client = serve(token=TOKEN)
    for path in PATHS:
        if path != "/healthz":
            assert client.get(path).status_code == 401, path
    assert client.get("/healthz").status_code == 200
    assert client.get("/").status_code == 200
    answer = client.post("/v1/anonymize", content=picture)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(CAMERA),
    ):
        pass


@pytest.mark.parametrize("wrong", ["", "Bearer", "Bearer x", "Basic s3cret", f"Bearer {TOKEN} "])
def test_wrong_tokens_are_refused(serve, wrong):
    client = serve(token="s3cret")
    assert client.get("/v1/models", headers={"authorization": wrong}).status_code == 401


def test_the_token_opens(serve):
    client = serve(token="s3cret")
    assert client.get("/v1/models", headers={"authorization": "Bearer s3cret"}).status_code == 200
    shown = base64.urlsafe_b64encode(b"s3cret").decode().rstrip("=")
    with client.websocket_connect(
        CAMERA, subprotocols=["ganonymization", f"token.{shown}"]
    ) as socket:
        assert socket.accepted_subprotocol == "ganonymization"


@pytest.mark.parametrize("protocol", ["token.", "token.!!!!", "token.eA", "token"])
def test_wrong_tokens_of_a_camera_are_refused(serve, protocol):
    client = serve(token="s3cret")
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(CAMERA, subprotocols=["ganonymization", protocol]),
    ):
        pass


@pytest.mark.parametrize("path", ["/", "/healthz", "/nothing", "/v1/models"])
def test_every_answer_binds_the_browser(client, path):
    headers = client.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


def test_answers_are_not_stored(client, picture):
    assert client.post("/v1/anonymize", content=picture).headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/page/../app.py", "/page/%2e%2e/app.py", "/page/..%2fapp.py", "/page//etc/passwd"]
)
def test_no_way_out_of_the_pages_folder(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert "import" not in answer.text
