"""The Containerfile, as far as it can be checked without a container engine."""

import json
import re
from pathlib import Path

from typer.testing import CliRunner

from ganonymization.cli import app

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "Containerfile").read_text().replace("\\\n", "")
STEPS = [tuple(line.split(maxsplit=1)) for line in TEXT.splitlines() if re.match("[A-Z]+ ", line)]


def all_of(word):
    return [rest for step, rest in STEPS if step == word]


def copied():
    """Paths that are taken from the repository."""
    lines = [line.split() for line in all_of("COPY") if not line.startswith("--from")]
    return [path for *paths, _ in lines for path in paths]


def test_it_copies_what_is_there_and_what_is_not_ignored():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert copied()
    for path in copied():
        assert (ROOT / path).exists(), path
        assert f"!{path}" in ignored, path


def test_it_runs_as_nobody_special():
    (user,) = all_of("USER")
    assert user not in ("0", "root")
    assert TEXT.index("USER ") < TEXT.index("ENTRYPOINT ")


def test_its_health_is_asked_for():
    (check,) = all_of("HEALTHCHECK")
    python, flag, code = json.loads(check.partition("CMD ")[2])
    assert (python, flag) == ("python", "-c")
    compile(code, "the check", "exec")
    assert "/healthz" in code


def test_it_serves_others_and_holds_no_token(monkeypatch):
    (entry,) = all_of("ENTRYPOINT")
    program, *arguments = json.loads(entry)
    assert program == "ganonymize" and "0.0.0.0" in arguments and "--token" not in arguments
    assert not [line for line in all_of("ENV") + all_of("ARG") if "TOKEN" in line]
    monkeypatch.delenv("GANONYMIZE_TOKEN", raising=False)
    refused = CliRunner().invoke(app, arguments)
    assert refused.exit_code
    assert "give a --token" in str(refused.exception)


def test_nothing_is_told_to_others():
    assert "ORT_DISABLE_TELEMETRY=1" in " ".join(all_of("ENV")).split()


def test_it_leaves_no_cache():
    (line,) = [line for line in all_of("RUN") if "pip install" in line]
    assert "--no-cache-dir" in line
    assert "apt-get" not in " ".join(all_of("RUN"))
