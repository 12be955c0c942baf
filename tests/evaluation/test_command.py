"""Whole evaluations of simulated people, whose pictures are numbers that a fake observer reads."""

import csv
import json
import re
import shutil
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ganonymization.datasets import Table
from ganonymization.errors import InputError, MissingExtraError, OptionError
from ganonymization.evaluation import command, geometry, request
from ganonymization.evaluation.command import pairs_of
from ganonymization.evaluation.look import ObservedPair, ToObserve
from ganonymization.evaluation.pairing import Pair
from ganonymization.evaluation.request import OutputSource, Request
from ganonymization.io import images
from ganonymization.io.images import Picture
from ganonymization.surrogate.shape_model import Posed
from ganonymization.types import Skipped

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


def drawn(index, kind, size=64):
    """A picture that says what is on it."""
    pixels = np.full((size, size, 3), 40 + 100 * kind, np.uint8)
    pixels[0, 0] = index // 256, index % 256, kind
    return Picture(pixels)


def read(path):
    """The picture's pixels, and what they say is on it."""
    pixels = images.read(path).pixels
    return pixels, int(pixels[0, 0, 0]) * 256 + int(pixels[0, 0, 1]), int(pixels[0, 0, 2])


def face_of(index, kind, size_hw=(64, 64)):
    """What is seen of a face."""
    return {
        "boxes": np.array([[2, 2, 14, 14]], np.float32),
        "size_hw": np.array(size_hw, np.float32),
        "landmarks_px": LANDMARKS[kind][index].astype(np.float32),
        "embedding": EMBEDDED[kind][index].astype(np.float32),
        "gradients": LOOKS[index].astype(np.float32),
        "skin_tone_deg": np.array([np.nan], np.float32),
        "sharpness": np.array([10.0], np.float32),
    }


def observe(files):
    for path, surroundings, _ in files:
        pixels, index, kind = read(path)
        seen = face_of(index, kind, pixels.shape[:2])
        yield seen | ({"context": seen["embedding"]} if surroundings else {})


@contextmanager
def progress(title, total):
    yield lambda: None


