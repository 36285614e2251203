"""A loopback server with OpenAI's files and batches, which counts what it was paid for.

with BatchServer() as server:
    ... server.base_url, server.paid          # custom id -> how often it was answered
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic, sleep, time
from typing import Any
from urllib.parse import parse_qs, urlsplit

from crash import society
from loopback import Body, completion

PAGE = 100


@dataclass
class BatchServer:
    """Answers a batch `delay` seconds after it was made; `fault` (custom id, how often it came) spoils single lines.

    A fault is a status (429, 500, 400), `expired` for a line that is not answered in time, or `lost` for one that is
    in neither file. `moment` is called with the name of every step before it is answered; `most` is the largest number
    of requests of a batch that is accepted.
    """

    answer: Callable[[Body], str] = field(default_factory=society)
    delay: float = 0.0
    fault: Callable[[str, int], int | str | None] = lambda key, times: None
    moment: Callable[[str], None] = lambda step: None
    most: int = 50_000
    dropped: list[str] = field(default_factory=list)
    """Steps whose next answer is not sent, although the step was made."""
    ends: str = "completed"
    paid: Counter[str] = field(default_factory=Counter)
    came: Counter[str] = field(default_factory=Counter)
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> BatchServer:
        handler = type("Handler", (_Handler,), {"batches": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    def reply(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """The status and body of the answer to one request."""
        url = urlsplit(path)
        step = f"{method} {re.sub(r'(file|batch)_[0-9]+', 'ID', url.path.removeprefix('/v1/'))}"
        self.requests.append((method, url.path))
        self.moment(f"before {step}")
        with self._lock:
            status, found = self._made(step, url.path.rpartition("/v1/")[2], parse_qs(url.query), body)
        self.moment(f"after {step}")
        if step in self.dropped:
            self.dropped.remove(step)
            raise ConnectionAbortedError
        return status, found if isinstance(found, bytes) else json.dumps(found).encode()

    def _made(self, step: str, path: str, query: dict[str, list[str]], body: bytes) -> tuple[int, Any]:
        if step == "POST files":
            return 200, self._kept(_part(body))
        if step == "POST batches":
            return 200, self._begun(json.loads(body))
        if step == "GET batches":
            return 200, self._page(query.get("after", [None])[0])
        name = path.split("/")[1] if "/" in path else ""
        if step == "GET batches/ID" and name in self.batches:
            return 200, self._state(self.batches[name])
        if step == "GET files/ID/content" and name in self.files:
            return 200, self.files[name]
        return 404, {"error": {"message": f"No such object: {path}", "type": "invalid_request_error"}}

    def _kept(self, data: bytes) -> dict[str, Any]:
        name = f"file_{len(self.files)}"
        self.files[name] = data
        return {"id": name, "object": "file", "purpose": "batch", "bytes": len(data)}

    def _begun(self, wanted: dict[str, Any]) -> dict[str, Any]:
        assert wanted["endpoint"] == "/v1/chat/completions"
        assert wanted["completion_window"] == "24h"
        lines = self.files[wanted["input_file_id"]].splitlines()
        keys = [json.loads(line)["custom_id"] for line in lines]
        assert len(set(keys)) == len(keys)
        assert all(len(key) <= 64 for key in keys)
        name = f"batch_{len(self.batches)}"
        batch = {
            "id": name,
            "object": "batch",
            "status": "in_progress",
            "created_at": int(time()),
            "metadata": wanted["metadata"],
            "input_file_id": wanted["input_file_id"],
            "request_counts": {"total": len(keys), "completed": 0, "failed": 0},
            "ready": monotonic() + self.delay,
        }
        if len(keys) > self.most:
            batch |= {"status": "failed", "errors": {"data": [{"code": "token_limit_exceeded", "message": "Too many"}]}}
        self.batches[name] = batch
        return self._state(batch)

    def _page(self, after: str | None) -> dict[str, Any]:
        names = list(self.batches)[::-1]
        names = names[names.index(after) + 1 :] if after else names
        return {"data": [self._state(self.batches[name]) for name in names[:PAGE]], "has_more": len(names) > PAGE}

    def _state(self, batch: dict[str, Any]) -> dict[str, Any]:
        if batch["status"] == "in_progress" and monotonic() >= batch["ready"]:
            self._finish(batch)
        return {key: value for key, value in batch.items() if key != "ready"}

    def _finish(self, batch: dict[str, Any]) -> None:
        output, errors = [], []
        for line in self.files[batch["input_file_id"]].splitlines():
            asked = json.loads(line)
            key = asked["custom_id"]
            self.came[key] += 1
            fault = self.fault(key, self.came[key])
            if fault is None:
                self.paid[key] += 1
                body = json.loads(completion(self.answer(asked["body"]), asked["body"]))
                output.append({"custom_id": key, "response": {"status_code": 200, "body": body}, "error": None})
            elif fault == "expired":
                error = {"code": "batch_expired", "message": "This request could not be executed in time."}
                errors.append({"custom_id": key, "response": None, "error": error})
            elif fault != "lost":
                body = {"error": {"message": f"fault {fault}", "type": "server_error"}}
                errors.append({"custom_id": key, "response": {"status_code": fault, "body": body}, "error": None})
        batch["status"] = self.ends
        batch["request_counts"] |= {"completed": len(output), "failed": len(errors)}
        for name, lines in (("output_file_id", output), ("error_file_id", errors)):
            if lines:
                data = "\n".join(json.dumps({"id": f"b{n}", **entry}) for n, entry in enumerate(lines))
                batch[name] = self._kept(data.encode())["id"]


def _part(body: bytes) -> bytes:
    """The file in a form; its other field is the purpose."""
    boundary = body.split(b"\r\n", 1)[0]
    parts = [part.split(b"\r\n\r\n", 1) for part in body.split(boundary)[1:-1]]
    fields = {re.search(rb'name="(\w+)"', head)[1]: data.removesuffix(b"\r\n") for head, data in parts}
    assert fields[b"purpose"] == b"batch"
    return fields[b"file"]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    batches: BatchServer

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        if "chunked" in self.headers.get("transfer-encoding", ""):
            self._answer(b"".join(iter(self._chunk, b"")))
        else:
            self._answer(self.rfile.read(int(self.headers["content-length"])))

    def _chunk(self) -> bytes:
        data = self.rfile.read(int(self.rfile.readline(), 16))
        self.rfile.readline()
        return data

    def _answer(self, body: bytes) -> None:
        try:
            status, data = self.batches.reply(self.command, self.path, body)
        except ConnectionAbortedError:
            self.close_connection = True
            return
        try:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            for start in range(0, len(data), 1 << 16):
                self.wfile.write(data[start : start + (1 << 16)])
        except (BrokenPipeError, ConnectionResetError):  # the client was killed
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Print nothing."""


if __name__ == "__main__":
    with BatchServer() as server:
        print(server.base_url, flush=True)
        while True:
            sleep(1)
