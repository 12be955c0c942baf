"""What commands say of themselves: from docstrings, in groups, and whole.

A command is a function whose parameters are described in its docstring under ``Options:``.
"""

import inspect
import re
from collections.abc import Callable
from copy import copy
from typing import Annotated, Any, get_origin

import typer
from typer.core import TyperCommand, TyperGroup

LIKELY = "anonymize"
"""The command that is meant where none is named."""

_GROUPS = {
    "Which faces": "detector min_score min_face detect_size thorough audit add_box boxes "
    "ignore_box only_box keep_person on_no_face",
    "New faces": "mode model privacy keep_shape shape bank age sex skin on_failure seed",
    "Videos": "codec crf audio keep_subtitles hdr salvage seconds",
    "Output": "out name report export_boxes as_json overwrite strict dry_run max_pixels",
    "Work": "device jobs engine address shard watch",
}
_GROUP_OF = {name: group for group, names in _GROUPS.items() for name in names.split()}
_MANY = 12  # options; fewer need no groups


class Command(TyperCommand):
    """A command whose help has its options in groups."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options, each group under its title."""
        parameters = [(p, p.get_help_record(ctx)) for p in self.get_params(ctx)]
        shown = [(p, record) for p, record in parameters if record is not None]
        groups: dict[str, list[tuple[str, str]]] = {"Arguments": []}
        groups |= {title: [] for title in (*_GROUPS, "Options")}
        for parameter, record in shown:
            title = _GROUP_OF.get(parameter.name or "", "Options")
            if parameter.param_type_name == "argument":
                title = "Arguments"
            elif len(shown) < _MANY:
                title = "Options"
            groups[title].append(record)
        for title, records in groups.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class Group(TyperGroup):
    """Commands, each with the whole first sentence of its help.

    Of the group with :data:`LIKELY` among its commands that one is meant where none is named.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Name the likely command where the first word is neither a command nor an option here."""
        own = {option for parameter in self.get_params(ctx) for option in parameter.opts}
        if LIKELY in self.commands and args and args[0] not in (*self.commands, *own):
            args = [LIKELY, *args]
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write what each command does, in a sentence."""
        commands = [(name, self.commands[name]) for name in self.list_commands(ctx)]
        rows = [(name, _first_sentence(each.help or "")) for name, each in commands]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _first_sentence(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split())


def documented(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command's parameters the help that its docstring has under ``Options:``.

    What has no default becomes an argument, and what is False a flag that cannot be negated.
    """
    text, _, section = (inspect.getdoc(command) or "").partition("\n\nOptions:\n")
    found = re.findall(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", section, re.MULTILINE)
    helps = {name: re.sub(r"\s+", " ", lines) for name, lines in found}
    parameters = [
        _with_help(parameter, helps[name]) if name in helps else parameter
        for name, parameter in inspect.signature(command).parameters.items()
    ]
    command.__doc__ = text
    sign(command, parameters)
    return command


def _with_help(parameter: inspect.Parameter, text: str) -> inspect.Parameter:
    kind = parameter.annotation
    if get_origin(kind) is Annotated:
        kind, info = kind.__origin__, copy(kind.__metadata__[0])
        info.help = text
    elif parameter.default is parameter.empty:
        info = typer.Argument(help=text)
    elif parameter.default is False:
        info = typer.Option("--" + parameter.name.replace("_", "-"), help=text)
    else:
        info = typer.Option(help=text)
    return parameter.replace(annotation=Annotated[kind, info])


def sign(command: Callable[..., Any], parameters: list[inspect.Parameter]) -> None:
    """Have Typer see these parameters of a command."""
    keywords = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
    command.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
