"""Chromium for tests of pages, which logs its console and every request."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--no-first-run", "--disable-component-update", "--disable-sync"),
    "--force-prefers-reduced-motion",  # else what is to be clicked still moves
)
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


def open_chromium(profile: Path, *options: str) -> Any:
    """A driver of Chromium; the test is skipped if there is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    if not (CHROMIUM and DRIVER):
        pytest.skip("no chromium and chromedriver here (Debian: chromium, chromium-driver)")
    from selenium.webdriver.chrome.service import Service

    chosen = webdriver.ChromeOptions()
    chosen.binary_location = CHROMIUM
    for option in (*OPTIONS, *options, f"--user-data-dir={profile}"):
        chosen.add_argument(option)
    chosen.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=chosen, service=Service(DRIVER))


def resize(browser: Any, width: int, height: int = 900) -> None:
    """Make the window as large as a desktop's or a phone's."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def requests_of(browser: Any, page: str) -> list[str]:
    """What pages whose address begins with `page` asked for, and no start page of the browser."""
    events = [json.loads(row["message"])["message"] for row in browser.get_log("performance")]
    sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return [row["request"]["url"] for row in sent if row["documentURL"].startswith(page)]
