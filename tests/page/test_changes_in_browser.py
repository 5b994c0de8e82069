"""What a person changes on the page, compared with what the command makes of the same."""

import base64
import io
import shlex
import time

import numpy as np
import pytest
from PIL import Image

from cnnfilter.errors import CnnfilterError
from cnnfilter.pipeline import Pipeline
from tests.command import run

RAMP = np.arange(42, dtype=np.uint8).reshape(1, 6, 7) ** 2 % 200
UP, DOWN, ENTER, SPACE, RIGHT = "\ue013", "\ue015", "\ue007", " ", "\ue014"


@pytest.fixture
def show(show):
    """A function that shows a page of stages on a picture, `RAMP` unless given, which `ramp.png` holds."""

    def shown(stages, maps=RAMP, **more):
        return show(stages, maps, **{"file": "ramp.png"} | more)

    return shown


def settle(tab):
    tab.wait("return model.stages.length > 0 && model.ready.then(() => true)")


def texts(tab):
    return tab.run("return model.stages.map((_, place) => model.text(place + 1))")


def check(tab, stages, maps=RAMP):
    """The page shows these stages, with the results that the command has of them."""
    settle(tab)
    assert ",".join(texts(tab)) == stages
    expected = Pipeline.parse(stages).run(maps.astype(np.float32), layout="chw")
    values = tab.run("return Array.from(model.results[model.stages.length].values)")
    np.testing.assert_allclose(values, expected.ravel(), rtol=1e-6, atol=1e-5)


def field(tab, label, part=".change"):
    return tab.find(f"{part} input[aria-label='{label}']")


def type_into(tab, element, text):
    tab.run("arguments[0].focus(); arguments[0].select?.()", element)
    tab.press(text)


def choose_stage(tab, number):
    tab.run(
        "const list = document.querySelector('.change select'); list.value = arguments[0]; "
        "list.dispatchEvent(new Event('change'))",
        str(number),
    )


def button(tab, text):
    (found,) = [each for each in tab.find_all("button") if each.text == text]
    return found


def said(tab, selector):
    return [each.text for each in tab.find_all(selector) if each.is_displayed()]


def test_a_number_of_a_kernel_is_typed_in_its_place(show):
    tab = show("conv:0 1 0; 1 0 -1; 0 1 0,relu,maxpool:2")
    choose_stage(tab, 1)
    type_into(tab, field(tab, "row 2, column 3"), "-2.5")
    check(tab, "conv:0 1 0; 1 0 -2.5; 0 1 0,relu,maxpool:2")
    tab.press(UP, UP, DOWN)
    check(tab, "conv:0 1 0; 1 0 -1.5; 0 1 0,relu,maxpool:2")
    tab.press(ENTER, "1/4")
    check(tab, "conv:0 1 0; 1 0 -1.5; 0.25 1 0,relu,maxpool:2")
    tab.press(ENTER, "x")
    assert said(tab, ".change .mistake") == ["'x' is not a number"]
    check(tab, "conv:0 1 0; 1 0 -1.5; 0.25 1 0,relu,maxpool:2")
    tab.press(ENTER)
    assert said(tab, ".change .mistake") == ["'x' is not a number"]
    assert tab.run("return document.activeElement === arguments[0]", field(tab, "row 3, column 2"))
    assert field(tab, "row 3, column 2").get_attribute("aria-invalid") == "true"


def test_what_is_typed_at_one_place_is_undone_at_once(show):
    tab = show("conv:0 1 0; 1 0 -1; 0 1 0,relu,maxpool:2")
    choose_stage(tab, 1)
    back = tab.find(".change .panel-head button")
    assert not back.is_enabled()
    type_into(tab, field(tab, "row 2, column 2"), "125")
    tab.press(ENTER, "7")
    check(tab, "conv:0 1 0; 1 125 7; 0 1 0,relu,maxpool:2")
    tab.point(back, 9, 9, click=True)
    tab.wait("return model.text(1) === 'conv:0 1 0; 1 125 -1; 0 1 0'")
    tab.driver.back()
    tab.wait("return model.text(1) === 'conv:0 1 0; 1 0 -1; 0 1 0'")
    check(tab, "conv:0 1 0; 1 0 -1; 0 1 0,relu,maxpool:2")
    assert not back.is_enabled()
    assert "set" not in tab.driver.current_url
    tab.driver.forward()
    tab.wait("return model.text(1) === 'conv:0 1 0; 1 125 -1; 0 1 0'")
    assert back.is_enabled()


