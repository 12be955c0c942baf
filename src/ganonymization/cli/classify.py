"""``ganonymize classify``: train the paper's classifier and ask it about pictures."""

from pathlib import Path
from typing import Annotated

import typer

from .options import require_extra
from .skipped import print_skipped

app = typer.Typer(
    help="Train a classifier of labelled pictures, and ask it about others.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

KindOption = Annotated[
    str | None,
    typer.Option(help="Of data set: celeba, ckplus, affectnet, faces, classes, index. "
                 "[default: what is recognised]", show_default=False),
]  # fmt: skip
IndexOption = Annotated[
    Path | None,
    typer.Option(help="CSV with the column file and label columns, perhaps person and split."),
]
AcceleratorOption = Annotated[str, typer.Option(help="cpu, cuda or auto.")]


@app.command()
def train(
    data: Annotated[Path, typer.Argument(help="A data set of labelled pictures.")],
    out: Annotated[Path, typer.Argument(help="The folder to write; a run in it goes on.")],
    label: Annotated[
        list[str] | None,
        typer.Option(
            help="A column whose values are the classes; given several times, columns of "
            "0 and 1. [default: expression, or all columns of 0 and 1]",
            show_default=False,
        ),
    ] = None,
    kind: KindOption = None,
    index: IndexOption = None,
    size: Annotated[
        str, typer.Option(help="atto, femto, nano for a few CPU cores; tiny, small, base.")
    ] = "femto",
    size_px: Annotated[
        int | None,
        typer.Option(help="Side of the pictures. [default: the size's own]", show_default=False),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="A folder of ConvNeXt weights to start from.")
    ] = None,
    download: Annotated[
        str | None,
        typer.Option(help="Fetch weights to start from, such as facebook/convnext-base-224."),
    ] = None,
    learning_rate: Annotated[float, typer.Option(help="At first; falls by itself.")] = 0.001,
    batch: Annotated[int, typer.Option(help="Pictures a step.")] = 32,
    epochs: Annotated[int, typer.Option(help="At most.")] = 40,
    early_stop: Annotated[
        int, typer.Option(help="Stop after so many epochs without a better one; 0: never.")
    ] = 8,
    monitor: Annotated[
        str, typer.Option(help="What is best: val_loss, val_top_1_acc, val_accuracy.")
    ] = "val_loss",
    save_top: Annotated[int, typer.Option(help="Checkpoints to keep; 0: all.")] = 1,
    workers: Annotated[int, typer.Option(help="Processes that load pictures.")] = 2,
    accelerator: AcceleratorOption = "auto",
    seed: Annotated[int, typer.Option(help="Of weights, order and split.")] = 42,
) -> None:
    """Train a classifier, or go on with one, and report on pictures that it has not seen."""
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


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(help="The folder of 'ganonymize classify train'.")],
    data: Annotated[Path, typer.Argument(help="A data set, or a folder of pictures.")],
    out: Annotated[Path, typer.Argument(help="The folder to write.")],
    kind: KindOption = None,
    index: IndexOption = None,
    split: Annotated[
        str | None,
        typer.Option(help="train, val or test alone. [default: all]", show_default=False),
    ] = None,
    unlabelled: Annotated[
        bool, typer.Option("--unlabelled", help="DATA is just pictures; no report.")
    ] = False,
    accelerator: AcceleratorOption = "auto",
) -> None:
    """Write what a classifier says of pictures and, where labels are known, how often it is right.

    A split that 'train' made itself is not known here; it stands in split.csv.
    """
    require_transformers()
    from ..paper.classify.predict import predict_folder

    summary, skipped = predict_folder(model, data, out, kind, index, split, unlabelled, accelerator)
    print(summary)
    print(out)
    print_skipped(skipped)


def require_transformers() -> None:
    """Refuse without the extra that brings torch and transformers.

    Raises:
        MissingExtraError: The message has the command that installs it.
    """
    require_extra("classifying", "train", "torch", "lightning", "transformers", "sklearn")
