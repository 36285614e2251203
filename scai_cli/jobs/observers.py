"""The observers that an experiment names: third-party code that watches a session and cannot harm it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scai_cli import plugins
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.jobs.session import Observer, SessionStart
from scai_cli.text.characters import one_line


def watched(config: ExperimentConfig, view: Observer[Any]) -> Observer[Any]:
    """Return an observer that passes everything to those that the experiment names, then to the view.

    Call it before anything is written: it raises ConfigError for a name that cannot be loaded.
    """
    named = [GuardedObserver(name, plugins.resolve("observer", name), view.say) for name in config.observers]
    return ObserverGroup([*named, view]) if named else view


@dataclass(slots=True)
class GuardedObserver:
    """An observer of a third party, made at the start of a session; the first exception that it raises ends it.

    Its methods may be missing. KeyboardInterrupt and a cancellation pass through.
    """

    name: str
    make: Callable[[], object]
    report: Callable[[str], object]
    """Gets the line about a failure."""
    watching: object | None = None
    """What is made, once it is made; given from the start, it also gets the messages before the session begins."""

    def begin(self, session: SessionStart) -> None:
        """Make the observer, and begin."""
        try:
            self.watching = self.make()
        except Exception as error:  # noqa: BLE001 - a third party can raise anything
            self._drop("it could not be made", error)
        self._call("begin", session)

    def see(self, item: object) -> None:
        """Pass an item on."""
        self._call("see", item)

    def say(self, line: str) -> None:
        """Pass a message on."""
        self._call("say", line)

    def end(self) -> None:
        """End the observer."""
        self._call("end")

    def _call(self, method: str, *arguments: object) -> None:
        try:
            if (call := getattr(self.watching, method, None)) is not None:
                call(*arguments)
        except Exception as error:  # noqa: BLE001 - a third party can raise anything
            self._drop(f"its `{method}` failed", error)

    def _drop(self, what: str, error: Exception) -> None:
        self.watching, self.make = None, lambda: None  # for good: a session that loses an answer begins again
        text = one_line(f"{type(error).__name__}: {error}", 300)
        self.report(f"warning: observer {self.name} sees no more: {what}: {text}")


@dataclass(frozen=True, slots=True)
class ObserverGroup:
    """Several observers as one, in order."""

    observers: Sequence[Observer[Any]]

    def begin(self, session: SessionStart) -> None:
        """Begin each."""
        for observer in self.observers:
            observer.begin(session)

    def see(self, item: object) -> None:
        """Pass an item to each."""
        for observer in self.observers:
            observer.see(item)

    def say(self, line: str) -> None:
        """Pass a message to each."""
        for observer in self.observers:
            observer.say(line)

    def end(self) -> None:
        """End each."""
        for observer in self.observers:
            observer.end()
