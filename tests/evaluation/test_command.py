import json

from ganonymization.evaluation import command, geometry
from ganonymization.shape import ShapeModel

from ..simulated_people import simulated


def test_a_report_compares_released_landmarks_with_those_as_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "read_people", lambda folder, index: (simulated(), []))
    report, _ = command.evaluate_geometry(tmp_path, tmp_path / "i.csv", tmp_path / "report")
    for found in report.rank1.values():
        assert found["released"][0] < 0.9 * found["as they are"][0]  # of unlikely people
    assert report.expression_kept["brows"][0] > 0.5
    written = json.loads((tmp_path / "report" / "metrics.json").read_text())
    assert written["geometry"]["people"] == 90
    assert "rank 1, lda attacker: as they are" in report.table()


def test_without_a_surrogate_nothing_is_released_differently(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "read_people", lambda folder, index: (simulated(45), []))
    report, _ = command.evaluate_geometry(tmp_path, tmp_path / "i.csv", tmp_path, privacy=None)
    assert report.rank1["lda"]["released"] == report.rank1["lda"]["as they are"]
    assert report.expression_kept["face"][0] > 0.999999


def test_a_model_is_fitted_on_people_who_are_neither_attacked_nor_learnt_from(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(command, "read_people", lambda folder, index: (simulated(45), []))
    fitted, used, rank1 = [], [], geometry.rank1

    def fit(people):
        fitted.append(set(people.person))
        return ShapeModel.load()

    def spy(released, people, parts, attacker):
        used.append((set(people.person[parts.attack]), set(people.person[parts.test])))
        return rank1(released, people, parts, attacker)

    monkeypatch.setattr(geometry, "rank1", spy)
    command.evaluate_geometry(tmp_path, tmp_path / "i.csv", tmp_path, "high", fit=fit)
    assert len(fitted) == 3 and len(used) == 12  # two attackers, before and after
    for turn, (learnt, attacked) in enumerate(used):
        names = fitted[turn // 4]
        assert len(names) == len(learnt) == len(attacked) == 15
        assert not (names & learnt or names & attacked or learnt & attacked)
    assert set.union(*(attacked for _, attacked in used)) == set.union(*fitted)


def test_people_without_labels_are_attacked_all_the_same(tmp_path, monkeypatch):
    people = simulated(45)
    people.expression[:] = ""
    monkeypatch.setattr(command, "read_people", lambda folder, index: (people, []))
    report, _ = command.evaluate_geometry(tmp_path, tmp_path / "i.csv", tmp_path)
    assert report.rank1["mlp"]["as they are"][0] > 0.3
    assert report.expression_kept == report.classified == {}
    assert "too few are labelled" in report.table()
