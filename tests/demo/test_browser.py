"""The demo in a real browser, with an engine that plays given parts."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from numina.demo.desk import Terms
from tests.chromium import OFFLINE, open_chromium, requests_of, resize
from tests.demo.played import BROKEN, PROGRAM, Played, demo, sctir

HOSTILE = (
    "<img src=x onerror=document.title='hacked'><script>document.title='hacked'</script>"
    "</textarea></script> $\\href{javascript:document.title='hacked'}{x}$ "
    "$\\text{<img src=x onerror=document.title='hacked'>}$ [x](javascript:1) &lt;b&gt;"
)
PARTS: dict[str, list[list[Any]]] = {
    "agreed": [
        [PROGRAM, "WAIT agreed So $\\frac{4}{2} = \\boxed{2}$."],
        ["WAIT agreed \\boxed{2}"],
        ["WAIT agreed \\boxed{2}"],
        ["WAIT later \\boxed{3}"],
        ["HANG"],
    ],
    "tied": [["\\boxed{4}"], ["\\boxed{4}"], ["\\boxed{5}"], ["\\boxed{5}"], ["nothing"]],
    "formula": [["\\boxed{\\frac{3}{4}}"]] * 5,
    "stuck": [["\\boxed{7}"], ["HANG"], ["HANG"], ["HANG"], ["HANG"]],
    "quick": [["\\boxed{9}"]] * 5,
    "broken": [BROKEN] * 5,
    "img": [
        [f"{HOSTILE}\n```python\n{HOSTILE}\n```\n```output\n", f"\\boxed{{{HOSTILE}}}"],
        *[[f"\\boxed{{{HOSTILE}}}"]] * 4,
    ],
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Any]:
    """Chromium, which cannot look up any name and logs every request."""
    driver = open_chromium(tmp_path_factory.mktemp("profile"), OFFLINE)
    yield driver
    driver.quit()


@pytest.fixture
def played() -> Played:
    return Played(PARTS)


@pytest.fixture
def page(browser, played) -> Iterator[Any]:
    """The demo's page, open; its requests and its console are checked at the end."""
    with demo(played, Terms(2, 3600), sctir(5), printed=f"{HOSTILE}\n") as address:
        browser.get(address)
        yield browser
        asked = requests_of(browser, address)
        assert asked
        assert [url for url in asked if not url.startswith((address, "data:"))] == []
        assert browser.get_log("browser") == []
        browser.get("about:blank")


def every(page: Any, css: str) -> list[Any]:
    from selenium.webdriver.common.by import By

    return page.find_elements(By.CSS_SELECTOR, css)


def one(page: Any, css: str) -> Any:
    (found,) = every(page, css)
    return found