def test_a_named_kernel_is_chosen_and_its_size_changed(show):
    tab = show("conv:box,relu")
    choose_stage(tab, 1)
    tab.run("""
        const list = document.querySelector(".kernel-name");
        list.value = "laplacian";
        list.dispatchEvent(new Event("change"));
    """)
    check(tab, "conv:laplacian,relu")
    tab.run("document.querySelector(\"[aria-label='kernel size: more']\").click()")
    zeros = "0 0 0 0 0"
    check(tab, f"conv:{zeros}; 0 0 1 0 0; 0 1 -4 1 0; 0 0 1 0 0; {zeros},relu")
    assert len(tab.find_all(".kernel input[aria-label^=row]")) == 25
    type_into(tab, field(tab, "kernel size"), "3x1")
    check(tab, "conv:1; -4; 1,relu")


def test_own_numbers_keep_a_kernels_scale_as_fractions(show):
    tab = show("conv:box")
    choose_stage(tab, 1)
    assert "times 1/9" in tab.find(".kernel caption").text
    type_into(tab, field(tab, "row 2, column 2"), "4")
    check(tab, "conv:1/9 1/9 1/9; 1/9 4/9 1/9; 1/9 1/9 1/9".replace("/9", "/9"))
    assert field(tab, "row 1, column 1").get_attribute("value") == "1"


CONTROLS = [
    (1, "stride", "2x1", "conv:edge:stride=2x1,leaky_relu,maxpool:2"),
    (1, "padding", "1+2x0+3", "conv:edge:padding=1+2x0+3,leaky_relu,maxpool:2"),
    (1, "padding", "same", "conv:edge:padding=same,leaky_relu,maxpool:2"),
    (1, "dilation", "2x1", "conv:edge:dilation=2x1,leaky_relu,maxpool:2"),
    (1, "bias", "-1.5", "conv:edge:bias=-1.5,leaky_relu,maxpool:2"),
    (2, "slope", "0.25", "conv:edge,leaky_relu:slope=0.25,maxpool:2"),
    (3, "window", "3x2", "conv:edge,leaky_relu,maxpool:3x2:stride=2"),
]


def test_a_text_of_a_control_is_read_as_the_command_reads_it(show):
    tab = show("conv:edge,leaky_relu,maxpool:2")
    for number, label, text, then in CONTROLS:
        choose_stage(tab, number)
        type_into(tab, field(tab, label), text)
        check(tab, then)
        tab.run("model.undo(model.depth)")


def test_controls_step_choose_and_check(show):
    tab = show("conv:sobel-x,avgpool:2")
    choose_stage(tab, 1)
    for label in ("padding: more", "padding: more", "padding: less", "stride: more"):
        tab.find(f".change [aria-label='{label}']").click()
    tab.run("""
        const lists = [...document.querySelectorAll(".change select")];
        const border = lists.find((each) => each.options[1]?.value === "replicate");
        border.value = "replicate";
        border.dispatchEvent(new Event("change"));
        document.querySelector(".change .choice input").click();
    """)
    check(tab, "conv:sobel-x:stride=2:padding=1:border=replicate:flip=yes,avgpool:2")


@pytest.mark.parametrize("text", ["crop:9", "conv:box:stride=2:dilation=7"])
def test_what_does_not_fit_is_told_as_the_command_tells_it_and_later_stages_wait(show, text):
    tab = show("conv:edge,relu,maxpool:2")
    choose_stage(tab, 1)
    type_into(tab, tab.find(".adding input"), text)
    tab.press(ENTER)
    with pytest.raises(CnnfilterError) as raised:
        Pipeline.parse(f"conv:edge,{text},relu,maxpool:2").plan((6, 7, 1))
    settle(tab)
    assert tab.run("return model.mistakes[2]") == str(raised.value)
    choose_stage(tab, 2)
    assert said(tab, ".change .mistake") == [str(raised.value)]
    assert tab.run("return model.results.map((each) => each !== null)") == [True, True, False, False, False]
    tab.find(".change .panel-head button").click()
    check(tab, "conv:edge,relu,maxpool:2")