class FakeRecogniser:
    name, same_person = "fake", 0.2


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Originals, flawless portraits of them, and a table."""
    root = tmp_path_factory.mktemp("folders")
    for i, file in enumerate(PEOPLE.files):
        images.write(root / "originals" / file, drawn(i, 0))
        images.write(root / "outputs" / file, drawn(i, ANONYMIZED, 20))
    rows = [
        f"{PEOPLE.files[i]},{PEOPLE.person[i]},{PEOPLE.expression[i]},{'fm'[NUMBER[i] % 2]}"
        for i in range(COUNT)
    ]
    (root / "people.csv").write_text("\n".join(["file,person,expression,gender", *rows]))
    return root


@pytest.fixture
def request_of(folders, tmp_path, monkeypatch):
    """A request about originals and flawless portraits of them."""
    shutil.copytree(folders, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(command, "in_processes", lambda spec, jobs: observe)
    monkeypatch.setattr(command, "load_recogniser", lambda path: FakeRecogniser())
    return Request(
        tmp_path / "originals", tmp_path / "report", tmp_path / "outputs", tmp_path / "people.csv"
    )


def evaluated(request, *families):
    """The report on some families alone, which is quicker."""
    return command.evaluate(replace(request, only=families), None, progress)


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
    assert told["not_measured"] == []
    assert told["attackers"] == {
        "identity": dict.fromkeys(
            ("same picture", "naive", "parrot", "trained", "trained, originals"), 66
        ),
        "geometry": {"lda, found again": 66, "mlp, found again": 66},
    }  # fmt: skip
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
    report = evaluated(request_of, "identity", "coverage")
    assert report.verdict == "fail"
    assert verdicts(report)["identity"] == verdicts(report)["coverage"] == "fail"
    identity = report.families[0]
    floor = identity.figure("rank 1 of 33, originals by originals").value
    assert identity.figure("rank 1 of 33, naive").value == pytest.approx(floor, abs=0.02)
    assert "original face is left in 264 of 264" in report.table()


def test_a_constant_face_fails_coverage_and_expression(request_of, tmp_path):
    for file in PEOPLE.files:
        images.write(tmp_path / "outputs" / file, drawn(7, ANONYMIZED, 20))
    report = command.evaluate(request_of, None, progress)
    assert verdicts(report)["coverage"] == verdicts(report)["expression"] == "fail"
    assert verdicts(report)["quality"] == "fail"
    chance = report.families[0].figure("rank 1 of 33, parrot")
    assert chance.low < 1 / 33 < chance.high
    assert "264 of 264 outputs are the same file" in report.table()


def test_outputs_without_a_face_are_seen(request_of, monkeypatch):
    def blind(files):
        for (path, *_), seen in zip(files, observe(files), strict=True):
            faceless = path.parent.name == "outputs"
            yield {k: seen[k] for k in ("boxes", "size_hw")} if faceless else seen

    monkeypatch.setattr(command, "in_processes", lambda spec, jobs: blind)
    report = command.evaluate(request_of, None, progress)
    assert verdicts(report) == {
        "identity": "pass", "expression": "fail", "traits": "inconclusive", "geometry": "pass",
        "quality": "fail", "coverage": "inconclusive",
    }  # fmt: skip
    assert report.families[0].figure("rank 1 of 33, trained").value == pytest.approx(1 / 33)


def test_scenes_without_a_face_are_read_where_the_faces_were(request_of, tmp_path, monkeypatch):
    """Blurred people whom no detector finds, and a recogniser names all the same."""
    for i, file in enumerate(PEOPLE.files):
        images.write(tmp_path / "outputs" / file, drawn(i, ANONYMIZED))

    def blurred(files):
        for asked in files:
            if asked.marked_px is not None:
                index = read(asked.path)[1]
                np.testing.assert_allclose(asked.marked_px, LANDMARKS[0][index], rtol=1e-5)
                yield {"embedding": EMBEDDED[0][index].astype(np.float32)}
                continue
            (seen,) = observe([asked])
            faceless = asked.path.parent.name == "outputs"
            yield {k: seen[k] for k in ("boxes", "size_hw")} if faceless else seen

    monkeypatch.setattr(command, "in_processes", lambda spec, jobs: blurred)
    identity, quality = evaluated(request_of, "identity", "quality").families
    assert identity.verdict == "fail"
    assert identity.figure("rank 1 of 66, same picture").value == 1
    assert quality.figure("face found in the output").value == 0


def test_portraits_as_large_as_their_originals_are_no_mixed_up_scenes(request_of, tmp_path):
    """Heads on another ground, of which nothing around the faces is the original's."""
    for i, file in enumerate(PEOPLE.files):
        images.write(tmp_path / "outputs" / file, drawn(i, ANONYMIZED))
    report = evaluated(request_of, "coverage")
    assert verdicts(report) == {"coverage": "pass"}
    assert not report.pairs.scene


def test_swapped_files_are_noticed(request_of, tmp_path):
    order = np.roll(np.arange(COUNT), 5)
    for i, file in enumerate(PEOPLE.files):
        images.write(tmp_path / "outputs" / file, drawn(order[i], ANONYMIZED, 20))
    report = evaluated(request_of, "coverage")
    assert verdicts(report)["coverage"] == "fail"
    assert "seem to belong to another original" in report.table()


def test_missing_outputs_are_coverage_and_count_at_chance(request_of, tmp_path):
    for file in PEOPLE.files[::2]:
        (tmp_path / "outputs" / file).unlink()
    report = evaluated(request_of, "identity", "coverage")
    assert verdicts(report)["coverage"] == "fail"
    assert "132 of 264 pictures with a face have no output" in report.table()
    assert report.families[0].figure("rank 1 of 66, same picture").value < 0.1


def test_unreadable_pictures_and_strays_are_told(request_of, tmp_path, monkeypatch):
    (tmp_path / "originals" / PEOPLE.files[0]).write_bytes(b"no picture")
    (tmp_path / "outputs" / PEOPLE.files[0]).write_bytes(b"nor this")
    images.write(tmp_path / "outputs" / "stray.png", drawn(0, ANONYMIZED))

    def watched(files):
        for path, surroundings, _ in files:
            try:
                yield from observe([ToObserve(path, surroundings)])
            except InputError as error:
                yield Skipped(path, str(error), True)

    monkeypatch.setattr(command, "in_processes", lambda spec, jobs: watched)
    report = evaluated(request_of, "coverage")
    told = {left.path.relative_to(tmp_path).as_posix(): left for left in report.skipped}
    assert told["outputs/stray.png"].reason == "belongs to no original"
    for side in ("originals", "outputs"):
        assert told[f"{side}/{PEOPLE.files[0]}"].unreadable
    assert len(told) == 3
    assert len(report.pairs.file) == COUNT - 1


