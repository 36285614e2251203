"""Write the page of the Python API, from the docstrings of `scai_cli.api`."""

from __future__ import annotations

import inspect
import re
from typing import Final

from _generator.tables import cell, table
from scai_cli import api
from scai_cli.runs.events import Event

INTRO: Final = """\
# From Python

`import scai_cli as scai`; the names below are the public API, and everything else may change without notice. `run`,
`resume`, `generate` and `evaluate` are coroutines (`await scai.run(...)` in a notebook, `asyncio.run(scai.run(...))` in
a script); the others are plain functions.
"""

EMBEDDING: Final = """\
## In a notebook, a service or an actor

A coroutine works in any running event loop, and several at the same time, each in a folder of its own:

```python
# study.py
import asyncio

import scai_cli as scai


async def study() -> None:  # a notebook awaits these lines as they are
    config = scai.load_experiment("configs/quickstart.yaml", ["epochs=1"])
    runs = await asyncio.gather(*(scai.run(config, run_id=f"study-{n}") for n in (1, 2)))
    print(*(run.status for run in runs))
    await scai.evaluate([runs[0].run_id, "none"], ["choice"], n=4, run_id="check")
    print(scai.verdicts("check").results[0].suite)


asyncio.run(study())
```

```sh
python3 study.py
```

- **A stop** that can be remedied (a limit, a failed provider) is in `outcome.error`; `scai.resume(run_id)` continues.
  A wrong experiment or a missing key raises `ConfigError`, and leaves no folder.
- **A timeout or a cancellation** (`asyncio.timeout`, `task.cancel()`) cuts off the calls in flight, closes the folder,
  and leaves it for `resume`.
- **Threads** may each have an event loop. Two sessions never write to one folder: the second one is a `RunError`.
- **Signals** stay those of the program. Only the command line installs handlers, which stop all runs of its process.
- **Blocking.** Model calls wait in the loop, but a simulated model computes in it, and large files are read in it: let
  a service with other work use a thread.

The same in actors of [Ray](https://docs.ray.io), plain and async ones; a study over many settings is a
[sweep](../sweeps.md), which continues by itself what a killed worker has left:

<!-- not run: it needs Ray -->
```text
@ray.remote
class Lab:
    async def play(self, seed: int) -> str:
        config = scai.load_experiment("/shared/quickstart.yaml", seed=seed)
        return (await scai.run(config, Path("/shared/runs"), f"seed-{seed}")).status
```
"""

WITH_MEMBERS: Final = ("Run", "Table", "Page", "Observer")
"""The classes whose members are listed."""


def page() -> str:
    """Return the page: the example, the functions with their signatures, the classes."""
    members = {name: getattr(api, name) for name in api.__all__}
    functions = {name: member for name, member in members.items() if inspect.isfunction(member)}
    parts = [INTRO, _example(), EMBEDDING, "## Functions\n"]
    for name, function in functions.items():
        parts.append(f"### `{name}`\n\n```text\n{name}{_signature(function)}\n```\n\n{inspect.getdoc(function)}\n")
    classes = {name: member for name, member in members.items() if name not in functions}
    rows = [[f"`{name}`", _summary(member)] for name, member in classes.items()]
    parts += ["## Classes\n", table(["class", ""], rows)]
    for name in WITH_MEMBERS:
        own = {key: member for key, member in vars(classes[name]).items() if not key.startswith("_")}
        rows = [[f"`{key}`", _summary(member)] for key, member in own.items() if inspect.getdoc(member)]
        parts.append(f"### `{name}`\n\n{table(['member', ''], rows)}")
    return "\n".join(parts)


def _example() -> str:
    _, _, rest = (api.__doc__ or "").partition("\n\n")
    lines = [line.removeprefix("    ") for line in rest.splitlines() if line.startswith("    ")]
    return "\n".join(["<!-- not checked: it is awaited in a notebook -->", "```text", *lines, "```", ""])


def _signature(function: object) -> str:
    lines = []
    for parameter in inspect.signature(function).parameters.values():  # type: ignore[arg-type]
        if parameter.kind is parameter.KEYWORD_ONLY and "    *," not in lines:
            lines.append("    *,")
        text = re.sub(r"PosixPath\((.*?)\)", r"Path(\1)", str(parameter))
        text = _short(text).replace(_short(str(Event)), "Event")
        text = re.sub(r"Optional\[(.*)\](?= =)", r"\1 | None", text)
        lines.append(f"    {text},")
    return "(\n" + "\n".join(lines) + "\n)"


def _short(annotation: str) -> str:
    """Return an annotation without the modules of its types."""
    return re.sub(r"(?:[a-z_]+\.)+(?=[A-Z])", "", annotation)


def _summary(member: object) -> str:
    return cell((inspect.getdoc(member) or "").partition("\n\n")[0])
