"""FACES (Ebner et al. 2010, Max Planck Institute): 171 adults, six posed expressions, two pictures.

Everything is in the file's name: ``004_o_m_n_a.jpg`` is person 004, old, male, neutral, picture
set a. The pictures are in the folder, or in ``bilder`` as on the original disc. People are split
by ``split_by_person``.
"""

from pathlib import Path

from ..io import images
from ..io.files import walk
from ..types import Skipped
from .table import Table, TableBuilder, split_by_person

EXPRESSIONS = {
    "n": "neutral", "h": "happy", "s": "sad", "f": "fear", "d": "disgust", "a": "anger",
}  # fmt: skip
AGE_GROUPS = {"y": "young", "m": "middle-aged", "o": "old"}
GENDERS = {"f": "female", "m": "male"}
_SETS = ("a", "b")


def recognises(folder: Path) -> bool:
    """Whether any picture has such a name."""
    return any(
        images.is_picture(path) and not isinstance(_parse(path), str)
        for path in walk(_pictures(folder))
    )


def read(folder: Path) -> tuple[Table, list[Skipped]]:
    """Expression, age group and gender of every picture whose name holds them.

    A name that is there twice, say in two sizes, counts once.

    Raises:
        InputError: No picture has such a name.
    """
    table = TableBuilder(folder, "expression", "age_group", "gender")
    used: dict[str, Path] = {}
    for path in table.pictures_under(_pictures(folder)):
        parsed = _parse(path)
        if isinstance(parsed, str):
            table.skip(path, parsed)
        elif used.setdefault(path.stem.lower(), path) != path:
            first = used[path.stem.lower()].relative_to(folder)
            table.skip(path, f"is the same picture as {first}, which is used")
        else:
            person, *values = parsed
            table.add(path, *values, person=person)
    table.rows = split_by_person(table.rows)
    return table.build()


def _pictures(folder: Path) -> Path:
    inner = folder / "bilder"
    return inner if inner.is_dir() else folder


def _parse(path: Path) -> tuple[str, str, str, str] | str:
    """Person and labels from a name, or what is wrong with it."""
    parts = path.stem.lower().split("_")
    if len(parts) != 5 or not parts[0].isdigit():
        return "its name is not like 004_o_m_n_a"
    person, age_group, gender, expression, picture_set = parts
    for code, known in (
        (age_group, AGE_GROUPS), (gender, GENDERS), (expression, EXPRESSIONS), (picture_set, _SETS)
    ):  # fmt: skip
        if code not in known:
            return f"its name has {code!r} where one of {', '.join(known)} is expected"
    return person, EXPRESSIONS[expression], AGE_GROUPS[age_group], GENDERS[gender]
