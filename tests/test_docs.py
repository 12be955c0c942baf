"""What the documentation says of itself: links that lead somewhere, commands that there are."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer

import ganonymization
from ganonymization.cli import app

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "web/*.md", "src/ganonymization/weights/*.md")
    for path in ROOT.glob(pattern)
)
BLOCK = re.compile(r"^ *```[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
COMMANDS = typer.main.get_command(app)


def named(path):
    return str(path.relative_to(ROOT))


def links(page):
    text = re.sub(r"`[^`\n]*`", "", BLOCK.sub("", page.read_text()))
    return re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text)


def anchors(page):
    """Of headings, as GitHub and Python-Markdown make them."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", page.read_text()), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


def command_lines():
    for page in PAGES:
        for block in BLOCK.findall(page.read_text()):
            for line in re.findall(r"(?:^|&& |\| |SECRET )(ganonymize .*)$", block, re.MULTILINE):
                for part in re.split(r" && | \| ", line.split("  #")[0].split(" # ")[0]):
                    if part.startswith("ganonymize "):
                        yield pytest.param(part.strip(), id=f"{named(page)}: {part.strip()}")


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page):
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = link.partition("#")
        target = (page.parent / place) if place else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("line", list(command_lines()))
def test_a_command_has_the_options_that_are_shown(line):
    command, words = COMMANDS, shlex.split(line)[1:]
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    if hasattr(command, "commands"):  # inputs alone, as in: ganonymize photo.jpg
        assert re.match(r"\d|.*(\.| --)", " ".join(words)), "names no command"
        command = command.commands["anonymize"]
    known = {
        name
        for parameter in command.params
        for name in (*parameter.opts, *parameter.secondary_opts)
    }
    given = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    assert given <= known | {"--help", "--debug"}


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().split()) <= 700


def test_one_version_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == ganonymization.__version__
    assert f"\nversion: {ganonymization.__version__}\n" in (ROOT / "CITATION.cff").read_text()


def test_the_site_has_every_page():
    listed = (ROOT / "mkdocs.yml").read_text()
    for page in (ROOT / "docs").glob("**/*.md"):
        assert named(page) in listed


def test_the_workflows_and_forms_are_yaml():
    yaml = pytest.importorskip("yaml")
    for path in (ROOT / ".github").rglob("*.yml"):
        read = yaml.safe_load(path.read_text())
        assert read.get("body") or read.get("jobs") or path.name == "config.yml", path
