"""`scai trust`, and the question at a terminal before a key goes to a host for the first time."""

import sys
from typing import Annotated

import typer

from scai_cli.cli import options
from scai_cli.errors import ConfigError, KeyUntrusted, OutputError, cannot_write


def trust(
    variable: Annotated[str, typer.Argument(metavar="VARIABLE", help="Environment variable with the key.")] = "",
    host: Annotated[str, typer.Argument(metavar="ORIGIN", help="Host, e.g. https://models.example:8000.")] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Send the key there no longer.")] = False,
    as_json: options.Json = False,
) -> None:
    """Allow scai to send a key to a host. Without arguments, list what you have allowed."""
    from scai_cli.experiment.model_settings import variable_name
    from scai_cli.models.key_trust import origin_of, remembered_pairs

    if variable or host or remove:
        try:
            pair = variable_name(variable), origin_of(host)
        except ValueError as error:
            raise ConfigError(f"scai trust VARIABLE ORIGIN: {error}") from None
        _keep(pair, remove=remove)
        options.say(f"the key in {pair[0]} may {'no longer ' if remove else ''}go to {pair[1]}")
    if as_json:
        options.print_json([{"variable": name, "origin": origin} for name, origin in remembered_pairs()])
    elif not variable:
        sys.stdout.write("".join(f"{name} {origin}\n" for name, origin in remembered_pairs()))


def allow(refused: KeyUntrusted) -> bool:
    """Ask at a terminal whether a key may go to a host; remember a yes. Without a terminal, return False."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    options.say(str(refused).partition("; ")[0])
    sys.stderr.write("Does the key belong to this host? Send it there, now and later? [y/N] ")
    sys.stderr.flush()
    if yes := sys.stdin.readline().strip().lower() in ("y", "yes"):
        _keep(refused.pair)
    return yes


def _keep(pair: tuple[str, str], *, remove: bool = False) -> None:
    """Add a pair to the user's file, or remove it; raises OutputError."""
    from scai_cli.models.key_trust import pairs_file, remembered_pairs
    from scai_cli.runs.jsonl import write_whole
    from scai_cli.runs.locks import LOCK, try_lock

    file = pairs_file()
    try:
        if not file.is_absolute():
            raise OutputError("this user has no home folder; set XDG_CONFIG_HOME to a folder for the list of hosts")
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (file.parent / LOCK).open("a") as lock:
            while not try_lock(lock):
                pass  # another process holds it for an instant
            pairs = remembered_pairs()
            if remove and pair not in pairs:
                raise ConfigError(f"{' '.join(pair)} is not in the list that `scai trust` prints")
            pairs = [other for other in pairs if other != pair] + [pair] * (not remove)
            write_whole(file.resolve(), "".join(f"{variable} {origin}\n" for variable, origin in pairs))
            file.chmod(0o600)
    except OSError as error:
        raise cannot_write(file, error) from None
