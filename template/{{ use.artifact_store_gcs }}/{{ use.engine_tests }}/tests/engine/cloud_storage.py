"""A stand-in for Google Cloud Storage: the calls of its JSON API that gcsfs makes, in memory."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

BUCKET = "models"


class Handler(BaseHTTPRequestHandler):
    """One request; `server.objects` holds the bucket."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        place, _, name = self._path()
        objects = self.server.objects  # type: ignore[attr-defined]
        if place != BUCKET:
            self._answer(404, {"error": {"code": 404, "message": "The bucket does not exist."}})
        elif not name and self._object_call():
            self._answer(200, self._listing(self._query("prefix"), self._query("delimiter")))
        elif not name:
            self._answer(200, {"kind": "storage#bucket", "name": BUCKET})
        elif name not in objects:
            self._answer(404, {"error": {"code": 404, "message": f"No such object: {name}"}})
        elif self._query("alt") == "media":
            self._send(200, objects[name], "application/octet-stream")
        else:
            self._answer(200, described(name, objects[name]))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._path()[0] != BUCKET:
            self._answer(404, {"error": {"code": 404, "message": "The bucket does not exist."}})
            return
        _, head, content = body.split(b"--==0==", 2)
        name = json.loads(head.partition(b"\n\n")[2])["name"]
        content = content.partition(b"\n\n")[2].removesuffix(b"\n--==0==--")
        with self.server.lock:  # type: ignore[attr-defined]
            objects = self.server.objects  # type: ignore[attr-defined]
            taken = self._query("ifGenerationMatch") == "0" and name in objects
            if not taken:
                objects[name] = content
        if taken:
            self._answer(412, {"error": {"code": 412, "message": "conditionNotMet"}})
        else:
            self._answer(200, described(name, content))

    def do_DELETE(self) -> None:
        self.server.objects.pop(self._path()[2], None)  # type: ignore[attr-defined]
        self._send(204, b"", "application/json")

    def _listing(self, prefix: str, delimiter: str) -> dict[str, object]:
        items, folders = [], set()
        for name, content in sorted(self.server.objects.items()):  # type: ignore[attr-defined]
            if name.startswith(prefix):
                first, found, _ = name.removeprefix(prefix).partition(delimiter or "\0")
                if found:
                    folders.add(prefix + first + delimiter)
                else:
                    items.append(described(name, content))
        return {"kind": "storage#objects", "items": items, "prefixes": sorted(folders)}

    def _path(self) -> tuple[str, str, str]:
        """Bucket, "o" for a call about objects, object."""
        parts = urlsplit(self.path).path.partition("/b/")[2].split("/", 2)
        bucket, kind, name = (*parts, "", "")[:3]
        return unquote(bucket), kind, unquote(name)

    def _object_call(self) -> bool:
        return self._path()[1] == "o"

    def _query(self, key: str) -> str:
        return parse_qs(urlsplit(self.path).query).get(key, [""])[0]

    def _answer(self, status: int, document: dict[str, object]) -> None:
        self._send(status, json.dumps(document).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def described(name: str, content: bytes) -> dict[str, object]:
    """What the API says of an object."""
    checksum = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
    return {
        "kind": "storage#object",
        "bucket": BUCKET,
        "name": name,
        "size": str(len(content)),
        "generation": "1",
        "md5Hash": checksum,
        "timeCreated": "2026-01-31T12:00:00.000Z",
        "updated": "2026-01-31T12:00:00.000Z",
    }


@contextmanager
def running() -> Iterator[str]:
    """The address of a running stand-in that has one empty bucket."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.objects, server.lock = {}, threading.Lock()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
