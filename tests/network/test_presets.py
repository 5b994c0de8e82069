import pytest

from cnnfilter.network.grammar import parse
from cnnfilter.network.plan import plan
from cnnfilter.network.presets import PRESETS
from tests.command import run

# Published: the and torchvision's numbers; CNN Explainer's from its layers, 3x3 over 3 and 10 channels.
PARAMETERS = {
    "mnist-cnn": 1_199_882,
    "lenet-5": 61_706,
    "alexnet": 61_100_840,
    "vgg-16": 138_357_544,
    "tiny-vgg": (27 + 1) * 10 + 3 * (90 + 1) * 10 + (13 * 13 * 10 + 1) * 10,
}
# torchinfo's for the same networks, in millions to its two digits
MULTIPLY_ADDS = {"alexnet": 714.68, "vgg-16": 15_483.82}


def rows_of(name):
    return plan(parse(PRESETS[name].text), PRESETS[name].size)


def test_every_preset_is_checked():
    assert set(PARAMETERS) == set(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_has_the_published_number_of_parameters(name):
    assert sum(row.params for row in rows_of(name)) == PARAMETERS[name]


@pytest.mark.parametrize("name", MULTIPLY_ADDS)
def test_multiply_adds_are_counted_as_torchinfo_does(name):
    assert round(sum(row.macs for row in rows_of(name)) / 1e6, 2) == MULTIPLY_ADDS[name]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_stands_in_canonical_text_with_its_source(name):
    assert str(parse(PRESETS[name].text)) == PRESETS[name].text
    assert PRESETS[name].source


def test_the_course_network_is_the_chain_of_the_course():
    sizes = [row.output for row in rows_of("mnist-cnn")]
    assert sizes[:6] == [(26, 26, 32), (26, 26, 32), (24, 24, 64), (24, 24, 64), (12, 12, 64), (9216,)]


@pytest.mark.parametrize(
    ("name", "size", "fields"),
    [
        # Araujo et al. 2019, table 1: alexnet 195, vgg-16 212, at their last pool
        ("alexnet", (6, 6, 256), (195, 195)),
        ("vgg-16", (7, 7, 512), (212, 212)),
    ],
)
def test_receptive_fields_are_the_published_ones(name, size, fields):
    last = [row for row in rows_of(name) if len(row.output) == 3][-1]
    assert last.output == size
    assert last.receptive_field == fields
    assert last.jump == (32, 32)


def test_every_preset_can_be_named_on_the_command_line():
    for name in PRESETS:
        result = run("shape", name)
        assert result.exit_code == 0, result.err
        assert f"total: {PARAMETERS[name]:,} parameters" in result.out
