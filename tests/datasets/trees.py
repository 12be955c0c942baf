"""Writing tiny data sets; no reader looks into a picture, so an empty file does for one."""

from pathlib import Path


def plant(root: Path, *pictures: str, **texts: str) -> Path:
    """Make empty files, and files with text (``__`` in a name stands for a dot)."""
    for name in pictures:
        write(root / name, "")
    for name, text in texts.items():
        write(root / name.replace("__", "."), text)
    return root


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def reasons(folder: Path, left_out) -> dict[str, str]:
    """By path in the folder, why; fails on a path that is reported twice."""
    found = {item.path.relative_to(folder).as_posix(): item.reason for item in left_out}
    assert len(found) == len(left_out), [str(item.path) for item in left_out]
    return found
