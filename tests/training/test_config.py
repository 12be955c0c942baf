import pytest

from ganonymization.errors import OptionError
from ganonymization.training.config import Stage, TrainingConfig, read_config, write_config


def test_settings_are_read_as_they_were_written(tmp_path):
    config = TrainingConfig(
        data=('a "quoted" \\ folder', "b"), stages=(Stage(size_px=64), Stage(foreign_styles=False))
    )
    write_config(config, tmp_path / "c.toml")
    assert read_config(tmp_path / "c.toml") == config


def test_what_is_left_out_keeps_its_default(tmp_path):
    (tmp_path / "c.toml").write_text("weight_l1 = 2\n[[stages]]\nbatch = 3\n")
    config = read_config(tmp_path / "c.toml")
    assert config.weight_l1 == 2.0
    assert config.stages == (Stage(batch=3),)
    assert config.portrait_share == TrainingConfig().portrait_share


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wieght_l1 = 2", "unknown setting 'wieght_l1'"),
        ("seed = 'x'", "seed = 'x': give a int"),
        ("seed = ", "not TOML"),
        ("stages = 3", r"\[\[stages\]\]"),
        ("[[stages]]\nsize_px = 100", "multiple of 32"),
        ("[[stages]]\nbatch = 1", "batch >= 2"),
        ("precision = '16'", "32-true, bf16-mixed"),
        ("stages = []", "at least one"),
        ("log_every = 0", "log_every starts at 1"),
        ("[[stages]]\naverage_samples = 0", "average_samples at least 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path, text, message):
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(OptionError, match=message):
        read_config(tmp_path / "c.toml")


def test_the_shipped_settings_are_sound():
    from pathlib import Path

    config = read_config(Path(__file__).parents[2] / "configs" / "default.toml")
    assert [stage.size_px for stage in config.stages] == [128, 256, 256]


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(OptionError, match="cannot be read"):
        read_config(tmp_path / "none.toml")
