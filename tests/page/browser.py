"""A real browser, Debian's Chromium, and a tab of it as the tests of the page use it."""

import base64
import contextlib
import json
import os
import shutil
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

AXE = Path(__file__).parents[2] / ".ci/node_modules/axe-core/axe.min.js"
"""The rules of accessibility as a script: `npm ci --prefix .ci` fetches it."""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OF_PAGES = [*RULES, "best-practice"]
"""These look at landmarks too, of whole pages only."""
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


def missing():
    """What is missing for a browser to be driven; None if nothing is."""
    if find_spec("selenium") is None:
        return "selenium (pip install selenium)"
    if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
        return "Chromium or its driver (Debian: apt-get install chromium chromium-driver)"
    return None


@contextlib.contextmanager
def chromium():
    """Run a headless Chromium with a new profile; its driver."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    options.add_experimental_option("perfLoggingPrefs", {"enableNetwork": True, "enablePage": False})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for option in (*OPTIONS, f"--user-data-dir={profile}"):
            options.add_argument(option)
        if os.geteuid() == 0:
            options.add_argument("--no-sandbox")  # Chromium's own cannot be had as root
        with webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver"))) as driver:
            driver.set_script_timeout(60)
            yield driver


@contextlib.contextmanager
def tab(driver, folder):
    """Open a tab, 1280 pixels wide and light; it is closed in the end."""
    before = driver.current_window_handle
    driver.switch_to.new_window("tab")
    fresh = Tab(driver, folder)
    fresh.complaints()  # of the tab before
    fresh.resize(1280)
    fresh.prefer()
    try:
        yield fresh
    finally:
        driver.close()
        driver.switch_to.window(before)


class Tab:
    """A fresh tab, in which one test opens pages.

    Attributes
    ----------
    driver : selenium.webdriver.Chrome
        Selenium's own interface, for what is not here.
    folder : pathlib.Path
        Where `show` puts its files.
    """

    def __init__(self, driver, folder):
        self.driver = driver
        self.folder = folder
        self.opened = []

    def open(self, path, fragment=""):
        """Open a file, with or without a fragment, and wait until all of it is read."""
        address = Path(path).absolute().as_uri()
        self.opened.append(address)
        self.driver.get("about:blank")  # or another fragment of the same file would load nothing
        self.driver.get(f"{address}#{fragment}" if fragment else address)

    def show(self, html):
        """Open a page of this text."""
        path = self.folder / f"shown-{len(self.opened)}.html"
        path.write_text(html, encoding="utf-8")
        self.open(path)

    def run(self, script, *arguments):
        """What a script returns, given `arguments`; a promise is awaited."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, script, *arguments, seconds=30):
        """What a script returns as soon as that is truthy."""
        end = time.monotonic() + seconds
        while not (value := self.run(script, *arguments)):
            assert time.monotonic() < end, f"not so within {seconds} seconds: {script}"
            time.sleep(0.01)
        return value

    def find(self, selector):
        """The first element of a CSS selector; there must be one."""
        return self.driver.find_element("css selector", selector)

    def find_all(self, selector):
        """All elements of a CSS selector, in the order of the page."""
        return self.driver.find_elements("css selector", selector)

    def press(self, *keys):
        """Press keys, one after the other, on what has the focus."""
        self._actions().send_keys(*keys).perform()

    def choose(self, list_, text):
        """Choose an entry of a list by its text."""
        from selenium.webdriver.support.select import Select

        Select(list_).select_by_visible_text(text)

    def point(self, element, right=0, down=0, *, click=False):
        """Move the mouse to so many pixels right of and below an element's upper left corner; click there if told."""
        box = self.run("const {left, top} = arguments[0].getBoundingClientRect(); return [left, top]", element)
        actions = self._actions()
        actions.w3c_actions.pointer_action.move_to_location(round(box[0] + right), round(box[1] + down))
        (actions.click() if click else actions).perform()

    def resize(self, width, height=900):
        """Make the window's inside so many pixels."""
        self.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    def prefer(self, *, dark=False, still=False, print_=False):
        """Look as a person's settings ask: dark or light, with or without motion, on the screen or on paper."""
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
        ]
        self.devtools("Emulation.setEmulatedMedia", media="print" if print_ else "screen", features=features)

    def screenshot(self, path, *, whole=False):
        """Write what is seen as PNG; `whole`, also what lies below the window."""
        data = self.devtools("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        Path(path).write_bytes(base64.b64decode(data))

    def devtools(self, command, **parameters):
        """What a command of the DevTools protocol answers."""
        return self.driver.execute_cdp_cmd(command, parameters)

    def violations(self, part=":root", rules=OF_PAGES):
        """What axe-core finds wrong for people with a screen reader, a keyboard or weak eyes: rule, place, reason."""
        if not self.run("return 'axe' in window"):
            self.run(f"{AXE.read_text(encoding='utf-8')}; window.axe = axe;")
        found = self.run("return axe.run(arguments[0], {runOnly: arguments[1]})", part, rules)
        assert found["passes"], "axe looked at nothing"
        return [
            f"{rule['id']}: {node['html']}: {node['failureSummary']}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]

    def complaints(self):
        """Messages on the console, and requests beyond the opened files, since this was last called."""
        found = [f"console: {entry['level']} {entry['message']}" for entry in self.driver.get_log("browser")]
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        failed = [each["params"] for each in events if each["method"] == "Network.loadingFailed"]
        blocked = {each["requestId"] for each in failed if each.get("blockedReason") == "csp"}
        for event in events:
            if event["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated"):
                address = event["params"].get("request", event["params"])["url"]
                if not address.startswith((*self.opened, "data:", "blob:", "about:")):
                    found.append(f"{'blocked' if event['params']['requestId'] in blocked else 'request'}: {address}")
        return found

    def _actions(self):
        from selenium.webdriver.common.action_chains import ActionChains

        return ActionChains(self.driver, duration=0)
