"""The page in a real browser: search, filters, a trace with its program and typeset mathematics."""

import shutil

import pytest

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--no-first-run", "--disable-component-update", "--disable-sync"),
    "--force-prefers-reduced-motion",  # else what is to be clicked still moves
)


@pytest.fixture(scope="module")
def browser(reported, tmp_path_factory):
    """The page, open in Chromium, which logs its console and every request."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    if not (CHROMIUM and DRIVER):
        pytest.skip("no chromium and chromedriver here (Debian: chromium, chromium-driver)")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for option in (*OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
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
    rows = browser.find_elements(By.CSS_SELECTOR, "#list button")
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
    mathematics = detail.find_elements(By.TAG_NAME, "math")
    assert mathematics
    assert all(element.size["width"] > 0 for element in mathematics)
    above, below = detail.find_elements(By.CSS_SELECTOR, "mfrac:first-of-type > *")[:2]
    assert above.rect["y"] + above.rect["height"] <= below.rect["y"]  # drawn as a fraction
    browser.find_element(By.CSS_SELECTOR, ".steps button:not(:disabled)").click()
    choose(browser, "outcome", "right")
    assert all("✗" not in item for item in listed(browser))
    search.clear()
    search.send_keys("no trace says this")
    assert count.text.startswith("0 of")


def test_untrusted_text_is_shown_as_text(browser):
    from selenium.webdriver.common.by import By

    assert browser.execute_script("return document.scripts.length") == 2
    text = browser.find_element(By.CSS_SELECTOR, ".problem").text
    assert "<script>alert(1)</script>" in text or "remainder" in text


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_sticks_out(browser, width):
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 700}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    whole, seen = (
        browser.execute_script(f"return document.documentElement.{side}Width")
        for side in ("scroll", "client")
    )
    assert whole == seen <= width


def test_no_request_left_the_page_and_nothing_went_wrong(browser):
    import json

    events = [json.loads(row["message"])["message"] for row in browser.get_log("performance")]
    sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    ours = [row for row in sent if row["documentURL"].startswith("file:")]  # not the start page's
    assert ours
    addresses = [row["request"]["url"] for row in ours]
    assert [url for url in addresses if not url.startswith(("file://", "data:"))] == []
    assert browser.get_log("browser") == []
