"""The lines of a conversation, as an experiment's dialogue declares them: who speaks when, and by which call."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

from scai_cli import plugins
from scai_cli.errors import ConfigError, ScaiError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.messages import AgentRole
from scai_cli.text.characters import one_line

FEEDBACK: Final = "feedback"
"""The purpose of a call in which a user rates on the scale."""
_END: Final = ("assistant", "user")


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a conversation: its speaker, and the purpose of the call that writes it; None without a call."""

    speaker: Literal["user", "assistant"]
    call: str | None = None
    rating: str | None = None
    """The purpose of the call that rates the answer before it; None if the call that writes it does, or none."""
    may_end: bool = False
    """Whether a conversation may end with it, as it does with the last one."""

    @property
    def calls(self) -> Sequence[str]:
        """The purposes of its calls."""
        return [call for call in (self.call, self.rating) if call is not None]


def lines_of(config: ExperimentConfig) -> tuple[Line, ...]:
    """Return the lines of a whole conversation of an experiment; the last two are its final answer and its rating.

    Raises ConfigError if the dialogue cannot play the experiment, if it ends otherwise, and for a rater without a call.
    """
    name = config.dialogue
    try:
        lines = tuple(new_dialogue(name).lines(config))
        if tuple(line.speaker for line in lines[-2:]) != _END:
            raise ValueError("its last two lines must be the assistant's answer and the user's reply, which rates it")
    except Exception as error:
        if isinstance(error, ScaiError) or not plugins.is_foreign("dialogue", name):
            raise
        raise ConfigError(one_line(f"dialogue {name!r}: its lines failed: {type(error).__name__}: {error}")) from error
    if config.has_rater and lines[-1].rating is None:
        raise ConfigError(
            f"roles.rater: in the dialogue {name!r} a user replies and rates in one call, by one model; "
            "set `dialogue: talk`, or remove the key"
        )
    return lines


def calls_of(config: ExperimentConfig) -> Counter[str]:
    """Return the calls of a whole conversation by purpose, without ratings by others."""
    return Counter(call for line in lines_of(config) for call in line.calls)


def rating_call(lines: Sequence[Line]) -> str | None:
    """Return the purpose of the call that gives a user's final rating; None without a call."""
    return next(reversed(lines[-1].calls), None)


def require_feedback(config: ExperimentConfig, what: str) -> None:
    """Raise ConfigError, with `what` would need it, unless users rate by the prompt `feedback` in this dialogue."""
    if (last := rating_call(lines_of(config))) != FEEDBACK:
        raise ConfigError(
            f"{what}; in the dialogue {config.dialogue!r} users rate by {last!r} and not by `feedback`; "
            "use an experiment with another dialogue"
        )


def steps_of(lines: Sequence[Line]) -> Counter[AgentRole]:
    """Return the calls of a whole conversation by role."""
    return Counter[AgentRole](line.speaker for line in lines for _ in line.calls)


def new_dialogue(name: str) -> Any:
    """Return a new `Dialogue` by its name; each conversation has one of its own."""
    return _factory(name)()


@lru_cache(maxsize=32)
def _factory(name: str) -> Any:
    return plugins.resolve("dialogue", name)
