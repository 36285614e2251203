"""Searches for unused cycles are rare inside the block, and as before after it."""

import gc
from contextlib import suppress

from scai_cli.concurrency import seldom_collected


def test_the_threshold_is_raised_and_restored_after_an_error() -> None:
    before = gc.get_threshold()
    with suppress(ValueError), seldom_collected():
        inside = gc.get_threshold()
        raise ValueError
    assert inside[0] > before[0]
    assert gc.get_threshold() == before
