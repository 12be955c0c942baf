import socket
import threading
import time

import pytest
import uvicorn

from ganonymization.serve import protocol
from ganonymization.serve.protocol import PunctualProtocol


async def slow_app(scope, receive, send):
    """Answers when the body has come."""
    if scope["type"] == "http":
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})


@pytest.fixture
def connect(monkeypatch):
    """Open a connection to a server on which headers come within 0.3 seconds."""
    monkeypatch.setattr(protocol, "HEADER_S", 0.3)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(slow_app, http=PunctualProtocol, log_level="error", lifespan="off")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    opened = []

    def open_one():
        opened.append(socket.create_connection(listener.getsockname(), timeout=5))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.mark.parametrize("start", [b"", b"GET / HTTP/1.1\r\nHost: a\r\nX: "])
def test_headers_that_do_not_come_close_the_connection(connect, start):
    client = connect()
    client.sendall(start)
    begun = time.monotonic()
    client.settimeout(5)
    assert client.recv(100) == b""
    assert time.monotonic() - begun < 3


def test_so_they_do_on_one_that_has_been_used(connect):
    client = connect()
    client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.recv(1000).startswith(b"HTTP/1.1 204")
    client.sendall(b"GET / HT")
    assert client.recv(100) == b""


def test_a_body_may_come_later(connect):
    client = connect()
    client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n")
    time.sleep(0.6)
    client.sendall(b"ab")
    assert client.recv(1000).startswith(b"HTTP/1.1 204")
