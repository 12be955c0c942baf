import pytest

from ganonymization.datasets import read_dataset
from ganonymization.errors import InputError

from .trees import plant, reasons, write

PARTITION = "000001.jpg 0\n000002.jpg 1\n000003.jpg 2\n"
ATTRIBUTES = """3
5_o_Clock_Shadow Smiling Young
000001.jpg -1  1  1
000002.jpg  1 -1 -1
000003.jpg -1 -1  1
"""


def in_csv(text: str, header: str) -> str:
    lines = [",".join(line.split()) for line in text.splitlines()]
    return "\r\n".join([header, *lines])


def pictures(folder, place="img_align_celeba", names=(1, 2, 3)):
    plant(folder, *(f"{place}/{n:06}.jpg" for n in names))


def official(folder):
    write(folder / "Eval/list_eval_partition.txt", PARTITION)
    write(folder / "Anno/list_attr_celeba.txt", ATTRIBUTES)
    write(folder / "Anno/identity_CelebA.txt", "000001.jpg 2880\n000002.jpg 17\n")
    pictures(folder, "Img/img_align_celeba")


def published(folder):
    write(folder / "celeba/list_eval_partition.txt", PARTITION)
    write(folder / "celeba/list_attr_celeba.txt", ATTRIBUTES)
    write(folder / "celeba/identity_CelebA.txt", "000002.jpg 17\n000001.jpg 2880\n")
    pictures(folder, "celeba/img_align_celeba")


def kaggle(folder):
    write(folder / "list_eval_partition.csv", in_csv(PARTITION, "image_id,partition"))
    rows = "\n".join(ATTRIBUTES.splitlines()[2:])
    header = "image_id,5_o_Clock_Shadow,Smiling,Young"
    write(folder / "list_attr_celeba.csv", in_csv(rows, header))
    pictures(folder, "img_align_celeba/img_align_celeba")


@pytest.mark.parametrize("layout", [official, published, kaggle])
def test_every_layout_gives_the_same_table(tmp_path, layout):
    layout(tmp_path)
    table, left_out = read_dataset(tmp_path)
    assert left_out == []
    assert [name[-10:] for name in table.files] == ["000001.jpg", "000002.jpg", "000003.jpg"]
    assert all((tmp_path / name).is_file() for name in table.files)
    assert table.split.tolist() == ["train", "val", "test"]
    assert table.person.tolist() == (["", "", ""] if layout is kaggle else ["2880", "17", ""])
    assert {name: column.tolist() for name, column in table.labels.items()} == {
        "5_o_Clock_Shadow": ["0", "1", "0"], "Smiling": ["1", "0", "0"], "Young": ["1", "0", "1"]
    }  # fmt: skip


def test_what_does_not_fit_is_reported(tmp_path):
    partition = PARTITION + "000004.jpg 0\n000005.jpg 3\n000006.jpg 0\n000007.jpg 0\n000001.jpg 2\n"
    attributes = (
        ATTRIBUTES
        + "000005.jpg 1 1 1\n000006.jpg 1 2 1\n000007.jpg 1 1\n000008.jpg 1 1 1\n000002.jpg 1 1 1\n"
    )
    plant(tmp_path, list_eval_partition__txt=partition, list_attr_celeba__txt=attributes)
    pictures(tmp_path, names=(1, 2, 4, 5, 6, 7, 8, 9))
    table, left_out = read_dataset(tmp_path, "celeba")
    assert table.files.tolist() == ["img_align_celeba/000001.jpg", "img_align_celeba/000002.jpg"]
    assert table.split.tolist() == ["train", "val"]
    assert table.labels["Smiling"].tolist() == ["1", "0"]
    assert reasons(tmp_path / "img_align_celeba", left_out) == {
        "000001.jpg": "is again in list_eval_partition.txt; not used",
        "000002.jpg": "is again in list_attr_celeba.txt; not used",
        "000003.jpg": "no such file",
        "000004.jpg": "has no row of attributes",
        "000005.jpg": "its split is '3', not 0, 1 or 2",
        "000006.jpg": "its attributes are not 3 values of 1 and -1",
        "000007.jpg": "its attributes are not 3 values of 1 and -1",
        "000008.jpg": "its split is 'missing', not 0, 1 or 2",
        "000009.jpg": "has no row",
    }


@pytest.mark.parametrize("part", ["list_eval_partition", "list_attr_celeba", "img_align_celeba"])
def test_a_missing_part_is_named(tmp_path, part):
    plant(tmp_path, list_eval_partition__txt=PARTITION, list_attr_celeba__txt=ATTRIBUTES)
    pictures(tmp_path)
    lost = next(tmp_path.glob(f"{part}*"))
    lost.rename(tmp_path / "hidden.bak")
    with pytest.raises(InputError, match=f"{part}.* is missing"):
        read_dataset(tmp_path)


@pytest.mark.parametrize("text", ["", "3\n", "3\nSmiling Smiling\n000001.jpg 1 1\n"])
def test_a_list_without_attributes_is_refused(tmp_path, text):
    plant(tmp_path, list_eval_partition__txt=PARTITION, list_attr_celeba__txt=text)
    pictures(tmp_path)
    with pytest.raises(InputError, match="no line of different attributes"):
        read_dataset(tmp_path)
