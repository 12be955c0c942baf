"""``ganonymize classify``: train the paper's classifier and ask it about pictures."""

from pathlib import Path
from typing import Annotated

import typer

from .help import Command, Group, documented
from .options import print_skipped, require_transformers

app = typer.Typer(
    help="Train a classifier of labelled pictures, and ask it about others.",
    no_args_is_help=True,
    cls=Group,
    rich_markup_mode=None,
)

KindOption = Annotated[
    str | None,
    typer.Option(
        help="Of data set: celeba, ckplus, affectnet, faces, classes, index. "
        "[default: what is recognised]"
    ),
]
IndexOption = Annotated[
    Path | None,
    typer.Option(help="CSV with the column file and label columns, perhaps person and split."),
]
AcceleratorOption = Annotated[str, typer.Option(help="cpu, cuda or auto.")]


@app.command(cls=Command)
@documented
def train(
    data: Path,
    out: Path,
    label: list[str] | None = None,
    kind: KindOption = None,
    index: IndexOption = None,
    size: str = "femto",
    size_px: int | None = None,
    weights: Path | None = None,
    download: str | None = None,
    learning_rate: float = 0.001,
    batch: int = 32,
    epochs: int = 40,
    early_stop: int = 8,
    monitor: str = "val_loss",
    save_top: int = 1,
    workers: int = 2,
    accelerator: AcceleratorOption = "auto",
    seed: int = 42,
) -> None:
    """Train a classifier, or go on with one, and report on pictures that it has not seen.

    Options:
        data: A data set of labelled pictures.
        out: The folder to write; a run in it goes on.
        label: A column whose values are the classes; given several times, columns of 0 and 1.
            [default: expression, or all columns of 0 and 1]
        size: atto, femto, nano for a few CPU cores; tiny, small, base.
        size_px: Side of the pictures. [default: the size's own]
        weights: A folder of ConvNeXt weights to start from.
        download: Fetch weights to start from, such as facebook/convnext-base-224.
        learning_rate: At first; falls by itself.
        batch: Pictures a step.
        epochs: At most.
        early_stop: Stop after so many epochs without a better one; 0: never.
        monitor: What is best: val_loss, val_top_1_acc, val_accuracy.
        save_top: Checkpoints to keep; 0: all.
        workers: Processes that load pictures.
        seed: Of weights, order and split.
    """
    require_transformers()
    from ..paper.classify.published import read_labelled
    from ..paper.classify.settings import ClassifierSettings
    from ..paper.classify.train import train_classifier

    settings = ClassifierSettings(
        columns=tuple(label or ()), size=size, size_px=size_px, weights=weights, download=download,
        learning_rate=learning_rate, batch_size=batch, n_epochs=epochs, early_stop_n=early_stop,
        monitor=monitor, save_top_k=save_top, num_workers=workers, accelerator=accelerator,
        seed=seed,
    )  # fmt: skip
    table, skipped = read_labelled(data, kind, index)
    trained = train_classifier(table, out, settings)
    print(trained.summary())
    print(out)
    print_skipped([*skipped, *trained.skipped])


@app.command(cls=Command)
@documented
def predict(
    model: Path,
    data: Path,
    out: Path,
    kind: KindOption = None,
    index: IndexOption = None,
    split: str | None = None,
    unlabelled: bool = False,
    accelerator: AcceleratorOption = "auto",
) -> None:
    """Write what a classifier says of pictures and, where labels are known, how often it is right.

    A split that 'train' made itself is not known here; it stands in split.csv.

    Options:
        model: The folder of 'ganonymize classify train'.
        data: A data set, or a folder of pictures.
        out: The folder to write.
        split: train, val or test alone. [default: all]
        unlabelled: DATA is just pictures; no report.
    """
    require_transformers()
    from ..paper.classify.predict import predict_folder

    summary, skipped = predict_folder(model, data, out, kind, index, split, unlabelled, accelerator)
    print(summary)
    print(out)
    print_skipped(skipped)
