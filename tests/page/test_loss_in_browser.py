"""A loss in the lesson, the deltas in the detail, and a weight's step: what is seen is what the command tells."""

import json
import shlex

import numpy as np
import pytest

from cnnfilter.learning.explained import explain_loss
from cnnfilter.learning.one_weight import CONSTANT, largest_products
from cnnfilter.models.loading import load_named
from cnnfilter.network.grammar import parse
from cnnfilter.page.assembly import assembled
from cnnfilter.page.document import Given, document
from cnnfilter.pipeline import Pipeline
from cnnfilter.text.shown import show
from tests.command import run
from tests.page import browser as browsers
from tests.page.changing import ENTER, RAMP, button, type_into

NETWORK = (
    "normalize,conv:3@3x3:padding=1:random=1:as=a,relu,conv:3@3x3:padding=1:random=2,add:a,maxpool:2,flatten,"
    "dense:4:random=3,softmax"
)
LABELS = ("zero", "one", "<b>", "three")


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    """A tab with a page, which is given one network after another."""
    with browsers.tab(browser, tmp_path_factory.mktemp("page")) as tab:
        tab.show(assembled(document(Given(parse("relu"), RAMP, "ramp.png"))))
        yield tab
        assert tab.complaints() == []


@pytest.fixture
def shown(page):
    """A function that shows a network."""

    def show_(stages=NETWORK, maps=RAMP, labels=LABELS, **more):
        page.run("document.querySelectorAll('.lesson details').forEach((each) => { each.open = false; })")
        page.wait("return backward.aim === null && !document.documentElement.classList.contains('asking')")
        network = parse(stages, load=load_named) if isinstance(stages, str) else stages
        given = Given(network, maps, "ramp.png", "ramp.png", labels=labels, **more)
        page.run("return model.load(JSON.parse(arguments[0])).then(() => model.ready)", json.dumps(document(given)))
        return page

    return show_


@pytest.fixture
def opened(shown):
    """A function that shows a network with its loss in the lesson."""

    def open_(*given, **more):
        tab = shown(*given, **more)
        open_loss(tab)
        return tab

    return open_


def open_loss(tab):
    tab.run("document.querySelectorAll('.lesson details')[3].open = true")
    tab.wait("return backward.aim !== null && backward.ready.then(() => true)")


def aim(tab, target, loss="cross-entropy"):
    type_into(tab, tab.find(".loss input"), target)
    tab.choose(tab.find(".loss select"), loss)
    tab.run("return backward.ready")


def facts(tab):
    """The lines of the loss, each with its name."""
    return tab.run("""
        let name = "";
        return [...document.querySelector(".loss .facts").children].flatMap((each) => {
            if (each.tagName === "DT") name = each.textContent;
            return each.tagName === "DT" ? [] : [[name, each.textContent]];
        });
    """)


def table(tab, selector):
    """The rows of a table as texts."""
    return tab.run(
        "return [...document.querySelectorAll(`${arguments[0]} tbody tr`)]"
        ".map((row) => [...row.cells].map((cell) => cell.textContent))",
        selector,
    )


def alike(mine, theirs):
    """Texts of numbers are the same, but for the last of six digits."""
    assert len(mine) == len(theirs)
    for one, other in zip(mine, theirs, strict=True):
        assert float(one) == pytest.approx(float(other), rel=2e-5, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "target", "loss"),
    [("three", 3, "cross-entropy"), ("<b>", 2, "cross-entropy"), ("0", 0, "mse"),
     ("0.5,0,1,0.25", (0.5, 0, 1, 0.25), "mse"), ("1,0,1,0", (1, 0, 1, 0), "binary-cross-entropy")],
)  # fmt: skip
def test_a_loss_is_told_as_the_command_tells_it(opened, text, target, loss):
    tab = opened(NETWORK if loss != "binary-cross-entropy" else NETWORK.replace("softmax", "sigmoid"))
    aim(tab, text, loss)
    pipeline = Pipeline.parse(NETWORK if loss != "binary-cross-entropy" else NETWORK.replace("softmax", "sigmoid"))
    told = explain_loss(pipeline, RAMP[0], target, loss, weight=("a", (1, 0, 2, 1)), rate=0.5)
    expected = [("formula", told.loss.formula), *((line.label, " = ".join(line.equal)) for line in told.loss.lines)]
    expected.append(("result", f"{show(told.loss.result[0])} {told.loss.unit}".strip()))
    found = facts(tab)
    assert [name for name, _ in found] == [name for name, _ in expected]
    for (_, one), (_, other) in zip(found, expected, strict=True):
        assert len(one.split()) == len(other.split()), (one, other)
    alike([found[-1][1].split()[0]], [show(told.loss.result[0])])
    rows = table(tab, "[aria-label='deltas']")
    assert [row[0] for row in rows] == [f"{place} {name}" for place, name in enumerate(LABELS)]
    alike([row[3] for row in rows], told.deltas)
    back = table(tab, "[aria-label='back through the stages']")
    gradients = [(step, each) for step in told.steps for each in step.gradients]
    for row, (step, gradient) in zip(back, gradients, strict=True):
        name = f"{step.number} " if step.number else "the picture"
        assert row[0].startswith(name if gradient.what == "deltas" else gradient.what)
        assert row[1] == "x".join(map(str, gradient.size))
        alike([row[2], row[4]], [gradient.values[gradient.largest], gradient.rms])
        assert row[3] == ",".join(map(str, gradient.place))


