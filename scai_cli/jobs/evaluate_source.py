"""What an evaluation is made from: the systems, the experiment with its people and models, and the items."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from scai_cli import plugins
from scai_cli.analysis.audience import for_everyone
from scai_cli.errors import ConfigError
from scai_cli.evaluation.manifest import EvaluationManifest, SystemSettings
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.load import Overrides, bare_experiment, load_experiment
from scai_cli.experiment.model_settings import ModelChanges, ModelSettings, overlay, parse_model
from scai_cli.jobs.addresses import addressed, with_address
from scai_cli.jobs.generate_source import NONE, names_file
from scai_cli.jobs.model_pool import AgentModel
from scai_cli.jobs.saved_experiment import load_source
from scai_cli.jobs.starting_constitution import starting_from
from scai_cli.jobs.system_file import read_system_file
from scai_cli.populations.human.record import HumanData
from scai_cli.runs.find import find_run
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.history.history import History
from scai_cli.simulation.prompts import Prompts
from scai_cli.text.counts import counted
from scai_cli.values import is_safe_id, safe_id

BARE: Final = "bare"

_NAMED: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]*)=(.+)", re.DOTALL)
_MODEL: Final = re.compile(r"(.+),(simulated|[A-Za-z_][\w.]*:.+)", re.DOTALL)
_EPOCH: Final = re.compile(r"@(?=[0-9]+$)")
_NO_LIMITS: Final = ("limits.calls=null", "limits.tokens=null", "limits.usd=null", "limits.seconds=null")
"""The limits of a run do not apply to an evaluation of it."""
_OF_PEOPLE: Final = ("society", "fidelity", "realism")
"""The suites that play conversations: no real person is there to be asked."""


@dataclass(frozen=True, slots=True)
class EvaluateOptions:
    """The options of `scai evaluate`."""

    systems: Sequence[str]
    suites: Sequence[str] = ("society",)
    n: int | None = None
    judges: Sequence[str] | None = None
    gold: Path | None = None
    principle: str | None = None
    config: Path | None = None
    overrides: Overrides = field(default=Overrides())
    allow_seen: bool = False
    trust: bool = False
    human: Sequence[Path] = ()
    """Files and folders with the data of real people."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A system as it is named on the command line: `[NAME=]RUN[@EPOCH] | FILE | none | bare`, then `,PROVIDER:NAME`."""

    name: str | None
    target: str
    model: str | None

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Read a system; raises ConfigError for an empty one, or a name that no file can be read with."""
        with_model = _MODEL.fullmatch(text)
        target, model = with_model.groups() if with_model else (text, None)
        named = None if os.path.isfile(target) else _NAMED.fullmatch(target)  # a file's name may have a `=`
        name, target = named.groups() if named else (None, target)
        if not target.strip():
            raise ConfigError(f"{text!r} names no system; write RUN, FILE, none or bare")
        if named is None and "=" in target and "/" not in target and not os.path.exists(target):
            raise ConfigError(f"{target[:80]!r}: a system's name has only letters, digits, '-', '_' and '.'")
        try:
            name = None if name is None else safe_id(name)
        except ValueError as error:
            raise ConfigError(f"{text[:80]!r}: the name {error}") from None
        return cls(name, target, model)


@dataclass(frozen=True, slots=True)
class EvaluateSource:
    """The systems with their runs, and the experiment that they are evaluated with."""

    config: ExperimentConfig
    systems: Sequence[SystemSettings]
    histories: Sequence[History]
    """The runs among the systems."""
    stem: str
    """The start of the evaluation's name."""
    judges: Sequence[ModelSettings]
    principle: str | None
    notes: Sequence[str]
    """What the user should know before the start."""
    human: HumanData | None = None


def models_of(work: EvaluationManifest | EvaluateSource) -> list[AgentModel]:
    """Return the models of the systems and the judges."""
    systems: list[AgentModel] = [("assistant", system.model) for system in work.systems]
    return [*systems, *(("meta", judge) for judge in work.judges)]


def read_source(options: EvaluateOptions, runs: Path) -> EvaluateSource:
    """Read the systems and the experiment; raises ConfigError and RunError."""
    if options.principle is not None and not options.principle.strip():
        raise ConfigError("--principle: is empty; write the principle, or drop the option")
    _refuse_unused_data(options)
    references = [Reference.parse(text) for text in options.systems]
    by_run = {r.target: find_run(runs, _EPOCH.split(r.target)[0]) for r in references if _is_run(r, runs)}
    histories = {path: read_history(path, messages=False, ratings=False) for path in by_run.values()}
    experiment = _experiment(options, [r.model for r in references if r.model], list(histories), runs)
    config = with_address(experiment, options.overrides)
    notes = [
        f"run {history.run_id!r} is not finished ({history.status}): its constitution may still change"
        for history in histories.values()
        if history.status != "finished"
    ]
    systems: list[SystemSettings] = []
    for reference in references:
        history = histories[by_run[reference.target]] if reference.target in by_run else None
        system = _system(reference, history, config, notes)
        name = reference.name or _unused(system.name, [other.name for other in systems])
        if name in [other.name for other in systems]:
            raise ConfigError(f"two systems are called {name!r}; give one another name: NAME=SYSTEM")
        systems.append(system.model_copy(update={"name": name}))
    human = None
    if options.human:
        # The readers of its formats would be a twentieth of the start of an evaluation without such data.
        from scai_cli.populations.human.reading import read_human

        human = read_human(options.human)
        notes += human.notes
    return EvaluateSource(
        config,
        systems,
        list(histories.values()),
        _stem(systems),
        _judges(options, config),
        options.principle,
        list(dict.fromkeys(notes)),
        human,
    )


