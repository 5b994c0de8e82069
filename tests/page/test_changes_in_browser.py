"""What a person changes on the page, compared with what the command makes of the same."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from cnnfilter.errors import CnnfilterError
from cnnfilter.models.loading import load_named
from cnnfilter.network.grammar import parse
from cnnfilter.page.assembly import assembled
from cnnfilter.page.document import Given, document
from cnnfilter.pipeline import Pipeline

RAMP = np.arange(42, dtype=np.uint8).reshape(1, 6, 7) ** 2 % 200
UP, DOWN, ENTER, SPACE, RIGHT = "\ue013", "\ue015", "\ue007", " ", "\ue014"


@pytest.fixture
def show(tab):
    """Show a page of stages on a picture, and wait until it is computed."""

    def shown(stages, maps=RAMP, *, fragment="", labels=(), file="ramp.png"):
        path = tab.folder / "page.html"
        given = Given(parse(stages, load=load_named), maps, "ramp.png", file, labels=labels)
        path.write_text(assembled(document(given)), encoding="utf-8")
        tab.open(path, fragment)
        settle(tab)
        return tab

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


@pytest.mark.parametrize(
    ("stages", "number", "label", "text", "then"),
    [
        ("conv:edge,maxpool:2", 1, "stride", "2x1", "conv:edge:stride=2x1,maxpool:2"),
        ("conv:edge,maxpool:2", 1, "padding", "1+2x0+3", "conv:edge:padding=1+2x0+3,maxpool:2"),
        ("conv:edge,maxpool:2", 1, "padding", "same", "conv:edge:padding=same,maxpool:2"),
        ("conv:edge,maxpool:2", 1, "dilation", "2x1", "conv:edge:dilation=2x1,maxpool:2"),
        ("conv:edge,maxpool:2", 1, "bias", "-1.5", "conv:edge:bias=-1.5,maxpool:2"),
        ("conv:edge,maxpool:2", 2, "window", "3x2", "conv:edge,maxpool:3x2:stride=2"),
        ("conv:edge,leaky_relu", 2, "slope", "0.25", "conv:edge,leaky_relu:slope=0.25"),
    ],
)
def test_a_text_of_a_control_is_read_as_the_command_reads_it(show, stages, number, label, text, then):
    tab = show(stages)
    choose_stage(tab, number)
    type_into(tab, field(tab, label), text)
    check(tab, then)


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


@pytest.mark.parametrize("text", ["maxpool:9", "crop:9", "conv:box:stride=2:dilation=7"])
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
    type_into(tab, box, "sharpen")
    tab.press(ENTER)
    assert said(tab, ".adding .mistake")[0].startswith("unknown stage 'sharpen'")
    choose_stage(tab, 2)
    button(tab, "Remove this stage").click()
    check(tab, "conv:edge,conv:sharpen:padding=1,maxpool:2")


def test_all_that_is_offered_can_be_added(show):
    tab = show("relu")
    offered = tab.run("return completions(model, '')")
    assert len(offered) > 25
    assert (
        tab.run(
            "return arguments[0].filter((text) => { try { readStage(text, [1]); } catch { return true; } })", offered
        )
        == []
    )


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
    for hostile in (
        "set=1,kernels,<img onerror=alert(1)>",
        "insert=0,conv:box:padding=999999999",
        "x=" + "9" * 30_000,
        "%E0%A4%A",
    ):
        tab = show("conv:edge,relu,maxpool:2", fragment=hostile)
        check(tab, "conv:edge,relu,maxpool:2")
        assert tab.run("return model.notice")


def png(array, **options):
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG", **options)
    return stream.getvalue()


def drop(tab, data, kind="image/png"):
    """Drop a file on the page, and wait until it was taken or refused."""
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
    told = "document.querySelectorAll('.picture > .mistake, .picture > [role=status]')"
    tab.wait(f"return [...{told}].some((each) => each.textContent)")
    settle(tab)


def test_a_dropped_picture_is_the_networks_at_once_and_no_part_of_the_address(show):
    tab = show("conv:edge,relu,maxpool:2")
    seen = np.random.default_rng(1).integers(0, 256, (6, 7), dtype=np.uint8)
    drop(tab, png(seen))
    check(tab, "conv:edge,relu,maxpool:2", seen[None])
    assert said(tab, ".picture [role=status]") == ["a picture of 7x6, brought to 7x6"]
    assert "#" not in tab.driver.current_url.rstrip("#").replace("#at=", "")
    drop(tab, png(np.full((60, 140), 90, np.uint8)))
    check(tab, "conv:edge,relu,maxpool:2", np.full((1, 6, 7), 90))
    assert said(tab, ".picture [role=status]") == ["the middle of a picture of 140x60, brought to 7x6"]
    back = tab.find(".change .panel-head button")
    back.click()
    tab.wait("return model.depth === 1")
    check(tab, "conv:edge,relu,maxpool:2", seen[None])
    back.click()
    tab.wait("return model.depth === 0")
    check(tab, "conv:edge,relu,maxpool:2")


def test_a_colour_picture_becomes_grey_as_the_command_makes_it_or_stays(show):
    colours = np.random.default_rng(2).integers(0, 256, (6, 7, 3), dtype=np.uint8)
    tab = show("conv:edge")
    drop(tab, png(colours))
    grey = np.round(colours @ [0.299, 0.587, 0.114])
    check(tab, "conv:edge", grey[None])
    tab = show("conv:edge,relu", np.zeros((3, 6, 7), np.uint8))
    drop(tab, png(colours))
    check(tab, "conv:edge,relu", np.moveaxis(colours, 2, 0))


SVG = b"<svg xmlns='http://www.w3.org/2000/svg' width='7' height='6'><rect width='7' height='6'/></svg>"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "image/png"),
        (b"no picture", "image/png"),
        (SVG, "image/svg+xml"),
        (png(RAMP[0])[:20], "image/png"),
        (b"<html><script>alert(1)</script>", "text/html"),
    ],
)
def test_a_file_that_is_no_picture_is_one_line(show, data, kind):
    tab = show("conv:edge")
    drop(tab, data, kind)
    (told,) = said(tab, ".picture .mistake")
    assert told == "the file is no picture that this browser can read; try a PNG or a JPEG"
    check(tab, "conv:edge")
    assert tab.run("return model.canUndo()") is False


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(show):
    tab = show("conv:edge")
    drop(tab, png(np.zeros((9500, 9500), np.bool_), compress_level=9))
    assert said(tab, ".picture .mistake") == ["the picture is 9500x9500, and has more than 89,478,485 pixels"]
    check(tab, "conv:edge")


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
