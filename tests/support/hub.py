"""A Hub on the loopback that takes commits of small files, as huggingface_hub 2.4 sends them.

with Hub() as hub:      # HF_ENDPOINT=hub.url
    ... hub.created, hub.cards, hub.files
"""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


class Hub:
    """Everything that was sent: the request for a repository, the cards to check, and path -> content."""

    def __init__(self) -> None:
        self.created: list[dict[str, Any]] = []
        self.cards: list[str] = []
        self.files: dict[str, bytes] = {}
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send(hub.reply(self.path, b""))

            def do_POST(self) -> None:
                self._send(hub.reply(self.path, self.rfile.read(int(self.headers["content-length"]))))

            def _send(self, value: Any) -> None:
                body = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def reply(self, path: str, body: bytes) -> Any:
        """The Hub's answer, with no more fields than the client reads."""
        if path == "/api/repos/create":
            self.created.append(json.loads(body))
            name = f"{self.created[-1]['organization']}/{self.created[-1]['name']}"
            return {"url": f"{self.url}/datasets/{name}", "id": "1", "name": name}
        if path == "/api/validate-yaml":
            self.cards.append(json.loads(body)["content"])
        if "/preupload/" in path:
            named = [file["path"] for file in json.loads(body)["files"]]
            return {"files": [{"path": name, "uploadMode": "regular", "shouldIgnore": False} for name in named]}
        if "/commit/" in path:
            _, *entries = (json.loads(line)["value"] for line in body.splitlines())
            self.files |= {entry["path"]: base64.b64decode(entry["content"]) for entry in entries}
            return {
                "commitUrl": f"{self.url}/datasets/ann/rows/commit/{'a' * 40}",
                "commitOid": "a" * 40,
                "success": True,
            }
        return {}

    def __enter__(self) -> Hub:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
