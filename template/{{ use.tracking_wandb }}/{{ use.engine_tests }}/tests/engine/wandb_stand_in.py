"""A stand-in for a server of W&B: keeps what the real client sends, and answers from that.

It knows of the protocol (GraphQL, and files by PUT) what tracking makes the client use. That the
real service does the same is not shown by it.
"""

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
ME = "somebody"
KEY = "local-" + "0123456789" * 4
CREATED = "2026-01-31T12:00:00Z"


class Held:
    """What was sent; an `on_...` method answers the question of that name."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.project = ""
        self.runs: dict[str, Json] = {}
        self.artifacts: list[Json] = []
        self.files: dict[str, bytes] = {}

    def answer(self, query: str, asked: Json) -> Json:
        """The answer to a question in GraphQL."""
        found = re.search(r"(?:query|mutation) (\w+)", query)
        assert found, query
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", found[1]).lower()
        method = getattr(self, f"on_{name}", None)
        if method is None:
            return {"errors": [{"message": f"the stand-in does not know {name}"}]}
        return {"data": method(asked)}

    def on_server_features_query(self, _: Json) -> Json:
        return {"serverInfo": {"features": []}}

    def on_viewer(self, _: Json) -> Json:
        teams: Json = {"edges": []}
        me = {"id": "1", "entity": ME, "username": ME, "email": "", "flags": "{}"}
        return {"viewer": {**me, "teams": teams}}

    on_get_default_entity = on_viewer

    def on_run_resume_status(self, asked: Json) -> Json:
        return {"model": {**self._project(), "bucket": self._run(asked["name"])}}

    def on_upsert_bucket(self, asked: Json) -> Json:
        self.project, name = asked["project"], asked["name"]
        new = name not in self.runs
        run = self.runs.setdefault(name, {"config": "{}", "summary": "{}"})
        run["config"] = asked["config"] or run["config"]
        return {"upsertBucket": {"bucket": self._run(name), "inserted": new}}

    def on_run(self, asked: Json) -> Json:
        return {"project": {"run": self._run(asked["name"])}}

    def on_create_run_files(self, asked: Json) -> Json:
        place = f"{self.address}/runs/{asked['run']}"
        files = [{"name": name, "uploadUrl": f"{place}/{name}"} for name in asked["files"]]
        return {"createRunFiles": {"runID": "1", "uploadHeaders": [], "files": files}}

    def on_create_artifact(self, asked: Json) -> Json:
        sent = asked["input"]
        made = {
            "id": str(len(self.artifacts)),
            "type": sent["artifactTypeName"],
            "metadata": sent["metadata"],
            "digest": sent["digest"],
            "aliases": [each["alias"] for each in sent["aliases"]],
            "state": "PENDING",
        }
        self.artifacts.append(made)
        sequence = {"latestArtifact": None}
        made_of = {"id": made["id"], "state": made["state"], "artifactSequence": sequence}
        return {"createArtifact": {"artifact": made_of}}

    def on_create_artifact_manifest(self, asked: Json) -> Json:
        number = asked["artifactID"]
        file = {"id": "1", "uploadUrl": self._manifest(number), "uploadHeaders": []}
        return {"createArtifactManifest": {"artifactManifest": {"id": number, "file": file}}}

    def on_create_artifact_files(self, asked: Json) -> Json:
        edges = []
        for file in asked["input"]["artifactFiles"]:
            path = f"artifacts/{file['artifactID']}/{file['name']}"
            node = {"storagePath": path, "uploadUrl": f"{self.address}/{path}", "uploadHeaders": []}
            edges.append({"node": {**node, "artifact": {"id": file["artifactID"]}}})
        return {"createArtifactFiles": {"files": {"edges": edges}}}

    def on_commit_artifact(self, asked: Json) -> Json:
        made = self.artifacts[int(asked["artifactID"])]
        made["state"] = "COMMITTED"
        return {"commitArtifact": {"artifact": {"id": made["id"], "digest": made["digest"]}}}

    def on_fetch_artifact_manifest(self, asked: Json) -> Json:
        file = {"directUrl": self._manifest(asked["id"])}
        return {"artifact": {"currentManifest": {"file": file}}}

    def on_artifact_type(self, asked: Json) -> Json:
        found = self._named(asked["name"])
        return {"project": {"artifact": found and {"artifactType": {"name": found["type"]}}}}

    def on_artifact_membership_by_name(self, asked: Json) -> Json:
        found = self._named(asked["name"])
        return {"project": {"artifactCollectionMembership": found and self._member(found)}}

    def on_artifact_by_id(self, asked: Json) -> Json:
        return {"artifact": self._member(self.artifacts[int(asked["id"])])["artifact"]}

    def on_update_artifact(self, asked: Json) -> Json:
        return {"result": self.on_artifact_by_id({"id": asked["input"]["artifactID"]})}

    def on_add_aliases(self, asked: Json) -> Json:
        """An alias moves: another version loses it."""
        new = [each["alias"] for each in asked["input"]["aliases"]]
        for made in self.artifacts:
            made["aliases"] = [alias for alias in made["aliases"] if alias not in new]
        self.artifacts[int(asked["input"]["artifactID"])]["aliases"] += new
        return {"result": {"success": True}}

    def on_delete_aliases(self, asked: Json) -> Json:
        old = [each["alias"] for each in asked["input"]["aliases"]]
        made = self.artifacts[int(asked["input"]["artifactID"])]
        made["aliases"] = [alias for alias in made["aliases"] if alias not in old]
        return {"result": {"success": True}}

    def _project(self) -> Json:
        entity = {"id": "1", "name": ME}
        return {"id": "1", "internalId": "1", "name": self.project, "entity": entity}

    def _run(self, name: str) -> Json | None:
        if name not in self.runs:
            return None
        texts = dict.fromkeys(["description", "notes"], "")
        lists = dict.fromkeys(["historyTail", "eventsTail"], "[]")
        counts = dict.fromkeys(["historyLineCount", "logLineCount", "eventsLineCount"], 0)
        none = dict.fromkeys(["sweepName", "group", "jobType", "commit"])
        times = dict.fromkeys(["createdAt", "heartbeatAt"], CREATED)
        return {
            **{**texts, **lists, **counts, **none, **times},
            **{"id": name, "name": name, "displayName": name, "state": "finished", "tags": []},
            "config": self.runs[name]["config"],
            "summaryMetrics": self.runs[name]["summary"],
            "project": self._project(),
            "projectId": "1",
            "user": {"name": ME, "username": ME},
            **{"readOnly": False, "historyKeys": {}, "systemMetrics": "{}", "wandbConfig": "{}"},
        }

    def _manifest(self, artifact: str) -> str:
        return f"{self.address}/manifests/{artifact}"

    def _named(self, name: str) -> Json | None:
        alias = name.rpartition(":")[2]
        done = [made for made in self.artifacts if made["state"] == "COMMITTED"]
        return next((made for made in reversed(done) if alias in made["aliases"]), None)

    def _member(self, made: Json) -> Json:
        kind, project = "ArtifactSequence", self._project()
        collection = {"__typename": kind, "name": self.project, "project": project}
        same = {"id": made["id"], "versionIndex": int(made["id"]), "createdAt": CREATED}
        named = [{"__typename": "ArtifactAlias", "id": a, "alias": a} for a in made["aliases"]]
        artifact = {
            **same,
            **dict.fromkeys(["description", "historyStep", "commitHash", "updatedAt"]),
            **{"__typename": "Artifact", "ttlDurationSeconds": -2, "ttlIsInherited": True},
            **{key: made[key] for key in ("metadata", "state", "digest")},
            **{"tags": [], "size": 1, "fileCount": 4, "artifactType": {"name": made["type"]}},
            "artifactSequence": collection,
            "aliases": [{**alias, "artifactCollection": collection} for alias in named],
        }
        member = {"__typename": "ArtifactCollectionMembership", "aliases": named, **same}
        return {**member, "artifactCollection": collection, "artifact": artifact}


class Handler(BaseHTTPRequestHandler):
    """One request; who has no key is turned away."""

    protocol_version = "HTTP/1.1"
    held: Held

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def do_PUT(self) -> None:
        """A file."""
        self.held.files[self.path] = self._body()
        self._reply(200)

    def do_GET(self) -> None:
        """A file that was sent."""
        self._reply(200 if self.path in self.held.files else 404, self.held.files.get(self.path))

    def do_POST(self) -> None:
        """A question in GraphQL, or the summary of a run."""
        sent = json.loads(self._body())
        basic = base64.b64encode(f"api:{KEY}".encode()).decode()
        if self.headers["Authorization"] != f"Basic {basic}":
            return self._reply(401)
        if self.path == "/graphql":
            answer = self.held.answer(sent["query"], sent.get("variables") or {})
            return self._reply(200, json.dumps(answer).encode())
        if summary := sent.get("files", {}).get("wandb-summary.json", {}).get("content"):
            self.held.runs[self.path.split("/")[-2]]["summary"] = summary[-1]
        return self._reply(200)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"] or 0))

    def _reply(self, code: int, content: bytes | None = None) -> None:
        content = b"{}" if content is None else content
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class Server(ThreadingHTTPServer):
    """Serves in threads; a client that hangs up is no trouble."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """What matters shows in the test."""


@contextmanager
def server(port: int = 0) -> Iterator[Held]:
    """A stand-in on this machine, until the block ends."""
    listener = Server(("127.0.0.1", port), Handler)
    Handler.held = Held(f"http://127.0.0.1:{listener.server_address[1]}")
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    try:
        yield Handler.held
    finally:
        listener.shutdown()
        listener.server_close()
