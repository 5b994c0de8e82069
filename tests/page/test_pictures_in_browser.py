"""Other pictures on the page: dropped, pasted, chosen and drawn."""

import base64

import numpy as np
import pytest

from tests.page.changing import RIGHT, SPACE, button, check, drop, on_ramp, png, said, settle


@pytest.fixture
def show(show):
    return on_ramp(show)


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
