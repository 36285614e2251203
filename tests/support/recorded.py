"""What versions before 0.5 printed about a run, less what is computed in another way since."""

from typing import Any


def without_measures(shown: Any) -> Any:
    """Return the object of `scai show --json` without the measures that 0.5 changed, for a comparison with today's.

    Intervals were of a bootstrap, and the headline's sentence has them; agreement of ratings and answers was also over
    own and cross ratings together, and counted the style of others' answers.
    """
    honesty = {user: {"own": found["own"]} for user, found in shown["honesty"].items()}
    headline = shown.get("headline")
    if headline is None:
        return {**shown, "honesty": honesty}
    changes = {
        name: {key: value for key, value in headline[name].items() if key not in ("low", "high")}
        for name in ("satisfaction", "welfare")
    }
    kept = {key: value for key, value in headline.items() if key != "sentence"}
    return {**shown, "honesty": honesty, "headline": {**kept, **changes}}


def without_fidelity(shown: Any) -> None:
    """Remove what `scai evaluate --suite fidelity` replaced in 0.7 from the object of `scai show --json`."""
    for key in ("controls", "judge"):
        shown["config"].pop(key, None)
    shown["config"]["ratings"].pop("anchors", None)
    for epoch in shown["epochs"]:
        epoch.pop("anchors", None)
        for key in ("drift", "corrected"):
            (epoch["welfare"] or {}).pop(key, None)
