import json

from ganonymization.evaluation import command
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


def test_a_model_is_fitted_on_people_who_are_not_attacked(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "read_people", lambda folder, index: (simulated(45), []))
    fitted = []

    def fit(people):
        fitted.append(set(people.person))
        return ShapeModel.load()

    command.evaluate_geometry(tmp_path, tmp_path / "i.csv", tmp_path, "high", fit)
    assert [len(names) for names in fitted] == [15, 15, 15]
    assert len(set.union(*fitted)) == 45