def test_stages_are_added_by_text_with_completion_and_removed(show):
    tab = show("conv:edge,relu,maxpool:2")
    choose_stage(tab, 2)
    box = tab.find(".adding input")
    offered = "return [...document.querySelectorAll('#stage-texts option')].map((each) => each.value)"
    type_into(tab, box, "")
    assert {"relu", "maxpool:2", "conv:sobel-x", "flatten", "softmax"} <= set(tab.run(offered))
    tab.press("conv:")
    assert {"conv:laplacian", "conv:sobel", "conv:gaussian"} <= set(tab.run(offered))
    tab.press("sharpen:")
    assert "conv:sharpen:padding=" in tab.run(offered)
    tab.press("padding=1", ENTER)
    check(tab, "conv:edge,relu,conv:sharpen:padding=1,maxpool:2")
    assert box.get_attribute("value") == ""
    type_into(tab, box, "tanh")
    tab.press(ENTER)
    check(tab, "conv:edge,relu,conv:sharpen:padding=1,tanh,maxpool:2")
    button(tab, "Remove this stage").click()
    check(tab, "conv:edge,relu,conv:sharpen:padding=1,maxpool:2")
    type_into(tab, box, "sharpen")
    tab.press(ENTER)
    assert said(tab, ".adding .mistake") == ["a kernel is no stage by itself; write 'conv:sharpen'"]
    for text, told in (
        ("pool:2", "unknown stage 'pool'; did you mean maxpool or avgpool or sumpool"),
        ("foo", "unknown stage 'foo' (known: conv, "),
        ("abs,conv:laplace", "unknown kernel 'laplace'; did you mean laplacian"),
        ("conv:8@3x3", "a page has no learned numbers for '8@3x3'; give a kernel"),
    ):
        type_into(tab, box, text)
        tab.press(ENTER)
        assert said(tab, ".adding .mistake")[0].startswith(told)
    choose_stage(tab, 2)
    type_into(tab, box, "abs, leaky_relu:0.5")
    tab.press(ENTER)
    check(tab, "conv:edge,relu,abs,leaky_relu:slope=0.5,conv:sharpen:padding=1,maxpool:2")
    tab.run("model.undo(2)")
    choose_stage(tab, 2)
    button(tab, "Remove this stage").click()
    check(tab, "conv:edge,conv:sharpen:padding=1,maxpool:2")


def test_all_that_is_offered_can_be_added(show):
    tab = show("relu")
    offered = tab.run("return completions(model, '')")
    assert len(offered) > 25
    read = "try { readStage(text, model.stages, 1); } catch { return true; }"
    assert tab.run(f"return arguments[0].filter((text) => {{ {read} }})", offered) == []


def test_the_address_keeps_the_changes_and_may_be_anybodys(show):
    tab = show("conv:edge,relu,maxpool:2")
    tab.run("""
        model.set(1, "kernels", "0 1; 2 3");
        model.insert(2, "leaky_relu:0.5");
        model.remove(2);
        model.select(3, 0, 1, 1, true);
    """)
    then = "conv:0 1; 2 3,leaky_relu:slope=0.5,maxpool:2"
    check(tab, then)
    fragment = tab.wait("return location.hash.includes('pin') && location.hash.slice(1)")
    tab = show("conv:edge,relu,maxpool:2", fragment=fragment)
    tab.wait("return model.changes.length === 3")
    check(tab, then)
    assert tab.run("return model.selection") == {"stage": 3, "at": [1, 1, 0], "pinned": True}
    tab.run("location.reload()")
    tab.wait("return model.changes.length === 3 && document.readyState === 'complete'")
    check(tab, then)
    tab.find(".change .panel-head button").click()
    check(tab, "conv:edge,relu,maxpool:2")
    tab = show("conv:edge,relu,maxpool:2", fragment="set=1,kernels,<img onerror=alert(1)>")
    check(tab, "conv:edge,relu,maxpool:2")
    assert said(tab, "header .mistake") == ["unknown kernel '<img onerror=alert(1)>'"]


def png(array, **options):
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG", **options)
    return stream.getvalue()


def drop(tab, data, kind="image/png"):
    """Drop a file on the page, and wait until it was taken or refused."""
    told = "document.querySelectorAll('.picture-panel > .mistake, .picture-panel > [role=status]')"
    tab.run(f"for (const each of {told}) each.textContent = ''")
    tab.run(
        """
        const bytes = Uint8Array.from(atob(arguments[0]), (each) => each.charCodeAt(0));
        const data = new DataTransfer();
        data.items.add(new File([bytes], "<b>name", {type: arguments[1]}));
        for (const kind of ["dragover", "drop"]) {
            document.body.dispatchEvent(new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true}));
        }
        """,
        base64.b64encode(data).decode(),
        kind,
    )
    tab.wait(f"return [...{told}].some((each) => each.textContent)")
    settle(tab)


