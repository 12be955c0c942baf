import sqlite3

import numpy as np
import pytest

from ganonymization.errors import OutputError
from ganonymization.evaluation.store import Store

ARRAYS = {
    "landmarks_px": np.arange(6, dtype=np.float32).reshape(2, 3),
    "skin_tone_deg": np.float32(np.nan),
    "boxes": np.zeros((0, 4), np.float32),
}


def assert_same(found, expected):
    assert found is not None and found.keys() == expected.keys()
    for name, values in expected.items():
        assert np.array_equal(found[name], values, equal_nan=True)
        assert found[name].shape == np.shape(values)
        assert found[name].dtype == np.float32


def test_what_is_put_is_there_after_reopening(tmp_path):
    path = tmp_path / "deep" / "seen.sqlite"
    with Store(path) as store:
        store.put("a", ARRAYS)
        store.put("b", {})
        assert_same(store.get("a"), ARRAYS)
    with Store(path) as store:
        assert_same(store.get("a"), ARRAYS)
        assert store.get("b") == {}


def test_what_was_put_survives_without_closing(tmp_path):
    store = Store(tmp_path / "seen.sqlite")
    store.put("a", ARRAYS)
    with Store(tmp_path / "seen.sqlite") as other:
        assert_same(other.get("a"), ARRAYS)
    store.__exit__(None, None, None)


def test_an_unknown_key_has_nothing(tmp_path):
    with Store(tmp_path / "seen.sqlite") as store:
        store.put("a", ARRAYS)
        assert store.get("b") is None
        assert store.get("") is None


def test_the_last_put_counts(tmp_path):
    newer = {"size_hw": np.array([3, 4], np.float32)}
    with Store(tmp_path / "seen.sqlite") as store:
        store.put("a", ARRAYS)
        store.put("a", newer)
        assert_same(store.get("a"), newer)


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be used"):
        Store(tmp_path / "file" / "seen.sqlite")
    with pytest.raises(OutputError, match="cannot be used"):
        Store(tmp_path)


@pytest.mark.parametrize("content", [b"hello", b"no database at all\n" * 500])
def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(OutputError, match=r"notes\.txt: cannot be used"):
        Store(path)
    assert path.read_bytes() == content


def test_a_store_that_can_no_longer_be_written_says_so(tmp_path):
    with Store(tmp_path / "seen.sqlite") as store:
        store.put("a", ARRAYS)
        store._connection.execute("PRAGMA max_page_count = 1")  # stands for a full disk
        with pytest.raises(OutputError, match="free some space"):
            store.put("b", {"gradients": np.zeros(100_000, np.float32)})
        assert store.get("b") is None
        assert_same(store.get("a"), ARRAYS)


def test_another_programs_table_is_refused(tmp_path):
    other = sqlite3.connect(tmp_path / "other")
    other.execute("CREATE TABLE seen (a INT)")
    other.close()
    with pytest.raises(OutputError, match="cannot be used"):
        Store(tmp_path / "other")
