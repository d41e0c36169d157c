"""What the demo answers over HTTP, and what it refuses."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from numina.demo.desk import Terms
from tests.demo.played import Played, demo, sctir

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    played = Played({"good": [["\\boxed{7}"]] * 3, "hangs": [["HANG"]] * 3})
    with demo(played, Terms(2, 3600), sctir(3)) as served:
        yield served


def asked(address: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
    """The status and the text of a reply."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()} | (
        JSON if body is not None and "Content_Type" not in headers else {}
    )
    request = urllib.request.Request(address + path, body, sent)
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def ask(address: str, text: str) -> str:
    status, reply = asked(address, "problems", json.dumps({"text": text}).encode())
    assert status == 201, reply
    return json.loads(reply)["id"]


def events(text: str) -> list[tuple[int, dict]]:
    """The numbers and the messages of server-sent events."""
    blocks = [block.split("\n") for block in text.split("\n\n") if block.startswith("id: ")]
    return [(int(number[4:]), json.loads(data[6:])) for number, data in blocks]


def test_a_problem_is_asked_and_followed_to_its_end(address):
    place = f"problems/{ask(address, 'good')}/events"
    told = events(asked(address, place)[1])
    assert [number for number, _ in told] == list(range(1, len(told) + 1))
    assert told[-1][1]["answer"] == ["7"]
    again = events(asked(address, place, Last_Event_ID=str(len(told) - 2))[1])
    assert again == told[-2:]
    for wrong in ("-1", "x", "9" * 5000, "²"):
        assert events(asked(address, place, Last_Event_ID=wrong.encode().decode("latin-1"))[1])


def test_a_problem_is_stopped_by_its_id_alone(address):
    name = ask(address, "hangs")
    assert asked(address, "problems/other/stop", b"{}")[0] == 404
    assert asked(address, f"problems/{name}/stop", b"{}")[0] == 200
    assert events(asked(address, f"problems/{name}/events")[1])[-1][1]["kind"] == "verdict"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 422, "holds no problem"),
        (b"{", 422, "holds no problem"),
        (b"[" * 60000, 422, "holds no problem"),
        (b"[]", 422, "holds no problem"),
        (b"{}", 422, "holds no problem"),
        (b"\xff", 422, "holds no problem"),
        (b'{"text": 7}', 422, "Write a problem"),
        (b'{"text": " "}', 422, "Write a problem"),
        (json.dumps({"text": "x" * 5000}).encode(), 422, "at most 4000"),
        (b" " * 2**17, 413, ""),
    ],
)
def test_a_wrong_request_is_refused_and_the_demo_goes_on(address, body, status, said):
    found, reply = asked(address, "problems", body)
    assert (found, said in reply) == (status, True)
    assert asked(address, "")[0] == 200


def test_a_text_that_cannot_be_written_is_asked_with_a_mark_in_its_place(address):
    name = ask(address, "good \ud800\x00")
    first = events(asked(address, f"problems/{name}/events")[1])[0][1]
    assert first["statement"] == [["text", ["good ?\x00"]]]


def test_other_web_sites_cannot_ask_through_a_browser(address):
    body = b'{"text": "good"}'
    assert asked(address, "problems", body, Content_Type="text/plain")[0] == 415
    host, port = address.removeprefix("http://").rstrip("/").split(":")
    for name, status in [("evil.example", 403), ("localhost", 200), (f"{host}:{port}", 200)]:
        connection = HTTPConnection(host, int(port), timeout=30)
        connection.request("GET", "/", headers={"Host": name})
        assert connection.getresponse().status == status
        connection.close()


def test_the_page_may_load_only_from_the_demo(address):
    with urllib.request.urlopen(address, timeout=30) as reply:
        policy, page = reply.headers["Content-Security-Policy"], reply.read().decode()
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy and "http" not in policy
    for file in (page, asked(address, "page.css")[1], asked(address, "page.js")[1]):
        for line in file.splitlines():
            assert (
                "//" not in line.replace("http://www.w3.org/1998/Math/MathML", "").split("// ")[0]
            )


def test_what_is_not_there_is_not_found(address):
    for path in ("../pyproject.toml", "demo/page.js", "problems", "problems/x/events"):
        assert asked(address, path)[0] in (404, 405)
