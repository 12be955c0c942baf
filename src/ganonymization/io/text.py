"""Text files, read with clear errors, written completely or not at all."""

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import InputError, UnreadableError
from .files import write_bytes


def read_json(path: Path) -> Any:
    """What a JSON file holds.

    Raises:
        UnreadableError: The file cannot be read.
        InputError: It is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnreadableError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({error})") from error


def write_text(path: Path, text: str) -> None:
    """Write UTF-8; missing folders are made, and names that are no UTF-8 are escaped.

    Raises:
        OutputError: The file cannot be written.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_csv(
    path: Path,
    header: Iterable[object],
    rows: Iterable[Iterable[object]],
    line_end: str = "\n",
) -> None:
    """Write a table.

    Raises:
        OutputError: The file cannot be written.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator=line_end)
    table.writerow(header)
    table.writerows(rows)
    write_text(path, text.getvalue())
