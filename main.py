"""The published project's commands, word for word, on this project's library.

python main.py anonymize_image --model_file M --input_file I --output_file O
python main.py anonymize_directory --model_file M --input_directory I --output_directory O
"""

import argparse
import sys
from pathlib import Path

from ganonymization import cli
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
        command.add_argument("--model_file", required=True, help="an ONNX file, or 'default'")
        command.add_argument("--img_size", type=int, default=512, help="side of the portraits")
        command.add_argument("--align", type=truth, nargs="?", const=True, default=True)
        command.add_argument("--device", type=int, default=0, help="-1, or no GPU: the CPU")
        command.add_argument("--seed", type=int, default=None)
        command.add_argument("--debug", action="store_true")
    return top


def main() -> None:
    """Run one of the commands in portrait mode."""
    arguments = parser().parse_args()
    from ganonymization import Anonymizer, batch, console, images, seeds  # after --help

    if arguments.device < -1:
        raise OptionError(f"--device {arguments.device}: give -1 for the CPU or a GPU's number")
    if not 16 <= arguments.img_size <= 4096:
        raise OptionError(f"--img_size {arguments.img_size}: give 16 to 4096 pixels")
    folder = arguments.command == "anonymize_directory"
    source = arguments.input_directory if folder else arguments.input_file
    out = arguments.output_directory if folder else arguments.output_file
    if folder:
        batch.check_folders(source, out)
    else:
        images.check_output(source, out)
    anonymizer = Anonymizer(
        mode="portrait",
        model=arguments.model_file,
        portrait_size_px=arguments.img_size,
        level_portraits=arguments.align,
    )
    if not folder:
        console.anonymize_image(
            anonymizer, source, out, arguments.seed, None, images.DEFAULT_MAX_PIXELS, False
        )
        return
    seed = seeds.fresh_seed() if arguments.seed is None else arguments.seed
    if not console.anonymize_folder(batch.FolderJob(anonymizer, source, out, seed), 2, False):
        sys.exit(1)


if __name__ == "__main__":
    cli.run(main)
