"""The browser of these tests: Debian's Chromium and its driver, one a session; each test gets a fresh tab."""

import os
import shutil
import tempfile

import pytest

OPTIONS = (
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # nothing leaves this machine, whatever a test shows
)


def _missing(what):
    """Skip the test, or fail it where `.ci/run` has installed what it needs."""
    if os.environ.get("CNNFILTER_BROWSER"):
        pytest.fail(f"{what} is missing, and CNNFILTER_BROWSER says that it is there")
    pytest.skip(f"{what} is missing")


@pytest.fixture(scope="session")
def browser():
    """The driver of a headless Chromium."""
    try:
        from selenium import webdriver
    except ImportError:
        _missing("selenium")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        _missing("Chromium or its driver (Debian: apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    options.add_experimental_option("perfLoggingPrefs", {"enableNetwork": True, "enablePage": False})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for option in (*OPTIONS, f"--user-data-dir={profile}"):
            options.add_argument(option)
        if os.geteuid() == 0:
            options.add_argument("--no-sandbox")  # Chromium's own cannot be had as root
        with webdriver.Chrome(options, webdriver.ChromeService(driver)) as chrome:
            chrome.set_script_timeout(60)
            yield chrome


@pytest.fixture
def tab(browser, tmp_path):
    """A fresh tab, which must have had nothing to tell and asked for nothing but its files when the test is over."""
    from tests.page.browser import Tab

    before = browser.current_window_handle
    browser.switch_to.new_window("tab")
    tab = Tab(browser, tmp_path)
    tab.complaints()  # of the tab before
    tab.resize(1280)
    tab.prefer()
    try:
        yield tab
        assert tab.complaints() == []
    finally:
        browser.close()
        browser.switch_to.window(before)


@pytest.fixture
def accessible(tab):
    """A function that fails where axe-core finds fault with what `tab` shows; it tells the state in which it is."""
    from tests.page.browser import AXE

    if not AXE.exists():
        _missing("axe-core (npm ci --prefix .ci)")

    def check(state):
        assert tab.violations() == [], state

    return check