def weigh(tab, *place, rate="0.5"):
    for field, index in zip(tab.find_all(".loss input[type=number]"), place, strict=True):
        type_into(tab, field, str(index))
    type_into(tab, tab.find(".loss section label:has(+ button) input"), rate)


def test_a_weight_is_told_as_the_command_tells_it(opened, monkeypatch):
    tab = opened()
    tab.run("model.select(2, 1, 3, 3)")
    aim(tab, "1")
    weigh(tab, 1, 0, 2, 1)
    pipeline = Pipeline.parse(NETWORK)
    told = explain_loss(pipeline, RAMP[0], 1, weight=("a", (1, 0, 2, 1)), rate=0.5).weight
    text = tab.find(".loss section").text
    assert "weight 1,0,2,1 of stage 2 conv (a), conv:3@3x3:padding=1:random=1: " + show(told.weight) in text
    rows = table(tab, ".loss section")
    assert [row[0] for row in rows] == [f"{i},{j}" for i, j in (told.met.places[n] for n in largest_products(told))]
    alike([row[3] for row in rows], [told.products[n] for n in largest_products(told)])
    gradient, step = [each.text for each in tab.find_all(".loss section .equation strong")]
    alike([gradient, step], [told.gradient, told.stepped])
    assert "sum(delta * input)" in text
    assert "sum of 42 products" in text

    monkeypatch.chdir(tab.folder)
    np.savetxt("ramp.csv", RAMP[0], "%d", ",")
    command = shlex.split(tab.find(".loss .command code").text.replace("ramp.png", "ramp.csv"))
    assert command[-8:] == ["--target", "1", "--loss", "cross-entropy", "--weight", "2,1,0,2,1", "--lr", "0.5"]
    answer = run(*command[1:], "--json")
    assert answer.exit_code == 0, answer.err


def test_the_command_of_a_loss_tells_the_same_behind_what_prepared_the_picture(opened, monkeypatch):
    maps = np.random.default_rng(3).integers(0, 256, (1, 12, 14), dtype=np.uint8)
    tab = opened("resize:6x7,normalize,flatten,dense:3:random=1,dense:2:random=2", maps, labels=())
    monkeypatch.chdir(tab.folder)
    np.save("ramp.npy", maps[0])
    aim(tab, "1")
    command = tab.find(".loss .command code").text.replace("ramp.png", "ramp.npy")
    answer = run(*shlex.split(command)[1:], "--json")
    assert answer.exit_code == 0, answer.err
    expected = json.loads(answer.out)
    assert expected["weight"]["number"] == 5
    place = [4, *expected["weight"]["at"]]
    own = tab.run("return cnnfilter.explainLoss(1, 'cross-entropy', ...arguments)", place, expected["weight"]["rate"])
    for key in ("gradient", "stepped", "weight"):
        assert own["weight"][key] == pytest.approx(expected["weight"][key], rel=1e-5)
    assert own["loss"]["result"] == pytest.approx(expected["loss"]["result"], rel=1e-5)


def delta_box(tab):
    return [each.text for each in tab.find_all(".delta h4, .delta .equation, .delta .small")]


