"""The page shows what there is, also when it is asked for too much, or for more before it has done the last thing."""

import numpy as np

SLOW = """
const {compute} = KINDS.conv;
let computed = 0;
KINDS.conv.compute = (...given) => {
    const begun = performance.now();
    while (performance.now() < begun + 2 * PATIENCE) {}
    computed += 1;
    return compute(...given);
};
"""
"""Convolutions take so long that the page answers in between."""

RAMP = np.arange(42, dtype=np.uint8).reshape(1, 6, 7) ** 2 % 200


def texts(tab):
    return tab.run("return model.stages.map((_, place) => model.text(place + 1))")


def told(tab, part=".change"):
    return [each.text for each in tab.find_all(f"{part} .mistake") if each.is_displayed()]


def choose(tab, selector, value):
    return tab.run(
        """
        const list = document.querySelector(arguments[0]);
        list.value = arguments[1];
        list.dispatchEvent(new Event("change"));
        return list.value;
        """,
        selector,
        value,
    )


def test_a_control_that_asks_for_too_much_says_so_and_shows_what_there_is(show):
    tab = show("conv:edge")

    def allow(macs):
        tab.run("model.contents.limits.macs = arguments[0]", macs)
        return [f"that takes 180 multiply-adds, more than a page computes ({macs})"]

    tab.run("model.select(1, 0, 0, 0)")
    too_much = allow(1)
    assert choose(tab, ".change .kernel-name", "box") == "edge"
    assert told(tab) == too_much
    too_much = allow(2)
    assert choose(tab, ".change .control:has([value=reflect]) select", "reflect") == "zeros"
    assert told(tab) == too_much
    too_much = allow(3)
    box = tab.find(".change .choice input")
    box.click()
    assert told(tab) == too_much
    assert not box.is_selected()
    tab.run("document.querySelectorAll('.lesson details')[2].open = true")
    tab.wait("return document.querySelector('.entropy button')").click()
    assert told(tab, ".entropy") == too_much
    assert texts(tab) == ["conv:edge"]
    assert not tab.run("return model.canUndo()")


def test_of_stages_that_are_too_much_together_none_is_added(show):
    tab = show("relu", RAMP)
    tab.run("model.contents.limits.values = 100")
    tab.find(".adding input").send_keys("abs,abs\n")
    assert told(tab, ".adding") == ["that makes 126 values, more than a page holds (100)"]
    assert tab.find(".adding input").get_attribute("value") == "abs,abs"
    assert texts(tab) == ["relu"]
    assert tab.run("return model.depth") == 0
    tab.run("model.insert(1, 'abs'); model.undo(0)")
    assert texts(tab) == ["relu", "abs"]
    assert tab.run("return model.depth") == 1


def test_an_address_typed_after_another_picture_can_be_undone_too(show):
    tab = show("relu", RAMP)
    states = tab.run("""
        const given = model.picture;
        model.insert(1, "abs");
        model.picture = {shape: [6, 7, 1], values: new Float32Array(42)};
        cnnfilter.state = "";
        const told = [model.stages.length, model.depth];
        model.undo();
        told.push(model.stages.length, model.picture === given);
        model.undo();
        return [...told, model.stages.length, model.picture === given];
    """)
    assert states == [1, 3, 2, False, 2, True]


def test_back_takes_back_what_an_address_changed_and_no_more(show):
    tab = show("relu", RAMP)
    tab.run("model.insert(1, 'abs'); cnnfilter.state = 'insert=1,tanh'")
    tab.find(".change .panel-head button").click()
    tab.wait("return model.depth === 1")
    assert texts(tab) == ["relu", "abs"]
    tab.find(".change .panel-head button").click()
    tab.wait("return model.depth === 0")
    assert texts(tab) == ["relu"]