def test_what_was_seen_before_is_not_looked_at_again(request_of, monkeypatch):
    evaluated(request_of, "quality")
    asked = []
    monkeypatch.setattr(
        command, "in_processes", lambda e, j: lambda files: asked.extend(files) or []
    )
    again = evaluated(request_of, "quality")
    assert asked == []
    assert verdicts(again) == {"quality": "pass"}


def test_originals_are_shown_only_when_asked_for(request_of, tmp_path):
    evaluated(request_of, "quality")
    page = (tmp_path / "report" / "report.html").read_text()
    evaluated(replace(request_of, with_originals=True), "quality")
    shown = (tmp_path / "report" / "report.html").read_text()
    assert shown.count("<img") == 2 * page.count("<img") > 0


def test_figures_are_told_by_group(request_of):
    report = evaluated(request_of, "identity")
    found = report.families[0].figure("distance to the own original", "gender: f")
    assert 0 < found.low < found.value < found.high


def test_other_anonymizations_are_compared(request_of, tmp_path):
    asked = replace(request_of, against={"copied": tmp_path / "originals"})
    (row,) = evaluated(asked, "identity").families[0].tables["compared"]
    assert row["against"] == "copied"
    assert row["r"] > 0.8  # the originals themselves lie much nearer
    assert row["p"] < 1e-6


