import io
import json
import pickle
import uuid
from contextlib import closing
from pathlib import PurePosixPath

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFile
from hypothesis import given
from hypothesis import strategies as st

from ganonymization.batch import address
from ganonymization.batch.address import FsspecStorage, check_apart, open_storage
from ganonymization.batch.execute import execute, in_threads
from ganonymization.batch.folder import FolderJob, manifest_lines
from ganonymization.batch.manifest import Entry
from ganonymization.batch.storage import UNKNOWN_NS, LocalStorage, Stamp
from ganonymization.errors import InputError, OptionError, OutputError
from ganonymization.io import images
from ganonymization.io.images import Picture


@pytest.fixture(params=["disk", "memory", "file"])
def place(request, tmp_path):
    """An empty folder of each kind."""
    if request.param == "disk":
        return open_storage(str(tmp_path / "place"))
    if request.param == "file":
        (tmp_path / "place").mkdir()
        return FsspecStorage(f"file://{tmp_path}/place")
    return open_storage(f"memory://{uuid.uuid4().hex}/place")


NAMES = st.lists(
    st.from_regex(r"[a-z]{1,3}(/[a-z0-9 ._-]{1,5}[a-z])?", fullmatch=True), max_size=5, unique=True
)


@given(NAMES, st.binary(max_size=40))
def test_what_is_written_is_listed_and_read(names, content):
    place = open_storage(f"memory://{uuid.uuid4().hex}/in")
    place.write("0", b"")
    folders = {name.partition("/")[0] for name in names if "/" in name}
    names = [name for name in names if name not in folders]
    for name in names:
        place.write(name, content)
    assert list(place.names()) == ["0", *sorted(names)]
    for name in names:
        assert place.stamp(name).size == len(content)
        with place.reading(name) as path:
            assert path.read_bytes() == content and path.suffix == PurePosixPath(name).suffix
        assert (
            isinstance(place, LocalStorage) or not path.exists()
        )  # no original stays on this disk


def test_a_place_of_each_kind_does_the_same(place):
    with place.writing() as folder:
        (folder / "sub").mkdir(parents=True)
        (folder / "sub" / "b.txt").write_bytes(b"two")
        (folder / "a.txt").write_bytes(b"one")
    place.write("c.txt", b"three")
    assert sorted(place.names()) == ["a.txt", "c.txt", "sub/b.txt"]
    with place.reading("sub/b.txt") as path:
        assert path.read_bytes() == b"two"
    assert not place.is_folder("a.txt")
    with pytest.raises(FileNotFoundError):
        place.stamp("none.txt")
    with pytest.raises(FileNotFoundError), place.reading("none.txt") as path:
        path.read_bytes()
    place.write("c.txt", b"longer than before")
    list(place.names())
    assert place.stamp("c.txt").size == 18
    assert isinstance(place.tells_case(), bool)


def test_nothing_is_sent_after_an_error():
    place = open_storage(f"memory://{uuid.uuid4().hex}")
    with pytest.raises(ValueError), place.writing() as folder:
        (folder / "a.txt").write_bytes(b"half")
        raise ValueError
    assert not folder.exists()
    with pytest.raises(InputError, match="nothing is there"):
        place.names()


def test_manifests_are_read_in_the_order_they_were_written(place, monkeypatch):
    monkeypatch.setattr("ganonymization.batch.manifest._PART_LINES", 2)
    for status in ("failed", "done"):
        with closing(place.manifest(None)) as manifest:
            for i in range(5):
                manifest.add(Entry(f"{i}.png", status))
    with closing(place.manifest((2, 3))) as manifest:
        manifest.add(Entry("0.png", "filled"))
    told = [(line["file"], line["status"]) for line in place.manifest_lines()]
    assert told == [(f"{i}.png", s) for s in ("failed", "done") for i in range(5)] + [
        ("0.png", "filled")
    ]


