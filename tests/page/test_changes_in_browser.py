"""What a person changes on the page, compared with what the command makes of the same."""

import numpy as np
import pytest

from cnnfilter.errors import CnnfilterError
from cnnfilter.pipeline import Pipeline
from tests.page.changing import (
    DOWN,
    ENTER,
    RAMP,
    UP,
    button,
    check,
    choose_stage,
    field,
    on_ramp,
    said,
    settle,
    type_into,
)


@pytest.fixture
def show(show):
    return on_ramp(show)


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
