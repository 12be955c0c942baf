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
        self._most = self._left = most
        self._freed = threading.Condition()

    @contextmanager
    def reserved(self, amount: int, patient: bool = False) -> Iterator[None]:
        """So much, as long as the block lasts.

        Args:
            amount: Of it.
            patient: Wait for others to end.

        Raises:
            BusyError: Others hold too much of it now.
        """
        with self._freed:
            while amount > self._left:
                if not patient or amount > self._most:
                    raise BusyError
                self._freed.wait()
            self._left -= amount
        try:
            yield
        finally:
            with self._freed:
                self._left += amount
                self._freed.notify_all()
