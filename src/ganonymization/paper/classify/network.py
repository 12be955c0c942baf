"""The paper's classifier network, a ConvNeXt (Liu et al. 2022), and the folder that it is kept in.

config.json          the network, its classes, the side of its pictures and their normalisation
model.safetensors    its weights

Both are as ``save_pretrained`` of transformers writes them, so that its tools read them too.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import save as safetensors_of
from torch import Tensor, nn

from ...errors import ModelError, OptionError
from ...io.files import write_bytes
from ...io.text import write_text

_Config: Any = transformers.ConvNextConfig  # its stubs know less than we do
_ConvNext: Any = transformers.ConvNextForImageClassification

CONFIG_FILE, WEIGHTS_FILE = "config.json", "model.safetensors"
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, as public weights expect


@dataclass(frozen=True)
class Size:
    """A ConvNeXt's size.

    Attributes:
        depths: Blocks of each stage.
        widths: Channels of each stage.
        drop_path: Share of the blocks that a training step skips, 0 to 1.
        size_px: Usual side of its pictures.
        layer_scale: What a block is multiplied by at first; 1e-6 is the ConvNeXt paper's.
    """

    depths: tuple[int, ...]
    widths: tuple[int, ...]
    drop_path: float
    size_px: int
    layer_scale: float = 1e-6


SIZES = {
    "atto": Size((2, 2, 6, 2), (40, 80, 160, 320), 0.0, 112, 0.1),
    "femto": Size((2, 2, 6, 2), (48, 96, 192, 384), 0.0, 128, 0.1),
    "nano": Size((2, 2, 8, 2), (80, 160, 320, 640), 0.1, 128, 0.1),
    "tiny": Size((3, 3, 9, 3), (96, 192, 384, 768), 0.1, 224),
    "small": Size((3, 3, 27, 3), (96, 192, 384, 768), 0.4, 224),
    "base": Size((3, 3, 27, 3), (128, 256, 512, 1024), 0.5, 224),
}
"""By name; ``base`` is the published project's, the first three train on a few CPU cores."""


@dataclass(frozen=True)
class Labels:
    """What a classifier says of a picture.

    Attributes:
        classes: Names, in the order of its outputs.
        multi_label: Each class holds or not by itself; else one of them holds.
        column: The label column that the classes are values of; empty where every class is a column
            of its own.
    """

    classes: tuple[str, ...]
    multi_label: bool
    column: str


