# SPDX-License-Identifier: MIT
"""The report's page in a real browser: filters, search, overrides, keys, dark mode, accessibility, no complaint."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_core_python.selenium import Axe  # type: ignore[import-untyped]
from click.testing import CliRunner
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from mptcp_series.cli.main import cli

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's report, its releases beside it."""
    directory = tmp_path_factory.mktemp("report") / "demo"
    with pytest.MonkeyPatch.context() as patch:
        assert CliRunner().invoke(cli, ["demo", "--to", str(directory)]).exit_code == 0
        patch.chdir(directory)
        done = CliRunner().invoke(
            cli, ["report", "--to", "report.html", "--bases", "v5.10.*", "--in", "linux.git"], catch_exceptions=False
        )
    assert done.exit_code == 0, done.output
    return directory / "report.html"


@pytest.fixture(scope="module")
def started() -> Iterator[webdriver.Chrome]:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("no Chromium with its driver; Debian: apt install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_argument("--window-size=1400,1200")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(executable_path=driver))
    chrome.set_script_timeout(120)
    yield chrome
    chrome.quit()


@pytest.fixture
def browser(started: webdriver.Chrome, page: Path) -> Iterator[webdriver.Chrome]:
    """The page, freshly opened; at the end of a test the console must be empty."""
    started.get(page.as_uri())
    started.execute_script("localStorage.clear()")
    started.get(page.as_uri())
    started.get_log("browser")  # type: ignore[no-untyped-call]
    yield started
    assert started.get_log("browser") == []  # type: ignore[no-untyped-call]


def named(browser: webdriver.Chrome, identifier: str) -> WebElement:
    return browser.find_element(By.ID, identifier)


def visible(browser: webdriver.Chrome) -> list[str]:
    """The titles of the patches that are shown."""
    shown = browser.find_elements(By.CSS_SELECTOR, "#patches > li:not([hidden]) .title")
    return [element.text for element in shown]


def test_it_opens_without_a_complaint_and_without_a_network(browser: webdriver.Chrome) -> None:
    assert browser.title == "mini-5.15 on bsp-5.10"
    loaded = browser.execute_script("return performance.getEntriesByType('resource').map((one) => one.name)")
    assert loaded == []
    assert len(visible(browser)) == 34


def test_search(browser: webdriver.Chrome) -> None:
    named(browser, "search").send_keys("FRAGMENT room")
    assert visible(browser) == ["mptcp: let tcp say how much room a fragment has"]
    assert named(browser, "shown").text == "1 of 34 patches"
    named(browser, "search").send_keys(Keys.CONTROL, "a")
    named(browser, "search").send_keys("no such thing")
    assert visible(browser) == []


@pytest.mark.parametrize(
    ("filter_by", "value", "count"),
    [("status", "overridden", 2), ("path", "tools/testing/", None), ("topic", "selftests", None)],
)
def test_filters(browser: webdriver.Chrome, filter_by: str, value: str, count: int | None) -> None:
    Select(named(browser, filter_by)).select_by_value(value)
    titles = visible(browser)
    assert 0 < len(titles) < 34
    assert count is None or len(titles) == count
    if filter_by != "status":
        assert all("selftests" in title or filter_by == "path" for title in titles)
    assert named(browser, "shown").text == f"{len(titles)} of 34 patches"
    browser.find_element(By.CSS_SELECTOR, "button[type=reset]").click()
    # The fields are empty only after the event, so the page filters a moment later.
    WebDriverWait(browser, 20).until(lambda _: len(visible(browser)) == 34)


def test_only_those_with_an_override(browser: webdriver.Chrome) -> None:
    named(browser, "overridden").click()
    assert len(visible(browser)) == 2


def test_a_tile_filters_by_its_status(browser: webdriver.Chrome) -> None:
    browser.find_element(By.CSS_SELECTOR, ".tile.overridden").click()
    assert len(visible(browser)) == 2


def test_an_override_shows_its_three_sides_and_leads_to_its_patch(browser: webdriver.Chrome) -> None:
    override = browser.find_element(By.CSS_SELECTOR, "details.override.used:nth-of-type(2)")
    columns = override.find_elements(By.CSS_SELECTOR, ".column")
    assert [column.find_element(By.TAG_NAME, "h4").text for column in columns] == [
        "Upstream does",
        "The base has",
        "We do instead",
    ]
    assert "bsp_offload_pending" in columns[1].text
    marked = [mark.text for mark in columns[0].find_elements(By.TAG_NAME, "mark")]
    assert "TCP_TAIL_LIMIT" in marked
    override.find_element(By.CSS_SELECTOR, ".for a").click()
    patch = browser.find_element(By.CSS_SELECTOR, "#patches details[open]")
    assert "mptcp: let tcp say how much room a fragment has" in patch.text
    assert "tcp_tail_limit" in patch.find_element(By.CSS_SELECTOR, ".more .code").text


def test_an_opened_patch_has_its_message_and_its_diff(browser: webdriver.Chrome) -> None:
    item = browser.find_element(By.CSS_SELECTOR, "#patches > li:nth-child(3)")
    assert item.find_elements(By.CSS_SELECTOR, ".more *") == []
    item.find_element(By.TAG_NAME, "summary").click()
    assert item.find_element(By.CSS_SELECTOR, "pre.message").text
    rows = item.find_elements(By.CSS_SELECTOR, ".code tr")
    kinds = {row.get_attribute("class") for row in rows}
    assert {"file", "head", "add", "same"} <= kinds


def test_keys(browser: webdriver.Chrome) -> None:
    body = browser.find_element(By.TAG_NAME, "body")
    body.send_keys("j")
    body.send_keys("j")
    assert browser.switch_to.active_element.text.startswith("1")
    browser.switch_to.active_element.send_keys("j")
    assert browser.switch_to.active_element.text.startswith("2")
    browser.switch_to.active_element.send_keys("o")
    assert len(browser.find_elements(By.CSS_SELECTOR, "#patches details[open]")) == 1
    browser.switch_to.active_element.send_keys("/")
    assert browser.switch_to.active_element.get_attribute("id") == "search"


def test_dark_mode_is_remembered(browser: webdriver.Chrome, page: Path) -> None:
    def background() -> Any:
        return browser.execute_script("return getComputedStyle(document.body).backgroundColor")

    light = background()
    named(browser, "theme").click()
    dark = background()
    assert dark != light
    browser.get(page.as_uri())
    assert background() == dark


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_accessible(browser: webdriver.Chrome, theme: str) -> None:
    """axe-core finds nothing, neither on the page as it opens nor with a patch and every override open."""
    browser.execute_script(f"document.documentElement.dataset.theme = '{theme}'")
    browser.execute_script("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    # Messages and diffs are laid out when the browser says that a patch was opened.
    WebDriverWait(browser, 60).until(lambda one: not one.find_elements(By.CSS_SELECTOR, "#patches .more:empty"))
    found = Axe().run(browser)
    assert [(one["id"], [node["html"][:120] for node in one["nodes"]][:3]) for one in found["violations"]] == []


def test_every_base_has_a_row(browser: webdriver.Chrome) -> None:
    rows = browser.find_elements(By.CSS_SELECTOR, "table.matrix tbody tr")
    assert [row.find_element(By.TAG_NAME, "th").text for row in rows] == [f"v5.10.{number}" for number in range(1, 7)]
