"""Notices: every text once, earlier ones kept for the listener."""

from scai_cli.models.notices import Notices


def test_a_line_is_told_once_and_kept_until_somebody_listens():
    notices, heard = Notices(), []
    notices("first")
    notices.listen(heard.append)
    for line in ("first", "second", "second"):
        notices(line)
    assert heard == ["first", "second"]
