"""What a person changes on the page: numbers, kernels, stages, pictures; undoing it; and what is there for lessons."""

import numpy as np
import pytest

from cnnfilter.network.grammar import parse
from cnnfilter.page.assembly import assembled
from cnnfilter.page.document import Given, document
from cnnfilter.pipeline import Pipeline


@pytest.fixture
def show(tab):
    """Show a page of stages on a picture, a ramp of 6x7 unless given, and wait until it is computed."""

    def shown(stages, maps=None, *, fragment="", labels=()):
        maps = np.arange(42, dtype=np.uint8).reshape(1, 6, 7) if maps is None else maps
        path = tab.folder / "page.html"
        path.write_text(assembled(document(Given(parse(stages), maps, "ramp.png", labels=labels))), encoding="utf-8")
        tab.open(path, fragment)
        tab.wait("return model.stages.length > 0 && model.ready.then(() => true)")
        return tab

    return shown


def texts(tab):
    return tab.run("return model.stages.map((_, place) => model.text(place + 1))")


def test_a_change_that_goes_on_is_undone_with_the_one_it_began_as(show):
    tab = show("conv:box,relu,maxpool:2")
    tab.run("""
        model.set(3, "window", 1);
        model.set(3, "window", 12, true);
        model.set(3, "window", 3, true);
        model.set(3, "stride", 1);
    """)
    assert texts(tab)[2] == "maxpool:3:stride=1"
    assert tab.run("return model.changes.map(({key, value}) => `${key} ${value}`)") == ["window 3", "stride 1"]
    tab.run("model.undo()")
    assert texts(tab)[2] == "maxpool:3:stride=2"
    tab.run("model.undo()")
    assert texts(tab)[2] == "maxpool:2"
    assert tab.run("return model.canUndo()") is False


def test_own_numbers_keep_a_kernels_scale_as_fractions(show):
    tab = show("conv:box")
    tab.run("""
        const [box] = model.stage(1).keys.kernels;
        const filters = [[[1, 1, 1], [1, 4, 0], [1, 1, -2]]];
        model.set(1, "kernels", [{ ...box, name: "custom", filters }]);
    """)
    text = "conv:1/9 1/9 1/9; 1/9 4/9 0; 1/9 1/9 -2/9"
    assert texts(tab) == [text]
    tab.run("return model.ready")
    values = tab.run("return [...model.results[1].values]")
    maps = Pipeline.parse(text)(np.arange(42, dtype=np.float32).reshape(1, 6, 7), layout="chw")
    np.testing.assert_allclose(values, maps.ravel(), rtol=1e-6)
