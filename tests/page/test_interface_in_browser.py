"""`window.cnnfilter`, for teachers' scripts: what it gives, takes and tells."""

import numpy as np
import pytest

from cnnfilter.network.grammar import parse
from cnnfilter.page.assembly import assembled
from cnnfilter.page.document import Given, document
from cnnfilter.pipeline import Pipeline
from tests.page import browser as browsers

IMAGE = np.arange(72, dtype=np.uint8).reshape(1, 8, 9) * 3
STAGES = "conv:sobel-x:as=edges,relu:as=kept,conv:2@3x3:random=1,maxpool:2"


@pytest.fixture
def show(tab):
    """Show a page, and wait until it is computed."""

    def shown(stages=STAGES, fragment="", **given):
        path = tab.folder / "page.html"
        maps = given.pop("maps", IMAGE)
        path.write_text(assembled(document(Given(parse(stages), maps, "a.png", "a.png", **given))), encoding="utf-8")
        tab.open(path, fragment)
        tab.wait("return cnnfilter.stages.length > 0 && cnnfilter.ready.then(() => true)")
        return tab

    return shown


@pytest.fixture(scope="module")
def unchanged(browser, tmp_path_factory):
    """A page that many tests try to change in vain."""
    with browsers.tab(browser, tmp_path_factory.mktemp("unchanged")) as tab:
        tab.show(assembled(document(Given(parse(STAGES), IMAGE, "a.png"))))
        tab.wait("return cnnfilter.stages.length > 0 && cnnfilter.ready.then(() => true)")
        yield tab
        assert tab.complaints() == []


def mistake(tab, script):
    return tab.run(f"try {{ {script} }} catch (error) {{ return error.message; }} return null;")


def test_stages_and_values(show):
    tab = show()
    stages = tab.run("return cnnfilter.stages")
    rows = Pipeline.parse(STAGES).plan((8, 9, 1))
    assert [stage["text"] for stage in stages] == [str(row.stage) for row in rows]
    assert [stage["name"] for stage in stages] == ["edges", "kept", None, None]
    assert [stage["inputs"] for stage in stages] == [[list(row.input)] for row in rows]
    assert [stage["output"] for stage in stages] == [list(row.output) for row in rows]
    assert [stage["macs"] for stage in stages] == [row.macs for row in rows]
    assert stages[2]["reads"] == [2]
    expected = dict(Pipeline.parse(STAGES).results(IMAGE, range(4), layout="chw"))
    for asked, number in (("3", 2), ("'kept'", 1), ("4", 3)):
        values = tab.run(f"const found = cnnfilter.values({asked}); return [found.constructor.name, ...found]")
        assert values[0] == "Float32Array"
        np.testing.assert_allclose(values[1:], expected[number].reshape(-1), rtol=1e-5)
    np.testing.assert_array_equal(tab.run("return [...cnnfilter.values(0)]"), IMAGE.reshape(-1))


def test_a_number_is_that_of_a_stage_also_where_another_has_it_as_a_name(show):
    tab = show("abs,relu")
    tab.run("model.stages[0].aliases = ['2']; model.results[2].values[0] = -7")
    assert tab.run("return [cnnfilter.values(2)[0], cnnfilter.values('2')[0]]") == [-7, IMAGE[0, 0, 0]]


def test_what_values_gives_is_a_copy(show):
    tab = show()
    tab.run("cnnfilter.values(1).fill(9)")
    assert 9 not in tab.run("return [...cnnfilter.values(1)]")


def test_a_value_is_selected_and_told_as_explain_tells_it(show):
    tab = show()
    record = tab.run("cnnfilter.select('kept', 0, 2, 3); return cnnfilter.record()")
    assert record == Pipeline.parse(STAGES).explain(IMAGE, at=(2, 3), node="kept", layout="chw")
    assert tab.run("return cnnfilter.state") == "pin=2,2,3,0"


