"""The page in lessons: what is asked, compared and copied."""

import base64
import shlex
import time

import numpy as np
import pytest
from PIL import Image

from cnnfilter.pipeline import Pipeline
from tests.command import run
from tests.page.changing import ENTER, RAMP, button, choose_stage, drop, field, on_ramp, png, said, settle, type_into


@pytest.fixture
def show(show):
    return on_ramp(show)


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
    assert tab.run("return [judged(0.00101, 0.001, 0).right, judged(0.0011, 0.001, 0).right]") == [True, False]
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
    tab.run("document.querySelectorAll('.lesson details')[4].open = true")
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
    tab.run("model.select(1, 0, 2, 3, true); document.querySelectorAll('.lesson details')[4].open = true")
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