def test_a_dropped_picture_is_the_networks_at_once_and_no_part_of_the_address(show):
    tab = show("conv:edge,relu,maxpool:2")
    seen = np.random.default_rng(1).integers(0, 256, (6, 7), dtype=np.uint8)
    drop(tab, png(seen))
    check(tab, "conv:edge,relu,maxpool:2", seen[None])
    assert said(tab, ".picture-panel [role=status]") == ["a picture of 7x6, brought to 7x6"]
    assert tab.find("h1").text == "another picture (6x7x1)"
    assert "#" not in tab.driver.current_url.rstrip("#").replace("#at=", "")
    drop(tab, png(np.full((60, 140), 90, np.uint8)))
    check(tab, "conv:edge,relu,maxpool:2", np.full((1, 6, 7), 90))
    assert said(tab, ".picture-panel [role=status]") == ["the middle of a picture of 140x60, brought to 7x6"]
    back = tab.find(".change .panel-head button")
    back.click()
    tab.wait("return model.depth === 1")
    check(tab, "conv:edge,relu,maxpool:2", seen[None])
    back.click()
    tab.wait("return model.depth === 0")
    check(tab, "conv:edge,relu,maxpool:2")
    assert tab.find("h1").text == "ramp.png (6x7x1)"


def test_a_colour_picture_becomes_grey_as_the_command_makes_it_or_stays(show):
    colours = np.random.default_rng(2).integers(0, 256, (6, 7, 3), dtype=np.uint8)
    tab = show("conv:edge")
    drop(tab, png(colours))
    grey = np.round(colours @ [0.299, 0.587, 0.114])
    check(tab, "conv:edge", grey[None])
    tab = show("conv:edge,relu", np.zeros((3, 6, 7), np.uint8))
    drop(tab, png(colours))
    check(tab, "conv:edge,relu", np.moveaxis(colours, 2, 0))


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(show):
    tab = show("conv:edge")
    drop(tab, png(np.zeros((9500, 9500), np.bool_), compress_level=9))
    assert said(tab, ".picture-panel .mistake") == ["the picture is 9500x9500, and has more than 89,478,485 pixels"]
    check(tab, "conv:edge")
    refused = tab.run("return pictureInFile({size: 2 ** 26 + 1}).catch(({message}) => message)")
    assert refused == "the file has 67,108,865 bytes, at most 67,108,864 are read"


def test_a_pasted_picture_and_a_chosen_file_are_taken_as_well(show):
    tab = show("conv:edge")
    seen = np.random.default_rng(3).integers(0, 256, (6, 7), dtype=np.uint8)
    tab.run(
        """
        const bytes = Uint8Array.from(atob(arguments[0]), (each) => each.charCodeAt(0));
        const data = new DataTransfer();
        data.items.add(new File([bytes], "a.png", {type: "image/png"}));
        document.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
        """,
        base64.b64encode(png(seen)).decode(),
    )
    tab.wait("return model.depth === 1")
    check(tab, "conv:edge", seen[None])
    path = tab.folder / "chosen.png"
    path.write_bytes(png(255 - seen))
    tab.find("#picture-file").send_keys(str(path))
    tab.wait("return model.depth === 2")
    check(tab, "conv:edge", 255 - seen[None])


def draw(tab, *points):
    """Draw a line through points of the board, in shares of it, right and down."""
    from selenium.webdriver.common.action_chains import ActionChains

    board = tab.find(".sketch")
    tab.run("arguments[0].scrollIntoView({block: 'center'})", board)
    box = tab.run(
        "const {x, y, width, height} = arguments[0].getBoundingClientRect(); return [x, y, width, height]", board
    )
    actions = ActionChains(tab.driver, duration=0)
    pointer = actions.w3c_actions.pointer_action
    for place, (right, down) in enumerate(points):
        pointer.move_to_location(round(box[0] + right * box[2]), round(box[1] + down * box[3]))
        if place == 0:
            pointer.pointer_down()
    pointer.pointer_up()
    actions.perform()
    settle(tab)


def picture(tab):
    return np.array(tab.run("return Array.from(model.picture.values)")).reshape(28, 28)


