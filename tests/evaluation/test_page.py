import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from ganonymization.evaluation import quality
from ganonymization.evaluation.figures import Family, Figure, Missing
from ganonymization.evaluation.page import page
from ganonymization.evaluation.report import EvaluationReport
from ganonymization.io import images
from ganonymization.io.images import Picture
from ganonymization.types import Skipped

from .made_pairs import made_pairs

BAD = "<script>alert(1)</script>"
GREY = Picture(np.full((40, 30, 3), 90, np.uint8))


def family(name, verdict, *findings, figures=(), **others):
    return Family(name, verdict, findings or (f"found of {name}",), figures, (), **others)


def report(*families, verdict="pass", skipped=(), pairs=None, settings=None):
    seen = pairs or made_pairs(10, 2)
    return EvaluationReport(verdict, families, seen, tuple(skipped), settings or {"mode": "scene"})


def safe(verdict):
    return [family(name, verdict) for name in ("identity", "geometry", "coverage")]


def tiles(told):
    """Verdict and questions of the first screen, each with its answer."""
    return re.findall(r"<h2>(\w[^<]*\?)(?: <em>([^<]*)</em>)?</h2>", told)


@dataclass(frozen=True)
class Folders:
    """Pictures on disk: of all originals, and of all outputs but the first."""

    originals: Path
    outputs: dict[str, Path]


@pytest.fixture
def shown(tmp_path):
    pairs = made_pairs(10, 2)
    for file in pairs.file:
        images.write(tmp_path / "originals" / file, GREY)
        images.write(tmp_path / "outputs" / file, GREY)
    return Folders(
        tmp_path / "originals", {str(file): tmp_path / "outputs" / file for file in pairs.file[1:]}
    )


def test_the_first_screen_answers_three_questions():
    told = page(report(*safe("pass"), family("expression", "warn")), None, {})
    assert tiles(told) == [("Is it safe?", "yes"), ("Is the expression kept?", "with reservations"),
                           ("What failed?", ""), ("What was not measured?", "")]  # fmt: skip
    first = told[: told.index("What failed?")]
    assert "found of identity" in first
    assert "found of expression" in first
    assert "<li><b>expression: warn.</b> found of expression" in told
    assert "identity: pass" not in told
    assert "20 pictures with a face, 10 people, 0 left out" in first


@pytest.mark.parametrize("unsafe", ["identity", "geometry", "coverage"])
def test_it_is_safe_only_if_nobody_is_found_in_any_way(unsafe):
    names = ("identity", "geometry", "coverage", "expression")
    families = [family(name, "fail" if name == unsafe else "pass") for name in names]
    told = page(report(*families, verdict="fail"), None, {})
    assert tiles(told)[0] == ("Is it safe?", "no")
    assert tiles(told)[1][1] == "yes"
    assert f"<b>{unsafe}: fail.</b> found of {unsafe}" in told
    assert "<h1>FAIL</h1>" in told


def test_bad_pictures_are_not_unsafe():
    told = page(report(*safe("pass"), family("quality", "fail")), None, {})
    assert tiles(told)[0][1] == "yes"
    assert "<b>quality: fail.</b>" in told


def test_what_was_not_asked_is_not_answered():
    told = page(report(family("quality", "pass")), None, {})
    assert [answer for _, answer in tiles(told)] == ["inconclusive", "inconclusive", "", ""]
    assert "<li>Nothing." in told
    for name in ("identity", "expression", "geometry", "coverage"):
        assert f"<li><b>{name}:</b> not asked for. Run without --only" in told


@pytest.mark.parametrize("name", ["identity", "geometry", "coverage"])
def test_it_is_not_safe_where_one_way_was_not_tried(name):
    asked = [each for each in safe("pass") if each.name != name]
    told = page(report(*asked, family("expression", "pass")), None, {})
    assert tiles(told)[0] == ("Is it safe?", "inconclusive")


def test_what_was_not_measured_is_told_with_its_remedy():
    lacking = family("identity", "inconclusive", missing=(Missing(f"no {BAD}", "give --people"),))
    told = page(report(lacking), None, {})
    assert "<b>identity:</b> no &lt;script&gt;" in told
    assert "Give --people." in told


def test_the_page_tells_on_how_many_people_the_verdict_rests():
    attacked = family("identity", "pass", attackers={"naive": 60, "trained": 58})
    told = page(report(attacked), None, {})
    assert "identity attacked by naive (60 people); trained (58 people)" in told
    assert "nobody was attacked" in page(report(family("quality", "pass")), None, {})


def test_what_the_user_gave_is_escaped():
    pairs = made_pairs(10, 2)
    pairs = replace(pairs, file=np.array([f"{BAD}{i}.png" for i in range(20)]))
    figure = Figure("trait_lost", BAD, 0.5, 0.4, 0.6, 9, "all",
                    {BAD: 0.5, "as often without it": 0.1})  # fmt: skip
    group = replace(figure, group=f"gender: {BAD}")
    row = {"expression": BAD, "kappa": 0.5, "F1 learnt from outputs": 0.5,
           "mean |change of p|": 0.5, BAD: 1}  # fmt: skip
    told = page(
        report(
            family("traits", "warn", BAD, figures=(figure, group)),
            family("expression", "fail", BAD, tables={"classes": [row]},
                   pictures={"pose error": np.arange(20.0)}),
            skipped=[Skipped(Path(f"<script>{BAD}"), BAD, True)],
            pairs=pairs,
            settings={BAD: BAD},
        ),
        None,
        {f"{BAD}0.png": Path(f"/nowhere/{BAD}.png")},
    )  # fmt: skip
    assert "<script" not in told
    assert told.count("&lt;script&gt;") > 40
    assert "/nowhere/&lt;script&gt;" in told  # why it is not shown


