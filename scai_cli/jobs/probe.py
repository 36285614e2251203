"""Ask each model of an experiment nine short questions: what works, and which keys to set. Nothing is written."""

import json
import re
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from scai_cli import plugins
from scai_cli.concurrency import together
from scai_cli.datasets.generate.judge import returns_logprobs
from scai_cli.errors import CallFailed, EndpointFailed, ParameterRefused, PromptRefused, ProviderError
from scai_cli.experiment.config import ExperimentConfig, PersonaSource
from scai_cli.experiment.model_settings import WITHOUT_ENDPOINT, ModelChanges, ModelSettings, Roles
from scai_cli.experiment.personas import HUMAN, Persona
from scai_cli.experiment.tasks import Task
from scai_cli.jobs.model_pool import ModelPool
from scai_cli.jobs.session import run_on_loop, stoppable
from scai_cli.messages import AgentRole, Message
from scai_cli.models.endpoint import SERVICES, address, shown_address
from scai_cli.models.limits import Spend
from scai_cli.simulation.agent import Agent
from scai_cli.simulation.answer_forms import CrossRating
from scai_cli.simulation.epoch_context import Agents
from scai_cli.simulation.rater_check import check_rater, verdict
from scai_cli.simulation.transcript import Conversation
from scai_cli.text.data_files import read_data_file

_DATA: Final = read_data_file(__file__)
QUESTIONS: Final[Mapping[str, str]] = _DATA["questions"]
"""Name of a question -> what it asks."""
_ADVICE: Final[Mapping[str, str]] = _DATA["advice"]
_RETRIES: Final = 2
_SHORT: Final = 32
"""The `max_tokens` of the call that tests it."""


@dataclass(frozen=True, slots=True)
class ProbeFinding:
    """The answer to one question: whether it works (None if unknown), and the details."""

    works: bool | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ModelProbe:
    """What one model can do, by question, and what to set; `problem` if it is not usable as configured."""

    model: str
    address: str
    roles: Sequence[AgentRole]
    findings: Mapping[str, ProbeFinding]
    advice: Sequence[str]
    problem: str | None


@dataclass(slots=True)
class Probe:
    """The probes of all models, and their cost; `usd` is None if a price is unknown."""

    models: list[ModelProbe] = field(default_factory=list)
    calls: int = 0
    tokens: int = 0
    usd: float | None = 0.0


def probe(config: ExperimentConfig) -> Probe:
    """Probe each distinct model that is neither simulated nor a real person, one after the other, within the limits.

    Raises LimitReached, Interrupted and ConfigError.
    """
    return run_on_loop(_probe_all(config))


async def _probe_all(config: ExperimentConfig) -> Probe:
    models: dict[tuple[str, str, str], list[tuple[AgentRole, ModelSettings]]] = {}
    for role, model in config.models():
        if model.provider not in ("simulated", HUMAN):
            models.setdefault((model.provider, address(model), model.label), []).append((role, model))
    result, seconds = Probe(), 0.0
    for uses in models.values():
        # The users' settings first: users fill the most forms.
        model = min(uses, key=lambda use: use[0] != "user")[1]
        roles = tuple(dict.fromkeys(role for role, _ in uses))
        with ModelPool.connect(_alone(config, model).asked_directly) as pool:
            pool.budget.charge(Spend(result.calls, result.tokens, result.usd or 0.0), seconds)
            result.models.append(await _probe(pool, config, model, roles))
        used, known = pool.budget.used, all(meter.usd is not None for meter in pool.meters)
        result.calls, result.tokens, seconds = used.calls, used.tokens, pool.budget.seconds
        result.usd = used.usd if known and result.usd is not None else None
    return result


