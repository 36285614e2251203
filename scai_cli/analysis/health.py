"""The health of a run or a generated set: reasons not to trust a number, each in one sentence with its remedy."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from scai_cli.analysis.config_warnings import self_rating
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import listed
from scai_cli.runs.history.answers import AnswerCounts
from scai_cli.simulation.rater_check import fault, verdict
from scai_cli.text.characters import one_line
from scai_cli.text.data_files import read_data_file

ENOUGH: Final = 10
"""The minimal number of ratings for the warning that they have one value."""
ONE_VALUE: Final = 0.6
"""The share of one value among ratings above which they hardly distinguish the answers."""
_TEXTS: Final = read_data_file(__file__)
_NONE: Final = Counter[str]()


def health_warnings(counts: AnswerCounts, config: ExperimentConfig) -> list[str]:
    """Return a sentence for each reason not to trust a number, the most important first."""
    return [*answer_warnings(counts, config).values(), *self_rating(config)]


def health_object(counts: AnswerCounts, config: ExperimentConfig) -> dict[str, Any]:
    """Return the key `health` of `scai show --json`."""
    return {
        "warnings": health_warnings(counts, config),
        "roles": {role: dict(sorted(marks.items())) for role, marks in counts.roles.items()},
        "refused": counts.refused,
        "epochs_without_revision": counts.unrevised,
        "commonest_ratings": {kind: dict(values.most_common(3)) for kind, values in counts.values.items()},
    }


def answer_warnings(counts: AnswerCounts, config: ExperimentConfig) -> dict[str, str]:
    """Return the warnings about answers by their reasons (`assistant/cut`, `one_value`, ...)."""
    found = dict(_of_marks(counts, config))
    if failed := [check for check in counts.checks if check.passed is False]:
        model = listed([check.model for check in failed])
        said = {"fault": fault(failed[0]), "verdict": verdict(failed[0])}
        found["rater_check"] = _TEXTS["rater_check"].format(model=model, **said)
    same = [
        f"{n} of {total} {kind} ratings are {value:g}"
        for kind, values in counts.values.items()
        for value, n in values.most_common(1)
        if (total := values.total()) >= ENOUGH and n > ONE_VALUE * total
    ]
    # The simulated society's ratings follow a known formula, in which most answers harm nobody.
    if same and config.model_for("rater").provider != "simulated":
        found["one_value"] = _TEXTS["one_value"].format(ratings=listed(same))
    reasons = Counter(reason for reason in counts.unrevised.values() if reason in _TEXTS["reasons"])
    for reason, n in reasons.items():
        words = _text(_TEXTS["reasons"][reason], config, "meta").format(key=_key(config, "meta"))
        found[f"unrevised/{reason}"] = _TEXTS["unrevised"].format(epochs=f"{n} epoch{'s' * (n > 1)}", reason=words)
    if n := counts.refused:
        found["refused"] = _TEXTS["refused"].format(prompts=f"{n} prompt{'s were' if n > 1 else ' was'}")
    return found


def harmless_marks(counts: AnswerCounts) -> str:
    """Return the answers that needed care but can be trusted, in words; empty if there are none."""
    marks = ((counts.roles.get(role, _NONE)[mark], words) for role, mark, words in _TEXTS["harmless"])
    return ", ".join(f"{n} {words}" for n, words in marks if n)


def _of_marks(counts: AnswerCounts, config: ExperimentConfig) -> Iterator[tuple[str, str]]:
    for role, mark, sentence in _TEXTS["marks"]:
        marks = counts.roles.get(role, _NONE)
        if n := marks[mark]:
            were, their = ("was", "its") if n == 1 else ("were", "their")
            empty = f", {marks['cut_empty']} of them empty" if marks["cut_empty"] else ""
            of, ends = f"{n} of {marks['answers']}", one_line(", ".join(counts.ends), 60)
            words = {"n": of, "were": were, "their": their, "empty": empty, "ends": ends, "key": _key(config, role)}
            yield f"{role}/{mark}", _text(sentence, config, role).format(**words)


def _text(sentence: str, config: ExperimentConfig, role: str) -> str:
    """Return a sentence without a remedy that is none for a role's model."""
    model = config.model_for("rater" if role == "user" else "meta")
    return sentence if model.may_send_schema else sentence.replace(_TEXTS["schema"], "")


def _key(config: ExperimentConfig, role: str) -> str:
    """Return the experiment's key of a role's model: `model`, or `roles.ROLE` if that changes the model."""
    role = "rater" if role == "user" and config.has_rater else role
    changes = getattr(config.roles, role, None)
    return f"roles.{role}" if changes is not None and changes.model_dump(exclude_none=True) else "model"
