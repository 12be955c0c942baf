"""A folder of pictures and videos: a mirrored tree, a manifest line per file, nothing lost."""

from collections.abc import Callable, Container, Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import GanonymizationError, InputError, OutputError
from ..io import images
from ..io.files import SCRAP
from ..options import OnNoFace
from ..picture_file import anonymize_file
from ..pipeline import Anonymizer
from ..types import COVERED_BY_AUDIT, Face
from ..video.file import VideoOptions, anonymize_video
from ..video.kinds import is_video
from .address import Storage, check_apart
from .manifest import (
    FINISHED,
    Entry,
    InputRecord,
    LocalManifest,
    ManifestInParts,
    NoManifest,
    Status,
    latest,
    sha256_of,
)
from .naming import PLAIN, Planned, check_clashes, hidden, in_shard, leads_out, planned
from .secret import Secret
from .storage import Stamp

_KEPT = ("file", "status", "outputs", "output_bytes", "source", "seed")  # of millions of lines


@dataclass(frozen=True)
class FolderJob:
    """A folder to anonymize.

    Attributes:
        make_anonymizer: Called once by a process that works at it, whose threads share what it
            gives; never for a plan.
        source: Input folder; read recursively.
        out: Output folder; the tree is mirrored.
        seed: Of the run.
        on_no_face: See :func:`ganonymization.picture_file.anonymize_file`.
        overwrite: Do again what is done.
        max_pixels: Larger pictures are refused.
        settings: Names whatever decides the outputs; a file done with other settings is done again.
        chosen: Files to anonymize, relative to the input folder; None for all.
        naming: Of outputs, see :func:`ganonymization.batch.naming.planned`.
        shard: ``(i, n)``: the i-th of n shares of the files, from 1 on; None for all.
        sound: Copy that of videos. A voice identifies, too.
        strict: Refuse videos of which something would be dropped, as a stream.
        hdr: Keep their high dynamic range; see :class:`ganonymization.video.file.VideoOptions`.
        codec: Of their pictures; see there, as for the next one.
        crf: Constant rate factor.
        secret_seed: Nothing that is written tells the seed: who knows it makes the output of any
            original again, and so sees which one is whose.
        key: Of the manifest's fingerprints of inputs; to go on with a job takes the same.
        reports: Write a manifest, a page, and of each video a report and a strip, into the folder
            :attr:`report`; a job without them cannot go on after it was ended.
        reports_at: That folder; None for the usual one.
        publishable: Nothing in the output folder tells of an input or the seed, not even names.
    """

    make_anonymizer: Callable[[], Anonymizer]
    source: Storage
    out: Storage
    seed: int
    on_no_face: OnNoFace | None = None
    overwrite: bool = False
    max_pixels: int = images.DEFAULT_MAX_PIXELS
    settings: str = ""
    chosen: Container[str] | None = None
    naming: str = PLAIN
    shard: tuple[int, int] | None = None
    sound: bool = True
    strict: bool = False
    hdr: bool | None = None
    codec: str | None = None
    crf: int | None = None
    secret_seed: bool = False
    key: bytes = field(default_factory=lambda: Secret().key, repr=False)
    reports: bool = True
    reports_at: Storage | None = None
    publishable: bool = False

    @cached_property
    def report(self) -> Storage:
        """The folder of the reports, beside the results, where nobody takes them for such."""
        return self.reports_at or report_of(self.out)

    @property
    def told_seed(self) -> int | None:
        """The seed as reports tell it: None where it is secret."""
        return None if self.secret_seed else self.seed

    def files(self) -> list[Planned]:
        """Every file of the input folder, or the chosen ones, in order.

        Raises:
            OptionError: The input is no folder, or ``naming`` is no pattern.
            OutputError: The output folder is a file, one folder lies in the other, two outputs
                would be one file, or an output folder to publish holds other files.
        """
        check_apart(self.source, self.out)
        if self.reports:
            check_apart(self.source, self.report)
        if self.publishable:
            everything = hidden(self.source.names(), self.key)
            self._check_publishable({file.out for file in everything})
        else:
            everything = planned(self.source.names(), self.naming)
        check_clashes(
            ((file.name, file.out) for file in everything if is_read(file.name)), self.out
        )
        return [
            file
            for file in everything
            if (self.chosen is None or file.name in self.chosen)
            and (self.shard is None or in_shard(file.name, self.shard))
        ]

    def _check_publishable(self, outs: set[str]) -> None:
        """Whether only such outputs, and further heads of them, lie in the output folder."""
        for name in self.out.present():
            stem, numbered, rest = name.partition("_")
            own = stem + "." + rest.partition(".")[2] if numbered else name
            if own not in outs and not SCRAP.fullmatch(name.rpartition("/")[2]):
                raise OutputError(
                    f"{self.out}/{name}: is there already, and is not one of the outputs to "
                    "publish; give another folder"
                )

    def begin(self) -> dict[str, Entry]:
        """Clear away what a killed run left; what is done already, unless it is done again."""
        if self.shard is None:  # other shards' scraps are in use
            self._take_over_manifests()
            self.out.sweep()
            self.report.sweep()
        return {} if self.overwrite else self.done_before()

    def _take_over_manifests(self) -> None:
        """Those of earlier versions lie among the results and hold plain hashes and seeds."""
        if not self.reports:
            return
        newer = latest(self.report.manifest_lines())
        older = [e for name, e in latest(self.out.manifest_lines()).items() if name not in newer]
        with closing(self.manifest()) as manifest:
            for line in older:
                entry = Entry.of(line, self.key)
                manifest.add(entry.without_seeds() if self.secret_seed else entry)
        self.out.drop_manifests()

    def done_before(self) -> dict[str, Entry]:
        """What the manifests in the output folder say is finished, with these settings."""
        if not self.reports:
            return {}
        self.out.list_files()
        return {
            name: Entry.of(_kept(line), self.key)
            for name, line in latest(self.manifest_lines()).items()
            if line["status"] in FINISHED
            and line.get("settings") == self.settings
            and line.get("source")
        }

    def is_done(self, file: Planned, done: dict[str, Entry]) -> bool:
        """Whether a file is finished: it has not changed, and its outputs are there and whole."""
        entry = done.get(file.name)
        if entry is None or entry.source is None:
            return False
        if entry.outputs and entry.outputs[0] != file.out:
            return False  # it was named otherwise
        try:
            whole = all(
                self.out.listed(output).size == size
                for output, size in zip(entry.outputs, entry.output_bytes, strict=True)
            )
            return whole and self._is_unchanged(file, entry.source, self.source.listed(file.name))
        except Exception:  # of whatever kind a store's are: doing it again shows it
            return False

    def one(self, anonymizer: Anonymizer, file: Planned) -> Entry:
        """Anonymize one file, whatever it is; an error stands in the entry."""
        if not is_read(file.name) and not self.source.is_folder(file.name):
            return Entry(file.name, "not a picture", settings=self.settings)
        name = f"{self.source}/{file.name}"
        if leads_out(file.name):
            return self.failed(file, f"{name}: the name leads out of the folder; rename it")
        if self.out.leads_into(file.out, self.source.identity):
            return self.failed(
                file, f"{self.out}/{file.out}: links to an original; remove the link"
            )
        try:
            stamp = self.source.stamp(file.name)
            with self.source.reading(file.name) as path, self.out.writing() as folder:
                before = self._record(file, stamp, path)
                make = self._video if is_video(path) else self._picture
                entry = make(anonymizer, file, path, folder)
                now = self.source.stamp(file.name)
                if now != stamp and not self._is_unchanged(file, before, now):
                    raise InputError(f"{name}: changed while it was read; run again")
                sizes = tuple((folder / output).stat().st_size for output in entry.outputs)
        except GanonymizationError as error:
            return self.failed(file, str(error))
        except FileNotFoundError:
            return self.failed(file, f"{name}: no such file any more; it was moved or removed")
        except Exception as error:  # one file must not stop the others
            return self.failed(file, f"{name}: {type(error).__name__}: {error}")
        return replace(entry, settings=self.settings, source=before, output_bytes=sizes)

    def _is_unchanged(self, file: Planned, before: InputRecord, now: Stamp) -> bool:
        """Whether an input is as it was; it is read only where its time alone has changed."""
        quick = InputRecord.of(self.key, file.name, now.size, now.mtime_ns, "")
        if quick.seen and quick.seen == before.seen:
            return True
        with self.source.reading(file.name) as path:
            return self._record(file, now, path).content == before.content

    def _record(self, file: Planned, stamp: Stamp, path: Path) -> InputRecord:
        return InputRecord.of(self.key, file.name, stamp.size, stamp.mtime_ns, sha256_of(path))

    def failed(self, file: Planned, error: str) -> Entry:
        """The entry of a file that could not be done."""
        return Entry(file.name, "failed", seed=self.told_seed, error=error, settings=self.settings)

    def _picture(self, anonymizer: Anonymizer, file: Planned, path: Path, folder: Path) -> Entry:
        result, written = anonymize_file(
            anonymizer, path, folder / file.out, seed=self.seed, name=file.name,
            on_no_face=self.on_no_face, max_pixels=self.max_pixels,
            reserved={folder / name for name in file.taken},
        )  # fmt: skip
        faces = tuple(self._face(face, result.image is None) for face in result.faces)
        names = tuple(p.relative_to(folder).as_posix() for p in written)
        whole = all(face.synthesized for face in result.faces)
        status: Status = "no face" if not faces else "done" if whole else "filled"
        return Entry(
            file.name, status, names, self.told_seed, faces, audited=result.audited,
            dropped=result.dropped,
        )  # fmt: skip

    def _face(self, face: Face, portrait: bool) -> dict[str, object]:
        """What is told of a face; of a portrait not where it was, for that links to an original."""
        box = [round(v, 1) for v in face.box_xyxy]
        place: dict[str, object] = {"box_xyxy": box, "score": round(face.score, 3)}
        seed = None if self.secret_seed else face.seed
        told: dict[str, object] = {"outcome": face.outcome, "seed": seed}
        return told if portrait else place | told

    def manifest_lines(self) -> Iterator[dict[str, Any]]:
        """The lines of every manifest, oldest first; see :func:`manifest_lines`."""
        return manifest_lines(self.out, self.report)

    def manifest(self) -> LocalManifest | ManifestInParts | NoManifest:
        """The manifest to add to."""
        return self.report.manifest(self.shard) if self.reports else NoManifest()

    def _video(self, anonymizer: Anonymizer, file: Planned, path: Path, folder: Path) -> Entry:
        with ExitStack() as files:
            report = files.enter_context(self.report.writing()) if self.reports else None
            return self._film(anonymizer, file, path, folder, report)

    def _film(
        self, anonymizer: Anonymizer, file: Planned, path: Path, folder: Path, report: Path | None
    ) -> Entry:
        options = VideoOptions(
            self.seed, self.codec, self.crf, self.sound, strict=self.strict, hdr=self.hdr,
            tells_seed=not self.secret_seed,
            report=None if report is None else (report / file.out).parent,
        )  # fmt: skip
        made = anonymize_video(anonymizer, path, folder / file.out, options)
        tracks = tuple({"track": number, **asdict(t)} for number, t in made.tracks.items())
        status: Status = "filled" if made.filled_s else "done" if tracks else "no face"
        return Entry(
            file.name, status, (file.out,), self.told_seed, tuple(made.covered_by_audit), tracks,
            audited=made.searched > 0, dropped=tuple(made.dropped),
        )  # fmt: skip


def is_read(name: str) -> bool:
    """Whether the suffix is one of a picture or video that is read and written here."""
    return images.is_picture(Path(name)) or is_video(Path(name))


def report_of(out: Storage) -> Storage:
    """The folder of a folder's reports."""
    return out.beside("-report")


def _kept(line: dict[str, Any]) -> dict[str, Any]:
    """What a later run needs of a manifest's line: of millions, not all faces."""
    covered = [f for f in line.get("faces", ()) if f.get("outcome") == COVERED_BY_AUDIT]
    return {key: line[key] for key in _KEPT if key in line} | {"faces": covered}


def manifest_lines(out: Storage, report: Storage | None = None) -> Iterator[dict[str, Any]]:
    """The lines of every manifest of a folder, oldest first; those of earlier versions lie in it.

    Args:
        out: The folder of the results.
        report: That of its reports; None for the usual one.
    """
    yield from out.manifest_lines()
    yield from (report or report_of(out)).manifest_lines()