def test_the_detail_tells_how_a_delta_came(opened):
    tab = opened()
    aim(tab, "0")
    deltas = {step.number: step.gradients[0].values for step in explain_loss(Pipeline.parse(NETWORK), RAMP[0], 0).steps}

    def last(text):
        return float(text.rsplit("= ", 1)[1])

    tab.run("model.select(9, 0)")
    assert delta_box(tab)[:1] == ["cross-entropy takes the place of softmax: the deltas begin with what that reads."]
    assert not tab.find(".delta figure").is_displayed()
    tab.run("model.select(8, 0)")
    formula, *_ = delta_box(tab)
    assert formula.startswith("p - t")
    assert last(formula) == pytest.approx(deltas[8][0], rel=1e-5)
    tab.run("model.select(7, 5)")
    title, total, *_ = delta_box(tab)
    assert title == "from stage 8 dense: sum(delta * weight)"
    assert total.startswith("sum")
    assert last(total) == pytest.approx(deltas[7][5], rel=1e-5)
    row, column = (int(each) for each in np.unravel_index(np.abs(deltas[2][1]).argmax(), (6, 7)))
    tab.run("model.select(2, 1, arguments[0], arguments[1])", row, column)
    lines = delta_box(tab)
    assert [each for each in lines if each.startswith("from")] == [
        "from stage 3 relu: sum(delta * slope)",
        "from stage 5 add: sum(delta * slope)",
    ]
    (both,) = [each for each in lines if each.startswith("sum")]
    assert last(both) == pytest.approx(deltas[2][1, row, column], rel=1e-5)
    assert tab.find(".delta figcaption").text.startswith("deltas of map 1; the largest of the stage is ")
    outline = tab.run(
        "const [map, here] = ['canvas', '.here'].map((each) => document.querySelector(`.delta ${each}`)"
        ".getBoundingClientRect()); return [(here.left + here.width / 2 - map.left) / map.width * 7,"
        " (here.top + here.height / 2 - map.top) / map.height * 6]"
    )
    assert outline == pytest.approx([column + 0.5, row + 0.5], abs=0.2)
    tab.run("document.querySelectorAll('.lesson details')[3].open = false")
    tab.wait("return backward.aim === null && document.querySelector('.delta').parentElement.hidden")


def test_stages_lead_to_their_largest_delta_and_to_the_weight_of_the_largest_gradient(opened):
    tab = opened()
    rows = table(tab, "[aria-label='back through the stages']")
    buttons = "[aria-label='back through the stages'] tbody tr:nth-child({}) button"
    (conv,) = [place for place, row in enumerate(rows, 1) if row[0] == "4 conv"]
    tab.find(buttons.format(conv)).click()
    selection = tab.run("return model.selection")
    at = rows[conv - 1][3].split(",")
    assert (selection["stage"], selection["pinned"], [*map(str, selection["at"])]) == (4, True, at)
    fields = [tab.find(".loss section select"), *tab.find_all(".loss input[type=number]")]
    assert [each.get_attribute("value") for each in fields] == ["4", at[2], "0", "0", "0"]  # whose weights are told now
    (dense,) = [place for place, row in enumerate(rows, 1) if row[1] == "4x27"]
    tab.find(buttons.format(dense)).click()
    fields = [tab.find(".loss section select"), *tab.find_all(".loss input[type=number]")]
    assert [each.get_attribute("value") for each in fields] == ["8", *rows[dense - 1][3].split(",")]
    alike([tab.find(".loss section .equation strong").text], [rows[dense - 1][2]])


def test_stages_without_an_influence_say_so(opened):
    text = "normalize:as=x,globalmaxpool,flatten:as=side,from:x,flatten,dense:1:random=1:as=end,add:side"
    tab = opened(parse(text).up_to(4), labels=())
    tab.run("model.select(2, 0, 0, 0)")
    assert delta_box(tab)[0] == "The result does not depend on this stage."
    rows = table(tab, "[aria-label='back through the stages']")
    told = ["5 dense (end)", "weight", "bias", "4 flatten", "1 normalize (x)", "the picture"]
    assert [row[0] for row in rows] == told


def test_padding_that_is_cropped_away_is_seen_by_no_value(opened):
    tab = opened("relu,crop:2,flatten,dense:2:random=1", labels=())
    tab.run("model.select(1, 0, 0, 0)")
    assert delta_box(tab)[:2] == ["from stage 2 crop: sum(delta * slope)", "none of its values sees this one: 0"]


WRONG = {
    "four": "unknown label 'four' (known: zero, one, <b>, three)",
    "thre": "unknown label 'thre'; did you mean three?",
    "4": "label 4 is no class: there are 4, counted from 0",
    "1,0": "4 values cannot be compared with 2 targets",
    "1,0,0,2": "targets of cross-entropy are from 0 to 1, not 2",
    "0.5": "4 values cannot be compared with 1 target",
    "a,b": "'a' is not a number",
}


