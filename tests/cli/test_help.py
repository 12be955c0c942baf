"""Help: whole, in groups, and completed by shells."""

import subprocess
import sys

import pytest
import typer.main
from typer.testing import CliRunner

from ganonymization import cli
from ganonymization.cli.help import _GROUPS

GROUP = typer.main.get_command(cli.app)


def flat(text):
    return " ".join(text.split())


def test_what_commands_do_is_not_cut_off():
    told = flat(CliRunner().invoke(cli.app, ["--help"], terminal_width=60).output)
    assert "..." not in told.replace("IN...", "")
    for name, command in GROUP.commands.items():
        assert f"{name} {flat(command.help.partition(chr(10) * 2)[0])}" in told


@pytest.mark.parametrize("name", ["anonymize", "image", "video", "folder", "dataset"])
def test_options_are_in_groups_each_once(name):
    lines = CliRunner().invoke(cli.app, [name, "--help"]).output.splitlines()
    titles = [line.rstrip(":") for line in lines if line and not line.startswith(" ")]
    assert [title for title in titles if title in _GROUPS] == [
        title for title in _GROUPS if title in titles
    ]
    assert {"Which faces", "New faces", "Output"} <= set(titles)
    told = "\n".join(lines)
    for parameter in GROUP.commands[name].params:
        for option in parameter.opts:
            if option.startswith("--"):
                assert told.count(f"  {option} ") + told.count(f", {option} ") == 1, option


def test_groups_name_options_that_there_are():
    known = {p.name for command in GROUP.commands.values() for p in command.params}
    assert {name for names in _GROUPS.values() for name in names.split()} <= known


def test_few_options_need_no_groups():
    told = CliRunner().invoke(cli.app, ["models", "--help"]).output
    assert "Options:" in told and "Output:" not in told


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands(shell):
    asked = {
        "bash": {"COMP_WORDS": "ganonymize fold", "COMP_CWORD": "1"},
        "zsh": {"_TYPER_COMPLETE_ARGS": "ganonymize fold"},
        "fish": {
            "_TYPER_COMPLETE_ARGS": "ganonymize fold",
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        },
    }[shell]
    environment = {"_GANONYMIZE_COMPLETE": f"complete_{shell}", **asked}
    answer = CliRunner().invoke(cli.app, [], env=environment, prog_name="ganonymize")
    assert "folder" in answer.output


def test_help_loads_nothing_heavy():
    code = "import sys\nsys.argv = ['ganonymize', '--help']\nfrom ganonymization.cli import main\n"
    code += "try:\n    main()\nexcept SystemExit:\n    print(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert not {"numpy", "cv2", "av", "PIL", "onnxruntime"} & {*answer.stdout.split()}
