import os
import socket
import stat
import threading

import pytest

from ganonymization.errors import InputError, OutputError
from ganonymization.io.files import SCRAP, atomic_path, check_writable, write_bytes


def test_a_failed_write_leaves_the_old_file_and_no_scraps(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with (
        pytest.raises(OutputError, match=r"a\.png: cannot be written \([Nn]o "),
        atomic_path(path) as new,
    ):
        new.write_bytes(b"half")
        raise OSError(28, "No space left on device")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [InputError("damaged"), RuntimeError(), KeyboardInterrupt()])
def test_other_errors_pass_and_leave_nothing(tmp_path, error):
    with pytest.raises(type(error)), atomic_path(tmp_path / "a.png") as new:
        new.write_bytes(b"half")
        raise error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "suffix"), [("a.png", ""), ("a", ""), ("a.MP4", ".MP4")])
def test_a_temporary_file_is_taken_for_nothing_else_and_swept(tmp_path, name, suffix):
    with atomic_path(tmp_path / "new" / name, suffix) as new:
        assert SCRAP.fullmatch(new.name) and new.suffix == (suffix or ".part")
        new.write_bytes(b"content")
    assert (tmp_path / "new" / name).read_bytes() == b"content"


def test_links_are_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "a.json", tmp_path / "link.json"
    link.symlink_to(target)
    for content in (b"new", b"newer"):
        write_bytes(link, content)
        assert link.is_symlink() and target.read_bytes() == content
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(OutputError, match="loop: cannot be written"):
        write_bytes(loop, b"")


def test_the_mode_of_a_file_is_kept(tmp_path):
    path = tmp_path / "a"
    old = os.umask(0o027)
    try:
        write_bytes(path, b"new")
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        for mode in (0o444, 0o606):
            path.chmod(mode)
            write_bytes(path, b"newer")
            assert stat.S_IMODE(path.stat().st_mode) == mode
    finally:
        os.umask(old)


def test_a_pipe_is_written_to(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write_bytes(pipe, b"content" * 100_000)
    reader.join(10)
    assert read == [b"content" * 100_000]
    assert pipe.is_fifo() and list(tmp_path.iterdir()) == [pipe]


def test_sockets_and_folders_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # paths of sockets must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        with pytest.raises(OutputError, match="is a socket"):
            write_bytes(tmp_path / "s", b"")
    assert (tmp_path / "s").is_socket()
    with pytest.raises(OutputError, match="is a folder"):
        write_bytes(tmp_path, b"")


def test_a_name_is_refused_before_the_work(tmp_path):
    for name in ("new/a.json", "a.json", "file/a.json"):
        (tmp_path / "file").write_bytes(b"")
        check_writable(tmp_path / name)  # what a folder in the way means is told when it is made
    for name, told in ((".", "is a folder"), (251 * "v" + ".json", "too long")):
        with pytest.raises(OutputError, match=told):
            check_writable(tmp_path / name)


def test_a_device_is_written_to_and_stays(tmp_path):
    """A node like the machine's own null device, in a folder of ours."""
    node = tmp_path / "node"
    try:
        os.mknod(node, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root makes devices")
    write_bytes(node, b"content")
    assert node.is_char_device() and list(tmp_path.iterdir()) == [node]
