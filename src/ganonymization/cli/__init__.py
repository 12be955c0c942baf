"""The command line. Every command is a thin call of the library, imported when it runs."""

import io
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from typing import Annotated

import typer

from .. import __version__
from ..errors import GanonymizationError, with_options
from . import anonymize, bank, classify, dataset, evaluate, inputs, serve, train, video
from .help import Command, Group, documented
from .say import complain

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    subcommand_metavar="IN... | COMMAND",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _tell_version(asked: bool) -> None:
    if asked:
        print(f"ganonymize {__version__}")
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_tell_version, is_eager=True, help="Say which one this is."
        ),
    ] = False,
) -> None:
    """Replace every face in pictures and videos by nobody's face, and keep the expression.

    ganonymize photo.jpg clip.mp4 folder: makes photo-anon.jpg, clip-anon.mp4 and folder-anon; that
    is the command 'anonymize', which need not be named.
    """


for command in (
    inputs.anonymize, anonymize.image, video.video, anonymize.folder, dataset.dataset,
    serve.serve, anonymize.models, anonymize.demo, evaluate.evaluate,
    train.prepare, train.train, train.fit_shape, train.export,
):  # fmt: skip
    app.command(command.__name__.replace("_", "-"), cls=Command)(documented(command))
app.add_typer(classify.app, name="classify")
app.add_typer(bank.app, name="bank")


_LINEAR_ALGEBRA = {"train", "fit-shape", "evaluate", "classify"}


def run(application: Callable[[], None]) -> None:
    """Run a command line: one line and exit code 1 for our errors, a traceback with ``--debug``."""
    debug = "--debug" in sys.argv
    sys.argv[1:] = [word for word in sys.argv[1:] if word != "--debug"]
    if not debug:
        _silence_native_code()
    warnings.filterwarnings("ignore", "Image size", Warning)  # our own limit decides
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # file names may be no text
    if not {*sys.argv[1:2]} & _LINEAR_ALGEBRA:
        # NumPy's threads gain nothing on a face's points, and wait for work by spinning
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if sys.argv[1:2] != ["train"]:  # whose launcher ends its processes by this signal itself
        signal.signal(signal.SIGTERM, _stop)
    try:
        application()
    except GanonymizationError as error:
        if debug:
            traceback.print_exc()
        complain(with_options(str(error)))
        sys.exit(1)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)


def _stop(*_: object) -> None:
    """End as after Ctrl-C: what is half written goes away."""
    sys.exit(128 + signal.SIGTERM)


def main() -> None:
    """The entry point of ``ganonymize``."""
    run(app)


def _silence_native_code() -> None:
    """Send what MediaPipe's C++ code prints nowhere; Python keeps the real standard error."""
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
