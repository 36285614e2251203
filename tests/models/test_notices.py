"""Notices: every text once, to the listener, by default on stderr."""

from scai_cli.models.notices import Notices


def test_a_line_is_told_once(capsys):
    notices, heard = Notices(), []
    notices("first\x1b[31m")
    assert capsys.readouterr().err == "first␛[31m\n"
    notices.listener = heard.append
    for line in ("first\x1b[31m", "second", "second"):
        notices(line)
    assert heard == ["second"]