def _refuse_unused_data(options: EvaluateOptions) -> None:
    """Raise ConfigError for data of real people that no suite wants."""
    suites = [name.partition("=")[0].strip() for name in options.suites]
    if options.human and not any(map(_wants_human, suites)):
        known = " or ".join(filter(_wants_human, plugins.BUILT_IN["suite"]))
        raise ConfigError(
            f"--human {options.human[0]}: no suite of this evaluation uses data of real people; add --suite {known}"
        )


def _wants_human(suite: str) -> bool:
    return bool(getattr(plugins.resolve("suite", suite), "wants_human", False))


def _is_run(reference: Reference, runs: Path) -> bool:
    return reference.target not in (NONE, BARE) and not names_file(reference.target, runs)


def _experiment(options: EvaluateOptions, models: Sequence[str], paths: Sequence[Path], runs: Path) -> ExperimentConfig:
    """Return the experiment of `--config`, else that of the first run, else one without people.

    Without a model of its own, that one has the first of the systems' `models`.
    """
    overrides = options.overrides
    if options.config is not None:
        config = load_experiment(options.config, overrides, starting_from(runs))
    elif paths:
        without = Overrides((*_NO_LIMITS, *overrides.settings), overrides.model, overrides.seed)
        config = load_source(paths[0], without, trust=options.trust)
    elif model := overrides.model or next(iter(models), None):
        config = bare_experiment(Overrides(overrides.settings, model, overrides.seed))
    else:
        raise ConfigError(
            "no system names a model; name a run, or add --model PROVIDER:NAME (`simulated` needs no key), or "
            "--config EXPERIMENT"
        )
    config = config.with_every_prompt()
    asks_people = any(name.partition("=")[0].strip() in _OF_PEOPLE for name in options.suites)
    return config if asks_people else config.without_real_people


def _system(
    reference: Reference, history: History | None, config: ExperimentConfig, notes: list[str]
) -> SystemSettings:
    model = config.model_for("assistant")
    if reference.model is not None:
        model = _named_model(model, reference.model)
    prompts = Prompts(config.prompts, config.ratings, config.constitution, config.personas.inline)
    constitution, message, name = Constitution(), None, reference.target
    if history is not None:
        whole, message, name = _of_run(reference, history)
        constitution = for_everyone(whole)
        if left_out := len(whole.contract) - len(constitution.contract):
            notes.append(
                f"{reference.target}: {counted(left_out, 'clause')} for single people left out; to compare with "
                f"{'it' if left_out == 1 else 'them'}, "
                f"`scai export {history.run_id} --format system --for members -o members.txt`, and name that file, too"
            )
    elif reference.target == NONE:
        message = prompts.system_message(constitution)
    elif reference.target == BARE:
        notes.append("bare: no system message is sent, but chat templates of some models insert one of their own")
    else:
        default = bare_experiment(Overrides())
        words = Prompts(default.prompts, default.ratings, default.constitution, ())
        path = Path(reference.target)
        read = read_system_file(path, words)
        notes.extend(read.not_read)
        if read.left_out:
            notes.append(f"{path}: {counted(read.left_out, 'clause')} for single people left out")
        constitution, message, name = read.constitution, read.message, path.stem
    label = f"{name}-{model.label}" if reference.model else name
    return SystemSettings(
        name=_safe(label), source=reference.target, constitution=constitution, message=message, model=model
    )


def _of_run(reference: Reference, history: History) -> tuple[Constitution, str, str]:
    """Return a version of a run, its system message as everyone gets it, and a name."""
    _, *after = _EPOCH.split(reference.target)
    constitution = history.after(int(after[0])) if after else history.product[0]
    config = history.config
    prompts = Prompts(config.prompts, config.ratings, config.constitution, config.personas.inline)
    name = f"{history.run_id}-e{after[0]}" if after else history.run_id
    return constitution, prompts.system_message(for_everyone(constitution)), name


def _judges(options: EvaluateOptions, config: ExperimentConfig) -> list[ModelSettings]:
    """Return the models of `--judge`, else `roles.judge`."""
    judge = config.model_for("judge")
    if options.judges is None:
        return [judge]
    if not options.judges or len(set(options.judges)) < len(options.judges):
        raise ConfigError("--judge: names no model, or one twice; write PROVIDER:NAME, several with commas")
    return [_named_model(judge, text, "--judge") for text in options.judges]


def _named_model(base: ModelSettings, text: str, option: str = "--model") -> ModelSettings:
    """Return a model with another provider and name, with the address in use."""
    provider, name = parse_model(text, option)
    return addressed(overlay(base, ModelChanges(provider=provider, name=name)))


def _safe(name: str) -> str:
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-_.")[:60]
    return safe if is_safe_id(safe) else f"system-{safe[:50]}".rstrip("-.")


def _unused(name: str, taken: Sequence[str]) -> str:
    return next(n for n in _numbered(name) if n not in taken)


def _numbered(name: str) -> Iterator[str]:
    yield name
    for number in range(2, 10_000):
        yield f"{name}-{number}"


def _stem(systems: Sequence[SystemSettings]) -> str:
    return "-vs-".join(system.name for system in systems[:2])[:50].strip("-_.") + "-evaluation"
