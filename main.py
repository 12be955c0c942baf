"""The published project's commands, word for word, on this project's library.

python main.py anonymize_image --model_file M --input_file I --output_file O
python main.py anonymize_directory --model_file M --input_directory I --output_directory O
python main.py preprocess --input_path I
python main.py train_pix2pix --data_dir D --log_dir L --models_dir M --output_dir O --dataset_name N
python main.py train_classifier --data_dir D --num_classes N
"""

import argparse
import sys
from pathlib import Path

from ganonymization import cli
from ganonymization.cli.options import print_skipped, require_torch, require_transformers
from ganonymization.errors import OptionError


def truth(text: str) -> bool:
    """``True`` and ``False`` as the published commands take them."""
    if text.lower() not in ("true", "false", "1", "0"):
        raise argparse.ArgumentTypeError(f"{text!r}: give True or False")
    return text.lower() in ("true", "1")


def parser() -> argparse.ArgumentParser:
    """Commands and options with the published names and defaults."""
    top = argparse.ArgumentParser(description="The published GANonymization's commands.")
    commands = top.add_subparsers(dest="command", required=True)
    image = commands.add_parser("anonymize_image", help="one picture")
    image.add_argument("--input_file", type=Path, required=True)
    image.add_argument("--output_file", type=Path, required=True)
    directory = commands.add_parser("anonymize_directory", help="a folder of pictures")
    directory.add_argument("--input_directory", type=Path, required=True)
    directory.add_argument("--output_directory", type=Path, required=True)
    for command in (image, directory):
        command.add_argument(
            "--model_file", required=True, help="a published .ckpt, an ONNX file, or 'default'"
        )
        command.add_argument("--img_size", type=int, default=512, help="side of the portraits")
        command.add_argument("--align", type=truth, nargs="?", const=True, default=True)
        command.add_argument("--device", type=int, default=0, help="-1, or no GPU: the CPU")
        command.add_argument("--seed", type=int, default=None)
        command.set_defaults(run=anonymize)
    _add_preprocess(commands.add_parser("preprocess", help="pictures to training pictures"))
    _add_train(commands.add_parser("train_pix2pix", help="train the paper's networks"))
    _add_classifier(commands.add_parser("train_classifier", help="train the paper's classifier"))
    return top


def _add_preprocess(command: argparse.ArgumentParser) -> None:
    command.add_argument("--input_path", type=Path, required=True)
    command.add_argument("--img_size", type=int, default=512)
    command.add_argument("--align", type=truth, nargs="?", const=True, default=True)
    command.add_argument("--test_size", type=float, default=0.1)
    command.add_argument("--shuffle", type=truth, nargs="?", const=True, default=True)
    command.add_argument("--output_dir", type=Path, help="[default: the input path]")
    command.add_argument("--num_workers", type=int, default=8)
    command.set_defaults(run=preprocess)


def _add_train(command: argparse.ArgumentParser) -> None:
    for name in ("data_dir", "log_dir", "models_dir", "output_dir"):
        command.add_argument(f"--{name}", type=Path, required=True)
    command.add_argument("--dataset_name", required=True)
    command.add_argument("--epoch", type=int, default=0, help="number of a new run's first epoch")
    command.add_argument("--n_epochs", type=int, default=200)
    command.add_argument("--batch_size", type=int, default=1)
    command.add_argument("--lr", type=float, default=0.0002)
    command.add_argument("--b1", type=float, default=0.5)
    command.add_argument("--b2", type=float, default=0.999)
    command.add_argument("--n_cpu", type=int, default=2)
    command.add_argument("--img_size", type=int, default=256)
    command.add_argument("--checkpoint_interval", type=int, default=500, help="in steps")
    command.add_argument("--device", type=int, default=0, help="-1, or no GPU: the CPU")
    command.add_argument("--minutes", type=float, help="stop after so long; go on with the same")
    command.set_defaults(run=train_pix2pix)


