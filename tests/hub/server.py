"""The hub's HTTP API."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.hub.faults import Faults
from tests.hub.store import KINDS, Missing, Repository, Store, is_lfs, sha256

TOKEN = "hf_loopback"  # of the user `me`, who may write to `me` only
READER = "hf_reader"  # of a user who may read what is private and write nothing
USER = "me"
REPO = r"(?P<kind>models|datasets)/(?P<repo>[^/]+/[^/]+)"
CHATTER = "/api/agent-harnesses"  # a list that the client keeps, whatever it is used for
STATUS = {"RepoNotFound": 401}  # as the hub: it does not say whether a repository exists


class Refused(Exception):
    """A request is refused with a status and a message."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass(slots=True)
class Hub:
    """A running hub.

    Attributes:
        url: its address, for HF_ENDPOINT.
        store: what it has.
        faults: how it is to misbehave.
        asked: the requests that it got: method, path and Range.
    """

    url: str
    store: Store
    faults: Faults
    asked: list[str]


@contextmanager
def serving(folder: Path, port: int = 0) -> Iterator[Hub]:
    """A hub that serves a folder for as long as the context lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    hub = Hub(f"http://127.0.0.1:{server.server_port}", Store(folder), Faults(), [])
    server.hub = hub  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    """Answers one request after another of a connection."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    @property
    def hub(self) -> Hub:
        return self.server.hub  # type: ignore[attr-defined]

    def do_GET(self) -> None:
        self.answer()

    do_HEAD = do_POST = do_PUT = do_GET

    def answer(self) -> None:
        """Answer, or misbehave as asked."""
        path = unquote(urlsplit(self.path).path)
        self.query = parse_qs(urlsplit(self.path).query)
        request = f"{self.command} {path}"
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            self.body = self.chunks()
        if path != CHATTER:
            self.hub.asked.append(f"{request} {self.headers.get('Range', '')}".strip())
        fault = self.hub.faults.take(request, "status", "drop")
        try:
            if fault and fault.kind == "drop":
                self.close_connection = True
                return
            if fault:
                raise Refused(fault.status, fault.message or "as asked", fault.code)
            self.route(path, request)
        except Missing as missing:
            code = str(missing)
            self.refuse(STATUS.get(code, 404), code, f"{code}: {path}")
        except Refused as refused:
            self.refuse(refused.status, refused.code, str(refused))

    def chunks(self) -> bytes:
        """A body that came in chunks."""
        data = b""
        while size := int(self.rfile.readline(), 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def route(self, path: str, request: str) -> None:
        for pattern, method in ROUTES:
            if match := re.fullmatch(pattern, request):
                named = match.groupdict()
                if "repo" in named:
                    kind = named.pop("kind") or "models"
                    named["repo"] = self.repository(kind, named["repo"])  # type: ignore[assignment]
                method(self, **named)
                return
        raise Refused(404, f"this hub has no {request}")

    def repository(self, kind: str, name: str) -> Repository:
        """A repository that the sender may read."""
        found = self.hub.store.get(kind, name)
        if found.private and self.token() not in (TOKEN, READER):
            raise Missing("RepoNotFound")
        return found

    def token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def must_write(self, owner: str) -> None:
        """Refuse a sender who may not write."""
        if self.token() not in (TOKEN, READER):
            raise Refused(401, "Invalid username or password.")
        if self.token() == READER or owner != USER:
            raise Refused(403, f"You don't have the rights to write to {owner}")

    def refuse(self, status: int, code: str, message: str) -> None:
        headers = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
        self.send(status, {"error": message}, headers)

    def send(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        self.send_bytes(status, json.dumps(value).encode(), headers or {}, "application/json")

    def send_bytes(
        self,
        status: int,
        data: bytes,
        headers: dict[str, str],
        kind: str = "application/octet-stream",
    ) -> None:
        """Send a whole answer; half of it where a fault says so."""
        self.send_response(status)
        for key, value in {
            "Content-Type": kind,
            "Content-Length": str(len(data)),
            **headers,
        }.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        request = f"{self.command} {unquote(urlsplit(self.path).path)}"
        fault = self.hub.faults.take(request, "cut", "wrong") if "/resolve/" in request else None
        if fault and fault.kind == "wrong":
            data = bytes(255 - byte for byte in data)
        if fault and fault.kind == "cut":
            data = data[: len(data) // 2]
            self.close_connection = True
        self.wfile.write(data)

    # Downloads

    def whoami(self) -> None:
        if self.token() not in (TOKEN, READER):
            raise Refused(401, "Invalid credentials in Authorization header")
        name = USER if self.token() == TOKEN else "reader"
        self.send(200, {"type": "user", "name": name, "orgs": [], "auth": {}})

    def info(self, repo: Repository, revision: str | None = None) -> None:
        commit = repo.commit_of(revision or "main")
        name = f"{repo.folder.parent.name}/{repo.folder.name}"
        files = [{"rfilename": stored.path} for stored in repo.files(commit)]
        self.send(
            200,
            {"id": name, "sha": commit, "private": repo.private, "tags": [], "siblings": files},
        )

    def refs(self, repo: Repository) -> None:
        branches = [
            {"name": name, "ref": f"refs/heads/{name}", "targetCommit": commit}
            for name, commit in repo.branches.items()
        ]
        self.send(200, {"branches": branches, "converts": [], "tags": []})

    def tree(self, repo: Repository, revision: str, under: str | None = None) -> None:
        prefix = f"{under}/" if under else ""
        inside = [stored for stored in repo.files(revision) if stored.path.startswith(prefix)]
        if under and not inside:
            raise Missing("EntryNotFound")
        if self.query.get("recursive", ["False"])[0].lower() in ("true", "1"):
            self.send(200, [stored.described() for stored in inside])
            return
        entries: dict[str, dict[str, Any]] = {}
        for stored in inside:
            first, *deeper = stored.path.removeprefix(prefix).split("/")
            folder = {"type": "directory", "oid": "0" * 40, "size": 0, "path": prefix + first}
            entries[first] = folder if deeper else stored.described()
        self.send(200, list(entries.values()))

    def paths(self, repo: Repository, revision: str) -> None:
        """Those of the given paths that exist, files and folders."""
        if self.headers.get("Content-Type", "").startswith("application/json"):
            wanted = json.loads(self.body)["paths"]
        else:
            wanted = parse_qs(self.body.decode())["paths"]
        files = repo.files(revision)
        found = [stored.described() for stored in files if stored.path in wanted]
        for path in wanted:
            if any(stored.path.startswith(f"{path}/") for stored in files):
                found.append({"type": "directory", "oid": "0" * 40, "size": 0, "path": path})
        self.send(200, found)

    def resolve(self, repo: Repository, revision: str, path: str) -> None:
        """A file, or the part of it that Range names."""
        commit = repo.commit_of(revision)
        stored = repo.file(commit, path)
        headers = {"X-Repo-Commit": commit, "ETag": f'"{stored.etag}"', "Accept-Ranges": "bytes"}
        if stored.lfs:
            headers |= {"X-Linked-Size": str(stored.size), "X-Linked-ETag": f'"{stored.etag}"'}
        data, status = stored.content.read_bytes(), 200
        if part := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first, last = int(part[1]), int(part[2] or len(data) - 1)
            if first >= len(data):
                raise Refused(416, "Range Not Satisfiable")
            headers["Content-Range"] = f"bytes {first}-{min(last, len(data) - 1)}/{len(data)}"
            data, status = data[first : last + 1], 206
        self.send_bytes(status, data, headers)

    # Uploads

    def validate(self) -> None:
        text = json.loads(self.body)["content"]
        if not text.startswith("---\n"):
            self.send(200, {"errors": [], "warnings": [{"message": "empty or missing yaml"}]})
            return
        self.send(200, {"errors": [], "warnings": []})

    def create(self) -> None:
        asked = json.loads(self.body)
        owner = asked.get("organization") or USER
        self.must_write(owner)
        name, kind = f"{owner}/{asked['name']}", f"{asked.get('type') or 'model'}s"
        private = asked.get("visibility") == "private" or bool(asked.get("private"))
        url = f"{self.hub.url}/{'' if kind == KINDS[0] else f'{kind}/'}{name}"
        made = {"url": url, "name": name, "id": name}
        if (kind, name) in self.hub.store.repositories:
            self.send(409, {"error": "You already created this repo", **made})
            return
        self.hub.store.create(kind, name, private)
        self.send(200, made)

    def branch(self, repo: Repository, name: str) -> None:
        self.must_write(repo.folder.parent.name)
        if name in repo.branches:
            raise Refused(409, f"Reference already exists: refs/heads/{name}")
        start = json.loads(self.body or b"{}").get("startingPoint", "main")
        repo.branches[name] = repo.commit_of(start)
        repo.save()
        self.send(200, {})

    def preupload(self, repo: Repository, revision: str) -> None:
        self.must_write(repo.folder.parent.name)
        repo.commit_of(revision)
        present = {stored.path: stored for stored in repo.files(revision)}
        files = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if is_lfs(file["path"]) else "regular",
                "shouldIgnore": False,
                "oid": present[file["path"]].etag if file["path"] in present else None,
            }
            for file in json.loads(self.body)["files"]
        ]
        self.send(200, {"files": files})

    def batch(self, repo: Repository) -> None:
        self.must_write(repo.folder.parent.name)
        objects = []
        for wanted in json.loads(self.body)["objects"]:
            answer = {"oid": wanted["oid"], "size": wanted["size"]}
            if not self.hub.store.lfs(wanted["oid"]).exists():
                href = f"{self.hub.url}/lfs-upload/{wanted['oid']}"
                answer["actions"] = {"upload": {"href": href}}
            objects.append(answer)
        self.send(200, {"transfer": "basic", "objects": objects})

    def upload(self, oid: str) -> None:
        file = self.hub.store.lfs(oid)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(self.body)
        if sha256(file) != oid:
            file.unlink()
            raise Refused(400, "the content does not have its SHA-256")
        self.send(200, {})

    def commit(self, repo: Repository, revision: str) -> None:
        self.must_write(repo.folder.parent.name)
        repo.commit_of(revision)
        if revision not in repo.branches:
            raise Missing("RevisionNotFound")
        changes: dict[str, bytes | Path | None] = {}
        for line in self.body.splitlines():
            item = json.loads(line)
            key, value = item["key"], item["value"]
            if key == "file":
                changes[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                changes[value["path"]] = self.hub.store.lfs(value["oid"])
            elif key == "deletedFile":
                changes[value["path"]] = None
        commit = repo.commit(revision, changes)
        name = f"{repo.folder.parent.name}/{repo.folder.name}"
        self.send(200, {"commitUrl": f"{self.hub.url}/{name}/commit/{commit}", "commitOid": commit})


NAMED = "(?:(?P<kind>datasets|models)/)?(?P<repo>[^/]+/[^/]+)"
ROUTES: list[tuple[str, Callable[..., None]]] = [
    (r"GET /api/whoami-v2", Handler.whoami),
    (r"POST /api/repos/create", Handler.create),
    (r"POST /api/validate-yaml", Handler.validate),
    (rf"GET /api/{REPO}", Handler.info),
    (rf"GET /api/{REPO}/revision/(?P<revision>.+)", Handler.info),
    (rf"GET /api/{REPO}/refs", Handler.refs),
    (rf"GET /api/{REPO}/tree/(?P<revision>[^/]+)(?:/(?P<under>.+?))?/?", Handler.tree),
    (rf"POST /api/{REPO}/paths-info/(?P<revision>[^/]+)", Handler.paths),
    (rf"POST /api/{REPO}/branch/(?P<name>.+)", Handler.branch),
    (rf"POST /api/{REPO}/preupload/(?P<revision>.+)", Handler.preupload),
    (rf"POST /api/{REPO}/commit/(?P<revision>.+)", Handler.commit),
    (rf"POST /{NAMED}\.git/info/lfs/objects/batch", Handler.batch),
    (r"PUT /lfs-upload/(?P<oid>[0-9a-f]{64})", Handler.upload),
    (rf"(?:GET|HEAD) /{NAMED}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", Handler.resolve),
]
