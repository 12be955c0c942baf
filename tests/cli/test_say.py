import io

import pytest

from ganonymization.cli.say import complain, say, warn


@pytest.mark.parametrize(
    ("name", "shown"),
    [("a b\u6f22.png", "a b\u6f22.png"), ("a\x1b[2Jb", "a\\x1b[2Jb"), ("a\nb\r", "a\\x0ab\\x0d"),
     ("a\x9bb", "a\\x9bb")],
)  # fmt: skip
def test_control_characters_in_names_do_not_reach_the_terminal(name, shown):
    text = io.StringIO()
    say(name, text)
    assert text.getvalue() == shown + "\n"


def test_warnings_and_errors_are_told_on_the_error_stream(capsys):
    warn("a")
    complain("b")
    assert capsys.readouterr() == ("", "warning: a\nerror: b\n")
