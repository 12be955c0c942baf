"""Every setting of a training run, read from TOML and saved beside the results."""

import json
import tomllib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from ..errors import OptionError
from ..io.text import write_text

Precision = Literal["32-true", "bf16-mixed"]


@dataclass(frozen=True)
class Stage:
    """A stretch of training at one size. Coarse first, then fine, is the way on a small machine.

    Attributes:
        size_px: Side of the training pictures.
        batch: Pictures a step on each device.
        samples: How many pictures the stage sees, over all devices.
        learning_rate: Adam's, of generator and style encoder, with betas (0.5, 0.99); it falls to
            a tenth along half a cosine.
        discriminator_rate: The discriminators'; falls alike.
        head_start: Samples on which the discriminators and the style encoder learn alone before the
            generator's first step.
        average_samples: The generator that ships is a moving average over about so many samples.
        weight_gan: Of the adversarial loss.
        foreign_styles: Whether half of the scenes are drawn in the style of another picture, as at
            run time.
    """

    size_px: int = 128
    batch: int = 16
    samples: int = 80_000
    learning_rate: float = 3e-4
    discriminator_rate: float = 6e-4
    head_start: int = 1_600
    average_samples: int = 4_000
    weight_gan: float = 1.0
    foreign_styles: bool = True


@dataclass(frozen=True)
class TrainingConfig:
    """All settings of a run.

    Attributes:
        start_from: An exported generator to go on from; empty to start from nothing.
        data: Folders made by ``ganonymize prepare``; each is one memory-mapped shard.
        stages: One after the other.
        portrait_share: Share of samples whose head stands on black, without context.
        jitter_eyes: Deviation of the smooth noise on the drawn mesh, in outer-eye distances.
        weight_l1: Of the mean absolute difference to the picture; eyes, brows and mouth count
            fourfold.
        weight_perceptual: Of the difference of frozen features.
        weight_landmarks: Of the mean distance between wanted landmarks and those that
            FaceMesh finds, in outer-eye distances.
        weight_kl: Pulls styles towards N(0, 1). At 0.01 they held too little of their pictures,
            and the generator drew the mean of what it could not know.
        weight_tone: Of the coarse colour of scenes in a foreign style.
        feature_crop_px: Discriminators look at a random square of at most this side: half the
            time of a step goes into their features.
        precision: ``"32-true"`` or ``"bf16-mixed"``, which pays on a GPU only.
        seed: Of weights, data order and noise; step k of two runs with one seed is the same.
        workers: Processes per device that prepare samples.
        save_every_s: Seconds between checkpoints.
        log_every: Steps between lines of metrics.
        sheet_every_s: Seconds between picture sheets.
    """

    start_from: str = ""
    data: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = field(default_factory=lambda: (Stage(),))
    portrait_share: float = 0.45
    jitter_eyes: float = 0.002
    weight_l1: float = 3.0
    weight_perceptual: float = 4.0
    weight_landmarks: float = 20.0
    weight_kl: float = 0.003
    weight_tone: float = 30.0
    feature_crop_px: int = 192
    precision: Precision = "32-true"
    seed: int = 0
    workers: int = 1
    save_every_s: float = 240.0
    log_every: int = 50
    sheet_every_s: float = 600.0

    def __post_init__(self) -> None:
        if not self.stages:
            raise OptionError("a run needs at least one [[stages]] table")
        known = get_args(Precision)
        if self.precision not in known:
            raise OptionError(f"precision = {self.precision!r}: choose one of {', '.join(known)}")
        for stage in self.stages:
            if stage.size_px % 32 or stage.size_px < 64:
                raise OptionError(f"size_px = {stage.size_px}: give a multiple of 32 from 64 on")
            if stage.batch < 2 or stage.samples < stage.batch:
                raise OptionError("a stage needs batch >= 2 and at least one batch of samples")
            if min(stage.learning_rate, stage.discriminator_rate) <= 0 or stage.average_samples < 1:
                raise OptionError("a stage's rates must be above 0, average_samples at least 1")
        if self.log_every < 1 or self.workers < 0:
            raise OptionError("log_every starts at 1, workers at 0")


def read_config(path: Path) -> TrainingConfig:
    """A run's settings from a TOML file; what it leaves out keeps its default.

    Raises:
        OptionError: No such file, no TOML, or a setting that is unknown or makes no sense.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(f"{path}: not TOML: {error}") from error
    stages = content.pop("stages", [{}])
    if not isinstance(stages, list) or not all(isinstance(stage, dict) for stage in stages):
        raise OptionError(f"{path}: stages must be [[stages]] tables")
    checked = tuple(_checked(Stage, stage, path) for stage in stages)
    if isinstance(content.get("data"), list):
        content["data"] = tuple(content["data"])
    config: TrainingConfig = _checked(TrainingConfig, content | {"stages": checked}, path)
    return config


def _checked(kind: Any, settings: dict[str, Any], path: Path) -> Any:
    """A dataclass from a table whose names and types are checked."""
    defaults = kind()
    known = {f.name for f in fields(kind)}
    for name, value in settings.items():
        if name not in known:
            raise OptionError(f"{path}: unknown setting {name!r}; known are {', '.join(known)}")
        wanted = type(getattr(defaults, name))
        if wanted is float and type(value) is int:
            settings = settings | {name: float(value)}
        elif type(value) is not wanted:
            raise OptionError(f"{path}: {name} = {value!r}: give a {wanted.__name__}")
    return kind(**settings)


def write_config(config: TrainingConfig, path: Path) -> None:
    """Save a run's settings as TOML that :func:`read_config` reads.

    Raises:
        OutputError: The file cannot be written.
    """
    content = asdict(config)
    stages = content.pop("stages")
    lines = _lines(content)
    for stage in stages:
        lines += ["", "[[stages]]", *_lines(stage)]
    write_text(path, "\n".join(lines) + "\n")


def _lines(settings: dict[str, Any]) -> list[str]:
    # what JSON writes of these types is TOML as well
    return [f"{name} = {json.dumps(v, ensure_ascii=False)}" for name, v in settings.items()]
