"""A saved evaluation loads third-party code only with `--trust`: also that of its systems and judges."""

import asyncio
from pathlib import Path

import pytest

from scai_cli import api
from scai_cli.errors import RunError

PROVIDER = "scai_cli.models.simulated:connect"
OPTIONS = {
    "system": {"systems": ("none", f"bare,{PROVIDER}:m"), "suites": ("choice",)},
    "judge": {"systems": ("none", "bare"), "suites": ("pairs",), "judges": (f"{PROVIDER}:m",)},
}


@pytest.mark.parametrize("place", OPTIONS)
def test_third_party_providers_of_systems_and_judges_need_trust(tmp_path: Path, place: str) -> None:
    first = asyncio.run(api.evaluate(n=1, model="simulated", **OPTIONS[place], runs_dir=tmp_path, run_id="it"))
    assert first.status == "finished"
    with pytest.raises(RunError, match=f"names third-party code, provider '{PROVIDER}'; add --trust"):
        asyncio.run(api.resume("it", tmp_path))
    assert asyncio.run(api.resume("it", tmp_path, trust=True)).status == "finished"
