"""A vision model on a loopback server, also one that misbehaves."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from numina.bench.draw_exam import DrawnExam, draw
from numina.errors import UserError
from numina.exams.exam import problems_of, read_all
from numina.exams.pages import read_exam
from numina.records.problem import Problem
from tests.conftest import ROOT, changed_params
from tests.exams.reading import reader_of

CLUB = ROOT / "data/exams/club_exam.pdf"
PAGE = "Problem 4. Find $\\frac{x}{2}$.\n\nSolution. It is $\\boxed{3}$."


def reply(content, finish="stop") -> bytes:
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    body = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
    return json.dumps(body).encode()


BROKEN = {
    "server error": (500, b'{"error": {"message": "down"}}'),
    "no choices": (200, b'{"id": "1", "choices": []}'),
    "null content": (200, reply(None)),
    "cut off": (200, reply("Problem 4. Fi", "length")),
    "HTML": (200, b"<html>hello</html>"),
    "broken JSON": (200, b'{"id": '),
    "refused": (400, b'{"error": {"message": "the image is too large"}}'),
}


class Server(ThreadingHTTPServer):
    """Counts requests and answers each with the same reply."""

    status, body, trickle = 200, reply(PAGE), False
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[dict] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.server.requests.append(json.loads(self.rfile.read(length)))
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        try:
            for place in range(len(self.server.body)):
                self.wfile.write(self.server.body[place : place + 1])
                if self.server.trickle:
                    self.wfile.flush()
                    time.sleep(0.2)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def test_a_page_without_a_text_layer_is_read_by_the_model_once(tmp_path):
    with serving() as server:
        reader = reader_of(str(tmp_path), server.url, vision="m")
        pages = list(read_exam(CLUB, reader))
        assert [page.method for page in pages] == ["text_layer", "vision"]
        rows = list(problems_of([page.lines for page in pages], "club_exam.pdf"))
        last = rows[-1]
        assert isinstance(last, Problem)
        assert (last.id, last.problem) == ("club_exam/4", "Find $\\frac{x}{2}$.")
        assert last.answer == "3"
        (request,) = server.requests
        assert request["model"] == "m"
        picture = request["messages"][0]["content"][1]["image_url"]["url"]
        assert picture.startswith("data:image/png;base64,")
        list(read_exam(CLUB, reader_of(str(tmp_path), server.url, vision="m")))
        assert len(server.requests) == 1
        list(read_exam(CLUB, reader_of(str(tmp_path), server.url, vision="other")))
        assert len(server.requests) == 2


def test_a_page_whose_text_layer_lost_formulas_is_read_by_the_model(tmp_path):
    text = r"Problem 4. Find the value of \frac{x + 1}{2} where x is equal to five."
    draw(DrawnExam(text, ()), tmp_path / "x.pdf")
    with serving() as server:
        reader = reader_of(str(tmp_path / "cache"), server.url, vision="m")
        (page,) = read_exam(tmp_path / "x.pdf", reader)
    assert (page.method, page.text) == ("vision", PAGE.replace("\n\n", "\n"))


@pytest.mark.parametrize("kind", BROKEN)
def test_a_bad_reply_costs_its_page_only(kind, tmp_path):
    with serving() as server:
        server.status, server.body = BROKEN[kind]
        reader = reader_of(str(tmp_path), server.url, vision="m", ocr=False)
        pages = list(read_exam(CLUB, reader))
        assert [page.method for page in pages] == ["text_layer", "failed"]
        assert pages[1].note.startswith("vision: ")
        server.status, server.body = 200, reply(PAGE)
        pages = list(read_exam(CLUB, reader))
        assert [page.method for page in pages] == ["text_layer", "vision"]


def test_a_server_that_trickles_is_given_up(tmp_path):
    with serving() as server:
        server.trickle = True
        reader = reader_of(str(tmp_path), server.url, 1.0, vision="m", ocr=False)
        pages = list(read_exam(CLUB, reader))
    assert (pages[1].method, pages[1].note) == ("failed", "vision: no reply in 1 s")


def test_after_a_bad_reply_ocr_reads_the_page(tmp_path):
    with serving() as server:
        server.body = reply(None)
        pages = list(read_exam(CLUB, reader_of(str(tmp_path), server.url, vision="m")))
    assert [page.method for page in pages] == ["text_layer", "ocr"]
    assert pages[1].note == "vision: the reply is empty"


def test_a_server_that_cannot_be_reached_or_refuses_the_key_ends_the_run(tmp_path):
    with serving() as server:
        url = server.url
        server.status, server.body = 401, b'{"error": {"message": "wrong key"}}'
        with pytest.raises(UserError, match=r"hardware\.vision\.url: .*wrong key"):
            list(read_all([CLUB], reader_of(str(tmp_path), url, vision="m"), print))
    with pytest.raises(UserError, match=rf"hardware\.vision\.url: {url}: cannot be reached"):
        list(read_all([CLUB], reader_of(str(tmp_path), url, vision="m"), print))


def test_a_model_without_a_server_is_refused():
    with pytest.raises(UserError, match=r"digitize\.vision 'm' needs hardware\.vision\.url"):
        changed_params({"digitize.vision": "m"})