def until(held: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait until something holds; what it gave."""
    deadline = time.monotonic() + seconds
    while not (given := held()):
        assert time.monotonic() < deadline, "it never held"
        time.sleep(0.02)
    return given


def ask(page: Any, text: str) -> None:
    one(page, "#problem").clear()
    one(page, "#problem").send_keys(text)
    one(page, "#go").click()


def grounds(page: Any) -> list[tuple[str, str]]:
    """The certificate and the doubts, once there is a verdict."""
    until(lambda: every(page, "#grounds .cost"))
    return [(p.get_attribute("class"), p.text) for p in every(page, "#grounds p:not(.cost)")]


@pytest.mark.parametrize("width", [390, 1280])
def test_traces_grow_side_by_side_to_an_answer_with_its_certificate(page, played, width):
    resize(page, width)
    ask(page, "What is agreed, $\\frac{1}{2}$?")
    until(lambda: every(page, ".trace pre.output"))
    traces = every(page, ".trace")
    assert len(traces) == 5
    lefts = [trace.rect["x"] for trace in traces[:2]]
    assert lefts[0] < lefts[1]
    assert traces[0].rect["y"] == traces[1].rect["y"]
    assert one(traces[0], "pre.python").text == "print(1 + 1)"
    above, below = every(one(page, "#statement"), "mfrac:first-of-type > *")[:2]
    assert above.rect["y"] + above.rect["height"] <= below.rect["y"]  # drawn as a fraction
    assert one(page, "#value").text == "…"
    assert "5 votes of 5 outstanding" in one(page, "#outstanding").text
    played.let("agreed")
    ((kind, said),) = grounds(page)
    assert (kind, one(page, "#value").text) == ("certificate", "2")
    assert "Its lead is 3, and only 2 votes are outstanding" in said
    first = one(page, ".vote.leads")
    assert (one(first, ".of").text, one(first, ".sum").text) == ("2", "3")
    full, could = (one(page, css).rect["width"] for css in (".leads i:first-child", ".rest .could"))
    assert could == pytest.approx(full * 2 / 3, abs=1)
    states = [trace.get_attribute("data-state") for trace in traces]
    assert states == ["ended", "ended", "ended", "cut", "cut"]
    assert len(every(page, ".trace.leads")) == 3
    assert one(page, "#go").is_enabled() and not one(page, "#stop").is_displayed()
    assert nothing_sticks_out(page)


def nothing_sticks_out(page: Any) -> bool:
    return page.execute_script(
        "const {scrollWidth, clientWidth} = document.documentElement;"
        "return scrollWidth === clientWidth && clientWidth <= innerWidth"
    )


def test_a_tie_is_a_doubt(page):
    ask(page, "tied")
    ((kind, said),) = grounds(page)
    assert kind == "doubt"
    assert said.startswith("A tie of ")
    assert len(every(page, ".vote.leads")) == 2
    assert "No answer: it ended without an answer." in every(page, ".trace")[4].text


def test_an_answer_is_typeset(page):
    ask(page, "formula")
    grounds(page)
    assert one(page, "#value mfrac").size["height"] > 10
    assert one(page, ".vote.leads .of mfrac")


def test_a_problem_is_stopped_with_the_best_vote_so_far(page):
    ask(page, "stuck")
    until(lambda: "7 leads so far" in one(page, "#value").text)
    one(page, "#stop").click()
    said = [said for _, said in grounds(page)]
    assert one(page, "#value").text == "7"
    assert said[0] == "You stopped it with 4 votes outstanding, which could change it."
    ask(page, "quick")
    until(lambda: one(page, "#value").text == "9")


def test_three_visitors_and_two_that_hang(page):
    """With two places: the third waits, and is served when the first stops."""
    tabs = [page.current_window_handle]
    address = page.current_url
    for text in ("stuck one", "stuck two", "quick"):
        if text != "stuck one":
            page.switch_to.new_window("tab")
            page.get(address)
            tabs.append(page.current_window_handle)
        ask(page, text)
        until(lambda: one(page, "#status").text not in ("", "Sending …"))
    assert one(page, "#status").text == "In the queue: yours is the next."
    assert not one(page, "#result").is_displayed()
    page.switch_to.window(tabs[0])
    one(page, "#stop").click()
    assert grounds(page)
    page.switch_to.window(tabs[2])
    assert grounds(page)[0][0] == "certificate"
    page.close()
    page.switch_to.window(tabs[1])
    assert one(page, "#status").text == "Solving …"
    page.close()
    page.switch_to.window(tabs[0])


def test_a_page_that_is_loaded_again_shows_the_same(page, played):
    ask(page, "agreed")
    until(lambda: every(page, ".trace pre.output"))
    page.refresh()
    until(lambda: every(page, ".trace pre.output"))
    played.let("agreed")
    before = grounds(page)
    page.refresh()
    assert grounds(page) == before
    assert len(every(page, ".trace")) == 5


def test_an_engine_that_fails_is_said_and_the_next_problem_goes_on(page):
    ask(page, "broken")
    until(lambda: "cannot answer now" in one(page, "#status").text)
    assert "10.0.0.7" not in page.page_source
    ask(page, "quick")
    assert grounds(page)[0][0] == "certificate"


@pytest.mark.parametrize("width", [390, 1280])
def test_untrusted_text_is_shown_as_text(page, width):
    resize(page, width)
    scripts = page.execute_script("return document.scripts.length")
    one(page, "#problem").send_keys("x")
    page.execute_script("arguments[0].value = arguments[1]", one(page, "#problem"), HOSTILE)
    one(page, "#go").click()
    grounds(page)
    assert page.title != "hacked"
    assert page.execute_script("return document.scripts.length") == scripts
    assert every(page, "main img, main a, main b:not(.state b), main iframe, main [onerror]") == []
    for css in ("#statement", ".trace .prose", "pre.python", "pre.output"):
        assert "<img src=x onerror=document.title='hacked'>" in every(page, css)[0].text
    assert nothing_sticks_out(page)


def test_keys_are_enough_and_examples_are_there(page):
    from selenium.webdriver.common.keys import Keys

    for example in every(page, ".example"):
        example.send_keys(Keys.ENTER)
        problem = one(page, "#problem")
        assert "$" in problem.get_attribute("value")
        assert page.switch_to.active_element == problem
    problem.clear()
    problem.send_keys("quick", Keys.CONTROL, Keys.ENTER)
    assert grounds(page)[0][0] == "certificate"


def test_a_problem_that_is_refused_is_said_on_the_page(page):
    page.execute_script("arguments[0].value = 'x '.repeat(3000)", one(page, "#problem"))
    one(page, "#go").click()
    until(lambda: "6000 characters; at most 4000" in one(page, "#status").text)
    assert one(page, "#go").is_enabled()
    assert [row["message"].rpartition("status of ")[2][:3] for row in page.get_log("browser")] == [
        "422"
    ]