@pytest.fixture
def board(show):
    tab = show("conv:box:stride=9", np.full((1, 28, 28), 7, np.uint8))
    tab.find(".picture-panel summary").click()
    tab.wait("return document.querySelector('.drawing')")
    return tab


def test_a_line_that_is_drawn_is_white_on_black_and_one_change(board):
    tab = board
    tab.find(".drawing .choice input").click()  # as it is drawn
    draw(tab, (0.25, 0.25), (0.5, 0.25), (0.75, 0.25))
    seen = picture(tab)
    assert seen[7, 8:20].min() >= 200
    assert seen[12:].max() == 0
    assert seen[:, :4].max() == 0
    assert seen[6:8].sum() > 0.6 * seen.sum()
    check(tab, "conv:box:stride=9", seen[None])
    draw(tab, (0.5, 0.5), (0.5, 0.9))
    assert picture(tab)[15:24, 14].min() >= 200
    tab.find(".change .panel-head button").click()
    tab.wait("return model.depth === 2")
    settle(tab)
    assert np.array_equal(picture(tab), seen)
    assert (
        tab.run("return document.querySelector('.sketch').getContext('2d').getImageData(140, 200, 1, 1).data[0]") == 0
    )
    button(tab, "Clear").click()
    settle(tab)
    assert picture(tab).max() == 0
    left, top = tab.run(
        "const {left, top} = document.querySelector('.sketch').getBoundingClientRect(); return [left, top]"
    )
    for kind, points in (("touchStart", [(50, 140)]), ("touchMove", [(120, 140)]), ("touchEnd", [])):
        touches = [{"x": left + right, "y": top + down} for right, down in points]
        tab.devtools("Input.dispatchTouchEvent", type=kind, touchPoints=touches)
    settle(tab)
    assert picture(tab)[13:15, 6:11].max(0).min() >= 200


def test_a_digit_is_moved_and_sized_as_mnists_are(board):
    draw(board, (0.05, 0.05), (0.05, 0.2), (0.15, 0.2))
    seen = picture(board) / 255
    rows, columns = np.nonzero(seen > 0.1)
    assert 18 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 22
    centre = [(seen.sum(axis) * (np.arange(28) + 0.5)).sum() / seen.sum() for axis in (1, 0)]
    assert np.allclose(centre, 14, atol=0.25)


def test_keys_draw_as_well(board):
    tab = board
    tab.find(".drawing .choice input").click()
    tab.run("document.querySelector('.sketch').focus()")
    tab.press(RIGHT, RIGHT, SPACE, RIGHT, RIGHT, RIGHT, SPACE, RIGHT, RIGHT, RIGHT)
    settle(tab)
    tab.wait("return model.depth === 2")
    seen = picture(tab)
    assert seen[14, 16:19].min() >= 200
    assert seen[:, 23:].max() == 0
    assert said(tab, ".drawing [role=status]") == ["brush up"]


def ask(tab, stage, at):
    tab.run(
        "const [stage, map, row, column] = arguments; model.select(stage, map, row, column, true)",
        stage,
        at[2],
        *at[:2],
    )
    tab.run("document.querySelector('.lesson details').open = true")
    button(tab, "Hide the results and ask").click()


def answer(tab, text):
    type_into(tab, tab.find(".quiz input[type=text]"), text)
    tab.press(ENTER)
    return tab.find(".quiz .said").text


def test_a_result_is_hidden_asked_for_and_told(show):
    tab = show("conv:0 1 0; 1 0 -1; 0 1 0,relu,avgpool:3x2")
    ask(tab, 1, (1, 2, 0))
    value = tab.run("return model.explain().value")
    hidden = "return getComputedStyle(document.querySelector(arguments[0])).visibility === 'hidden'"
    for place in (".work .equation strong", ".readout .answer", ".way-value"):
        assert tab.run(hidden, place), place
    assert tab.find(".asked").text == "What does stage 1, conv:0 1 0; 1 0 -1; 0 1 0 give at row 1, column 2, map 0?"
    assert "a whole number, exactly" in tab.find(".quiz form").text
    assert answer(tab, f"{value + 1}") == f"Not yet. {value + 1} is too large."
    assert answer(tab, f"{-value}") == "Not yet. The sign is not right."
    assert answer(tab, "two") == "'two' is not a number"
    tab.run("model.select(1, 0, 1, 3, true); model.select(1, 0, 1, 2, true)")
    assert not tab.find(".quiz .said").text
    assert answer(tab, f"{value}") == f"Right: {value}."
    assert not tab.run(hidden, ".work .equation strong")
    button(tab, "Another place").click()
    assert tab.run(hidden, ".work .equation strong")
    button(tab, "Show it").click()
    assert tab.find(".quiz .said").text == f"It is {tab.run('return show(model.explain().value)')}."
    assert "1 of 2 found" in tab.find(".quiz").text
    button(tab, "End").click()
    assert not tab.run(hidden, ".way-value")