def test_of_two_changes_the_first_is_not_computed_to_its_end(show):
    tab = show("conv:edge,conv:edge:padding=1,conv:edge:padding=1", np.zeros((1, 9, 9), np.uint8))
    told, computed = tab.run(
        SLOW
        + """
        const told = [];
        model.addEventListener("computed", () => told.push(model.results.map((each) => each?.values[0])));
        model.set(1, "bias", 1);
        model.set(1, "bias", 2);
        return model.ready.then(() => [told, computed]);
        """
    )
    assert told == [[0, 2, 10, 68]]  # 8*2 - 3*2, 8*10 - 2*6
    assert computed == 4


def test_the_window_stays_inside_of_a_result_that_is_being_computed(show):
    tab = show("conv:edge,relu,abs", np.zeros((1, 12, 14), np.uint8))
    tab.run("model.select(3, 0, 9, 11); document.querySelector('.board').scrollIntoView({block: 'center'})")
    found = tab.run(
        SLOW
        + """
        model.set(1, "stride", 3);
        const told = [model.results[3] === null, [...model.selection.at]];
        const {right, bottom} = document.querySelector(".board canvas").getBoundingClientRect();
        const at = {clientX: right - 1, clientY: bottom - 1, bubbles: true, pointerType: "mouse"};
        for (const [x, y] of [[300, 300], [0, 0]]) {
            const moved = new PointerEvent("pointermove", {...at, clientX: at.clientX - x, clientY: at.clientY - y});
            document.querySelector(".board canvas").dispatchEvent(moved);
            told.push([...model.selection.at]);
        }
        for (const key of ["ArrowRight", "End", "ArrowDown"]) {
            document.querySelector(".board").dispatchEvent(new KeyboardEvent("keydown", {key}));
        }
        return model.ready.then(() => [...told, [...model.selection.at]]);
        """
    )
    assert found == [True, [3, 3, 0], found[2], [3, 3, 0], [3, 3, 0]]


def test_of_thousands_of_kernels_some_can_be_changed(show):
    tab = show("conv:" + "+".join(["box"] * 30), RAMP)
    tab.run("model.select(1, 29, 0, 0)")
    assert len(tab.find_all(".change .kernel-name")) == 16
    assert "and 14 more" in tab.find(".change .kernels").text


def test_what_was_a_vector_is_drawn_as_maps(show):
    tab = show("conv:edge,flatten,relu", RAMP)
    tab.run("model.select(3, 5)")
    tab.wait("return document.querySelector('[data-stage=\"2\"].on-way .bar-row')")
    tab.run("model.remove(2)")
    assert len(tab.find_all("[data-stage='2'] button.thumbnail")) == 1


def test_control_and_z_undo_where_no_text_is_written(show):
    tab = show("relu", RAMP)
    tab.run("""
        model.insert(1, "abs");
        model.insert(2, "tanh");
        window.press = (selector, more = {}) => !document.querySelector(selector).dispatchEvent(
            new KeyboardEvent("keydown", {key: "z", ctrlKey: true, bubbles: true, cancelable: true, ...more}));
    """)
    for keys in ("'.adding input'", "'.board', {shiftKey: true}", "'.board', {ctrlKey: false}", "'.board', {key: 'y'}"):
        assert not tab.run(f"return press({keys})"), keys
    assert tab.run("return press('.board')")
    tab.wait("return model.depth === 1")
    assert tab.run("return press('.board', {key: 'Z', ctrlKey: false, metaKey: true})")
    tab.wait("return model.depth === 0")
    assert not tab.run("return press('.board')")
    assert texts(tab) == ["relu"]


def test_what_an_address_had_wrong_is_told_until_something_changes(show):
    tab = show("relu", RAMP, fragment="insert=0,nothing")
    for change in ("model.insert(0, 'abs')", "model.undo()", "cnnfilter.state = 'insert=0,abs'"):
        tab.run("cnnfilter.state = 'insert=0,nothing'")
        assert len(told(tab, "header")) == 1
        tab.run(change)
        assert told(tab, "header") == [], change
