"""The audience of a system message: everyone, the members of the group by name, or one person."""

from typing import Final, NamedTuple

from scai_cli.errors import ConfigError
from scai_cli.experiment.constitution import Constitution
from scai_cli.runs.history.history import History
from scai_cli.simulation.prompts import Prompts
from scai_cli.text.suggestions import did_you_mean

EVERYONE: Final = "everyone"
MEMBERS: Final = "members"


class AudienceMessage(NamedTuple):
    """A constitution with the clauses for an audience, its system message, and the number of clauses left out."""

    constitution: Constitution
    system_message: str
    left_out: int = 0


def for_everyone(constitution: Constitution) -> Constitution:
    """Return a constitution without the clauses for single people."""
    return constitution.model_copy(update={"contract": tuple(c for c in constitution.contract if not c.users)})


def for_audience(history: History, audience: str = EVERYONE, epoch: int | None = None) -> AudienceMessage:
    """Return a run's product, or the constitution of an epoch, as an audience gets it.

    `everyone` leaves out the clauses for single people, `members` has all of them, and a persona's id has that
    person's. Raises ConfigError for an unknown id, RunError for an unknown epoch.
    """
    user = None if audience in (EVERYONE, MEMBERS) else audience
    if user is not None and user not in (known := [persona.id for persona in history.config.personas.inline]):
        near = did_you_mean(user, [EVERYONE, MEMBERS, *known])
        raise ConfigError(f"--for {user}: run {history.run_id!r} has no persona with this id{near}")
    constitution, message = history.product
    if epoch is not None:
        (played,) = history.chosen(epoch)
        constitution, message = played.constitution, played.system_message
    if not any(clause.users for clause in constitution.contract):
        return AudienceMessage(constitution, message)
    # Rendered again, as the messages of versions before 0.6 have the clauses for single people.
    config = history.config
    prompts = Prompts(config.prompts, config.ratings, config.constitution, config.personas.inline)
    message = prompts.system_message(constitution, user, with_members=audience == MEMBERS)
    kept = tuple(c for c in constitution.contract if not c.users or audience == MEMBERS or user in c.users)
    left_out = len(constitution.contract) - len(kept)
    return AudienceMessage(constitution.model_copy(update={"contract": kept}), message, left_out)
