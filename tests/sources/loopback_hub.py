"""A hub on loopback that serves data sets from a folder: what its client asks of it for one."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve ``folder/OWNER/NAME/FILES`` at any revision; the address of the hub."""

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, body: bool) -> None:
            parts = self.path.split("?")[0].strip("/").split("/")
            if parts[:2] == ["api", "datasets"] and parts[4] == "tree":
                self.tree(folder / parts[2] / parts[3])
            elif parts[0] == "datasets" and parts[3] == "resolve":
                file = folder.joinpath(parts[1], parts[2], *parts[5:])
                self.send(file.read_bytes(), parts[4], body) if file.is_file() else self.missing()
            else:
                self.missing()

        def tree(self, root: Path) -> None:
            if not root.is_dir():
                return self.missing()
            files = sorted(file for file in root.rglob("*") if file.is_file())
            listed = [
                {
                    "type": "file",
                    "path": str(file.relative_to(root)),
                    "size": file.stat().st_size,
                    "oid": hashlib.sha1(file.read_bytes()).hexdigest(),
                }
                for file in files
            ]
            self.send(json.dumps(listed).encode(), "", True)

        def send(self, content: bytes, commit: str, body: bool) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", commit)
            self.end_headers()
            if body:
                self.wfile.write(content)

        def missing(self) -> None:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
