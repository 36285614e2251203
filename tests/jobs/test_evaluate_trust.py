"""A saved evaluation loads third-party code only with `--trust`: also that of its systems and judges."""

from pathlib import Path

import pytest

from scai_cli.errors import RunError
from scai_cli.experiment.load import Overrides
from scai_cli.jobs import evaluate
from scai_cli.jobs.evaluate_source import EvaluateOptions
from scai_cli.jobs.session import SilentObserver

PROVIDER = "scai_cli.models.simulated:connect"
OPTIONS = {
    "system": {"systems": ("none", f"bare,{PROVIDER}:m"), "suites": ("choice",)},
    "judge": {"systems": ("none", "bare"), "suites": ("pairs",), "judges": (f"{PROVIDER}:m",)},
}


@pytest.mark.parametrize("place", OPTIONS)
def test_third_party_providers_of_systems_and_judges_need_trust(tmp_path: Path, place: str) -> None:
    options = EvaluateOptions(n=1, overrides=Overrides(model="simulated"), **OPTIONS[place])
    first = evaluate.start(options, tmp_path, "it", SilentObserver())
    assert first.status == "finished"
    with pytest.raises(RunError, match=f"names third-party code, provider '{PROVIDER}'; add --trust"):
        evaluate.resume(tmp_path / "it", (), SilentObserver())
    assert evaluate.resume(tmp_path / "it", (), SilentObserver(), trust=True).status == "finished"
