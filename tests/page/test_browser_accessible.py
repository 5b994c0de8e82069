"""The page for everyone: axe-core finds no fault, the keyboard reaches all, small windows scroll in one direction."""

import numpy as np
import pytest

from tests.page.browser import OF_PAGES, RULES

PHOTO = np.random.default_rng(2).integers(0, 256, (3, 14, 12), dtype=np.uint8)
NETWORK = (
    "conv:2@3x3:padding=1:random=1:as=a,relu,conv:2@3x3:padding=2:dilation=2:random=2,add:a,batchnorm:random=1,"
    "maxpool:2,dropout,convtranspose:2@2x2:stride=2:random=3,flatten,dense:4:random=2,softmax"
)
LABELS = ("zero", "one", "two", "three")

STATES = {
    "as opened": ("", ":root"),
    "a convolution that is pinned": ("model.select(3, 0, 0, 0, true)", "main, .change"),
    "a vector": ("model.select(10, 2, 0, 0)", ".detail"),
    "a mistake": ("model.set(6, 'window', '40')", ".detail, .change"),
    "a question": ("lesson(0); lesson(0).querySelector('button').click()", ".lesson"),
    "convolution beside correlation": ("model.select(1, 0, 3, 3); lesson(1)", ".lesson"),
    "cross-entropy": ("cnnfilter.set(6, 'window', '1x2'); lesson(2)", ".lesson"),
    "a loss, deltas and a weight": ("model.select(3, 1, 2, 2); lesson(3)", ".lesson, .detail"),
    "a delta that is asked for": ("document.querySelector('.loss .choice input').click()", ".lesson"),
    "a loss that cannot be": (
        "const field = document.querySelector('.loss input'); field.value = 'six';"
        "field.dispatchEvent(new Event('input', {bubbles: true}))",
        ".lesson",
    ),
    "the command": ("lesson(4)", ".lesson"),
    "a board to draw on": ("document.querySelector('.picture-panel details').open = true", ".picture-panel"),
    "what was found": (
        "const field = document.querySelector('[type=search]'); field.value = 'dense';"
        "field.dispatchEvent(new Event('input', {bubbles: true}))",
        ".overview",
    ),
}
"""How a state comes about from the one before, and what it changes."""
LESSON = """
const lesson = (number) => {
    const details = document.querySelectorAll(".lesson details")[number];
    details.open = true;
    return details;
};
"""
SEEN = ["color-contrast", "target-size", "scrollable-region-focusable"]
"""The rules that colours and widths matter to."""
LOOKS = {
    "light, wide": (1280, False, RULES),
    "dark, narrow": (390, True, SEEN),
    "dark, wide": (1280, True, SEEN),
    "light, narrow": (390, False, RULES),
}
"""Width, whether dark, and the rules."""
QUICK = "light, wide"
"""What is looked at each time: of the others, only what `SEEN` names is another."""


def settled(tab):
    tab.run("return model.ready.then(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50))))")


@pytest.mark.parametrize(
    "look", [pytest.param(look, marks=() if look == QUICK else pytest.mark.slow) for look in LOOKS]
)
def test_no_state_has_a_fault_that_axe_core_finds(show, accessible, look):
    width, dark, rules = LOOKS[look]
    tab = show(NETWORK, PHOTO, labels=LABELS)
    tab.resize(width)
    tab.prefer(dark=dark, still=True)  # or colours were looked at while they change
    for state, (script, part) in STATES.items():
        tab.run(LESSON + script)
        settled(tab)
        accessible(f"{state} ({look})", part, OF_PAGES if part == ":root" else rules)
        wide = tab.run("return document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{state} ({look}): the page is {wide} pixels too wide"


def test_the_tab_key_reaches_every_control_and_shows_where_it_is(show):
    tab = show("conv:edge,relu,maxpool:2", PHOTO)
    seen = []
    tab.run("document.activeElement?.blur(); scrollTo(0, 0)")
    for _ in range(200):
        tab.press("\ue004")
        at = tab.run("""
            const focused = document.activeElement;
            if (focused === document.body) return null;
            const style = getComputedStyle(focused);
            const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
            focused.dataset.reached = "";
            return [focused.outerHTML.slice(0, 80), ring || focused.matches("input[type=file]")];
        """)
        if at is None:
            break
        seen.append(at)
    assert all(ring for _, ring in seen), [text for text, ring in seen if not ring]
    missed = tab.run("""
        return [...document.querySelectorAll("button, input, select, summary, [role=application]")]
            .filter((each) => each.checkVisibility({visibilityProperty: true}) && !each.disabled && each.tabIndex >= 0
                && !("reached" in each.dataset) && !each.closest("details:not([open]) > :not(summary)"))
            .map((each) => each.outerHTML.slice(0, 100));
    """)
    assert missed == []
    assert len(seen) > 20


def test_every_landmark_heading_and_picture_has_a_name(show):
    tab = show("conv:edge,relu,maxpool:2", PHOTO)
    tree = tab.devtools("Accessibility.getFullAXTree")["nodes"]
    roles = {}
    for node in tree:
        if not node.get("ignored"):
            roles.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    assert roles["RootWebArea"] == ["conv:edge,relu,maxpool:2 on ramp.png"]
    for landmark in ("banner", "navigation", "main", "complementary"):
        assert landmark in roles
    for role in ("button", "textbox", "combobox", "checkbox", "application", "heading", "image", "searchbox"):
        assert all(roles.get(role, ["name"])), (role, roles[role])
    for name in ("Overview", "Detail", "Receptive field"):
        assert any(name in each for each in [*roles["region"], *roles["heading"]])


def test_little_motion_is_respected(show):
    tab = show("conv:edge,relu", PHOTO)
    tab.prefer(still=True)
    moving = tab.run("""
        return [...document.querySelectorAll("*")].filter((each) => {
            const {animationName, animationDuration, transitionDuration} = getComputedStyle(each);
            const long = (times) => times.split(",").some((time) => parseFloat(time) > 0.01);
            return (animationName !== "none" && long(animationDuration)) || long(transitionDuration);
        }).map((each) => each.outerHTML.slice(0, 80));
    """)
    assert moving == []


def test_on_paper_there_are_no_controls(show):
    tab = show("conv:edge,relu", PHOTO)
    tab.prefer(print_=True, dark=True)
    shown = tab.run("""
        return [...document.querySelectorAll("input, button.primary, .change, .lesson")]
            .filter((each) => each.checkVisibility()).map((each) => each.outerHTML.slice(0, 80));
    """)
    assert shown == []
    ground = tab.run("return getComputedStyle(document.body).backgroundColor")
    assert ground in ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)")


def test_the_first_key_leads_past_the_stages(show):
    tab = show("conv:edge,relu,maxpool:2", PHOTO)
    tab.run("document.activeElement?.blur()")
    tab.press("\ue004")
    assert tab.find(".skip").is_displayed()
    tab.press("\ue007", "\ue014")
    assert tab.run("return document.activeElement.matches('main .board')")
    assert tab.run("return model.selection.at") == [3, 3, 0]


def test_a_page_of_320_pixels_scrolls_in_one_direction(show):
    """As one of 1280 does that is enlarged four times."""
    tab = show(NETWORK, PHOTO, labels=LABELS)
    tab.resize(320, 256)
    tab.run(
        "document.querySelectorAll('details').forEach((each) => { each.removeAttribute('name'); each.open = true; })"
    )
    settled(tab)
    assert tab.run("return document.documentElement.scrollWidth") == 320
