"""The page in a real browser: search, filters, addresses, keys, files, typeset mathematics."""

import csv
import io
import json
import time
from pathlib import Path

import pytest

from numina.measure.systems import GREEDY, ONE_SAMPLED
from tests.chromium import open_chromium, requests_of, resize
from tests.report.made import SPLITS


@pytest.fixture(scope="module")
def browser(reported, tmp_path_factory):
    """The page, open in Chromium."""
    driver = open_chromium(tmp_path_factory.mktemp("profile"))
    driver.get((reported / "reports/index.html").as_uri())
    yield driver
    driver.quit()


def listed(browser) -> list[str]:
    from selenium.webdriver.common.by import By

    return [item.text for item in browser.find_elements(By.CSS_SELECTOR, "#list li")]


def choose(browser, select: str, value: str) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.select import Select

    Select(browser.find_element(By.ID, select)).select_by_value(value)


def test_a_reader_finds_a_wrong_trace_and_reads_it(browser):
    from selenium.webdriver.common.by import By

    search = browser.find_element(By.ID, "search")
    count = browser.find_element(By.ID, "count")
    everything = count.text
    search.send_keys("amc-3 \\frac")
    assert count.text != everything
    assert listed(browser) and all("amc-3" in item for item in listed(browser))
    choose(browser, "outcome", "wrong")
    choose(browser, "system", "sctir")
    choose(browser, "split", "mini_amc")
    rows = browser.find_elements(By.CSS_SELECTOR, "#list a")
    assert rows
    for row in rows:
        assert row.find_elements(By.CSS_SELECTOR, ".mark.wrong")
        assert "SC-TIR" in row.text
    rows[0].click()
    detail = browser.find_element(By.ID, "detail")
    assert "wrong" in detail.find_element(By.CSS_SELECTOR, "h3").text
    assert "print(" in detail.find_element(By.CSS_SELECTOR, "pre.python").text
    assert detail.find_element(By.CSS_SELECTOR, "pre.output").text
    assert rows[0].get_attribute("aria-current") == "true"
    assert rows[0].get_attribute("href") == browser.current_url
    mathematics = detail.find_elements(By.TAG_NAME, "math")
    assert mathematics
    assert all(element.size["width"] > 0 for element in mathematics)
    above, below = detail.find_elements(By.CSS_SELECTOR, "mfrac:first-of-type > *")[:2]
    assert above.rect["y"] + above.rect["height"] <= below.rect["y"]  # drawn as a fraction
    browser.find_element(By.CSS_SELECTOR, ".steps a[href^='#trace']").click()
    choose(browser, "outcome", "right")
    assert all("✗" not in item for item in listed(browser))
    search.clear()
    search.send_keys("no trace says this")
    assert count.text.startswith("0 of")


def opened(browser, reported, fragment: str = "") -> None:
    """Load the page afresh, at an address."""
    browser.get("about:blank")
    browser.get((reported / "reports/index.html").as_uri() + fragment)


def test_traces_are_found_by_seed_and_level(browser, reported):
    from selenium.webdriver.common.by import By

    opened(browser, reported)
    choose(browser, "seed", "2")
    choose(browser, "level", "5")
    assert listed(browser)
    assert all("seed 2" in item and "level 5" in item for item in listed(browser))
    found = browser.find_element(By.ID, "count").text
    for select in ("seed", "level"):
        choose(browser, select, "")
    browser.find_element(By.ID, "search").send_keys("seed:2 level:5")
    assert browser.find_element(By.ID, "count").text == found
    browser.find_element(By.ID, "search").clear()
    browser.find_element(By.ID, "search").send_keys("seed:greedy")
    assert len(listed(browser)) == len(GREEDY) * sum(map(len, SPLITS.values()))


def test_every_trace_has_an_address(browser, reported):
    from selenium.webdriver.common.by import By

    fragment = "#trace/mini_aime/aime-2/tir_greedy/0/0"
    opened(browser, reported, fragment)
    detail = browser.find_element(By.ID, "detail")
    assert detail.find_element(By.TAG_NAME, "h3").text.startswith("aime-2")
    assert "Tool-integrated, greedy" in detail.text
    assert browser.switch_to.active_element == detail
    assert 0 <= detail.rect["y"] - browser.execute_script("return scrollY") < 500  # in view
    links = browser.find_elements(By.CSS_SELECTOR, "#list a")
    addresses = [link.get_attribute("href") for link in links]
    assert len(set(addresses)) == len(addresses)
    links[0].click()
    assert browser.current_url == addresses[0] != fragment
    browser.back()
    assert browser.current_url.endswith(fragment)
    assert detail.find_element(By.TAG_NAME, "h3").text.startswith("aime-2")
    opened(browser, reported, "#trace/mini_aime/none/tir_greedy/0/0")
    assert "no trace at this address" in browser.find_element(By.ID, "trace").text


