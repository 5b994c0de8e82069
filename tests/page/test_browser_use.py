"""A person uses the page, by mouse, touch and keys: what they see and get are the command's own figures."""

import base64
import json

import numpy as np
import pytest
from PIL import Image

from cnnfilter.explanation import explain, to_record
from cnnfilter.pipeline import Pipeline
from tests.command import run

RAMP = np.arange(42, dtype=np.uint8).reshape(1, 6, 7)
PHOTO = np.random.default_rng(1).integers(0, 256, (1, 12, 14), dtype=np.uint8)
CHAIN = "conv:edge,relu,maxpool:2"
DIGIT = "conv:3@3x3:random=1,relu,flatten,dense:4:random=2,softmax"
LABELS = ("zero", "one", "two", "three")
ALIKE = pytest.mark.slow
"""Of tests of what `test_changes_in_browser.py` and the two beside it ask in other ways."""


def result(tab, stage):
    """The values of a stage's result, when all is computed."""
    return np.array(tab.run("return cnnfilter.ready.then(() => [...cnnfilter.values(arguments[0])])", stage))


def expected(stages, maps, stage=None):
    return Pipeline.parse(stages).run(maps, layout="chw", node=stage).ravel()


def place(tab):
    return tab.run("return [model.selection.stage, ...model.selection.at]")


def point_at(tab, row, column, *, click=False):
    """Move the mouse onto a value of the output."""
    canvas = tab.find(".board canvas")
    tab.run("arguments[0].scrollIntoView({block: 'center'})", canvas)
    height, width = tab.run("return model.shapes[model.selection.stage]")[:2]
    size = canvas.size
    tab.point(canvas, (column + 0.5) * size["width"] / width, (row + 0.5) * size["height"] / height, click=click)


def control(tab, label):
    """The field, list or box of that label in the panel that changes a stage."""
    fields = {each.accessible_name: each for each in tab.find_all(".change :is(input, select)") if each.is_displayed()}
    return fields[label]


def write(tab, field, text):
    tab.run("arguments[0].focus(); arguments[0].select()", field)
    field.send_keys(text)


def test_moving_over_the_output_moves_the_window_and_a_click_pins_it(show):
    tab = show(CHAIN, PHOTO)
    assert place(tab)[0] == 3
    for row, column in ((0, 0), (2, 3), (4, 5)):
        point_at(tab, row, column)
        assert place(tab) == [3, row, column, 0]
        record = json.loads(json.dumps(to_record(explain(Pipeline.parse(CHAIN), PHOTO[0], (row, column)))))
        assert tab.run("return cnnfilter.record()") == record
        cells = tab.run(
            "return [...document.querySelectorAll('.work td:not(.corner)')].map((cell) => cell.textContent)"
        )
        assert [float(cell) for cell in cells[:4]] == np.ravel(record["steps"][0]["window"]["values"]).tolist()
        assert str(record["value"]) in tab.find(".readout").text
    point_at(tab, 4, 5, click=True)
    point_at(tab, 1, 1)
    assert place(tab) == [3, 4, 5, 0]
    point_at(tab, 1, 1, click=True)
    assert place(tab) == [3, 1, 1, 0]
    point_at(tab, 1, 1, click=True)
    point_at(tab, 1, 2)
    assert place(tab) == [3, 1, 2, 0]


def test_keys_move_the_window_and_space_plays_it_along_rows(show):
    tab = show("conv:sobel-x+sobel-y,relu", PHOTO)
    tab.run("model.select(2, 0, 0, 0); document.querySelector('.board').focus()")
    for key, there in (
        ("\ue014", [2, 0, 1, 0]), ("\ue015", [2, 1, 1, 0]), ("\ue010", [2, 1, 11, 0]), ("\ue011", [2, 1, 0, 0]),
        ("\ue012", [2, 1, 0, 0]), ("\ue00f", [2, 1, 0, 1]), ("\ue00e", [2, 1, 0, 0]), ("\ue013", [2, 0, 0, 0]),
    ):  # fmt: skip
        tab.press(key)
        assert place(tab) == there
    tab.run("""const list = document.querySelector("select[aria-label='values a second']");
               list.value = "60"; list.dispatchEvent(new Event("change"));""")
    tab.press(" ")
    tab.wait("return model.selection.at[0] > 0")  # after the end of the first row
    tab.press(" ")
    stopped = place(tab)
    tab.run("return new Promise((done) => setTimeout(done, 100))")
    assert place(tab) == stopped
    tab.press("\ue007")
    assert tab.run("return model.selection.pinned")
    assert "aria-pressed" in tab.find(".play-bar").get_attribute("innerHTML")