def test_a_manifest_in_parts_loses_little_to_a_kill():
    place = open_storage(f"memory://{uuid.uuid4().hex}")
    manifest = place.manifest(None)
    for i in range(1201):
        manifest.add(Entry(f"{i}.png", "done"))
    assert len(list(place.manifest_lines())) == 1000  # it was never closed


def test_a_store_that_shows_half_written_files_gets_them_under_another_name(tmp_path, monkeypatch):
    place = FsspecStorage(f"file://{tmp_path}")

    def broken(content, file):
        file.write(b"half")
        raise OSError("the line is cut")

    monkeypatch.setattr(address.shutil, "copyfileobj", broken)
    with pytest.raises(OutputError, match="the line is cut"):
        place.write("a.png", b"whole")
    assert not (tmp_path / "a.png").exists()
    monkeypatch.undo()
    (scrap,) = tmp_path.iterdir()
    place.sweep()
    assert not scrap.exists()
    place.write("a.png", b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_it_travels_without_what_it_saw():
    place = open_storage(f"memory://{uuid.uuid4().hex}")
    for i in range(200):
        place.write(f"{i}.png", b"")
    before = len(pickle.dumps(place))
    list(place.names())
    assert len(pickle.dumps(place)) == before
    assert pickle.loads(pickle.dumps(place)).stamp("7.png").size == 0


@pytest.mark.parametrize(
    ("facts", "time"),
    [
        ({"size": 3, "mtime": 1.5}, 1_500_000_000),
        ({"size": 3, "LastModified": "1970-01-01T00:00:02+00:00"}, 2_000_000_000),
        ({"size": 3, "updated": "1970-01-01T00:00:02Z"}, 2_000_000_000),
        ({"size": 3}, UNKNOWN_NS),
    ],
)
def test_each_store_has_its_own_word_for_time(facts, time):
    assert address._stamp(facts) == Stamp(3, time)


def test_addresses_that_cannot_be_are_told():
    with pytest.raises(OptionError, match=r"nosuch://x.*s3://"):
        open_storage("nosuch://x")
    with pytest.raises(OptionError, match="cache"):
        open_storage("simplecache::memory://x")
    with pytest.raises(OptionError, match="s3fs"):
        open_storage("s3://bucket/in")


@pytest.mark.parametrize("a", ["memory://x/in", "memory://x/in/"])
@pytest.mark.parametrize("b", ["memory://x/in", "memory://x/in/out", "memory://x"])
def test_addresses_within_each_other_are_refused(a, b):
    with pytest.raises(OutputError, match="keep apart"):
        check_apart(open_storage(a), open_storage(b))
    check_apart(open_storage(a), open_storage("memory://x/in-2"))


def test_a_store_that_cannot_be_listed_is_one_error(monkeypatch):
    place = open_storage(f"memory://{uuid.uuid4().hex}")

    def refused(*_, **__):
        raise PermissionError("not yours")

    monkeypatch.setattr(fsspec.filesystem("memory"), "find", refused)
    with pytest.raises(InputError, match=r"memory://.*cannot be listed \(not yours\)"):
        place.names()


def test_a_path_by_another_name_is_the_same_path(tmp_path):
    place = tmp_path / "a b"
    place.mkdir()
    for uri in (place.as_uri(), place.as_uri().replace("file:", "local:")):
        again = open_storage(uri)
        assert isinstance(again, LocalStorage) and again.root == place
        for pair in [(again, LocalStorage(place)), (LocalStorage(place), again)]:
            with pytest.raises(OutputError, match="keep apart"):
                check_apart(*pair)


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "sub").mkdir()
    with pytest.raises(InputError, match="sub: a folder"), LocalStorage(tmp_path).reading("sub"):
        pass