def test_what_cannot_be_a_target_is_told(opened):
    tab = opened()
    for text, told in WRONG.items():
        aim(tab, text)
        assert tab.find(".loss > .mistake").text == told
        assert tab.find(".loss input").get_attribute("aria-invalid") == "true"
        assert not tab.find_all(".loss .facts")[0].is_displayed()
    aim(tab, "one")
    assert not tab.find(".loss > .mistake").is_displayed()
    assert tab.find(".loss .facts").is_displayed()


def test_without_names_of_classes_their_numbers_are_asked_for(opened):
    tab = opened("normalize,flatten,dense:3:random=1", labels=())
    assert tab.find(".loss input").get_attribute("value").isdigit()
    aim(tab, "cat")
    assert tab.find(".loss > .mistake").text == (
        "'cat' is no number of a class, and the network brings no names of any"
    )


@pytest.mark.parametrize("labels", [("5", "4", "3"), ("cat", "cat", "cat"), (" a", " b", " c")])
def test_names_that_would_be_taken_for_others_are_no_targets(opened, labels):
    tab = opened("normalize,flatten,dense:3:random=1,relu,dense:2:random=3", labels=labels)
    tab = opened("normalize,flatten,dense:3:random=1", labels=labels)
    result = tab.run("return Array.from(model.results[3].values)")
    assert tab.run("return backward.backed.worked.targets") == [int(each == max(result)) for each in result]


def test_maps_are_flattened_first(opened):
    tab = opened("normalize,conv:edge", labels=())
    assert tab.find(".loss > .mistake").text == (
        "a loss is explained of a network that gives a vector, not 4x5x1; end it in flatten"
    )
    button(tab, "Add flatten at the end").click()
    tab.wait("return backward.ready.then(() => backward.backed !== null)")
    assert tab.find(".loss .facts").is_displayed()
    text = tab.find(".loss section").text
    assert "No stage has weights that are told one by one; conv:N@HxW and dense have." in text
    assert "--weight" not in tab.find(".loss .command code").text


def test_a_step_lowers_the_loss_and_can_be_undone(opened):
    tab = opened()
    aim(tab, "2")
    before = tab.run("return backward.backed.worked.result")
    tab.choose(tab.find(".loss section select"), "8 dense")
    weigh(tab, 2, 4, rate="0.05")
    old, stepped = tab.run(
        "return [model.stage(8).learned.weight.values[2 * 27 + 4], weightGradient(model, backward.backed, 8, [2, 4])]"
    )
    if stepped["gradient"] == 0:
        pytest.fail("the sample is 0, so that there is no step")
    button(tab, "Take the step").click()
    tab.wait("return model.ready.then(() => backward.ready).then(() => backward.backed !== null)")
    new = tab.run("return model.stage(8).learned.weight.values[2 * 27 + 4]")
    assert new == pytest.approx(old - 0.05 * stepped["gradient"], rel=1e-5)
    assert tab.run("return backward.backed.worked.result") < before
    tab.run("model.undo()")
    tab.wait("return model.ready.then(() => backward.ready).then(() => backward.backed !== null)")
    assert tab.run("return backward.backed.worked.result") == before


def test_a_rate_and_a_place_that_cannot_be_are_told(opened):
    tab = opened()
    weigh(tab, 0, 0, rate="0")
    assert tab.find(".loss section .mistake").text == "the learning rate must be above 0, not '0'"
    weigh(tab, 0, 27, rate="1")
    assert tab.find(".loss section .mistake").text.startswith("input must be at most 26, not 27")
    assert not button(tab, "Take the step").is_enabled()
    weigh(tab, 0, 26, rate="1")
    assert not tab.find(".loss section .mistake").is_displayed()


def test_turned_and_scaled_weights_take_no_step_here(opened, tmp_path):
    weight = np.random.default_rng(1).normal(size=(2, 1, 3, 3)).astype(np.float32)
    np.savez(tmp_path / "bank.npz", **{"k.weight": weight})
    tab = opened(f"normalize,conv:{tmp_path / 'bank.npz'}:flip=yes,flatten", labels=())
    tab.run("model.select(2, 1, 0, 0)")
    weigh(tab, 1, 0, 0, 2)
    assert f": {show(float(weight[1, 0, 2, 0]))}" in tab.find(".loss section").text
    assert not button(tab, "Take the step").is_enabled()


