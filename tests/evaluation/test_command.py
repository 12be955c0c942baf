"""Whole evaluations of simulated people, whose pictures are numbers that a fake observer reads."""

import csv
import json
import re
import shutil
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from ganonymization import images
from ganonymization.errors import InputError, MissingExtraError, OptionError
from ganonymization.evaluation import command, geometry
from ganonymization.evaluation.command import Making, Request
from ganonymization.images import Picture
from ganonymization.shape import Posed
from ganonymization.types import LeftOut

from ..simulated_people import simulated


def of_nobody(people):
    """Everybody's expressions and poses on the first person's neutral face."""
    posed = Posed.of(people.landmarks_px)
    neutral = people.expression == "neutral"
    at_rest = [posed.frontal[neutral & (people.person == who)].mean(0) for who in people.person]
    return posed.posed(posed.frontal - np.array(at_rest) + at_rest[0])


PEOPLE = simulated(66)
COUNT = len(PEOPLE.files)
ANONYMIZED = 1
RNG = np.random.default_rng(5)
NUMBER = np.unique(PEOPLE.person, return_inverse=True)[1]
WHO = RNG.normal(0, 0.1, (66, 32))[NUMBER]
EMBEDDED = {
    0: WHO + RNG.normal(0, 0.02, (COUNT, 32)),
    ANONYMIZED: RNG.normal(0, 0.1, (COUNT, 32)),
}
LANDMARKS = {0: PEOPLE.landmarks_px, ANONYMIZED: of_nobody(PEOPLE)}
EXPRESSIONS = np.unique(PEOPLE.expression, return_inverse=True)[1]
LOOKS = RNG.normal(0, 1, (COUNT, 1568))
LOOKS[np.arange(COUNT), EXPRESSIONS] += 25


def drawn(index, kind, size=16):
    """A picture that says what is on it."""
    pixels = np.full((size, size, 3), 40 + 100 * kind, np.uint8)
    pixels[0, 0] = index // 256, index % 256, kind
    return Picture(pixels)


def observe(files):
    for path, surroundings in files:
        pixels = images.read(path).pixels
        index, kind = int(pixels[0, 0, 0]) * 256 + int(pixels[0, 0, 1]), int(pixels[0, 0, 2])
        seen = {
            "boxes": np.array([[2, 2, 14, 14]], np.float32),
            "size_hw": np.array(pixels.shape[:2], np.float32),
            "landmarks_px": LANDMARKS[kind][index].astype(np.float32),
            "embedding": EMBEDDED[kind][index].astype(np.float32),
            "gradients": LOOKS[index].astype(np.float32),
            "skin_tone_deg": np.array([np.nan], np.float32),
            "sharpness": np.array([10.0], np.float32),
        }
        yield seen | ({"context": seen["embedding"]} if surroundings else {})


@contextmanager
def progress(title, total):
    yield lambda: None


class FakeRecogniser:
    name, same_person = "fake", 0.2