def test_an_answer_is_right_within_the_tolerance_that_is_said(show):
    tab = show("relu")
    answers = [(3, 3), (3.02, 3.001), (0.005, 0.0123), (3.02, 3), (3.04, 3.001), (0, 0.0123)]
    right = tab.run("return arguments[0].map((each) => judged(...each).right)", answers)
    assert right == [True, True, True, False, False, False]
    assert tab.run("return judged(5, Infinity)") == {"right": False, "text": "Not yet. 5 is too small."}


def test_correlation_and_convolution_stand_side_by_side(show):
    tab = show("conv:1 2; 3 -4,relu")
    tab.run("model.select(1, 0, 2, 3, true); document.querySelectorAll('.lesson details')[1].open = true")
    plain, turned = (
        Pipeline.parse(f"conv:1 2; 3 -4{flip}").run(RAMP.astype(np.float32), layout="chw")[0]
        for flip in ("", ":flip=yes")
    )
    tab.wait("return document.querySelector('.lesson .compared')")
    assert [each.text for each in tab.find_all(".compared figcaption")] == [
        "Correlation",
        "Convolution",
        "Their difference",
    ]
    values = [plain[2, 3], turned[2, 3], plain[2, 3] - turned[2, 3]]
    assert said(tab, ".compared .at") == [f"row 2, column 3: {value:g}" for value in values]
    kernels = [
        [each.text for each in table.find_elements("css selector", "td")] for table in tab.find_all(".compared table")
    ]
    assert kernels == [["1", "2", "3", "-4"], ["-4", "3", "2", "1"]]
    away = np.abs(plain - turned)
    row, column = np.unravel_index(away.argmax(), away.shape)
    told = f"They differ at {np.count_nonzero(away)} of {away.size} places, the most at row {row}, column {column}"
    assert f"{told}, by {away.max():g}." in tab.find(".lesson").text
    tab.run("model.set(1, 'kernels', 'gaussian')")
    tab.wait("return document.querySelector('.lesson').textContent.includes('this kernel is itself')")
    tab.run("model.set(1, 'kernels', 'sobel-y')")
    tab.wait("return document.querySelector('.lesson').textContent.includes('its own negative')")
    tab.run("model.set(1, 'kernels', 'gaussian+sobel-y')")
    for number, verdict in enumerate(("this kernel is itself", "its own negative")):
        tab.run("model.select(1, arguments[0], 2, 3)", number)
        assert verdict in tab.find(".lesson").text


def test_cross_entropy_is_that_of_python(show):
    scores = np.array([[[3, -2]], [[0, 9]], [[5, 1]]], np.float32)
    tab = show("globalavgpool,flatten,softmax", scores, labels=["a", "<b>", "c"])
    tab.run("document.querySelectorAll('.lesson details')[2].open = true")
    tab.wait("return document.querySelector('.classes')")
    logits = scores.mean((1, 2), dtype=np.float64)
    p = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    for label in range(3):
        tab.run(
            "const list = document.querySelector('.entropy select'); list.selectedIndex = arguments[0]; "
            "list.dispatchEvent(new Event('change'))",
            label,
        )
        loss = tab.run("return crossEntropy(scoresOf(model, 3), arguments[0]).loss", label)
        assert loss == pytest.approx(-np.log(p[label]), rel=1e-6)
        rows = [row.text.split() for row in tab.find_all(".classes tbody tr")]
        assert [row[0] for row in rows] == [["a", "<b>", "c"][i] for i in np.argsort(-p)]
        assert {row[0]: row[1] for row in rows} == {
            name: str(int(i == label)) for i, name in enumerate(["a", "<b>", "c"])
        }
        shown = [float(line.text.split("= ")[-1]) for line in tab.find_all(".entropy .equation")]
        assert shown == pytest.approx([-np.log(p[label]), -np.log2(p[label])], rel=1e-5)
    assert tab.run("return crossEntropy([0, 1000], 0).loss") == 1000