def test_keys_are_enough(browser, reported):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    opened(browser, reported)
    links = browser.find_elements(By.CSS_SELECTOR, "#list a")
    links[0].send_keys(Keys.ARROW_DOWN)
    assert browser.switch_to.active_element == links[1]
    links[1].send_keys(Keys.ENTER)
    assert browser.current_url == links[1].get_attribute("href")
    following = browser.find_element(By.ID, "next")
    following.send_keys(Keys.ENTER)
    assert browser.current_url == links[2].get_attribute("href")
    assert browser.switch_to.active_element == following  # for the next one
    assert browser.find_element(By.ID, "previous").get_attribute("href") == (
        links[1].get_attribute("href")
    )


def test_the_table_of_problems_leads_to_their_traces(browser, reported):
    from selenium.webdriver.common.by import By

    opened(browser, reported)
    head = browser.find_element(By.CSS_SELECTOR, "#grid-table thead").text
    assert "8-bit GPTQ" in head and "seed 2" in head
    rows = browser.find_elements(By.CSS_SELECTOR, "#grid-table tbody tr")
    assert len(rows) == sum(map(len, SPLITS.values()))
    choose(browser, "grid-split", "mini_aime")
    choose(browser, "grid-level", "5")
    browser.find_element(By.ID, "grid-search").send_keys("aime-3")
    (row,) = browser.find_elements(By.CSS_SELECTOR, "#grid-table tbody tr")
    cells = row.find_elements(By.TAG_NAME, "td")
    assert len(cells) == len(GREEDY) + 2
    assert all(" tok · " in cell.text and cell.text[0] in "✓✗" for cell in cells)
    cells[-1].find_element(By.TAG_NAME, "a").click()
    assert browser.current_url.endswith("#trace/mini_aime/aime-3/sctir/2/0")
    assert "SC-TIR" in browser.find_element(By.CSS_SELECTOR, "#trace h4").text


def downloaded(folder: Path, name: str, seconds: float = 20) -> str:
    """A file that the browser saves, once it is there."""
    until = time.monotonic() + seconds
    while not (folder / name).exists():
        assert time.monotonic() < until, f"{name} was not saved"
        time.sleep(0.05)
    return (folder / name).read_text(encoding="utf-8")


def test_tables_are_taken_away_as_files(browser, reported, tmp_path):
    from selenium.webdriver.common.by import By

    where = {"behavior": "allow", "downloadPath": str(tmp_path)}
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", where)
    for form in (0, 1):  # anew for each form, as Chromium saves ten files of a page without asking
        opened(browser, reported)
        choose(browser, "system", "cot_greedy")
        for row in browser.find_elements(By.CSS_SELECTOR, "#takeaway-table tbody tr"):
            row.find_elements(By.TAG_NAME, "button")[form].click()
    metrics = json.loads((reported / "reports/metrics.json").read_text())
    results = json.loads(downloaded(tmp_path, "results.json"))
    assert {(row["split"], row["system"]): row["accuracy"] for row in results} == {
        (split, system): figures["accuracy"]
        for split, systems in metrics.items()
        for system, figures in systems.items()
    }
    for name in ("maj_at_k", "depth", "breakdown"):
        ours = csv.DictReader((reported / f"reports/{name}.csv").open())
        theirs = csv.DictReader(io.StringIO(downloaded(tmp_path, f"{name}.csv")))
        for one, other in zip(ours, theirs, strict=True):
            assert one.keys() == other.keys()
            numeric = {key for key, text in one.items() if text.replace(".", "").isdigit()}
            assert all(float(one[key]) == float(other[key]) for key in numeric)
            assert all(one[key] == other[key] for key in one.keys() - numeric)
    problems = json.loads(downloaded(tmp_path, "problems.json"))
    assert len(problems) == sum(map(len, SPLITS.values())) * (len(GREEDY) + 2)
    shares: dict[tuple[str, str], list[bool]] = {}
    for row in problems:
        shares.setdefault((row["problem"], row["system"]), []).append(row["outcome"] == "right")
    for row in csv.DictReader((reported / "reports/outcomes.csv").open()):
        if row["system"] != ONE_SAMPLED:
            seeds = shares[row["problem"], row["system"]]
            assert sum(seeds) / len(seeds) == float(row["right"])
    traces = list(csv.DictReader(io.StringIO(downloaded(tmp_path, "traces.csv"))))
    assert {row["system"] for row in traces} == {"cot_greedy"}  # as the filter says
    assert len(traces) == sum(map(len, SPLITS.values()))
    assert all("\n" in row["text"] for row in traces)
    assert "<script>alert(1)</script>" in traces[-1]["statement"]


def test_untrusted_text_is_shown_as_text(browser):
    from selenium.webdriver.common.by import By

    assert browser.execute_script("return document.scripts.length") == 2
    text = browser.find_element(By.CSS_SELECTOR, ".problem").text
    assert "<script>alert(1)</script>" in text or "remainder" in text


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_sticks_out(browser, reported, width):
    opened(browser, reported)
    resize(browser, width)
    whole, seen = (
        browser.execute_script(f"return document.documentElement.{side}Width")
        for side in ("scroll", "client")
    )
    assert whole == seen <= width


def test_no_request_left_the_page_and_nothing_went_wrong(browser):
    addresses = requests_of(browser, "file:")
    assert addresses
    assert [url for url in addresses if not url.startswith(("file://", "data:"))] == []
    assert browser.get_log("browser") == []