@pytest.fixture
def request_of(tmp_path, monkeypatch):
    """A request about originals and flawless portraits of them."""
    monkeypatch.setattr(command, "in_processes", lambda eye, jobs: observe)
    monkeypatch.setattr(command, "load_recogniser", lambda path: FakeRecogniser())
    for i, file in enumerate(PEOPLE.files):
        images.write(tmp_path / "originals" / file, drawn(i, 0))
        images.write(tmp_path / "outputs" / file, drawn(i, ANONYMIZED, 20))
    with (tmp_path / "people.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "person", "expression", "gender"])
        for i in range(COUNT):
            writer.writerow([PEOPLE.files[i], PEOPLE.person[i], PEOPLE.expression[i],
                             "fm"[NUMBER[i] % 2]])  # fmt: skip
    return Request(
        tmp_path / "originals", tmp_path / "report", tmp_path / "outputs", tmp_path / "people.csv"
    )


def verdicts(report):
    return {family.name: family.verdict for family in report.families}


def test_a_good_anonymization_passes_and_leaves_a_whole_report(request_of, tmp_path):
    report = command.evaluate(request_of, None, progress)
    assert verdicts(report) == {
        "identity": "pass", "expression": "pass", "traits": "info", "geometry": "pass",
        "quality": "pass", "coverage": "pass",
    }  # fmt: skip
    told = json.loads((tmp_path / "report" / "metrics.json").read_text())
    assert told["verdict"] == report.verdict == "pass"
    assert told["people"] == 66
    page = (tmp_path / "report" / "report.html").read_text()
    assert "Is it safe?" in page
    assert "<svg" in page
    assert re.findall(r"(?:src|href|url\()=?['\"](?!data:|#)", page) == []  # nothing from elsewhere
    lines = (tmp_path / "report" / "pictures.csv").read_text().splitlines()
    rows = list(csv.DictReader(lines))
    assert [row["file"] for row in rows] == list(PEOPLE.files)
    assert (tmp_path / "report-private" / "measurements.sqlite").is_file()


def test_originals_that_were_passed_on_are_seen(request_of, tmp_path):
    shutil.rmtree(tmp_path / "outputs")
    shutil.copytree(tmp_path / "originals", tmp_path / "outputs")
    report = command.evaluate(request_of, None, progress)
    assert report.verdict == "fail"
    assert verdicts(report)["identity"] == verdicts(report)["coverage"] == "fail"
    identity = report.families[0]
    floor = identity.figure("rank 1 of 22, originals by originals").value
    assert identity.figure("rank 1 of 22, naive").value == pytest.approx(floor, abs=0.02)
    assert "original face is left in 264 of 264" in report.table()


def test_a_constant_face_fails_coverage_and_expression(request_of, tmp_path):
    for file in PEOPLE.files:
        images.write(tmp_path / "outputs" / file, drawn(7, ANONYMIZED, 20))
    report = command.evaluate(request_of, None, progress)
    assert verdicts(report)["coverage"] == verdicts(report)["expression"] == "fail"
    assert verdicts(report)["quality"] == "fail"
    chance = report.families[0].figure("rank 1 of 22, parrot")
    assert chance.low < 1 / 22 < chance.high
    assert "264 of 264 outputs are the same file" in report.table()


def test_outputs_without_a_face_are_seen(request_of, monkeypatch):
    def blind(files):
        for (path, _), seen in zip(files, observe(files), strict=True):
            faceless = path.parent.name == "outputs"
            yield {k: seen[k] for k in ("boxes", "size_hw")} if faceless else seen

    monkeypatch.setattr(command, "in_processes", lambda eye, jobs: blind)
    report = command.evaluate(request_of, None, progress)
    assert verdicts(report) == {
        "identity": "pass", "expression": "fail", "traits": "info", "geometry": "pass",
        "quality": "fail", "coverage": "pass",
    }  # fmt: skip
    assert report.families[0].figure("rank 1 of 22, trained").value == pytest.approx(1 / 22)


def test_swapped_files_are_noticed(request_of, tmp_path):
    order = np.roll(np.arange(COUNT), 5)
    for i, file in enumerate(PEOPLE.files):
        images.write(tmp_path / "outputs" / file, drawn(order[i], ANONYMIZED, 20))
    report = command.evaluate(request_of, None, progress)
    assert verdicts(report)["coverage"] == "fail"
    assert "seem to belong to another original" in report.table()


def test_missing_outputs_are_coverage_and_count_at_chance(request_of, tmp_path):
    for file in PEOPLE.files[::2]:
        (tmp_path / "outputs" / file).unlink()
    report = command.evaluate(request_of, None, progress)
    assert verdicts(report)["coverage"] == "fail"
    assert "132 of 264 pictures with a face have no output" in report.table()
    assert report.families[0].figure("rank 1 of 66, same picture").value < 0.1


def test_unreadable_pictures_and_strays_are_told(request_of, tmp_path):
    (tmp_path / "originals" / PEOPLE.files[0]).write_bytes(b"no picture")
    images.write(tmp_path / "outputs" / "stray.png", drawn(0, ANONYMIZED))

    def watched(files):
        for path, surroundings in files:
            try:
                yield from observe([(path, surroundings)])
            except InputError as error:
                yield LeftOut(path, str(error), True)

    command.in_processes = lambda eye, jobs: watched
    report = command.evaluate(request_of, None, progress)
    told = {left.path.name: left for left in report.left_out}
    assert told["stray.png"].reason == "belongs to no original"
    assert told[PEOPLE.files[0]].unreadable
    assert len(report.sides.file) == COUNT - 1


def test_what_was_seen_before_is_not_looked_at_again(request_of, monkeypatch):
    command.evaluate(request_of, None, progress)
    asked = []
    monkeypatch.setattr(
        command, "in_processes", lambda e, j: lambda files: asked.extend(files) or []
    )
    first = command.evaluate(replace(request_of, only=("quality",)), None, progress)
    assert asked == []
    assert verdicts(first) == {"quality": "pass"}


def test_originals_are_shown_only_when_asked_for(request_of, tmp_path):
    command.evaluate(request_of, None, progress)
    page = (tmp_path / "report" / "report.html").read_text()
    command.evaluate(replace(request_of, with_originals=True), None, progress)
    shown = (tmp_path / "report" / "report.html").read_text()
    assert shown.count("<img") == 2 * page.count("<img") > 0


def test_figures_are_told_by_group(request_of):
    report = command.evaluate(request_of, None, progress)
    found = report.families[0].figure("distance to the own original", "gender: f")
    assert 0 < found.low < found.value < found.high


def test_other_anonymizations_are_compared(request_of, tmp_path):
    asked = replace(request_of, against={"copied": tmp_path / "originals"})
    (row,) = command.evaluate(asked, None, progress).families[0].tables["compared"]
    assert row["against"] == "copied"
    assert row["r"] > 0.8  # the originals themselves lie much nearer
    assert row["p"] < 1e-6


def test_people_who_are_not_told_apart_are_looked_for_by_their_picture(request_of):
    report = command.evaluate(replace(request_of, people=None), None, progress)
    assert "Too few people with several pictures" in report.table()
    assert verdicts(report)["geometry"] == "info"


def test_without_outputs_something_must_make_them(request_of):
    with pytest.raises(OptionError, match="outputs"):
        command.evaluate(replace(request_of, anonymized=None), None, progress)


def test_people_that_a_model_was_fitted_on_are_not_evaluated(request_of, monkeypatch):
    people = PEOPLE.of(np.ones(COUNT, bool))
    monkeypatch.setattr(command, "read_people", lambda folder, index: (people, []))
    fitted = []
    model, files = command.withheld(request_of, lambda some: fitted.append(some) or "model")
    assert model == "model"
    assert files == set(fitted[0].files)
    making = Making(lambda *_: None, withheld=files)
    report = command.evaluate(request_of, making, progress)
    assert not files & set(report.sides.file)
    assert len(files) + len(report.sides.file) == COUNT


def test_without_its_extra_it_says_so(request_of, monkeypatch):
    monkeypatch.setattr(geometry, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="eval"):
        command.evaluate(request_of, None, progress)
