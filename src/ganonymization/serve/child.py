"""A process of the server's for work with strangers' files, seen from both ends.

Messages are a line of JSON and bytes, never pickles: who takes over a process by a file that breaks
its decoder gets nothing run in the server by what it answers.
"""

import json
import os
import resource
import select
import socket
import subprocess
import sys
import time
from typing import Any

_START_S = 30.0  # for a process to begin, on a machine that has much to do
_MOST_HEAD_BYTES = 1 << 20
_HEAD = 4  # bytes that say how long the JSON is
_ALONE = {"PYTHONSAFEPATH": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

Told = dict[str, Any]


class Channel:
    """One end of the connection.

    Args:
        end: A socket.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def send(self, told: Told, *content: bytes | bytearray | memoryview) -> None:
        """Send JSON, and bytes behind it.

        Raises:
            OSError: The other end is gone, or takes none for too long.
        """
        head = json.dumps(told).encode()
        for part in (len(head).to_bytes(_HEAD, "big"), head, *content):
            self._end.sendall(part)

    def receive(self, within_s: float | None = None) -> Told:
        """The next JSON; bytes that stand behind it are for :meth:`receive_into`.

        Args:
            within_s: Time for it; None waits.

        Raises:
            TimeoutError: It did not come.
            EOFError: The other end is gone.
            ValueError: It is none.
        """
        length, ends = bytearray(_HEAD), _ends(within_s)
        self._fill(memoryview(length), ends)
        if int.from_bytes(length, "big") > _MOST_HEAD_BYTES:
            raise ValueError("its answer is too long")
        head = bytearray(int.from_bytes(length, "big"))
        self._fill(memoryview(head), ends)
        told = json.loads(head)
        if not isinstance(told, dict):
            raise ValueError("its answer is none")
        return told

    def comes(self, within_s: float) -> bool:
        """Wait so long for a message to begin, or for the other end to go."""
        poll = select.poll()  # its sibling knows no descriptors from 1024 on
        poll.register(self._end, select.POLLIN)
        return bool(poll.poll(1000 * within_s))

    def receive_into(self, buffer: memoryview, within_s: float | None = None) -> None:
        """As many bytes as the buffer has; raises as :meth:`receive`."""
        self._fill(buffer, _ends(within_s))

    def _fill(self, buffer: memoryview, ends: float | None) -> None:
        while buffer:
            self._end.settimeout(None if ends is None else max(0.001, ends - time.monotonic()))
            try:
                count = self._end.recv_into(buffer)
            except ConnectionError as error:
                raise EOFError from error
            if not count:
                raise EOFError
            buffer = buffer[count:]
        self._end.settimeout(None)

    def close(self) -> None:
        """Hang up."""
        self._end.close()


class Child:
    """A process that answers, and may be ended at any time.

    Args:
        module: Of this package; its ``main`` gets the other end.
        memory_bytes: That it may have.
        file_bytes: Of a file that it writes.

    Raises:
        OSError: It does not begin.
    """

    def __init__(self, module: str, memory_bytes: int, file_bytes: int) -> None:
        ours, theirs = socket.socketpair()
        code = f"from ganonymization.serve.{module} import main; main()"
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", code, str(theirs.fileno()), str(memory_bytes),
                 str(file_bytes)],
                pass_fds=[theirs.fileno()], start_new_session=True, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | _ALONE,
            )  # fmt: skip
        self.channel = Channel(ours)
        try:
            self.channel.receive(_START_S)
        except (EOFError, OSError, ValueError) as error:
            self.end()
            raise OSError("a process did not begin") from error

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def end(self) -> None:
        """Whatever it does."""
        self._process.kill()
        self._process.wait()
        self.channel.close()


def begun(kind: int) -> Channel:
    """The channel to the server, from a process that is to have no more than it was given.

    Args:
        kind: Of memory that is bounded: ``RLIMIT_AS``, addresses; or ``RLIMIT_DATA``, what may be
            written, for networks reserve far more addresses than they use.
    """
    number, memory_bytes, file_bytes = (int(word) for word in sys.argv[1:4])
    resource.setrlimit(kind, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # would hold the picture
    channel = Channel(socket.socket(fileno=number))
    channel.send({})  # it is there
    return channel


def _ends(within_s: float | None) -> float | None:
    return None if within_s is None else time.monotonic() + within_s