def test_an_event_tells_when_all_is_computed(show):
    tab = show()
    told = tab.run("""
        const told = [];
        cnnfilter.addEventListener("computed", () => told.push(cnnfilter.values(1)[0]));
        cnnfilter.set("edges", "kernels", "0 0 0; 0 2 0; 0 0 0");
        await cnnfilter.ready;
        return [...told, cnnfilter.command()];
    """)
    command = f'cnnfilter run "conv:0 0 0; 0 2 0; 0 0 0:as=edges,{STAGES.partition(",")[2]}" a.png'
    assert told == [2.0 * IMAGE[0, 1, 1], command]


def test_learned_numbers_are_set_one_by_one(show):
    tab = show()
    values = tab.run("cnnfilter.set(3, 'learned.bias', [1, 0.5]); cnnfilter.set(3, 'learned.weight', '1,0,2,1,-3');"
                     "return [...model.stage(3).learned.weight.values]")  # fmt: skip
    weight = parse(STAGES).stages[2].source(1).weight.copy()
    weight[1, 0, 2, 1] = -3
    np.testing.assert_array_equal(np.float32(values), weight.reshape(-1))
    assert tab.run("return cnnfilter.state").startswith("set=3,learned.bias,1,0.5&set=3,learned.weight,1,0,2,1,-3")


def test_the_state_brings_all_back(show):
    tab = show()
    state = tab.run("""
        cnnfilter.set(1, "stride", [1, 2]);
        model.insert(1, "leaky_relu:slope=0.1:as=bent");
        model.insert(2, "add:edges");
        model.remove(4);
        cnnfilter.select(3, 0, 1, 1);
        return cnnfilter.state;
    """)
    texts = tab.run("return cnnfilter.stages.map(({text}) => text)")
    assert texts == ["conv:sobel-x:stride=1x2", "leaky_relu:slope=0.1", "add", "conv:2@3x3:random=1", "maxpool:2"]
    record = tab.run("return cnnfilter.record()")
    tab = show(fragment=state)
    assert tab.run("return cnnfilter.stages.map(({text}) => text)") == texts
    assert tab.run("return cnnfilter.record()") == record
    assert tab.run("cnnfilter.state = ''; return cnnfilter.stages.map(({text}) => text)")[0] == "conv:sobel-x"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("cnnfilter.values(9)", "there is no stage '9' among 4"),
        ("cnnfilter.values('constructor')", "there is no stage 'constructor' among 4"),
        ("cnnfilter.select(1, 0, 99, 0)", "no value at 99,0,0: the result is 6x7x1"),
        ("cnnfilter.set(1, 'stride', 0)", "stride must be at least 1, not 0"),
        ("cnnfilter.set(1, '__proto__', 1)", "conv has no '__proto__' (known: "),
        ("cnnfilter.set(1, 'kernels', 'nothing')", "unknown kernel 'nothing'"),
        ("cnnfilter.set(3, 'learned.weight', '0,0,0,9,1')", "weight must be at most 2, not 9"),
        ("model.insert(1, 'toString')", "unknown stage 'toString' (known: "),
        ("model.insert(1, 'add:nobody')", "no stage before it is named 'nobody' (known: in, edges)"),
        ("model.insert(1, 'relu:as=kept')", "'kept' is the name of stage 2 already"),
        ("model.insert(1, 'relu:as=in')", "'in' is no name that a stage may have"),
        ("model.insert(1, 'maxpool:100:stride=1:padding=600')", "that takes 12,"),
        ("model.insert(4, 'pad:6000')", "that makes 288,"),
        ("model.remove(0)", "there is no stage 0 among 4"),
        ("readNumber('1'.repeat(1e6) + 'x')", "is not a number"),  # and soon
        (
            "changed(Array(1000).fill(model.stage(2)), {what: 'insert', stage: 0, text: 'relu'})",
            "a network here has at most 1000 stages",
        ),
    ],
)
def test_mistakes_are_told_and_change_nothing(unchanged, script, message):
    tab = unchanged
    told = mistake(tab, script)
    assert told is not None
    assert message in told
    assert tab.run("return cnnfilter.stages.length") == 4
    assert tab.run("return cnnfilter.state.includes('=')") is True
    assert tab.run("return model.changes.length") == 0


