"""What was seen in a picture, kept on disk by the picture's content, so that work goes on."""

import io
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import OutputError

Arrays = Mapping[str, NDArray[np.float32]]


class Store:
    """A file of named arrays by key; a kill loses at most what was not yet put.

    Args:
        path: Of the file; missing folders are made.

    Raises:
        OutputError: The file cannot be written, or is no such store.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")  # a kill loses nothing
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS seen (key TEXT PRIMARY KEY, arrays BLOB)"
            )
            self._connection.execute("SELECT key, arrays FROM seen LIMIT 1")
        except (OSError, sqlite3.Error) as error:
            reason = f"{path}: cannot be used ({error}); remove it or choose another"
            raise OutputError(reason) from error

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def get(self, key: str) -> Arrays | None:
        """The arrays put under a key, or None."""
        row = self._connection.execute("SELECT arrays FROM seen WHERE key = ?", (key,)).fetchone()
        return None if row is None else dict(np.load(io.BytesIO(row[0]), allow_pickle=False))

    def put(self, key: str, arrays: Arrays) -> None:
        """Keep arrays under a key.

        Raises:
            OutputError: The disk is full.
        """
        packed = io.BytesIO()
        members: dict[str, Any] = dict(arrays)
        np.savez(packed, **members)
        try:
            self._connection.execute(
                "INSERT OR REPLACE INTO seen VALUES (?, ?)", (key, packed.getvalue())
            )
        except sqlite3.Error as error:
            raise OutputError(f"measurements cannot be kept ({error}); free some space") from error