def files(tab):
    """The files that the page would save, by name, put beside each other."""
    found = tab.run("""
        return Promise.all(commandsOf(model).files.map(async ({name, blob}) => {
            const bytes = new Uint8Array(await blob().arrayBuffer());
            return [name, btoa(Array.from(bytes, (each) => String.fromCharCode(each)).join(""))];
        }));
    """)
    for name, data in found:
        (tab.folder / name).write_bytes(base64.b64decode(data))
    return [name for name, _ in found]


def run_command(tab, monkeypatch):
    """What the command of the page makes of its input, as the values of the last stage."""
    monkeypatch.chdir(tab.folder)
    arguments = shlex.split(tab.run("return model.command()"))
    assert arguments[0] == "cnnfilter"
    result = run(*arguments[1:], "-o", "out.npy", "--force")
    assert result.exit_code == 0, result.err
    return np.load("out.npy").ravel()


@pytest.mark.parametrize(
    ("kind", "channels", "before", "name"),
    [
        (np.uint8, 1, "", "picture.pgm"),
        (np.uint8, 3, "crop:6x7,", "picture.ppm"),
        (np.uint8, 1, "resize:6x7,", "picture.pgm"),
        (np.uint16, 1, "", "picture.npy"),
        (np.float32, 3, "", "picture.npy"),
    ],
)
def test_the_command_makes_what_the_page_shows_also_of_another_picture(show, monkeypatch, kind, channels, before, name):
    white = {np.uint8: 255, np.uint16: 65535, np.float32: 1}[kind]
    size = (12, 14) if before else (6, 7)
    tab = show(f"{before}normalize,conv:edge:stride=2,relu", np.ones((channels, *size), kind))
    drop(tab, png(np.random.default_rng(4).integers(0, 256, (6, 7, 3), dtype=np.uint8)))
    assert files(tab) == [name]
    values = tab.run("return Array.from(model.results[3].values)")
    assert 0.5 * white < tab.run("return Math.max(...model.picture.values)") <= white
    np.testing.assert_allclose(values, run_command(tab, monkeypatch), rtol=1e-5, atol=1e-5)


