import numpy as np
import pytest

from ganonymization.cli.demo import astronaut
from ganonymization.datasets.people import read_people
from ganonymization.errors import InputError
from ganonymization.io import images
from ganonymization.io.images import Picture


def test_a_table_of_pictures_is_read(tmp_path):
    images.write(tmp_path / "a.png", Picture(astronaut()))
    images.write(tmp_path / "wall.png", Picture(np.full((64, 64, 3), 90, np.uint8)))
    index = tmp_path / "index.csv"
    index.write_text(
        "\ufefffile,person,expression\na.png,p1,happiness\nwall.png,p1,\nnone.png,p2,\n"
    )
    people, left_out = read_people(tmp_path, index)
    assert people.files.tolist() == ["a.png"]
    assert people.landmarks_px.shape == (1, 478, 3)
    assert (people.person[0], people.expression[0]) == ("p1", "happiness")
    assert [(p.path.name, p.unreadable) for p in left_out] == [
        ("wall.png", False), ("none.png", True)
    ]  # fmt: skip
    assert people.of(np.array([False])).files.size == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "cannot be read"),
        ("", "no rows"),
        ("file,who\na.png,x\n", "row 2 has no 'person'"),
        ("file,person\na.png,x\nb.png\n", "row 3 has no 'person'"),
    ],
)
def test_wrong_tables_are_refused(tmp_path, text, told):
    index = tmp_path / "index.csv"
    if text is not None:
        index.write_text(text)
    with pytest.raises(InputError, match=told):
        read_people(tmp_path, index)


def test_a_table_without_faces_is_refused(tmp_path):
    index = tmp_path / "index.csv"
    index.write_text("file,person\nnone.png,x\n")
    with pytest.raises(InputError, match="no face was found in 1 pictures"):
        read_people(tmp_path, index)