def _add_classifier(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data_dir", type=Path, required=True)
    command.add_argument("--num_classes", type=int, required=True)
    command.add_argument("--learning_rate", type=float, default=0.0003)
    command.add_argument("--batch_size", type=int, default=128)
    command.add_argument("--n_epochs", type=int, default=100)
    command.add_argument("--device", type=int, default=0, help="-1, or no GPU: the CPU")
    command.add_argument("--output_dir", type=Path, default=Path("output"))
    command.add_argument("--monitor", default="val_loss")
    command.add_argument("--metric_mode", choices=("min", "max"), default="min")
    command.add_argument("--save_top_k", type=int, default=1, help="checkpoints; 0: all")
    command.add_argument("--early_stop_n", type=int, default=5, help="epochs; 0: never")
    command.add_argument("--num_workers", type=int, default=8)
    command.add_argument("--size", default="base", help="base, as published, or a smaller one")
    command.add_argument("--weights", type=Path, help="a folder of weights to start from")
    command.add_argument("--download", help="fetch weights, such as facebook/convnext-base-224")
    command.set_defaults(run=train_classifier)


def main() -> None:
    """Run one of the commands."""
    arguments = parser().parse_args()
    arguments.run(arguments)


def preprocess(arguments: argparse.Namespace) -> None:
    """Split, crop, segment, and draw landmark maps."""
    from ganonymization.paper.preprocess import preprocess as run

    out = arguments.output_dir or arguments.input_path
    report = run(
        arguments.input_path, out, arguments.img_size, arguments.align, arguments.test_size,
        arguments.shuffle, arguments.num_workers,
    )  # fmt: skip
    print(", ".join(f"{split} {count}" for split, count in report.faces.items()), f"faces in {out}")
    if report.skipped:
        print(f"left out {len(report.skipped)}, listed in {out / 'left_out.txt'}")
    print_skipped(report.skipped)


def train_pix2pix(arguments: argparse.Namespace) -> None:
    """Train the paper's networks, or go on with the newest checkpoint in --models_dir."""
    require_torch()
    from ganonymization.paper.train_pix2pix import Pix2PixSettings
    from ganonymization.paper.train_pix2pix import train_pix2pix as run

    settings = Pix2PixSettings(
        data_dir=str(arguments.data_dir), models_dir=str(arguments.models_dir),
        output_dir=str(arguments.output_dir), n_epochs=arguments.n_epochs,
        dataset_name=arguments.dataset_name, batch_size=arguments.batch_size, lr=arguments.lr,
        b1=arguments.b1, b2=arguments.b2, n_cpu=arguments.n_cpu, img_size=arguments.img_size,
        device=arguments.device,
    )  # fmt: skip
    interval = arguments.checkpoint_interval
    print(run(settings, arguments.log_dir, arguments.epoch, interval, arguments.minutes))


def train_classifier(arguments: argparse.Namespace) -> None:
    """Train the paper's classifier, or go on with the run in --output_dir."""
    require_transformers()
    from ganonymization.paper.classify.published import read_labelled
    from ganonymization.paper.classify.settings import ClassifierSettings
    from ganonymization.paper.classify.train import train_classifier as run

    if arguments.device < -1:
        raise OptionError(f"--device {arguments.device}: give -1 for the CPU or a GPU's number")
    settings = ClassifierSettings(
        num_classes=arguments.num_classes, size=arguments.size, weights=arguments.weights,
        download=arguments.download, learning_rate=arguments.learning_rate,
        batch_size=arguments.batch_size, n_epochs=arguments.n_epochs, monitor=arguments.monitor,
        metric_mode=arguments.metric_mode, save_top_k=arguments.save_top_k,
        early_stop_n=arguments.early_stop_n, num_workers=arguments.num_workers,
        gpu=arguments.device, report_on="val", report_prefix=f"{arguments.data_dir.name}_",
    )  # fmt: skip
    table, skipped = read_labelled(arguments.data_dir)
    trained = run(table, arguments.output_dir, settings)
    print(trained.summary())
    print_skipped([*skipped, *trained.skipped])


def anonymize(arguments: argparse.Namespace) -> None:
    """Anonymize a picture or a folder in portrait mode."""
    from ganonymization import Anonymizer
    from ganonymization.batch.address import check_apart
    from ganonymization.batch.execute import in_threads
    from ganonymization.batch.folder import FolderJob
    from ganonymization.batch.secret import secret_of
    from ganonymization.batch.storage import LocalStorage
    from ganonymization.cli import console
    from ganonymization.io import images  # after --help

    if arguments.device < -1:
        raise OptionError(f"--device {arguments.device}: give -1 for the CPU or a GPU's number")
    if not 16 <= arguments.img_size <= 4096:
        raise OptionError(f"--img_size {arguments.img_size}: give 16 to 4096 pixels")
    folder = arguments.command == "anonymize_directory"
    source = arguments.input_directory if folder else arguments.input_file
    out = arguments.output_directory if folder else arguments.output_file
    folders = LocalStorage(source), LocalStorage(out)
    if folder:
        check_apart(*folders)
    else:
        images.check_output(source, out)
    anonymizer = Anonymizer(
        mode="portrait",
        model=arguments.model_file,
        portrait_size_px=arguments.img_size,
        level_portraits=arguments.align,
    )
    if not anonymizer.draws_scenes:  # a published network: it gets what it got when published
        anonymizer = anonymizer.using(privacy="keep shape")
    if not folder:
        console.anonymize_image(
            anonymizer, source, out, arguments.seed, None, images.DEFAULT_MAX_PIXELS, False
        )
        return
    secret = secret_of(folders[1].identity)
    fresh = arguments.seed is None
    seed = secret.seed if fresh else arguments.seed
    job = FolderJob(lambda: anonymizer, *folders, seed, secret_seed=fresh, key=secret.key)
    sys.exit(console.anonymize_folder(job, in_threads(2), False))


if __name__ == "__main__":
    cli.run(main)