def test_a_missing_output_is_told(shown):
    told = page(report(family("quality", "pass")), None, shown.outputs)
    assert told.count("no output") == 1
    assert f"<figure>no output<figcaption>{made_pairs(10, 2).file[0]} " in told
    assert told.count("<img") == 19


def test_a_missing_output_is_told_beside_its_original(shown):
    told = page(report(family("quality", "pass")), shown.originals, shown.outputs)
    assert told.count("no output") == 1
    assert re.search(r"<figure><img [^>]*>no output<figcaption>0.png ", told)


def test_an_output_that_cannot_be_read_is_told(shown):
    shown.outputs["1.png"].write_bytes(b"no picture")
    told = page(report(family("quality", "pass")), None, shown.outputs)
    assert "not a picture that can be read" in told


def test_originals_are_shown_only_when_they_may_be(shown, monkeypatch):
    read = []
    real = images.read
    monkeypatch.setattr(images, "read", lambda path: read.append(path) or real(path))
    hidden = page(report(family("quality", "pass")), None, shown.outputs)
    assert {path.parent.name for path in read} == {"outputs"}
    assert "Outputs only; originals are shown with --with-originals." in hidden
    both = page(report(family("quality", "pass")), shown.originals, shown.outputs)
    assert (hidden.count("<img"), both.count("<img")) == (19, 39)
    assert "Outputs only" not in both


def test_pictures_are_small_and_within_the_page(shown):
    noise = np.random.default_rng(0).integers(0, 256, (600, 800, 3), dtype=np.uint8)
    images.write(shown.outputs["1.png"], Picture(noise))
    told = page(report(family("quality", "pass")), None, shown.outputs)
    assert len(told) < 60_000
    assert set(re.findall(r"src='(.{10})", told)) == {"data:image"}


def captions(told):
    """Files and what is bad about them, of the worst cases."""
    worst = told[told.index("Worst cases") : told.index("Samples")]
    return re.findall(r"<figcaption>(\S+) ([^<]*)</figcaption>", worst)


def test_the_worst_of_each_kind_come_first():
    error = np.array([np.nan, 3.0, 40.0, 1.0, 20.0, 30.0, *np.zeros(14)])
    told = page(
        report(
            family("identity", "pass", pictures={"ranked first": np.full(20, np.nan)}),
            family("expression", "pass", pictures={"pose error": error}),
        ), None, {},
    )  # fmt: skip
    assert captions(told) == [(f"{i}.png", f"pose error: {error[i]:.2f}") for i in (2, 5, 4, 1)]


def test_what_is_not_bad_is_no_worst_case():
    mixed = np.where(np.arange(20) == 3, 1.0, 0.0)
    told = page(report(family("coverage", "pass", pictures={"mixed up": mixed})), None, {})
    assert captions(told) == [("3.png", "mixed up: 1.00")]


def test_small_and_large_numbers_in_tables_keep_four_digits():
    row = {"against": "blur", "n": 264.0, "p": 3.2e-9, "r": 0.123456}
    told = page(report(family("identity", "pass", tables={"compared": [row]})), None, {})
    assert "<td>blur<td>264<td>3.2e-09<td>0.1235" in told


def test_at_most_two_dozen_samples_are_shown():
    pairs = made_pairs(20, 2)
    told = page(report(family("quality", "pass"), pairs=pairs), None, {})
    names = re.findall(r"<figcaption>(\S+) </figcaption>", told)
    assert len(names) == len(set(names)) == 24
    assert names != list(pairs.file[:24])


def test_what_could_not_be_measured_is_not_told_as_a_number():
    figures = (Figure("variety", "variety of faces", float("nan")), Figure("variety", "b", 0.5))
    told = page(report(family("quality", "fail", figures=figures)), None, {})
    assert "<td>variety of faces<td>not measured<td><td><td><td>variety" in told
    assert "<td>b<td>0.500<td><td><td><td>variety" in told
    assert "nan" not in told[told.index("<main>") :].replace("ganonymization", "")


def test_groups_are_folded():
    figures = (
        Figure("variety", "everybody's", 0.5, 0.4, 0.6, 7, reference={"chance": 0.25}),
        Figure("variety", "some", 0.5, group="gender: f"),
    )
    told = page(report(family("quality", "pass", figures=figures)), None, {})
    folded = told[told.index("<details>") : told.index("</details>")]
    assert "gender: f" in folded
    assert "everybody" not in folded
    assert told.count("<td>some<td>") == 1
    assert "<td>everybody&#x27;s<td>0.500<td>0.400 to 0.600<td>7<td>chance 0.25" in told


def test_metrics_are_defined_and_versions_and_settings_told():
    told = page(
        report(
            Family("quality", "pass", ("well",), (), quality.METRICS), settings={"seed": "17"}
        ), None, {},
    )  # fmt: skip
    assert "<dt>frechet<dd>Fréchet distance of the recogniser&#x27;s numbers" in told
    assert "<td>seed<td>17" in told
    assert f"<td>numpy<td>{np.__version__}" in told


def test_fifty_of_what_was_left_out_are_listed():
    left = [Skipped(Path(f"folder/left{i}.png"), "no face", False) for i in range(53)]
    told = page(report(family("quality", "pass"), skipped=left), None, {})
    assert len(re.findall("<td>left\\d+.png<td>no face", told)) == 50
    assert "and 3 more, see left-out.csv" in told
    assert "53 left out" in told
    assert "<p>Nothing." in page(report(family("quality", "pass")), None, {})
