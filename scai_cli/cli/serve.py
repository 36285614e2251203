"""`scai serve`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scai_cli.cli import completion, options

if TYPE_CHECKING:
    from scai_cli.jobs.serve import Ready, Served


def serve(
    source: Annotated[
        str,
        typer.Argument(
            metavar="RUN|CONSTITUTION",
            help="Run, or constitution file (Markdown, text, JSON, YAML).",
            show_default=False,
            autocompletion=completion.RUN,
        ),
    ],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")] = 8765,
    host: Annotated[
        str, typer.Option("--host", help="Address to serve at; others than 127.0.0.1 let other machines make calls.")
    ] = "127.0.0.1",
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            help="For a constitution file: the experiment with the model.",
            metavar="EXPERIMENT",
            autocompletion=completion.CONFIGS,
        ),
    ] = None,
    settings: options.Set = None,
    model: options.Model = None,
    seed: options.Seed = None,
    runs_dir: options.RunsDir = options.RUNS,
    max_usd: options.MaxUsd = None,
    trust: options.Trust = False,
) -> None:
    """Serve a model under a constitution to any OpenAI client. It prints the base URL and runs until Ctrl-C."""
    from scai_cli.experiment.load import Overrides
    from scai_cli.jobs.generate_source import GenerateOptions
    from scai_cli.jobs.serve import read_serve_source
    from scai_cli.jobs.serve import serve as served

    overrides = Overrides(options.with_limit(settings, max_usd), model, seed)
    read = read_serve_source(GenerateOptions(source, config=config, overrides=overrides, trust=trust), runs_dir)
    _print_served(served(read, host, port, _print_ready, options.say))


def _print_ready(ready: Ready) -> None:
    source = ready.source
    options.say(f"system message: {source.label}, for everyone")
    if source.left_out:
        options.say(f"left out of it: {source.left_out} of the clauses, which are for single people")
    options.say(f"model: {ready.names[0]}; calls are logged in {ready.log}")
    if ready.is_open:
        options.say("warning: other machines can make calls here, without a key and at your expense")
    options.say(f"export OPENAI_BASE_URL={ready.base_url} OPENAI_API_KEY=none")
    print(ready.base_url, flush=True)  # noqa: T201 - data for stdout


def _print_served(served: Served) -> None:
    calls, tokens = sum(m.calls for m in served.meters), sum(m.usage.total for m in served.meters)
    options.say(f"{served.requests:,} requests, {calls:,} calls, {tokens:,} tokens; logged in {served.log}")