class Network(nn.Module):
    """A ConvNeXt of transformers, with :func:`new_network`'s additions to its configuration.

    It knows its labels and the side of its pictures, and normalises them.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model, config = model, model.config
        classes = tuple(str(config.id2label[i]) for i in range(config.num_labels))
        several = config.problem_type == "multi_label_classification"
        self.labels = Labels(classes, several, str(config.label_column))
        self.size_px = int(config.image_size)
        for name, values in (("mean", config.pixel_mean), ("std", config.pixel_std)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)
        # About a fifth faster on a CPU.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, pixels: Tensor) -> Tensor:
        """Pictures (N, 3, S, S) uint8 -> (N, C), before softmax or sigmoid."""
        scaled = (pixels.float() / 255 - self.get_buffer("mean")) / self.get_buffer("std")
        logits: Tensor = self.model(scaled.contiguous(memory_format=torch.channels_last)).logits
        return logits

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self.get_buffer("mean").device


def new_network(
    labels: Labels,
    size: str = "femto",
    size_px: int | None = None,
    weights: Path | None = None,
    download: str | None = None,
) -> Network:
    """A network to train: random, or with weights that were trained before, but for its last layer.

    Args:
        labels: What it shall say.
        size: One of ``SIZES``, for a random one.
        size_px: Side of its pictures; None for the usual one.
        weights: A folder of ``save_pretrained``; nothing is fetched.
        download: A name on the Hugging Face hub, to fetch it from.

    Raises:
        ModelError: Such weights cannot be read.
        OptionError: No such size, or both weights and download.
    """
    if weights is not None and download is not None:
        raise OptionError("weights from a folder and a download contradict each other; give one")
    if size not in SIZES:
        raise OptionError(f"size {size!r} is none of {', '.join(SIZES)}")
    if size_px is not None and not 32 <= size_px <= 1024:
        raise OptionError(
            f"pictures of {size_px} px: give 32 to 1024, for the network halves 5 times"
        )
    if weights is not None:
        return read_network(str(weights), True, labels, size_px)
    if download is not None:
        return read_network(download, False, labels, size_px)
    chosen = SIZES[size]
    config = _Config(
        depths=list(chosen.depths), hidden_sizes=list(chosen.widths),
        drop_path_rate=chosen.drop_path, layer_scale_init_value=chosen.layer_scale,
    )  # fmt: skip
    return Network(_ConvNext(_described(config, labels, size_px or chosen.size_px)))


def save_classifier(network: Network, folder: Path) -> None:
    """Write a network so that :func:`load_classifier` needs nothing else.

    Raises:
        OutputError: The folder cannot be made or written.
    """
    state = network.model.state_dict()
    weights = {name: tensor.cpu().contiguous() for name, tensor in state.items()}
    data = safetensors_of(weights, {"format": "pt"})
    config = network.model.config.to_diff_dict() | {"architectures": [_ConvNext.__name__]}
    text = json.dumps(config, indent=1)
    write_bytes(folder / WEIGHTS_FILE, data)
    write_text(folder / CONFIG_FILE, text)


def _described(config: Any, labels: Labels, size_px: int) -> Any:
    """Write classes and picture size into a configuration."""
    config.id2label = dict(enumerate(labels.classes))
    config.label2id = {name: number for number, name in enumerate(labels.classes)}
    kind = "multi" if labels.multi_label else "single"
    config.problem_type = f"{kind}_label_classification"
    config.image_size = size_px
    config.label_column = labels.column
    for name, usual in (("pixel_mean", _MEAN), ("pixel_std", _STD)):
        setattr(config, name, list(getattr(config, name, usual)))
    return config


def read_network(
    source: str, local: bool, labels: Labels | None = None, size_px: int | None = None
) -> Network:
    """A network as it was saved, or with a new last layer.

    Args:
        source: A folder or, where it is not ``local``, a name on the Hugging Face hub.
        local: Nothing may be fetched.
        labels: For a last layer of these; it is random where the source has another.
        size_px: Side of its pictures, with ``labels``; None for the source's.

    Raises:
        ModelError: The source has no ConvNeXt.
    """
    for name in (CONFIG_FILE, WEIGHTS_FILE) if local else ():
        if not (Path(source) / name).is_file():
            raise ModelError(
                f"{source}: no classifier, for it has no {name}; give a folder that 'ganonymize "
                "classify train' or save_pretrained wrote"
            )
    try:
        with _quiet():
            config = _Config.from_pretrained(source, local_files_only=local)
            if labels is not None:
                config = _described(config, labels, size_px or int(config.image_size))
            model, found = _ConvNext.from_pretrained(
                source, config=config, local_files_only=local, use_safetensors=True,
                output_loading_info=True, ignore_mismatched_sizes=labels is not None,
            )  # fmt: skip
    except Exception as error:  # transformers raises many kinds on a wrong file
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(f"{source}: not a ConvNeXt that can be read ({reason})") from error
    keys = [*found["missing_keys"], *found["mismatched_keys"]]
    lacking = sorted(key if isinstance(key, str) else key[0] for key in keys)
    lacking = [k for k in lacking if labels is None or not k.startswith("classifier.")]
    if lacking:
        raise ModelError(
            f"{source}: not the weights of a ConvNeXt of its {CONFIG_FILE}: {len(lacking)} tensors "
            f"are missing or of another shape, such as {lacking[0]}; copy the folder anew"
        )
    if not hasattr(model.config, "label_column"):
        raise ModelError(
            f"{source}: a ConvNeXt whose {CONFIG_FILE} has no label_column; train a classifier "
            f"from it: 'ganonymize classify train --weights {source}'"
        )
    return Network(model)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' bars and notes; what matters of them is checked."""
    notes: Any = transformers.utils.logging
    verbosity, bar = notes.get_verbosity(), notes.is_progress_bar_enabled()
    notes.set_verbosity_error()
    notes.disable_progress_bar()
    try:
        yield
    finally:
        notes.set_verbosity(verbosity)
        if bar:
            notes.enable_progress_bar()
