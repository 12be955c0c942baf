"""WebDataset shards: tar files whose members of one name are one sample, pictures beside labels.

Pictures are replaced, labels are copied as they are, in the same order. A sample whose picture
cannot be made, or that holds what may show a face otherwise, is skipped whole, and reported.
"""

import io
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from ..errors import InputError, OutputError, UnreadableError
from ..io import images
from ..io.files import atomic_path
from .naming import leads_out
from .samples import DatasetReport, SampleJob

SUFFIX = ".tar"
LABELS = frozenset(
    (".cls", ".cls2", ".class", ".count", ".index", ".inx", ".id", ".txt", ".text", ".transcript",
     ".json", ".jsn", ".csv", ".xml", ".yaml", ".yml")
)  # fmt: skip
"""Suffixes of what is copied; arrays, videos and pictures of other kinds may show faces."""
_MEMBER_BYTES = 1 << 30
_DRAWN = re.compile(rb"\A\s*P[1-3]\s|<svg|data:image/", re.IGNORECASE)
"""In text a picture: a bitmap in figures, lines, or one coded as text."""


def find_shards(source: Path) -> list[Path]:
    """A shard, or the shards of a folder, in order.

    Raises:
        InputError: There is none.
    """
    found = [source] if source.is_file() else sorted(source.rglob(f"*{SUFFIX}"))
    shards = [path for path in found if not path.is_dir()]
    if not shards or any(path.suffix != SUFFIX for path in shards):
        raise InputError(
            f"{source}: no WebDataset shards; give a {SUFFIX} file, a folder of them, or a folder "
            "that Dataset.save_to_disk of Hugging Face wrote"
        )
    return shards


def anonymize_shard(job: SampleJob, source: Path, out: Path) -> DatasetReport:
    """Anonymize the pictures of a tar file; under its new name is a whole one or nothing.

    Raises:
        UnreadableError: The shard is no tar file, or damaged.
        OutputError: The output cannot be written, or is the input.
    """
    if out.exists() and out.samefile(source):
        raise OutputError(f"{out}: is the input; give another name")
    report = DatasetReport(source.name)

    def make(_: str, sample: _Sample) -> dict[str, bytes]:
        return {name: _anonymized(job, content, name, report) for name, content in sample.items()}

    with (
        atomic_path(out) as temporary,
        tarfile.open(temporary, "w", format=tarfile.PAX_FORMAT) as written,
    ):
        for made in job.made(_samples(source), make, report):
            for name, content in made.items():
                member = tarfile.TarInfo(name)  # with nobody's name and no time
                member.size = len(content)
                written.addfile(member, io.BytesIO(content))
    return report


_Sample = dict[str, bytes | str]
"""What the members of a sample hold, or why one is refused."""


def _samples(source: Path) -> Iterator[tuple[str, _Sample]]:
    """Neighbouring members of one name up to the first dot, by their names, in order."""
    try:
        with tarfile.open(source, "r:") as shard:
            key, sample = "", _Sample()
            for member in shard:
                if member.isdir():
                    continue
                if _key(member.name) != key and sample:
                    yield key, sample
                    sample = {}
                key = _key(member.name)
                twice = member.name in sample
                sample[member.name] = "is there twice" if twice else _held(shard, member)
            if sample:
                yield key, sample
    except (tarfile.TarError, EOFError) as error:
        raise UnreadableError(f"{source}: no tar file, or damaged ({error})") from error
    except OSError as error:
        reason = error.strerror or error
        raise UnreadableError(f"{source}: cannot be read ({reason}); check the file") from error


def _held(shard: tarfile.TarFile, member: tarfile.TarInfo) -> bytes | str:
    """What a member holds, a second name of another member, too; or why it is refused.

    Raises:
        UnreadableError: It is too large.
    """
    windows = PureWindowsPath(member.name)
    if leads_out(member.name) or windows.drive or leads_out(windows.as_posix()):
        return "the name leads out of the folder"
    if member.islnk():
        try:
            member = shard.getmember(member.linkname)
        except KeyError:
            return "is a link to what is not in the shard"
    if member.size > _MEMBER_BYTES:
        raise UnreadableError(f"{shard.name!s}: {member.name} is larger than 1 GB")
    file = shard.extractfile(member) if member.isfile() else None
    return "is a link or a device; store the file itself" if file is None else file.read()


def _key(name: str) -> str:
    path = PurePosixPath(name)
    return (path.parent / path.name.split(".", 1)[0]).as_posix()


def _anonymized(job: SampleJob, content: bytes | str, name: str, report: DatasetReport) -> bytes:
    """A label as it is, or a picture replaced."""
    if isinstance(content, str):
        raise InputError(f"{name}: {content}")
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in LABELS:
        if not _is_text(content):
            raise InputError(f"{name}: is called a label, but is no text and may show a face")
        return content
    if suffix not in images.WRITERS:
        raise InputError(f"{name}: may show a face, and is no picture that is read and written")
    return job.redrawn(content, name, report, images.WRITERS[suffix])


def _is_text(content: bytes) -> bool:
    """Whether it is plain text in UTF-8, and draws nothing."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return False
    return "\0" not in text and not _DRAWN.search(content)