def test_a_job_between_addresses(make_anonymizer, picture):
    """Resuming, changed inputs and broken files go as on a disk."""
    source, out = (FsspecStorage(f"memory://{uuid.uuid4().hex}/{name}") for name in ("in", "out"))
    for name in ("a.png", "sub/b.png"):
        content = io.BytesIO()
        images.encode(content, Picture(picture), "PNG")
        source.write(name, content.getvalue())
    source.write("bad.jpg", b"broken")
    source.write("notes.txt", b"hello")
    job = FolderJob(make_anonymizer, source, out, seed=1)

    def run():
        return {entry.file: entry.status for entry in execute(job, in_threads(2))}

    told = {"bad.jpg": "failed", "notes.txt": "not a picture"}
    assert run() == told | {"a.png": "done", "sub/b.png": "done"}
    alone = make_anonymizer()(picture, seed=1, name="sub/b.png").image
    with out.reading("sub/b.png") as path:
        assert np.array_equal(images.read(path).pixels, alone)
    assert run() == told | {"a.png": "skipped", "sub/b.png": "skipped"}
    source.write("a.png", content.getvalue())  # the same again, later
    assert run() == told | {"a.png": "skipped", "sub/b.png": "skipped"}
    content = io.BytesIO()
    images.encode(content, Picture(255 - picture), "PNG")
    source.write("a.png", content.getvalue())
    out.write("sub/b.png", b"cut")
    assert run() == told | {"a.png": "done", "sub/b.png": "done"}
    lines = {line["file"]: line for line in manifest_lines(out)}
    assert json.dumps(lines["bad.jpg"]).count("memory://") == 1  # the message names the address


@pytest.mark.parametrize("name", ["/{outside}/a.png", "../a.png", "sub/../../a.png"])
def test_a_store_cannot_write_elsewhere(tmp_path, make_anonymizer, picture, name):
    """Stores take any name, as somebody else may have given it."""
    name = name.format(outside=str(tmp_path).strip("/"))
    source, out = (FsspecStorage(f"memory://{uuid.uuid4().hex}/{end}") for end in ("in", "out"))
    source.write("b.png", b"broken")
    content = io.BytesIO()
    images.encode(content, Picture(picture), "PNG")
    store = fsspec.filesystem("memory").store
    (key,) = [key for key in store if key.endswith("in/b.png")]
    store[key.replace("b.png", name)] = MemoryFile(None, key, content.getvalue())
    job = FolderJob(make_anonymizer, source, out, seed=1)
    told = {entry.file: entry for entry in execute(job, in_threads(1))}
    assert told[name].status == "failed" and "leads out" in told[name].error
    assert not list(tmp_path.iterdir())


def test_a_file_that_changes_while_it_is_read_fails(make_anonymizer, picture):
    source, out = (open_storage(f"memory://{uuid.uuid4().hex}/{name}") for name in ("in", "out"))
    source.write("a.png", images.encoded(Picture(picture), "PNG", "a"))
    anonymizer = make_anonymizer()

    class Meddling(type(anonymizer)):
        def __call__(self, image, **more):
            open_storage(str(source)).write("a.png", b"another")  # by somebody else
            return super().__call__(image, **more)

    anonymizer.__class__ = Meddling
    (entry,) = execute(FolderJob(lambda: anonymizer, source, out, seed=1), in_threads(1))
    assert entry.status == "failed" and "changed while it was read" in entry.error


def test_the_remedy_of_an_error_is_named_once(make_anonymizer, picture):
    source, out = (open_storage(f"memory://{uuid.uuid4().hex}/{name}") for name in ("in", "out"))
    source.write("a.png", images.encoded(Picture(picture), "PNG", "a"))
    job = FolderJob(make_anonymizer, source, out, seed=1, max_pixels=9)
    (entry,) = execute(job, in_threads(1))
    assert entry.error.startswith(f"{source}/a.png: ")
    assert entry.error.count("raise `max_pixels`") == 1


@pytest.fixture(autouse=True)
def empty_memory():
    yield
    fsspec.filesystem("memory").store.clear()
