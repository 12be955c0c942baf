import os
import shutil

from ganonymization.batch.execute import in_threads
from ganonymization.batch.folder import FolderJob
from ganonymization.batch.storage import LocalStorage
from ganonymization.batch.watch import watch
from ganonymization.io import images
from ganonymization.io.images import Picture


def test_what_comes_is_done_once_it_does_not_grow(tmp_path, make_anonymizer, picture):
    source = tmp_path / "in"
    images.write(source / "old.png", Picture(picture))
    os.utime(source / "old.png", (1, 1))
    whole = (source / "old.png").read_bytes()
    (source / "growing.png").write_bytes(whole[:50])
    looks, told = [], []

    def stop(seconds):
        looks.append([f"{entry.file} {entry.status}" for entry in told])
        told.clear()
        look = len(looks)
        if look == 1:
            (source / "growing.png").write_bytes(whole)
        elif look == 3:
            shutil.copy(source / "old.png", source / "new.png")
            (source / "bad.png").write_bytes(b"bad")
        elif look == 6:
            (source / "bad.png").write_bytes(whole)
        return look == 9

    job = FolderJob(make_anonymizer, LocalStorage(source), LocalStorage(tmp_path / "out"), seed=1)
    for entry in watch(job, in_threads(1), stop):
        told.append(entry)
    done = [sorted(each) for each in looks]
    assert done == [
        ["old.png done"], [], ["growing.png done"], [], ["bad.png failed", "new.png done"], [], [],
        ["bad.png done"], [],
    ]  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "bad.png", "growing.png", "new.png", "old.png"
    ]  # fmt: skip


def test_what_was_done_before_is_not_told_again(tmp_path, make_anonymizer, picture):
    images.write(tmp_path / "in" / "a.png", Picture(picture))
    job = FolderJob(
        make_anonymizer, LocalStorage(tmp_path / "in"), LocalStorage(tmp_path / "out"), seed=1
    )
    looks = iter([False, False, True] * 2)
    once = [entry.status for entry in watch(job, in_threads(1), lambda _: next(looks))]
    again = [entry.status for entry in watch(job, in_threads(1), lambda _: next(looks))]
    assert (once, again) == (["done"], [])
