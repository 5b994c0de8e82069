"""The browser of these tests: Debian's Chromium and its driver, one a session; each test gets a fresh tab."""

import os

import numpy as np
import pytest

from cnnfilter.models.loading import load_named
from cnnfilter.network.grammar import parse
from cnnfilter.page.assembly import assembled
from cnnfilter.page.document import Given, document
from tests.page import browser as browsers


def _missing(what):
    """Skip the test, or fail it where `.ci/run` has installed what it needs."""
    if os.environ.get("CNNFILTER_BROWSER"):
        pytest.fail(f"{what} is missing, and CNNFILTER_BROWSER says that it is there")
    pytest.skip(f"{what} is missing")


@pytest.fixture(scope="session")
def browser():
    """The driver of a headless Chromium."""
    if (what := browsers.missing()) is not None:
        _missing(what)
    with browsers.chromium() as driver:
        yield driver


@pytest.fixture
def tab(browser, tmp_path):
    """A fresh tab, which must have had nothing to tell and asked for nothing but its files when the test is over."""
    with browsers.tab(browser, tmp_path) as tab:
        yield tab
        assert tab.complaints() == []


@pytest.fixture
def accessible(tab):
    """A function that fails where axe-core, or some of its rules, finds fault with a part of what `tab` shows."""
    if not browsers.AXE.exists():
        _missing("axe-core (npm ci --prefix .ci)")

    def check(state, part=":root", rules=browsers.OF_PAGES):
        assert tab.violations(part, rules) == [], state

    return check


@pytest.fixture
def show(tab):
    """A function that shows a page of stages on a picture, a ramp of 6x7 unless given, when all is computed."""

    def shown(stages, maps=None, *, fragment="", labels=(), name="ramp.png", file=None):
        maps = np.arange(42, dtype=np.uint8).reshape(1, 6, 7) if maps is None else maps
        path = tab.folder / "page.html"
        given = Given(parse(stages, load=load_named), maps, name, file, labels=labels)
        path.write_text(assembled(document(given)), encoding="utf-8")
        tab.open(path, fragment)
        tab.wait("return model.stages.length > 0 && model.ready.then(() => true)")
        return tab

    return shown
