"""HTTP as uvicorn speaks it, with a deadline for headers."""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_S = 10.0


class PunctualProtocol(H11Protocol):
    """Closes connections on which a request begins and its headers do not come to an end.

    Uvicorn has no such deadline, and each such connection would stay for ever.
    """

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """As asyncio asks."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """As asyncio asks."""
        super().data_received(data)
        if self._awaits_headers() and self._timer is None:
            self._watch()
        elif not self._awaits_headers():
            self._unwatch()

    def connection_lost(self, exc: Exception | None) -> None:
        """As asyncio asks."""
        self._unwatch()
        super().connection_lost(exc)

    def _awaits_headers(self) -> bool:
        here = self.transport.get_protocol() is self  # and no WebSocket's
        return here and self.conn.their_state is h11.IDLE

    def _watch(self) -> None:
        self._timer = self.loop.call_later(HEADER_S, self.transport.close)

    def _unwatch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