@pytest.mark.parametrize(
    ("stages", "command"),
    [
        ("crop:6,relu:as=x,abs,add:x", "crop:6,relu:as=x,abs,add:x"),
        ("crop:6:as=y,relu:as=x,abs,add:x+y", "crop:6:as=y,relu:as=x,abs,add:x+y"),
        ("crop:6,abs,relu:as=x,abs,add:x", "crop:6,abs,relu:as=x,abs,add:x"),
    ],
)
def test_the_command_begins_with_what_the_picture_went_through(show, stages, command):
    tab = show(stages)
    assert tab.run("return cnnfilter.command()") == f"cnnfilter run {command} a.png"
    tab.run("model.remove(1)")
    changed = tab.run("return cnnfilter.command()").removeprefix("cnnfilter run ").removesuffix(" a.png")
    values = tab.run("await cnnfilter.ready; return [...cnnfilter.values(cnnfilter.stages.length)]")
    np.testing.assert_array_equal(values, Pipeline.parse(changed)(IMAGE, layout="chw").reshape(-1))


def test_a_preset_is_told_by_its_name_until_something_is_put_into_it(show):
    tab = show("normalize,lenet-5:random=1", maps=np.zeros((1, 32, 32), np.uint8))
    text = "return networkText(model.stages, model.contents.groups)"
    assert tab.run(text) == "normalize,lenet-5:random=1"
    assert tab.run(f"model.insert(1, 'abs'); {text}") == "normalize,abs,lenet-5:random=1"
    stages = tab.run(f"model.insert(4, 'abs'); {text}")
    assert "lenet" not in stages
    shapes = tab.run("return model.shapes.slice(1)")
    assert [list(row.output) for row in Pipeline.parse(stages).plan((32, 32, 1))] == shapes


def test_the_beginning_of_a_network_is_told_by_its_node(show):
    whole = parse("crop:6,relu,abs:as=b,tanh")
    tab = show("crop:6,relu,abs:as=b", whole=whole)
    assert tab.run("return cnnfilter.command()") == "cnnfilter run crop:6,relu,abs:as=b,tanh a.png --node 3"
    changed = tab.run("model.remove(1); return cnnfilter.command()")
    assert changed == "cnnfilter run crop:6,abs:as=b a.png"
    assert tab.run("model.undo(); return cnnfilter.command()").endswith(" --node 3")


def test_a_static_page_shows_its_results_and_changes_nothing(show):
    tab = show(static=True)
    expected = dict(Pipeline.parse(STAGES).results(IMAGE, range(4), layout="chw"))
    for number, result in expected.items():
        np.testing.assert_allclose(
            tab.run(f"return [...cnnfilter.values({number + 1})]"), result.reshape(-1), rtol=1e-6
        )
    message = "this page shows results, and computes none: it was written with --static"
    for script in ("cnnfilter.set(1, 'stride', 2)", "model.remove(1)", "model.picture = model.picture"):
        assert mistake(tab, script) == message
    record = tab.run("cnnfilter.select(1, 0, 2, 3); return cnnfilter.record()")
    assert record == Pipeline.parse(STAGES).explain(IMAGE, at=(2, 3), node="edges", layout="chw")
    tab.run("document.querySelectorAll('.lesson details')[2].open = true")
    assert tab.wait("return document.querySelector('.entropy').textContent").endswith("no softmax to give them.")


def test_a_notebook_shows_the_page_and_complains_of_nothing(tab):
    page = Pipeline.parse(STAGES).page(IMAGE[0])
    tab.show(f"<!doctype html><html lang=en><meta charset=utf-8><title>Notebook</title>{page._repr_html_()}")
    tab.driver.switch_to.frame(tab.find("iframe"))
    tab.wait("return cnnfilter.stages.length > 0 && cnnfilter.ready.then(() => true)")
    tab.run("cnnfilter.set(1, 'kernels', 'sobel-y')")
    assert tab.run("return cnnfilter.stages[0].text") == "conv:sobel-y"
    tab.driver.switch_to.default_content()