def test_a_report_can_be_written_where_one_stands(request_of, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    evaluated(replace(request_of, out=Path(".")), "coverage")
    assert (tmp_path / "here" / "report.html").is_file()
    assert (tmp_path / "here-private" / "measurements.sqlite").is_file()


@pytest.mark.parametrize("table", ["people", "labels"])
def test_a_table_beside_a_data_set_that_tells_all_itself_is_refused(tmp_path, table):
    asked = Request(tmp_path, tmp_path / "r", dataset="classes", **{table: tmp_path / "l.csv"})
    with pytest.raises(OptionError, match="knows its people and labels itself"):
        request.read_table(asked)


NAN = float("nan")


@pytest.mark.parametrize(
    ("around", "scene"),
    [((1, 1, 0), True), ((0.6, 0.6, NAN), True), ((1, 0, 0), False), ((1, NAN, NAN), False),
     ((NAN, NAN, NAN), False)],
)  # fmt: skip
def test_outputs_are_scenes_where_most_keep_what_is_around_the_faces(around, scene):
    seen = face_of(0, 0)
    looked = [
        ObservedPair(
            Pair(f"{i}.png", Path(f"o/{i}.png"), (Path(f"a/{i}.png"),)), ("a", "b"), seen, seen,
            NAN if np.isnan(share) else 0.7, share, (),
        )
        for i, share in enumerate(around)
    ]  # fmt: skip
    blank = np.full(3, "")
    table = Table(Path("o"), np.array(["0.png", "1.png", "2.png"]), blank, blank, {})
    pairs, left_out = pairs_of(table, looked)
    assert left_out == []
    assert pairs.scene == scene
    nothing = np.full(3, NAN)
    np.testing.assert_array_equal(pairs.surroundings, around if scene else nothing)
    if scene:
        np.testing.assert_array_equal(pairs.unchanged, [one.unchanged for one in looked])


def test_people_who_are_not_told_apart_are_looked_for_by_their_picture(request_of):
    report = command.evaluate(replace(request_of, people=None), None, progress)
    assert report.verdict == verdicts(report)["geometry"] == "inconclusive"
    assert verdicts(report)["identity"] == "inconclusive"
    assert report.families[0].attackers == {"same picture": 264}
    assert "no attacker that learns looked for anybody; give --people" in report.table()


def test_a_verdict_on_some_families_alone_is_inconclusive(request_of, tmp_path):
    """Nobody was attacked: what is left cannot say that it is safe."""
    report = evaluated(request_of, "coverage", "quality")
    assert verdicts(report) == {"quality": "pass", "coverage": "pass"}
    assert report.verdict == "inconclusive"
    told = json.loads((tmp_path / "report" / "metrics.json").read_text())
    assert told["verdict"] == "inconclusive"
    assert [each["family"] for each in told["not_measured"]] == [
        "identity", "expression", "geometry",
    ]  # fmt: skip
    page = (tmp_path / "report" / "report.html").read_text()
    assert "Is it safe? <em>inconclusive</em>" in page
    assert report.table().startswith("INCONCLUSIVE: 264 pictures of 66 people; nobody was attacked")


def test_expressions_on_too_few_pictures_are_inconclusive(request_of, tmp_path):
    table = tmp_path / "people.csv"
    rows = table.read_text().splitlines()
    rows[1:12] = [re.sub(",(neutral|happiness|surprise),", ",fear,", row) for row in rows[1:12]]
    table.write_text("\n".join(rows))
    report = evaluated(request_of, "expression")
    assert verdicts(report) == {"expression": "inconclusive"}
    assert "too few pictures with a face, or unknown to the classifier: fear 11" in report.table()
    page = (tmp_path / "report" / "report.html").read_text()
    assert "Is the expression kept? <em>inconclusive</em>" in page


def coco(tmp_path, *, box):
    """A table that marks a face on every original."""
    table = {
        "images": [{"id": i, "file_name": str(file)} for i, file in enumerate(PEOPLE.files)],
        "annotations": [{"image_id": i, "bbox": box} for i in range(COUNT)],
    }
    (tmp_path / "coco.json").write_text(json.dumps(table))
    return tmp_path / "coco.json"


def test_coverage_is_held_against_marked_faces(request_of, tmp_path):
    for i, file in enumerate(PEOPLE.files):
        pixels = drawn(i, 0).pixels.copy()
        pixels[16:32, 16:32] = 200
        if i:
            pixels[40:56, 40:56] = 200
        images.write(tmp_path / "outputs" / file, Picture(pixels))
    marked = replace(request_of, boxes=coco(tmp_path, box=[40, 40, 16, 16]), only=("coverage",))
    report = command.evaluate(marked, None, progress)
    (family,) = report.families
    assert family.verdict == report.verdict == "fail"
    assert family.figure("marked faces covered").value == pytest.approx(1 - 1 / COUNT)
    assert family.figure("marked faces covered", "face size: 16 to 24 px").count == COUNT
    assert family.figure("false covers a picture").value == 1
    assert "1 of 264 marked faces are left as they were." in report.table()
    lines = (tmp_path / "report" / "coverage-boxes.csv").read_text().splitlines()
    assert [line.split(",")[1] for line in lines[1:3]] == ["face left", "false cover"]
    page = (tmp_path / "report" / "report.html").read_text()
    assert "and 215 more, see coverage-boxes.csv" in page


def test_a_failure_outweighs_what_was_not_measured(request_of, tmp_path):
    shutil.rmtree(tmp_path / "outputs")
    shutil.copytree(tmp_path / "originals", tmp_path / "outputs")
    report = evaluated(replace(request_of, people=None), "identity")
    assert verdicts(report) == {"identity": "fail"}
    assert report.verdict == "fail"


def test_without_outputs_something_must_make_them(request_of):
    with pytest.raises(OptionError, match="outputs"):
        command.evaluate(replace(request_of, anonymized=None), None, progress)


def test_people_that_a_model_was_fitted_on_are_not_evaluated(request_of, monkeypatch):
    people = PEOPLE.of(np.ones(COUNT, bool))
    monkeypatch.setattr(request, "read_people", lambda folder, index: (people, []))
    fitted = []
    model, files = request.withheld(request_of, lambda some: fitted.append(some) or "model")
    assert model == "model"
    assert files == set(fitted[0].files)
    source = OutputSource(lambda *_: None, withheld=files)
    report = command.evaluate(replace(request_of, only=("quality",)), source, progress)
    assert not files & set(report.pairs.file)
    assert len(files) + len(report.pairs.file) == COUNT


def test_without_its_extra_it_says_so(request_of, monkeypatch):
    monkeypatch.setattr(geometry, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="eval"):
        command.evaluate(request_of, None, progress)