async def _probe(
    pool: ModelPool, config: ExperimentConfig, model: ModelSettings, roles: Sequence[AgentRole]
) -> ModelProbe:
    where = shown_address(model)
    advice: list[str] = []
    pool.notices.listener = lambda line: advice.append(line.removeprefix(f"{where}: "))
    try:
        job = _ask(pool.agents(lambda _: None, None), model)
        findings = await stoppable(pool, job, "scai check --probe")
    except (CallFailed, EndpointFailed) as error:
        return ModelProbe(model.label, where, roles, {}, advice, f"cannot be used: {error}")
    size = await _context(model, findings)
    findings["context"] = ProbeFinding(True, f"{size:,} tokens") if size else ProbeFinding(None)
    if roles == ("user",) and all(rater.label != model.label for rater in config.raters):  # it only talks
        return ModelProbe(model.label, where, roles, findings, advice, None)
    form, reason = model.structured, findings[model.structured].detail
    if not findings[form].works:
        advice += [_ADVICE[other] for other in _other_forms(model) if findings[other].works]
    if size and "meta" in roles and config.revision.max_prompt_tokens > size * 3 // 4:
        advice.append(_ADVICE["max_prompt_tokens"].format(tokens=size * 3 // 4))
    cannot_rate = "user" in roles and findings["rates"].works is False and not config.force
    problem = None if findings[form].works else f"{_ADVICE['forms']}: {reason}"
    if not any(findings[each].works for each in _forms(model)):
        more = 2 * (model.max_tokens or 2000)
        advice += [_ADVICE[why].format(more=more) for why in ("was cut off", "is empty") if why in reason]
    problem = _ADVICE["users"] if cannot_rate else problem
    return ModelProbe(model.label, where, roles, findings, advice, problem)


def _alone(config: ExperimentConfig, model: ModelSettings) -> ExperimentConfig:
    """Return the experiment with this model alone, as one user for each way to ask it for forms."""
    changes_of = {form: {**model.model_dump(), "structured": form} for form in _forms(model)}
    users = [Persona(id=form, model=ModelChanges(**changes)) for form, changes in changes_of.items()]
    limits = config.limits.model_copy(update={"max_retries": min(config.limits.max_retries, _RETRIES)})
    changes = {"model": ModelSettings(), "roles": Roles(), "cache": False, "limits": limits}
    return config.model_copy(update={**changes, "personas": PersonaSource(inline=tuple(users))})


def _forms(model: ModelSettings) -> Sequence[str]:
    """Return the ways in which a model can be asked for forms."""
    return (model.structured,) if model.provider in WITHOUT_ENDPOINT else ("prompt", "json_schema")


def _other_forms(model: ModelSettings) -> Sequence[str]:
    return [form for form in _forms(model) if form != model.structured]


async def _ask(agents: Agents, model: ModelSettings) -> dict[str, ProbeFinding]:
    """Ask all questions; raises the errors of `together`, except for refusals."""
    agent = agents.own[model.structured]
    short = replace(agent, config=agent.config.model_copy(update={"max_tokens": _SHORT}))
    found: dict[str, ProbeFinding] = {}
    found["rates"], found[model.structured] = await _rates(agent, agents)
    questions: dict[str, Coroutine[Any, Any, ProbeFinding | bool]] = {
        "sampling": _ends(short),
        "logprobs": returns_logprobs(agent, agents.prompts, "probe/logprobs"),
    }
    found |= zip(questions, await together(map(_finding, questions.values())), strict=True)
    for other in _other_forms(model):
        try:  # last, as the refusal of an option that the experiment does not use may end all calls
            found[other] = await _finding(_fills(agents.own[other], agents))
            # Ratings in a form that it does not fill say nothing.
            if found[other].works and not found[model.structured].works:
                found["rates"], _ = await _rates(agents.own[other], agents)
        except (CallFailed, EndpointFailed) as error:
            found[other] = ProbeFinding(False, str(error))
    return {name: found[name] for name in QUESTIONS if name in found}


async def _finding(question: Coroutine[Any, Any, ProbeFinding | bool]) -> ProbeFinding:
    try:
        found = await question
    except (PromptRefused, ParameterRefused) as refused:
        return ProbeFinding(False, str(refused))
    return ProbeFinding(found) if isinstance(found, bool) else found


async def _rates(agent: Agent, agents: Agents) -> tuple[ProbeFinding, ProbeFinding]:
    """Return whether a model rates good answers above bad ones, and whether it fills the form of a rating."""
    check = await check_rater(agent, agents.prompts, "probe/rater", agents.ratings.scale)
    if check.passed is None:  # all were refused; this call says why
        return ProbeFinding(None), await _finding(_fills(agent, agents))
    fills = any(pair.problem is None for pair in check.pairs)
    unread = "; ".join(dict.fromkeys(pair.problem for pair in check.pairs if pair.problem))
    return ProbeFinding(check.passed, verdict(check)) if fills else ProbeFinding(None), ProbeFinding(fills, unread)


async def _fills(agent: Agent, agents: Agents) -> ProbeFinding:
    persona, task = Persona(id="probe"), Task(id="probe", prompt="Say hello.")
    prompt = agents.prompts.cross_rating(persona, Conversation("probe", 0, persona, task), "Good morning!")
    call = f"probe/{agent.config.structured}"
    once = replace(agent, format_retries=0)
    answer = await once.ask_structured(call, "cross_rating", prompt, CrossRating, agents.ratings.scale)
    return ProbeFinding(answer.form is not None, answer.problem or "")


async def _ends(agent: Agent) -> ProbeFinding:
    """Let `max_tokens` cut an answer; the seed is sent, too, unless `send_seed` is false."""
    answer = await agent.say("probe/short", "probe", [Message("user", _DATA["long_question"])])
    used = answer.usage.output_tokens
    # A short answer that ended by itself shows nothing.
    works = False if used > 2 * _SHORT else True if answer.ended == "cut" else None
    ignored = "; it is ignored" if works is False else ""
    return ProbeFinding(works, f"{used:,} tokens with max_tokens: {_SHORT}{ignored}")


async def _context(model: ModelSettings, findings: Mapping[str, ProbeFinding]) -> int | None:
    """Return the tokens of the model's context from a refusal or the endpoint's list of models; None if unknown."""
    refusal = re.search(_DATA["context_refusal"], " ".join(finding.detail for finding in findings.values()))
    if refusal is not None or model.provider not in SERVICES:
        return int(refusal[1].replace(",", "")) if refusal else None
    client = plugins.resolve("provider", model.provider)(model, seed=0)
    try:
        listed = json.loads(await client.listed())
        listed = listed.get("data", [listed])  # Anthropic answers with the model alone
        entries = [entry for entry in listed if entry["id"] == model.name or len(listed) == 1]
        parts = [part for entry in entries for part in (entry, *entry.values()) if isinstance(part, dict)]
    except (ProviderError, ValueError, LookupError, TypeError, AttributeError):  # a list in another form
        return None
    finally:
        await client.aclose()
    sizes = (part.get(key) for key in _DATA["context_keys"] for part in parts)
    return next((size for size in sizes if isinstance(size, int) and size > 0), None)
