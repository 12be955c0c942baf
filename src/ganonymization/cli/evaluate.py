"""``ganonymize evaluate``: prove that people are gone and the expression is not."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from ..errors import OptionError
from .options import JsonOption, progress, require_torch, takes_config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..config import AnonymizerConfig
    from ..evaluation.arrays import Values
    from ..evaluation.expression_classifier import Classify
    from ..evaluation.figures import FamilyName, Verdict
    from ..evaluation.request import OutputSource, Request
    from ..options import Privacy
    from ..surrogate.shape_model import ShapeModel

_EXIT_CODES: "Mapping[Verdict, int]" = {"fail": 2, "inconclusive": 3}


@takes_config(without=("on_failure", "min_score", "min_face", "detect_size", "device"))
def evaluate(
    config: "AnonymizerConfig",
    originals: Path,
    anonymized: Annotated[Path | None, typer.Argument()] = None,
    people: Path | None = None,
    labels: Path | None = None,
    dataset: str | None = None,
    only: str | None = None,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("report"),
    against: list[Path] | None = None,
    recogniser: Path | None = None,
    classifier: Path | None = None,
    with_originals: bool = False,
    fit: Path | None = None,
    boxes: Path | None = None,
    seed: int | None = None,
    as_json: JsonOption = False,
) -> None:
    """Prove an anonymization: who is still recognised, what is left of the expression.

    Options:
        originals: A folder of pictures of people.
        anonymized: Their outputs, under like names. [default: made here]
        people: CSV with the columns file, person and, if known, others.
        labels: CSV with the column file and labels: expression, gender.
        dataset: ORIGINALS are celeba, ckplus, affectnet, faces or classes.
        only: Some of identity,expression,traits,geometry,quality,coverage. [default: all]
        out: The folder of the report; what must not be passed on goes to one beside it that ends
            in -private.
        against: Outputs of another anonymization, to compare with.
        recogniser: An ArcFace-style ONNX file. [default: dlib's network]
        classifier: Of 'ganonymize classify train'. [default: a small one, trained here]
        with_originals: Show originals in the report.
        fit: Fit the shape model anew on a third of the people and this prepared folder, and
            evaluate the others, as pictures need that the shipped model was fitted on.
        boxes: Faces that somebody has marked: COCO's detections, or what 'ganonymize video
            --export-boxes' writes; for coverage.
        seed: Of outputs that are made here. [default: 1]
    """
    from ..evaluation.command import evaluate as run
    from ..evaluation.expression_classifier import by_face
    from ..evaluation.request import FAMILIES, Request

    families = _families(only) if only else FAMILIES
    if anonymized is not None and (fit or config.shape or not config.privacy or seed is not None):
        raise OptionError(
            "--fit, --shape, --keep-shape and --seed say how outputs are made; leave them out "
            "where outputs are given"
        )
    if boxes is not None and "coverage" not in families:
        raise OptionError("--boxes is for the family coverage; name it in --only, too")
    others = {_name(folder, against or []): folder for folder in against or ()}
    request = Request(
        originals, out, anonymized, people, labels, dataset, families, others, config.detector,
        recogniser, with_originals, boxes=boxes,
    )  # fmt: skip
    source = None
    if anonymized is None:
        source = _source(request, config, fit, 1 if seed is None else seed)
    classify: Classify = by_face
    if classifier is not None:
        require_torch()
        from ..evaluation.network import by_network
        from ..paper.classify.classifier import load_classifier

        network = load_classifier(classifier)
        classify = by_network(network.classes, network)
    report = run(request, source, progress, classify)
    print(json.dumps(report.as_dict(), indent=1) if as_json else report.table())
    print(f"{out / 'report.html'}", file=sys.stderr)
    unreadable = [skipped for skipped in report.skipped if skipped.unreadable]
    for path, reason, _ in unreadable:
        print(f"left out {path}: {reason}", file=sys.stderr)
    code = _EXIT_CODES.get(report.verdict, 1 if unreadable else 0)
    if code:
        raise typer.Exit(code)


def _name(folder: Path, all_of_them: list[Path]) -> str:
    """The folder's name, or its path where another one has the same name."""
    name = folder.resolve().name
    alike = [other for other in all_of_them if other.resolve().name == name]
    return name if len(alike) == 1 else str(folder)


def _families(only: str) -> "tuple[FamilyName, ...]":
    from ..evaluation.request import FAMILIES

    for name in only.split(","):
        if name.strip() not in FAMILIES:
            raise OptionError(f"--only {name}: none of {', '.join(FAMILIES)}")
    return tuple(cast("FamilyName", name.strip()) for name in only.split(","))


def _source(
    request: "Request", config: "AnonymizerConfig", fit: Path | None, seed: int
) -> "OutputSource":
    """How outputs are made, and what is not evaluated since the shape model was fitted on it."""
    from ..batch.folder import FolderJob
    from ..batch.secret import secret_of
    from ..batch.storage import LocalStorage
    from ..evaluation.request import OutputSource, withheld
    from ..surrogate.shape_model import ShapeModel

    if config.shape is not None and fit is not None:
        raise OptionError("--shape and --fit contradict each other: one names a model, one fits it")
    kept_out: frozenset[str] = frozenset()
    used = None if config.shape is None else ShapeModel.load(config.shape)
    if fit is not None:
        require_torch()
        from ..training.shape_command import fitter_beside

        used, kept_out = withheld(request, fitter_beside(fit))
    fitted = None if fit is None else used
    make = config.load if fitted is None else lambda: config.load().using(shape=fitted)
    settings = {
        "mode": config.mode,
        "model": config.model,
        "privacy": str(config.privacy or "shape kept"),
        "shape model": str(fit or config.shape or "shipped"),
        "seed": str(seed),
    }

    def job(originals: Path, out: Path, files: frozenset[str]) -> FolderJob:
        folders = LocalStorage(originals), LocalStorage(out)
        key = secret_of(folders[1].identity).key
        return FolderJob(make, *folders, seed, settings=repr(settings), chosen=files, key=key)

    return OutputSource(job, _release(config.privacy, used), kept_out, settings)


def _release(
    privacy: "Privacy | None", shape: "ShapeModel | None"
) -> "Callable[[Values], Values] | None":
    """What the generator is given, all as one nobody, for different ones hide people."""
    from ..surrogate.shape_model import ShapeModel

    if privacy is None:
        return None
    model = shape or ShapeModel.load()
    return lambda landmarks_px: model.surrogate(landmarks_px, 1, privacy)
