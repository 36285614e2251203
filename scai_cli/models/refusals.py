"""Decide whose fault a refusal is: the prompt's, a parameter's, the key's or the endpoint's."""

import email.utils
import json
import math
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any, Final

from scai_cli import errors
from scai_cli.models.endpoint import Endpoint
from scai_cli.text.data_files import read_data_file

_TABLE: Final = read_data_file(__file__)
ROWS: Final[tuple[Mapping[str, Any], ...]] = _TABLE["rows"]
_FOREVER_S: Final = 1e9
"""A wait of at least this many seconds has no end."""
_NESTED: Final = 64_000
"""The characters of a text in a body that is read as JSON."""
_UNIT: Final = rf"(?:({'|'.join(_TABLE['units'])})s?)(?![a-z])"
_AMOUNT: Final = re.compile(rf"(\d{{0,9}}\.?\d{{1,9}})(?: ?{_UNIT}|(?![-.:]?\d))[ ,]*(?:and )?")


@dataclass(frozen=True)
class Refusal:
    """A response without an answer: its status (0 without a connection), its body, and the request's body."""

    status: int
    body: object
    headers: Mapping[str, str] = field(default_factory=dict)
    request: Mapping[str, Any] = field(default_factory=dict)

    def error(self, where: Endpoint, http_status: int) -> errors.ProviderError:
        """Return the error of the first row that fits; its message quotes the reason and names the remedy."""
        row = next(row for row in ROWS if self.fits(row))
        reason = ": ".join(value for value in self._said if " " in value) or " ".join(self._said) or "no reason given"
        text = f"{where}: {f'HTTP {http_status}' if http_status else 'the connection failed'}: {where.quote(reason)}"
        if remedy := row.get("remedy"):
            text = f"{text.removesuffix('.')}; {remedy.format(key=where.key_variable, option=self._named_option)}"
        details = dict(row.get("details", {}))
        if row["error"] == "CallTransient" and self.wait is not None:
            details["retry_after"] = self.wait
        error: errors.ProviderError = getattr(errors, row["error"])(text, **details)
        return error

    def fits(self, row: Mapping[str, Any]) -> bool:
        """Return whether a row of the table is about this refusal."""
        return (
            self.status in row.get("status", (self.status,))
            and ("sent" not in row or any(key in self.request or key in self._roles for key in row["sent"]))
            and all(re.search("|".join(row[key]), self._text, re.MULTILINE) for key in ("words", "also") if key in row)
            and ("told_wait" not in row or row["told_wait"] == (self.wait is not None))
            and ("an_option" not in row or bool(self._named_option))
        )

    @cached_property
    def wait(self) -> float | None:
        """The seconds to wait, as the headers or the words of the body request."""
        for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
            try:
                seconds = float(self.headers.get(name, "")) / unit
            except ValueError:
                continue
            if not math.isnan(seconds):
                return max(0.0, seconds if seconds < _FOREVER_S else math.inf)
        with suppress(ValueError, OverflowError):
            if date := email.utils.parsedate_tz(self.headers.get("retry-after", "")):
                return max(0.0, email.utils.mktime_tz(date) - time.time())
        told = (duration(self._text[found.end() :]) for found in re.finditer("|".join(_TABLE["waits"]), self._text))
        return next((seconds for seconds in told if seconds is not None), None)

    @cached_property
    def _said(self) -> list[str]:
        """The first values of the body."""
        return list(islice(_values(self.body), 200))

    @cached_property
    def _text(self) -> str:
        """All words of the body in lower case, a line for each value, without those that it repeats of the request."""
        text = "\n".join(self._said)[:20_000]
        for message in self.request.get("messages", ()):
            text = text.replace(message["content"], "") if len(message["content"]) > 3 else text
        text = text.lower()
        limit = re.search(r"\blimit:? ?(\d[\d,]{0,20})\b.{0,200}\brequested:? ?(\d[\d,]{0,20})", text)
        limit_of, asked = (int(number.replace(",", "")) for number in limit.groups()) if limit else (0, 0)
        return f"{text}\nlarger than its limit" if asked > limit_of else text

    @property
    def _roles(self) -> set[str]:
        return {message["role"] for message in self.request.get("messages", ())}

    @cached_property
    def _named_option(self) -> str:
        """A key of `model.options` that the body names."""
        keys = sorted(self.request.keys() - set(_TABLE["own_keys"]))
        return next((key for key in keys if re.search(rf"\b{re.escape(key.lower())}\b", self._text)), "")


def duration(text: str) -> float | None:
    """Return the seconds of a duration at the start of a text (`37s`, `1m20s`, `250ms`, `1 minute and 5 seconds`)."""
    total, at = None, 0
    while amount := _AMOUNT.match(text, at):
        total = (total or 0.0) + float(amount[1]) * _TABLE["units"][amount[2] or "s"]
        at = amount.end()
    return total


def _values(body: object, depth: int = 0) -> Iterator[str]:
    """Yield every value of a body, except those that repeat the request; with its key where a number needs one."""
    # A router quotes the body of the endpoint behind it.
    if isinstance(body, str) and body.startswith(("{", "[")) and len(body) <= _NESTED:
        with suppress(ValueError, RecursionError):
            body = json.loads(body)
    if isinstance(body, Mapping) and depth < 50:
        for key, value in body.items():
            if str(key).lower().startswith(_TABLE["timed"]):
                yield f"{key}: {value}{' ms' if str(key).lower().endswith('ms') else ''}"
            elif key not in _TABLE["echoes"]:
                yield from _values(value, depth + 1)
    elif isinstance(body, list) and depth < 50:
        for value in body:
            yield from _values(value, depth + 1)
    elif body is not None and not isinstance(body, Mapping | list):
        yield str(body)[:10_000]
