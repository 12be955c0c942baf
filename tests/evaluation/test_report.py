import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ganonymization.errors import OutputError
from ganonymization.evaluation.figures import Family, Figure
from ganonymization.evaluation.page import page
from ganonymization.evaluation.report import EvaluationReport, with_interval, write
from ganonymization.types import Skipped

from .made_pairs import made_pairs

NAN = float("nan")
SIDES = made_pairs(10, 2)
FIGURES = (
    Figure("variety", "variety of faces", 0.5, 0.4, 0.6, 20, reference={"chance": 0.25, "b": 2}),
    Figure("variety", "of few", NAN, group="gender: f"),
    Figure("variety", "alone", 0.125),
)
FAMILY = Family(
    "quality", "warn", ("Faces, they differ.",), FIGURES, (),
    {"sharpness ratio": np.array([NAN, *np.arange(1, 20) / 3])},
)  # fmt: skip
COMPARED = Family(
    "identity", "fail", ("found",), (), (),
    {"ranked first": np.arange(20.0)}, {"compared": [{"against": "blur", "r": 0.5}]},
)  # fmt: skip
REPORT = EvaluationReport(
    "fail", (COMPARED, FAMILY), SIDES, (Skipped(Path("a/b.png"), 'damaged, "badly"', True),),
    {"mode": "scene"},
)  # fmt: skip


def constant(name):
    raise AssertionError(f"{name} is no JSON")


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def written(report, folder):
    write(report, folder, page(report, None, {}))


@pytest.fixture
def folder(tmp_path):
    written(REPORT, tmp_path)
    return tmp_path


def test_the_metrics_are_json_that_any_reader_takes(folder):
    found = json.loads((folder / "metrics.json").read_text(), parse_constant=constant)
    assert found == json.loads(json.dumps(REPORT.as_dict()), parse_constant=constant)
    assert (found["verdict"], found["pictures"], found["people"]) == ("fail", 20, 10)
    assert (found["left_out"], found["settings"]) == (1, {"mode": "scene"})
    assert found["attackers"] == {}
    assert [each["family"] for each in found["not_measured"]] == [
        "expression", "geometry", "coverage",
    ]  # fmt: skip
    assert found["not_measured"][0]["what"] == "not asked for"
    assert "--only" in found["not_measured"][0]["remedy"]
    family = found["families"]["quality"]
    assert (family["verdict"], family["findings"]) == ("warn", ["Faces, they differ."])
    first, second, _ = family["figures"]
    assert first == {
        "metric": "variety", "title": "variety of faces", "value": 0.5, "low": 0.4, "high": 0.6,
        "count": 20, "group": "all", "reference": {"chance": 0.25, "b": 2},
    }  # fmt: skip
    assert (second["value"], second["low"], second["high"]) == (None, None, None)


def test_each_picture_has_a_row(folder):
    found = rows(folder / "pictures.csv")
    assert [row["file"] for row in found] == list(SIDES.file)
    assert [row["person"] for row in found] == list(SIDES.person)
    assert [row["identity: ranked first"] for row in found[:2]] == ["0.0000", "1.0000"]
    assert [row["quality: sharpness ratio"] for row in found[:2]] == ["", "0.3333"]


def test_each_figure_has_a_row(folder):
    first, second, _ = rows(folder / "figures.csv")
    assert first["family"] == "quality"
    assert first["title"] == "variety of faces"
    assert first["reference"] == "chance 0.25; b 2"
    assert second["group"] == "gender: f"


def test_what_was_left_out_has_a_row_and_a_table_a_file(folder):
    assert rows(folder / "left-out.csv") == [{"file": "a/b.png", "reason": 'damaged, "badly"'}]
    assert rows(folder / "identity-compared.csv") == [{"against": "blur", "r": "0.5"}]
    assert not (folder / "quality-compared.csv").exists()


def test_the_page_is_there(folder):
    assert (folder / "report.html").read_text().startswith("<!doctype html>")
    assert len(list(folder.iterdir())) == 6


def test_file_names_and_people_with_commas_and_other_letters_come_back(tmp_path):
    names = np.array([f'å,"{i}"\n李.png' for i in range(20)])
    written(replace(REPORT, pairs=replace(SIDES, file=names, person=names)), tmp_path)
    found = rows(tmp_path / "pictures.csv")
    assert [row["file"] for row in found] == [row["person"] for row in found] == list(names)


def test_file_names_that_are_no_text_are_reported(tmp_path):
    names = np.array([f"\udcff{i}.png" for i in range(20)])
    written(replace(REPORT, pairs=replace(SIDES, file=names)), tmp_path)
    found = rows(tmp_path / "pictures.csv")
    assert [row["file"] for row in found] == [f"\\udcff{i}.png" for i in range(20)]
    assert "\\udcff0.png" in (tmp_path / "report.html").read_text()


def test_an_earlier_reports_tables_go_and_nobody_elses(folder):
    (folder / "my-own.csv").write_text("mine")
    written(replace(REPORT, families=(FAMILY,)), folder)
    assert not (folder / "identity-compared.csv").exists()
    assert (folder / "my-own.csv").read_text() == "mine"


def test_without_anything_the_files_are_there_and_empty(tmp_path):
    written(replace(REPORT, families=(), skipped=()), tmp_path)
    assert (tmp_path / "left-out.csv").read_text() == ""
    assert (tmp_path / "figures.csv").read_text() == ""
    assert list(rows(tmp_path / "pictures.csv")[0]) == ["file", "person"]


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError):
        written(REPORT, tmp_path / "taken")


def test_values_are_told_with_their_intervals():
    assert [with_interval(figure) for figure in FIGURES] == [
        "0.500 [0.400, 0.600]", "not measured", "0.125",
    ]  # fmt: skip


def test_the_table_tells_verdicts_findings_and_everybodys_figures():
    lines = REPORT.table().splitlines()
    assert lines[0] == "FAIL: 20 pictures of 10 people; nobody was attacked"
    assert lines[1].startswith("not measured: expression: not asked for; run without --only")
    assert "quality: warn" in lines
    assert "  Faces, they differ." in lines
    assert f"  {'0.500 [0.400, 0.600]':28s} variety of faces" in lines
    assert "of few" not in REPORT.table()
