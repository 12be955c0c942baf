"""Text files, written completely or not at all."""

from pathlib import Path

from . import images


def write_text(path: Path, text: str) -> None:
    """Write UTF-8; missing folders are made, and names that are no UTF-8 are escaped.

    Raises:
        OutputError: The file cannot be written.
    """
    content = text.encode("utf-8", "backslashreplace")
    images.write_whole(path, lambda file: file.write(content))