def test_a_window_plays_at_the_chosen_speed(show):
    tab = show("relu", PHOTO)
    moves = tab.run("""
        const frames = [];
        window.requestAnimationFrame = (frame) => frames.push(frame);
        const list = document.querySelector("select[aria-label='values a second']");
        let count = 0;
        model.addEventListener("selected", () => count++);
        return ["2", "10"].map((speed) => {
            list.value = speed;
            document.querySelector(".play").click();
            const begun = [count, performance.now()];
            for (let frame = 1; frame <= 20; frame++) frames.shift()(begun[1] + 125 * frame);
            document.querySelector(".play").click();
            frames.length = 0;
            return count - begun[0];
        });
    """)  # in two seconds and a half, the first at once
    assert moves[0] in (5, 6)
    assert moves[1] == 20


def test_a_finger_moves_the_window(show):
    tab = show(CHAIN, PHOTO)
    canvas = tab.find(".board canvas")
    tab.run("arguments[0].scrollIntoView({block: 'center'})", canvas)
    left, top, width, height = tab.run(
        "const box = arguments[0].getBoundingClientRect(); return [box.left, box.top, box.width, box.height]", canvas
    )
    tab.devtools("Emulation.setTouchEmulationEnabled", enabled=True)
    points = [[{"x": left + (c + 0.5) * width / 6, "y": top + (r + 0.5) * height / 5}] for r, c in ((1, 1), (1, 4))]
    tab.devtools("Input.dispatchTouchEvent", type="touchStart", touchPoints=points[0])
    assert place(tab) == [3, 1, 1, 0]
    tab.devtools("Input.dispatchTouchEvent", type="touchMove", touchPoints=points[1])
    assert tab.wait("return model.selection.at[1] === 4")
    tab.devtools("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    tab.devtools("Emulation.setTouchEmulationEnabled", enabled=False)


def test_changes_give_what_the_command_gives_and_back_undoes_them(show):
    tab = show(CHAIN, PHOTO)
    tab.run("model.select(1, 0, 2, 2, true)")
    numbers = tab.find_all(".change .kernel table input")
    write(tab, numbers[1], "2.5")
    changed = "conv:-1 2.5 -1; -1 8 -1; -1 -1 -1,relu,maxpool:2"
    np.testing.assert_array_equal(result(tab, 3), expected(changed, PHOTO))
    write(tab, control(tab, "padding"), "same")
    write(tab, control(tab, "stride"), "2x1")
    changed = "conv:-1 2.5 -1; -1 8 -1; -1 -1 -1:stride=2x1:padding=same,relu,maxpool:2"
    np.testing.assert_array_equal(result(tab, 3), expected(changed, PHOTO))
    plan = [list(row.output) for row in Pipeline.parse(changed).plan((12, 14, 1))]
    assert tab.run("return cnnfilter.stages.map(({output}) => output)") == plan
    assert run("shape", "12x14x1", changed).out.count("floor") == str(tab.find(".stages").text).count("floor")

    tab.find(".change form input").send_keys("leaky_relu:0.5\n")
    changed = changed.replace(",relu", ",leaky_relu:0.5,relu")
    np.testing.assert_array_equal(result(tab, 4), expected(changed, PHOTO))
    tab.find(".change form input").send_keys("maxpool:0\n")
    told = run("shape", "12x14x1", "maxpool:0").err.strip().rpartition(": ")[2]
    assert tab.find(".change form [role=alert]").text == told
    tab.run("model.select(3, 0, 0, 0)")
    next(each for each in tab.find_all(".change button") if each.text == "Remove this stage").click()
    changed = changed.replace(",relu", "")
    np.testing.assert_array_equal(result(tab, 3), expected(changed, PHOTO))

    back = next(each for each in tab.find_all(".change button") if each.text == "Back")
    for _ in range(4):
        assert back.is_enabled()
        depth = tab.run("return model.depth")
        back.click()
        tab.wait("return model.depth === arguments[0] - 1", depth)
    np.testing.assert_array_equal(result(tab, 3), expected(changed.partition(":stride")[0] + ",relu,maxpool:2", PHOTO))
    tab.driver.back()
    tab.wait("return !model.canUndo()")
    np.testing.assert_array_equal(result(tab, 3), expected(CHAIN, PHOTO))
    assert not back.is_enabled()


def test_a_named_kernel_and_a_window_that_does_not_fit(show):
    tab = show(CHAIN, RAMP)
    tab.run("model.select(1, 0, 0, 0)")
    tab.choose(control(tab, "kernel"), "sobel-y")
    np.testing.assert_array_equal(result(tab, 3), expected("conv:sobel-y,relu,maxpool:2", RAMP))
    tab.find_all(".stage-name")[3].click()
    write(tab, control(tab, "window"), "9")
    told = run("shape", "6x7x1", "conv:sobel-y,relu,maxpool:9:stride=2").err.strip().removeprefix("cnnfilter: error: ")
    assert told in tab.find(".change .mistake").text
    assert tab.run("return model.results[3]") is None
    write(tab, control(tab, "window"), "3")
    np.testing.assert_array_equal(result(tab, 3), expected("conv:sobel-y,relu,maxpool:3:stride=2", RAMP))


DROP = """
const [bytes, name, type] = arguments;
const data = new DataTransfer();
data.items.add(new File([Uint8Array.from(atob(bytes), (each) => each.charCodeAt(0))], name, {type}));
document.querySelector("main").dispatchEvent(
    new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
"""


def drop(tab, data, name="other.png", kind="image/png"):
    tab.run(DROP, base64.b64encode(data).decode(), name, kind)


def encoded(pixels, tmp_path, suffix="png"):
    path = tmp_path / f"other.{suffix}"
    Image.fromarray(pixels).save(path)
    return path.read_bytes()


def test_a_dropped_picture_is_computed_and_stays_out_of_the_address(show, tmp_path):
    tab = show(CHAIN, PHOTO)
    other = 255 - PHOTO[0]
    drop(tab, encoded(other, tmp_path))
    tab.wait("return model.canUndo()")
    np.testing.assert_array_equal(result(tab, 0), other.ravel())
    np.testing.assert_array_equal(result(tab, 3), expected(CHAIN, other[None]))
    assert len(tab.run("return cnnfilter.state")) < 40
    tab.find(".change .panel-head button").click()
    tab.wait("return !model.canUndo()")
    np.testing.assert_array_equal(result(tab, 3), expected(CHAIN, PHOTO))


def test_of_pictures_that_are_dropped_one_after_the_other_the_last_one_stays(show, tmp_path):
    tab = show(CHAIN, PHOTO)
    tab.run("""
        const {decode} = Image.prototype;
        Image.prototype.decode = function () {
            Image.prototype.decode = decode;
            window.late = Promise.withResolvers();
            return window.late.promise;  // as of a picture that takes long
        };
    """)
    drop(tab, encoded(255 - PHOTO[0], tmp_path))
    tab.wait("return window.late")
    drop(tab, encoded(PHOTO[0] // 2, tmp_path))
    tab.wait("return model.canUndo()")
    tab.run("window.late.resolve(); return new Promise((done) => setTimeout(done))")
    np.testing.assert_array_equal(result(tab, 0), (PHOTO[0] // 2).ravel())
    assert tab.run("return model.depth") == 1


@ALIKE
def test_a_picture_of_too_many_pixels_is_not_decoded(show, tmp_path):
    tab = show(CHAIN, PHOTO)
    drop(tab, encoded(np.zeros((9500, 9500), bool), tmp_path))
    told = tab.wait("return document.querySelector('.picture-panel .mistake').textContent")
    assert told == "the picture is 9500x9500, and has more than 89,478,485 pixels"
    assert not tab.run("return model.canUndo()")


def test_a_dropped_file_that_is_no_picture_is_told(show):
    tab = show(CHAIN, PHOTO)
    for data, kind in (
        (b"", "image/png"),
        (b"no picture", "text/plain"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9' onload='window.owned=1'/>", "image/svg+xml"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "image/png"),
    ):
        tab.run("document.querySelector('.picture-panel [role=alert]').textContent = ''")
        drop(tab, data, "<img src=x onerror=owned=1>", kind)
        assert "no picture" in tab.wait("return document.querySelector('.picture-panel [role=alert]').textContent")
        assert not tab.run("return window.owned || model.canUndo()")


@ALIKE
def test_a_digit_is_drawn_with_the_mouse(show):
    tab = show("conv:box,relu", np.zeros((1, 28, 28), np.uint8))
    tab.find(".picture-panel summary").click()
    board = tab.wait("return document.querySelector('.picture-panel canvas.sketch')")
    tab.run("arguments[0].scrollIntoView({block: 'center'})", board)
    left, top = tab.run("const box = arguments[0].getBoundingClientRect(); return [box.left, box.top]", board)
    mouse = [("mousePressed", 60, 60), *(("mouseMoved", 60 + 5 * n, 60 + 5 * n) for n in range(20))]
    for kind, right, down in [*mouse, ("mouseReleased", 155, 155)]:
        at = {"x": left + right, "y": top + down, "button": "left", "buttons": 1, "clickCount": 1}
        tab.devtools("Input.dispatchMouseEvent", type=kind, **at)
    tab.wait("return model.canUndo()")
    drawn = result(tab, 0).reshape(1, 28, 28).astype(np.uint8)
    assert np.trace(drawn[0]) > 255 * 10
    assert drawn[0, 2, 25] == 0
    np.testing.assert_allclose(result(tab, 2), expected("conv:box,relu", drawn), rtol=1e-5)


@ALIKE
def test_the_fragment_brings_the_state_back(show):
    tab = show(CHAIN, PHOTO)
    tab.run("cnnfilter.set(1, 'padding', 'same'); cnnfilter.set(3, 'window', '3x2'); cnnfilter.select(3, 0, 1, 2)")
    state = tab.run("return cnnfilter.state")
    assert tab.wait("return decodeURIComponent(location.hash) === '#' + decodeURIComponent(cnnfilter.state)")
    again = show(CHAIN, PHOTO, fragment=state)
    assert again.run("return cnnfilter.stages.map(({text}) => text)") == [
        "conv:edge:padding=same",
        "relu",
        "maxpool:3x2:stride=2",
    ]
    assert place(again) == [3, 1, 2, 0]
    np.testing.assert_array_equal(result(again, 3), expected("conv:edge:padding=same,relu,maxpool:3x2:stride=2", PHOTO))


def lesson(tab, number):
    summary = tab.find_all(".lesson summary")[number]
    summary.click()
    tab.wait("return arguments[0].parentElement.open && arguments[0].parentElement.querySelector('p, pre')", summary)
    return tab.find(".lesson details[open]")


def test_the_quiz_tells_right_from_wrong(show):
    tab = show("conv:edge", PHOTO)
    right = int(expected("conv:edge", PHOTO).reshape(10, 12)[3, 4])
    point_at(tab, 3, 4, click=True)
    open_ = lesson(tab, 0)
    assert str(right) in tab.find("main").text
    next(each for each in open_.find_elements("css selector", "button") if "Hide" in each.text).click()
    assert place(tab) == [1, 3, 4, 0]
    shown = tab.run("return document.body.innerText")
    assert str(right) not in shown.split()
    field = open_.find_element("css selector", "form input")
    field.send_keys(f"{right + 7}\n")
    assert "Not yet" in open_.find_element("css selector", ".said").text
    field.clear()
    field.send_keys(f"{right}\n")
    assert f"Right: {right}" in open_.find_element("css selector", ".said").text.replace(",", "")


@ALIKE
def test_correlation_beside_convolution_and_cross_entropy_with_its_numbers(show):
    tab = show(DIGIT, PHOTO / np.float32(255), labels=LABELS)
    open_ = lesson(tab, 2)
    shares = expected(DIGIT, PHOTO / np.float32(255))
    listed = open_.find_element("css selector", "select")
    tab.choose(listed, "two")
    loss = -np.log(shares[2])
    told = open_.find_element("css selector", ".entropy").text
    assert f"{loss:.4g}" in told or f"{loss:.6g}" in told
    tab = show("conv:1 2 3; 4 5 6; 7 8 9", PHOTO)
    tab.run("model.select(1, 0, 2, 3, true)")
    pair = lesson(tab, 1)
    values = []
    for kernel in ("1 2 3; 4 5 6; 7 8 9", "9 8 7; 6 5 4; 3 2 1"):
        values.append(expected(f"conv:{kernel}", PHOTO).reshape(10, 12)[2, 3])
    told = [float(each.text.replace("\u2212", "-")) for each in pair.find_elements("css selector", ".compared strong")][
        :2
    ]
    np.testing.assert_allclose(told, values, rtol=1e-4)


@ALIKE
def test_the_command_is_copied_and_gives_the_same(show, tmp_path, monkeypatch):
    tab = show(CHAIN, PHOTO)
    tab.run("cnnfilter.set(1, 'stride', '2')")
    open_ = lesson(tab, 4)
    permission = {"name": "clipboard-read"}
    tab.devtools("Browser.setPermission", permission=permission, setting="granted")
    open_.find_element("css selector", "button[aria-label^=Copy]").click()
    tab.wait("return document.querySelector('.lesson details[open] .said').textContent === 'copied'")
    copied = tab.run("return navigator.clipboard.readText()")
    assert copied == open_.find_element("css selector", "code").text
    assert "conv:edge:stride=2,relu,maxpool:2" in copied
