"""``ganonymize evaluate`` with the evaluation itself faked, and once as users run it."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from ganonymization import Anonymizer, cli
from ganonymization.batch.folder import FolderJob
from ganonymization.cli import evaluate as evaluate_command
from ganonymization.cli.demo import astronaut
from ganonymization.config import AnonymizerConfig
from ganonymization.errors import InputError, MissingExtraError, OptionError
from ganonymization.evaluation import command, expression_classifier
from ganonymization.evaluation import request as request_module
from ganonymization.evaluation.figures import Family, Figure
from ganonymization.evaluation.report import EvaluationReport
from ganonymization.io import images
from ganonymization.io.images import Picture
from ganonymization.surrogate.shape_model import ShapeModel
from ganonymization.training import shape_command
from ganonymization.types import Skipped

from ..evaluation.made_pairs import made_pairs
from ..simulated_people import simulated

FAMILIES = ("identity", "expression", "traits", "geometry", "quality", "coverage")
FIGURE = Figure("variety", "variety of faces", 0.5)
SAID = {"mode": "scene"}
REPORT = EvaluationReport(
    "pass", (Family("quality", "pass", ("Well.",), (FIGURE,), ()),), made_pairs(10, 2), (), SAID
)
UNREADABLE = Skipped(Path("a/bad.png"), "damaged", True)
FACELESS = Skipped(Path("a/empty.png"), "no face found in the original", False)


@pytest.fixture
def run(monkeypatch):
    """Run the command; what the evaluation was asked for is kept in ``run.asked``."""

    def invoke(*words, report=REPORT):
        def fake(request, source, progress, classify):
            invoke.asked.append((request, source, classify))
            with progress("looking", 2) as advance:
                advance()
            return report

        monkeypatch.setattr(command, "evaluate", fake)
        return CliRunner().invoke(cli.app, ["evaluate", *map(str, words)])

    invoke.asked = []
    return invoke


def refused(answer, error, match):
    assert isinstance(answer.exception, error), answer.exception
    assert match in str(answer.exception)


def test_outputs_that_are_given_are_evaluated(run):
    answer = run("originals", "outputs")
    assert answer.exit_code == 0, answer.output
    ((request, source, classify),) = run.asked
    assert (request.originals, request.anonymized) == (Path("originals"), Path("outputs"))
    assert request.only == FAMILIES
    assert request.out == Path("report")
    assert not request.with_originals
    assert source is None
    assert classify is expression_classifier.by_face


def test_the_table_is_for_people_and_the_path_for_who_looks_for_it(run):
    answer = run("originals", "outputs", "--out", "there")
    assert answer.stdout == REPORT.table() + "\n"
    assert str(Path("there/report.html")) in answer.stderr


def test_json_is_all_that_is_printed(run):
    answer = run("originals", "outputs", "--json")
    assert json.loads(answer.stdout) == REPORT.as_dict()


def test_options_get_into_the_request(run):
    run("o", "a", "--people", "p.csv", "--labels", "l.csv", "-o", "r", "--recogniser", "net.onnx",
        "--with-originals", "--detector", "blazeface")  # fmt: skip
    run("o", "a", "--dataset", "celeba")
    (request, *_), (other, *_) = run.asked
    assert (request.people, request.labels) == (Path("p.csv"), Path("l.csv"))
    assert (request.dataset, other.dataset) == (None, "celeba")
    assert request.recogniser == Path("net.onnx")
    assert (request.out, request.with_originals) == (Path("r"), True)
    assert request.detector == "blazeface"


def test_other_anonymizations_go_by_the_names_of_their_folders(run):
    run("o", "a", "--against", "x/blurred", "--against", "x/pixelated")
    assert run.asked[0][0].against == {
        "blurred": Path("x/blurred"), "pixelated": Path("x/pixelated"),
    }  # fmt: skip


def test_folders_of_one_name_are_told_apart_and_all_compared(run):
    folders = ("blur/out", "pixel/out", "mask")
    run("o", "a", *(word for folder in folders for word in ("--against", folder)))
    assert run.asked[0][0].against == {
        "blur/out": Path("blur/out"), "pixel/out": Path("pixel/out"), "mask": Path("mask"),
    }  # fmt: skip


@pytest.mark.parametrize("words", [("--fit", "prepared"), ("--shape", "s.npz"), ("--seed", "3"),
                                   ("--seed", "0"), ("--keep-shape",),
                                   ("--shape", "s.npz", "--fit", "prepared")])  # fmt: skip
def test_how_to_anonymize_is_refused_where_outputs_are_given(run, words):
    """--fit above all: nobody would be withheld, though it promises so."""
    refused(run("o", "a", *words), OptionError, "leave them out")
    assert run.asked == []


def test_a_table_of_boxes_is_for_coverage(run):
    run("o", "a", "--only", "coverage", "--boxes", "coco.json")
    assert run.asked[0][0].boxes == Path("coco.json")
    refused(run("o", "a", "--only", "quality", "--boxes", "coco.json"), OptionError, "coverage")
    assert len(run.asked) == 1


def test_the_seed_is_one_where_none_is_given(run, tmp_path):
    run("o")
    source = run.asked[0][1]
    assert source.settings["seed"] == "1"
    assert source.job(tmp_path / "in", tmp_path / "out", frozenset()).seed == 1


def test_some_families_can_be_asked_for(run):
    run("o", "a", "--only", "quality, identity")
    assert run.asked[0][0].only == ("quality", "identity")


@pytest.mark.parametrize("only", ["identities", "quality,", "Quality", "quality;traits"])
def test_an_unknown_family_is_refused_with_the_known_ones(run, only):
    answer = run("o", "a", "--only", only)
    refused(answer, OptionError, ", ".join(FAMILIES))
    assert "--only" in str(answer.exception)
    assert run.asked == []


@pytest.mark.parametrize(
    ("verdict", "code"), [("pass", 0), ("warn", 0), ("info", 0), ("fail", 2), ("inconclusive", 3)]
)
def test_a_failing_verdict_is_told_by_the_exit_code(run, verdict, code):
    answer = run("o", "a", report=replace(REPORT, verdict=verdict))
    assert answer.exit_code == code
    assert answer.stdout.startswith(verdict.upper())


def test_unreadable_pictures_are_told_by_name_and_exit_code(run):
    answer = run("o", "a", report=replace(REPORT, skipped=(UNREADABLE, FACELESS)))
    assert answer.exit_code == 1
    assert f"left out {UNREADABLE.path}: damaged" in answer.stderr
    assert "empty.png" not in answer.stderr


def test_pictures_without_a_face_are_no_error(run):
    assert run("o", "a", report=replace(REPORT, skipped=(FACELESS,))).exit_code == 0


def test_a_failing_verdict_outweighs_unreadable_pictures(run):
    report = replace(REPORT, verdict="fail", skipped=(UNREADABLE,))
    answer = run("o", "a", "--json", report=report)
    assert answer.exit_code == 2
    assert json.loads(answer.stdout)["left_out"] == 1
    assert "bad.png" in answer.stderr


def test_without_outputs_they_are_made_as_asked(run, tmp_path):
    answer = run("o", "--mode", "portrait", "--privacy", "high", "--seed", 7, "--model", "m.onnx",
                 "--detector", "blazeface")  # fmt: skip
    assert answer.exit_code == 0, answer.exception
    ((request, source, _),) = run.asked
    assert request.anonymized is None
    assert source.withheld == frozenset()
    assert source.settings == {"mode": "portrait", "model": "m.onnx", "privacy": "high",
                               "shape model": "shipped", "seed": "7"}  # fmt: skip
    job = source.job(tmp_path / "in", tmp_path / "out", frozenset({"a.png"}))
    assert isinstance(job, FolderJob)
    assert (job.source.root, job.out.root, job.seed) == (tmp_path / "in", tmp_path / "out", 7)
    assert job.chosen == {"a.png"}
    expected = AnonymizerConfig("portrait", "m.onnx", "blazeface", privacy="high")
    assert job.make_anonymizer.__self__ == expected


def test_other_settings_make_outputs_anew(run, tmp_path):
    jobs = []
    for words in (("--seed", 7), ("--seed", 8), ("--privacy", "high"), ("--mode", "portrait"), ()):
        run("o", *words)
        jobs.append(run.asked[-1][1].job(tmp_path / "in", tmp_path / "out", frozenset()))
    assert len({job.settings for job in jobs}) == 5


def test_what_the_generator_gets_is_of_one_nobody(run):
    run("o")
    people = simulated(6, 2)
    released = run.asked[0][1].released(people.landmarks_px)
    expected = ShapeModel.load().surrogate(people.landmarks_px, 1, "balanced")
    np.testing.assert_array_equal(released, expected)


def test_a_shape_that_is_kept_is_not_released_as_another(run):
    run("o", "--keep-shape")
    source = run.asked[0][1]
    assert source.released is None
    assert source.settings["privacy"] == "shape kept"
    make = source.job(Path("in"), Path("out"), frozenset()).make_anonymizer
    assert make.__self__ == AnonymizerConfig(privacy=None)


def test_keeping_the_shape_and_a_privacy_contradict_each_other(run):
    refused(run("o", "--keep-shape", "--privacy", "high"), OptionError, "contradict")


def test_a_shape_model_is_used_for_outputs_and_for_what_is_released(run, tmp_path):
    model = ShapeModel.load()
    other = replace(model, mean=model.mean + 0.01)
    np.savez(tmp_path / "shape.npz", **other.arrays())
    run("o", "--shape", tmp_path / "shape.npz")
    source = run.asked[0][1]
    assert source.settings["shape model"] == str(tmp_path / "shape.npz")
    make = source.job(Path("in"), Path("out"), frozenset()).make_anonymizer
    used = ShapeModel.load(make.__self__.shape)
    np.testing.assert_allclose(used.mean, other.mean, atol=1e-6)
    landmarks_px = simulated(2, 2).landmarks_px
    np.testing.assert_array_equal(
        source.released(landmarks_px), used.surrogate(landmarks_px, 1, "balanced")
    )


def test_a_model_that_is_named_and_one_that_is_fitted_contradict_each_other(run):
    answer = run("o", "--shape", "shape.npz", "--fit", "prepared")
    refused(answer, OptionError, "--shape and --fit contradict")
    assert run.asked == []


def test_who_the_shape_was_fitted_on_is_withheld(run, monkeypatch):
    model = ShapeModel.load()
    monkeypatch.setattr(shape_command, "fitter_beside", lambda folder: ("fitter", folder))

    def withheld(request, fit):
        assert fit == ("fitter", Path("prepared"))
        return model, frozenset({"a.png"})

    monkeypatch.setattr(request_module, "withheld", withheld)
    answer = run("o", "--fit", "prepared", "--people", "p.csv")
    assert answer.exit_code == 0, answer.exception
    source = run.asked[0][1]
    assert source.withheld == {"a.png"}
    assert source.settings["shape model"] == "prepared"
    made = source.job(Path("in"), Path("out"), frozenset()).make_anonymizer()
    assert made._shape is model


def test_fitting_needs_to_know_who_is_who(run, monkeypatch):
    monkeypatch.setattr(shape_command, "fitter_beside", lambda folder: None)
    refused(run("o", "--fit", "prepared"), OptionError, "`people`")


@pytest.mark.parametrize("words", [("--fit", "prepared"), ("--classifier", "net.pt")])
def test_without_torch_the_extra_is_named(run, monkeypatch, words):
    def lacking():
        raise MissingExtraError("training", "train")

    monkeypatch.setattr(evaluate_command, "require_torch", lacking)
    refused(run("o", *words), MissingExtraError, "the extra train")


def test_a_trained_classifier_takes_the_place_of_the_small_one(run, monkeypatch):
    from ganonymization.paper.classify import classifier

    class Network:
        classes = ("a", "b")

    monkeypatch.setattr(classifier, "load_classifier", lambda path: Network())
    assert run("o", "a", "--classifier", "net.pt").exit_code == 0
    classify = run.asked[0][2]
    assert classify is not expression_classifier.by_face
    nobody = made_pairs(2, 1)
    nobody = replace(
        nobody,
        before=replace(nobody.before, landmarks_px=np.full((2, 478, 3), np.nan)),
        after=replace(nobody.after, landmarks_px=np.full((2, 478, 3), np.nan)),
    )
    assert classify(nobody)[0] == ["a", "b"]


def test_errors_of_the_evaluation_are_passed_on(run, tmp_path, monkeypatch):
    def failing(*_):
        raise InputError("no original shows a face")

    run("o", "a")
    monkeypatch.setattr(command, "evaluate", failing)
    refused(CliRunner().invoke(cli.app, ["evaluate", "o", "a"]), InputError, "no original")


@pytest.mark.slow
def test_heads_are_evaluated_with_the_real_models_in_processes(tmp_path):
    portrait = Anonymizer(mode="portrait")
    for seed in range(12):
        (head,) = portrait(astronaut(), seed=seed).portraits
        smaller = cv2.resize(head, (360, 360), interpolation=cv2.INTER_AREA)
        images.write(tmp_path / "originals" / f"{seed}.png", Picture(smaller))
    out = tmp_path / "report"
    words = ["evaluate", tmp_path / "originals", "--mode", "portrait", "--out", out, "--json"]
    answer = CliRunner().invoke(cli.app, [str(word) for word in words])
    assert answer.exit_code in (2, 3), answer.exception  # nobody has two pictures
    told = json.loads(answer.stdout)
    assert (told["pictures"], told["people"], told["left_out"]) == (12, 12, 0)
    assert set(told["families"]) == set(FAMILIES)
    figures = {f["title"]: f for f in told["families"]["quality"]["figures"]}
    assert figures["face found in the output"]["value"] == 1
    page = (out / "report.html").read_text()
    assert "12 pictures with a face, 12 people, 0 left out" in page
    assert page.count("data:image/webp") >= 12
    made = tmp_path / "report-private" / "anonymized"
    assert len([path for path in made.iterdir() if images.is_picture(path)]) == 12
    assert images.read(made / "0.png").pixels.shape == (512, 512, 3)