def test_results_are_hidden_and_a_delta_is_asked_for(opened):
    tab = opened()
    hidden = "return getComputedStyle(document.querySelector(arguments[0])).visibility === 'hidden'"
    tab.run("model.select(9, 0)")
    tab.find(".loss .choice input").click()
    assert tab.run(hidden, ".loss section strong")

    def answer(text):
        type_into(tab, tab.find(".loss form input"), text)
        tab.press(ENTER)
        return tab.find(".loss .said").text

    assert answer("1") == "The loss has no delta of this value; choose one of another stage."
    tab.run("model.select(7, 5)")
    assert tab.find(".loss .said").text == ""
    assert tab.run(hidden, ".delta strong")
    value = tab.run("return backward.backed.deltas[7].values[5]")
    assert answer(f"{-value}") == "Not yet. The sign is not right."
    assert answer(f"{1.02 * value}").startswith("Not yet. ")
    assert answer("two") == "'two' is not a number"
    assert answer(f"{1.001 * value}").startswith("Right: ")
    assert not tab.run(hidden, ".delta strong")
    assert not tab.find(".loss form").is_displayed()
    tab.find(".loss .choice input").click()
    tab.run("document.querySelectorAll('.lesson details')[3].open = false")
    tab.wait("return !document.documentElement.classList.contains('asking')")


def test_a_page_that_computes_nothing_says_so(opened):
    tab = opened("normalize,flatten,dense:2:random=1", labels=(), static=True)
    told = "this page shows results, and computes none: it was written with --static"
    assert tab.find(".loss > .mistake").text == told


def test_deltas_are_computed_when_asked_for_and_not_twice(shown):
    tab = shown()
    tab.run("""
        window.passed = 0;
        window.deltas = KINDS.dense.deltas;
        KINDS.dense.deltas = (...given) => { passed += 1; return deltas(...given); };
        model.select(2, 0, 1, 1);
    """)
    assert tab.run("return passed") == 0
    open_loss(tab)
    tab.run("model.select(2, 1, 1, 1); model.select(4, 1, 2, 1)")
    assert tab.run("return passed") == 1
    tab.run("model.set(2, 'learned.bias', '0,0.5'); return model.ready.then(() => backward.ready)")
    assert tab.run("KINDS.dense.deltas = deltas; return passed") == 2


def test_of_two_changes_the_first_ones_deltas_are_not_computed_to_their_end(shown):
    tab = shown()
    told = tab.run("""
        const { deltas } = KINDS.conv;
        let passed = 0;
        KINDS.conv.deltas = (...given) => {
            const begun = performance.now();
            while (performance.now() < begun + 2 * PATIENCE) {}
            passed += 1;
            return deltas(...given);
        };
        const seen = [];
        backward.addEventListener("told", () => seen.push(backward.backed?.worked.targets.indexOf(1)));
        backward.look({ loss: "cross-entropy", target: "1" });
        backward.look({ loss: "cross-entropy", target: "2" });
        const rest = () => new Promise((done) => setTimeout(done, 3 * PATIENCE));
        return backward.ready.then(rest).then(() => {
            KINDS.conv.deltas = deltas;
            const told = [...seen];
            backward.look(null);
            return [told, passed];
        });
    """)
    assert told == [[2], 3]


def test_scripts_are_told_what_is_wrong(shown):
    tab = shown("normalize,conv:edge,relu,flatten,dense:2:random=1", RAMP)
    mistake = """
        try {
            cnnfilter.explainLoss(...arguments[0]);
        } catch (error) {
            return error.message;
        }
    """
    asked = {
        "unknown loss 'hinge' (known: cross-entropy, binary-cross-entropy, mse)": [1, "hinge"],
        "stage 3 (relu): it has no weights that are told one by one; conv:N@HxW and dense have": [1, "mse", [3, 0, 0]],
        f"stage 2 (conv): {CONSTANT}": [1, "mse", [2, 0, 0, 0, 0]],
        "stage 5 (dense): there is no weight 0,20: one is told as UNIT,INPUT, counted from 0, of 2x20": (
            [1, "mse", [5, 0, 20]]
        ),
        "there is no stage '9' among 5": [1, "mse", [9, 0, 0]],
    }
    for told, arguments in asked.items():
        assert tab.run(mistake, arguments) == told
    tab.run("model.set(2, 'dilation', 9)")
    assert tab.run(mistake, [1]) == "the network has no result, so that there is no loss to explain"


def test_what_is_not_finite_has_no_loss(opened):
    tab = opened(
        "softplus,multiply:last+last,multiply:last+last,multiply:last+last,flatten",
        np.full((1, 2, 2), 1e30, np.float32),
        labels=(),
    )
    told = "the network's result is not finite, so that there is no loss to explain"
    assert tab.find(".loss > .mistake").text == told
