"""The public API: everything that plug-ins, scripts and notebooks import.

    import scai_cli as scai

    outcome = await scai.run("experiment.yaml")  # in a script: asyncio.run(scai.run("experiment.yaml"))
    run = scai.load(outcome)  # or an id, a path, or "latest"
    run.people()  # who gains and who loses; also ratings(), messages(), welfare(), constitutions()
    run.ratings().to_pandas()
    run.report()
    rows = list(scai.export([outcome], "sft"))

Every other module of the package may change without notice.
"""

from scai_cli.api.loaded_run import Run
from scai_cli.api.page import Page
from scai_cli.api.reading import export, load, load_experiment, verdicts
from scai_cli.api.table import Table
from scai_cli.api.work import evaluate, generate, resume, run
from scai_cli.concurrency import in_thread
from scai_cli.datasets.formats.format import Format, Layout
from scai_cli.datasets.samples.sample import Answer, Pair, RatingSample, RunSample
from scai_cli.errors import CallFailed, CallTransient, ConfigError, EndpointFailed, ScaiError, UnusedResponse
from scai_cli.evaluation.item import Item
from scai_cli.evaluation.paired_scores import compared
from scai_cli.evaluation.results import Evaluation
from scai_cli.evaluation.row import EvaluationRow, SystemAnswer
from scai_cli.evaluation.suite import (
    Difference,
    Measure,
    MeasureResult,
    ResultSource,
    ResultTable,
    Suite,
    SuiteContext,
    SuiteResult,
    SuiteSource,
    System,
)
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Add, Merge, Modify, Remove
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.jobs.session import Observer, Outcome, SessionStart
from scai_cli.messages import ChatRequest, Completion, Message, Usage
from scai_cli.models.base import ChatModel
from scai_cli.populations.human.record import HumanConversation, HumanData, HumanRating, SurveyAnswer
from scai_cli.runs.history.history import History
from scai_cli.runs.records import Candidate
from scai_cli.simulation.acceptance.improves import scores_of, try_candidates
from scai_cli.simulation.dialogue import Dialogue
from scai_cli.simulation.dialogue_lines import Line
from scai_cli.simulation.dialogues.assist import Assist
from scai_cli.simulation.epoch_context import EpochContext
from scai_cli.simulation.revision_context import AcceptanceResult, RevisionContext
from scai_cli.simulation.strategies.rewrite import rewrite
from scai_cli.simulation.text_measure import TextMeasure, text_measure
from scai_cli.simulation.transcript import Conversation

__all__ = [
    "AcceptanceResult",
    "Add",
    "Answer",
    "Assist",
    "CallFailed",
    "CallTransient",
    "Candidate",
    "ChatModel",
    "ChatRequest",
    "Completion",
    "ConfigError",
    "Conversation",
    "Dialogue",
    "Difference",
    "EndpointFailed",
    "EpochContext",
    "Evaluation",
    "EvaluationRow",
    "ExperimentConfig",
    "Format",
    "History",
    "HumanConversation",
    "HumanData",
    "HumanRating",
    "Item",
    "Layout",
    "Line",
    "Measure",
    "MeasureResult",
    "Merge",
    "Message",
    "ModelSettings",
    "Modify",
    "Observer",
    "Outcome",
    "Page",
    "Pair",
    "Persona",
    "RatingSample",
    "Remove",
    "ResultSource",
    "ResultTable",
    "RevisionContext",
    "Run",
    "RunSample",
    "ScaiError",
    "SessionStart",
    "Suite",
    "SuiteContext",
    "SuiteResult",
    "SuiteSource",
    "SurveyAnswer",
    "System",
    "SystemAnswer",
    "Table",
    "Task",
    "TextMeasure",
    "UnusedResponse",
    "Usage",
    "compared",
    "evaluate",
    "export",
    "generate",
    "in_thread",
    "load",
    "load_experiment",
    "resume",
    "rewrite",
    "run",
    "scores_of",
    "text_measure",
    "try_candidates",
    "verdicts",
]