def test_a_page_within_another_one_leaves_its_history_alone(show):
    tab = show("relu")
    page = (tab.folder / "page.html").as_uri()
    tab.show(f"<!doctype html><html lang=en><meta charset=utf-8><title>Around</title><iframe src='{page}'></iframe>")
    tab.driver.switch_to.frame(tab.find("iframe"))
    tab.wait("return cnnfilter.stages.length > 0 && cnnfilter.ready.then(() => true)")
    entries = tab.run("return history.length")
    tab.run("model.insert(1, 'abs')")
    assert tab.run("return [history.length, location.hash.split('&')[0]]") == [entries, "#insert=1,abs"]
    tab.find(".change .panel-head button").click()
    assert tab.run("return [cnnfilter.stages.length, history.length]") == [1, entries]
    tab.driver.switch_to.default_content()


def test_a_kernel_with_its_own_parameters_is_known_by_its_name(show):
    tab = show("conv:gaussian:size=5")
    tab.run("cnnfilter.set(1, 'kernels', '+1 -2; 3 +4'); cnnfilter.set(1, 'kernels', 'gaussian:size=5')")
    values = tab.run("await cnnfilter.ready; return [...cnnfilter.values(1)]")
    expected = Pipeline.parse("conv:gaussian:size=5")(IMAGE, layout="chw")
    np.testing.assert_allclose(values, expected.reshape(-1), rtol=1e-6)


@pytest.mark.parametrize(
    ("stages", "number", "left"),
    [
        ("relu:as=x,conv:edge:padding=1,add:x,abs", 3, "relu:as=x,conv:edge:padding=1,abs"),
        ("relu:as=x,abs:as=a,from:x,tanh,elu,add:a,abs", 5, "relu:as=x,tanh,elu,abs"),
        ("relu:as=x,abs:as=a,from:x,tanh,elu,add:a", 5, "relu:as=x,tanh,elu"),
        ("relu", 1, ""),
    ],
)
def test_what_led_to_a_removed_stage_alone_goes_with_it(show, stages, number, left):
    tab = show(stages)
    tab.run(f"model.remove({number})")
    assert tab.run("return networkText(model.stages, [])") == left
    assert len(tab.run("return cnnfilter.stages")) == len(left.split(",")) * bool(left)


@pytest.mark.parametrize(
    "state",
    [
        "set=1,padding,400000&insert=1,maxpool:700000",
        "insert=0,pad:999999&insert=1,crop:1x1",
        "insert=4,maxpool:1000000:stride=1:padding=600000&insert=5,globalavgpool",
        "insert=4,upsample:1000&insert=5,upsample:1000&insert=6,globalavgpool",
        "insert=4,convtranspose:1 2; 3 4:stride=1000000&insert=5,globalavgpool",
        "x=1" * 9000,
        "insert=0,relu&" * 300,
        "set=-1,stride,2",
        "at=3,1e9,0,0",
        "remove=1&remove=1&remove=1&remove=1&remove=1",
        "set=1,kernels," + "1 " * 60 + ";",
    ],
)
def test_nobodys_address_stops_the_page(unchanged, state):
    tab = unchanged
    before = tab.run("return cnnfilter.state")
    tab.run("cnnfilter.state = arguments[0]", state)
    told = tab.run("return [model.notice, cnnfilter.state]")
    assert told[0]
    assert len(told[0].split("\n")) == 1
    assert told[1] == before


def test_padding_that_no_memory_holds_is_a_mistake_of_its_stage(show):
    tab = show(fragment="set=1,dilation,1000000&set=1,padding,1000000")
    mistakes = tab.run("await cnnfilter.ready; return cnnfilter.stages.map(({mistake}) => mistake)")
    assert mistakes[0] == "stage 1 (conv): padded to 2000008x2000009 it is more than a page computes with"
    assert (
        tab.run("model.undo(); await cnnfilter.ready; return cnnfilter.stages.map(({mistake}) => mistake)")
        == [None] * 4
    )