def test_the_command_reads_learned_numbers_that_were_changed_from_a_file(show, monkeypatch):
    tab = show("conv:2@3x3:random=1,relu,conv:3@2x2:random=2:bias=no")
    Image.fromarray(RAMP[0]).save(tab.folder / "ramp.png")
    np.testing.assert_allclose(
        tab.run("return Array.from(model.results[3].values)"), run_command(tab, monkeypatch), rtol=1e-4, atol=1e-3
    )
    assert files(tab) == []
    choose_stage(tab, 1)
    tab.run("model.select(1, 1, 0, 0)")  # its filter is shown
    first = float(field(tab, "row 1, column 1").get_attribute("value"))
    assert first == pytest.approx(tab.run("return model.stage(1).learned.weight.values[9]"), 5e-3)
    tab.run("model.select(1, 0, 0, 0)")
    type_into(tab, field(tab, "weights: map"), "1")
    type_into(tab, field(tab, "row 2, column 3"), "0.75")
    settle(tab)
    assert tab.run("return model.stage(1).learned.weight.values[9 + 5]") == 0.75
    assert tab.run("return model.command()").count("weights.json") == 1
    tab.devtools("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tab.folder))
    tab.run("document.querySelectorAll('.lesson details')[3].open = true")
    tab.wait("return document.querySelector('.command')")
    button(tab, "Save weights.json").click()
    saved = tab.folder / "weights.json"
    written = time.monotonic() + 10
    while not saved.exists() and time.monotonic() < written:
        time.sleep(0.02)
    np.testing.assert_allclose(
        tab.run("return Array.from(model.results[3].values)"), run_command(tab, monkeypatch), rtol=1e-4, atol=1e-3
    )


def test_a_part_of_a_networks_file_that_was_changed_is_written_out(show, monkeypatch):
    tab = show("samples/digits/digits.onnx", np.ones((1, 32, 32), np.uint8))
    Image.fromarray(np.ones((32, 32), np.uint8)).save(tab.folder / "ramp.png")
    assert tab.run("return commandsOf(model).lines[0].text") == "cnnfilter run samples/digits/digits.onnx ramp.png"
    tab.run("model.set(1, 'learned.weight', '0,0,1,1,0.5'); model.remove(32)")
    settle(tab)
    assert files(tab) == ["weights.json"]
    monkeypatch.chdir(tab.folder)
    result = run(*shlex.split(tab.run("return model.command()"))[1:], "--json")
    assert result.exit_code == 0, result.err


def test_commands_are_copied_and_are_what_a_shell_reads(show):
    tab = show("conv:0 1; 2 3,relu", file="a 'b' $(c)\n.png")
    tab.devtools("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    tab.run("model.select(1, 0, 2, 3, true); document.querySelectorAll('.lesson details')[3].open = true")
    tab.wait("return document.querySelector('.command')")
    run_line, explain_line, code_line = (each.text for each in tab.find_all(".command code"))
    assert shlex.split(run_line) == ["cnnfilter", "run", "conv:0 1; 2 3,relu", "a 'b' $(c)?.png"]
    assert shlex.split(explain_line)[4:] == ["--at", "2,3,0", "--node", "1"]
    assert shlex.split(code_line)[2:] == ["6x7x1", "conv:0 1; 2 3,relu", "--emit", "torch"]
    tab.find(".command button").click()
    tab.wait("return document.querySelector('.command .said').textContent === 'copied'")
    assert tab.run("return navigator.clipboard.readText()") == run_line
    tab.run("""
        const list = document.querySelector(".command select");
        list.value = "numpy";
        list.dispatchEvent(new Event("change"));
    """)
    result = run(*shlex.split(tab.find_all(".command code")[2].text)[1:])
    assert result.exit_code == 0, result.err
    assert "import numpy" in result.out


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_all_of_it_can_be_used_by_everyone_at_any_width(show, accessible, width, dark):
    tab = show("conv:sobel-x+sobel-y,relu,conv:2@2x2:random=1,globalavgpool,flatten,softmax", np.tile(RAMP, (1, 3, 3)))
    tab.resize(width)
    tab.prefer(dark=dark, still=True)
    choose_stage(tab, 3)
    tab.run("""
        for (const each of document.querySelectorAll("details")) {
            each.removeAttribute("name");
            each.open = true;
        }
    """)
    tab.wait("return ['.sketch', '.classes', '.compared'].every((each) => document.querySelector(each))")
    assert tab.run("return document.documentElement.scrollWidth") == width
    accessible("all of it open")


def test_a_number_of_a_kernel_is_changed_where_the_worked_step_has_it(show):
    stages, then = "conv:0 1 2; 3 4 5:flip=yes,relu", "conv:8.5 1 2; 3 4 5:flip=yes,relu"
    tab = show(stages)
    tab.run("model.select(1, 0, 1, 1, true)")
    cell = tab.find_all(".step [data-channel] td")[5]
    tab.run("arguments[0].scrollIntoView({block: 'center'})", cell)
    tab.point(cell, 5, 5, click=True)
    tab.press("8.5", ENTER)
    check(tab, then)
    assert tab.find_all(".step [data-channel] td")[5].text == "8.5"
    assert not tab.find(".in-place").is_displayed()
    tab.find(".change .panel-head button").click()
    check(tab, stages)


def test_a_learned_number_is_changed_in_a_worked_step_of_its_map_and_channel(show):
    tab = show("conv:2@1x1:random=1,conv:6@2x2:random=1:groups=2", np.stack([RAMP[0], RAMP[0][::-1]]))
    tab.run("model.select(2, 4, 1, 1, true)")
    cell = tab.find_all(".step [data-channel] td")[1]
    tab.run("arguments[0].scrollIntoView({block: 'center'})", cell)
    tab.point(cell, 5, 5, click=True)
    tab.press("7", ENTER)
    settle(tab)
    assert tab.run("return model.stage(2).learned.weight.values[4 * 4 + 1]") == 7


def test_what_can_be_undone_takes_a_bounded_memory(show):
    tab = show("relu")
    tab.run("""
        const stages = model.stages;
        window.past = new Past();
        for (let count = 0; count < 10; count++) {
            const picture = {shape: [4096, 4096, 1], values: {byteLength: 2 ** 26}};
            past.add("", {stages, changes: [], picture});
        }
    """)
    assert tab.run("return [past.length, past.depth]") == [4, 10]
    tab.run("for (let count = 0; count < 300; count++) past.add('', {stages: [], changes: [], picture: model.picture})")
    assert tab.run("return past.length") == tab.run("return MOST_CHANGES")
