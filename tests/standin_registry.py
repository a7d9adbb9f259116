"""A schema registry that stands in for one: over real HTTP, as Confluent documents the API.

It keeps schemas by id, subjects with versions and references, answers faults with the documented
codes, may ask for a password, and has weather.

Source:
    https://docs.confluent.io/platform/current/schema-registry/develop/api.html
"""

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote


class StandinRegistry:
    """Serves on a free port of this machine while it is entered.

    Args:
        auth: ``user:password`` that it asks for; empty = none.
        port: To serve on; 0 takes a free one.

    Attributes:
        weather: ``""`` is fine; a status (``"503"``), ``"html"``, ``"slow"``, ``"cut"``.
        asked: Paths that were asked for, in order.
    """

    def __init__(self, auth: str = "", port: int = 0) -> None:
        self.weather = ""
        self.asked: list[str] = []
        self._auth = auth
        self._schemas: dict[int, dict[str, Any]] = {}
        self._subjects: dict[tuple[str, int], int] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def register(
        self,
        subject: str,
        text: str,
        kind: str = "AVRO",
        references: tuple[tuple[str, str, int], ...] = (),
    ) -> int:
        """Register a version of a subject; ``references`` are name, subject and version."""
        schema: dict[str, Any] = {"schema": text}
        if kind != "AVRO":
            schema["schemaType"] = kind
        if references:
            schema["references"] = [
                {"name": name, "subject": other, "version": version}
                for name, other, version in references
            ]
        number = len(self._schemas) + 1
        version = sum(known == subject for known, _ in self._subjects) + 1
        self._schemas[number] = schema
        self._subjects[subject, version] = number
        return number

    def answer(self, path: str, auth: str) -> tuple[int, Any]:
        """Return status and body for a path."""
        self.asked.append(path)
        wanted = f"Basic {base64.b64encode(self._auth.encode()).decode()}"
        if self._auth and auth != wanted:
            return 401, {"error_code": 401, "message": "Unauthorized"}
        match [unquote(part) for part in path.partition("?")[0].strip("/").split("/")]:
            case ["schemas", "ids", number]:
                found = self._schemas.get(int(number))
                return (200, found) if found else (404, _fault(40403, "Schema not found"))
            case ["subjects", subject, "versions", version]:
                number = self._subjects.get((subject, int(version)))
                if number is None:
                    return 404, _fault(40402, "Version not found")
                about = {"subject": subject, "id": number, "version": int(version)}
                return 200, {**about, **self._schemas[number]}
        return 404, _fault(404, "HTTP 404 Not Found")


def _fault(code: int, message: str) -> dict[str, Any]:
    return {"error_code": code, "message": message}


def _handler(registry: StandinRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = registry.answer(self.path, self.headers.get("Authorization", ""))
            content = json.dumps(body).encode()
            weather = registry.weather
            if weather.isdigit():
                status, content = int(weather), b'{"error_code": 50001}'
            elif weather == "html":
                status, content = 404, b"<html>no such page</html>"
            elif weather == "slow":
                time.sleep(2)
            elif weather == "cut":
                self.connection.close()
                return
            self.send_response(status)
            self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    return Handler
