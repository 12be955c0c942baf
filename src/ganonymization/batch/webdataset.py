"""WebDataset shards: tar files whose members of one name are one sample, pictures beside labels.

Pictures are replaced, labels are copied as they are, in the same order. A sample whose picture
cannot be made, or that holds what may show a face otherwise, is skipped whole, and reported.
"""

import io
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ..errors import GanonymizationError, InputError, OutputError, UnreadableError
from ..io import images
from ..io.files import atomic_path
from ..picture_file import anonymize_bytes
from ..pipeline import Anonymizer

SUFFIX = ".tar"
LABELS = frozenset(
    (".cls", ".cls2", ".class", ".count", ".index", ".inx", ".id", ".txt", ".text", ".transcript",
     ".json", ".jsn", ".csv", ".xml", ".yaml", ".yml")
)  # fmt: skip
"""Suffixes of what is copied; arrays, videos and pictures of other kinds may show faces."""
_MEMBER_BYTES = 1 << 30


@dataclass
class DatasetReport:
    """What became of the samples of one shard or split.

    Attributes:
        name: Of the file or split.
        samples: Written.
        faces: Found in their pictures.
        filled: Of them, those that were covered rather than redrawn.
        without_face: Pictures in which none was found.
        left_out: Why samples are missing, by their names or row numbers.
    """

    name: str
    samples: int = 0
    faces: int = 0
    filled: int = 0
    without_face: int = 0
    left_out: dict[str, str] = field(default_factory=dict)


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


def anonymize_shard(
    anonymizer: Anonymizer,
    source: Path,
    out: Path,
    *,
    seed: int,
    max_pixels: int = images.DEFAULT_MAX_PIXELS,
    advance: Callable[[], None] = lambda: None,
) -> DatasetReport:
    """Anonymize the pictures of one shard.

    Args:
        anonymizer: In portrait mode the head of the largest face replaces a picture, and pictures
            without a face are skipped, for a copy would show whatever the detector missed.
        source: The tar file.
        out: The tar file to write; under its name there is a whole one or nothing new.
        seed: Of the run; with a member's name and a face's place it decides who the face becomes.
        max_pixels: Larger pictures are refused.
        advance: Called after each sample.

    Raises:
        UnreadableError: The shard is no tar file, or damaged.
        OutputError: The output cannot be written, or is the input.
    """
    if out.exists() and out.samefile(source):
        raise OutputError(f"{out}: is the input; give another name")
    report = DatasetReport(source.name)
    with (
        atomic_path(out) as temporary,
        tarfile.open(temporary, "w", format=tarfile.PAX_FORMAT) as written,
    ):
        for key, sample in _samples(source):
            try:
                made = _anonymized(anonymizer, sample, seed, max_pixels, report)
            except GanonymizationError as error:
                report.left_out[key] = str(error)
            else:
                _append(written, made)
                report.samples += 1
            advance()
    return report


def _samples(source: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Neighbouring members of one name up to the first dot, by their names, in order."""
    try:
        with tarfile.open(source, "r:") as shard:
            key, sample = "", dict[str, bytes]()
            for member in shard:
                if not member.isfile():
                    continue
                if member.size > _MEMBER_BYTES:
                    raise UnreadableError(f"{source}: {member.name} is larger than 1 GB")
                if _key(member.name) != key and sample:
                    yield key, sample
                    sample = {}
                key, file = _key(member.name), shard.extractfile(member)
                assert file is not None
                sample[member.name] = file.read()
            if sample:
                yield key, sample
    except (tarfile.TarError, EOFError) as error:
        raise UnreadableError(f"{source}: no tar file, or damaged ({error})") from error
    except OSError as error:
        reason = error.strerror or error
        raise UnreadableError(f"{source}: cannot be read ({reason}); check the file") from error


def _key(name: str) -> str:
    path = PurePosixPath(name)
    return (path.parent / path.name.split(".", 1)[0]).as_posix()


def _anonymized(
    anonymizer: Anonymizer,
    sample: dict[str, bytes],
    seed: int,
    max_pixels: int,
    report: DatasetReport,
) -> dict[str, bytes]:
    """A sample with its pictures replaced.

    Raises:
        GanonymizationError: A picture cannot be read, or shows no face in portrait mode.
    """
    made = {}
    for name, content in sample.items():
        suffix = PurePosixPath(name).suffix.lower()
        if suffix in LABELS:
            made[name] = content
            continue
        if suffix not in images.WRITERS:
            raise InputError(f"{name}: may show a face, and is no picture that is read and written")
        kind = images.WRITERS[suffix]
        made[name] = anonymized(anonymizer, content, name, seed, max_pixels, report, kind)
    return made


def anonymized(
    anonymizer: Anonymizer,
    content: bytes,
    name: str,
    seed: int,
    max_pixels: int,
    report: DatasetReport,
    kind: str | None = None,
) -> bytes:
    """A picture file's bytes, anonymized; its faces are counted in the report.

    Args:
        anonymizer: In portrait mode the head of the largest face replaces the picture.
        content: The file's bytes.
        name: For messages and the faces' seeds.
        seed: Of the run.
        max_pixels: Larger pictures are refused.
        report: Counts the faces.
        kind: Pillow's name of the format to write; None writes the one that was read.

    Raises:
        GanonymizationError: The picture cannot be read or written, or shows no face in portrait
            mode; skip the sample.
    """
    result, made = anonymize_bytes(
        anonymizer, content, seed=seed, name=name, max_pixels=max_pixels, kind=kind
    )
    report.faces += len(result.faces)
    report.filled += sum(not face.synthesized for face in result.faces)
    report.without_face += not result.faces
    if not made:
        raise InputError(f"{name}: no face found")
    return made[0]


def _append(shard: tarfile.TarFile, sample: dict[str, bytes]) -> None:
    for name, content in sample.items():
        member = tarfile.TarInfo(name)  # with nobody's name and no time
        member.size = len(content)
        shard.addfile(member, io.BytesIO(content))
