"""How much of something all requests together may hold."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .model_pool import BusyError


class Budget:
    """An amount that requests reserve before they take it, from any thread.

    Args:
        most: Of it, for all together.
    """

    def __init__(self, most: int) -> None:
        self._left, self._lock = most, threading.Lock()

    @contextmanager
    def reserved(self, amount: int) -> Iterator[None]:
        """So much, as long as the block lasts.

        Raises:
            BusyError: Others hold too much of it now.
        """
        with self._lock:
            if amount > self._left:
                raise BusyError
            self._left -= amount
        try:
            yield
        finally:
            with self._lock:
                self._left += amount
