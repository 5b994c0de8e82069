"""The presets: their files, what these say of them, and that they are what torchvision has."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from cnnfilter.network import presets
from cnnfilter.network.grammar import parse
from cnnfilter.network.plan import plan
from cnnfilter.network.presets import PRESETS
from cnnfilter.network.stages import BatchNorm, Conv, Dense
from cnnfilter.pipeline import Pipeline
from tests import seeded
from tests.command import ROOT, run

RECORDED = json.loads((ROOT / "tests" / "data" / "presets.json").read_text(encoding="utf-8"))
RECORDED.pop("_")  # how they were recorded

PARAMETERS = {
    "mnist-cnn": (9 + 1) * 32 + (288 + 1) * 64 + (9216 + 1) * 128 + (128 + 1) * 10,
    "lenet-5": 61_706,  # LeCun et al. 1998 have 60,000 with their sparse C3, which everyone's rebuilding fills
    "lenet-5-1998": 61_706,
    "tiny-vgg": (27 + 1) * 10 + 3 * (90 + 1) * 10 + (13 * 13 * 10 + 1) * 10,
    "alexnet-2012": 60_965_224,  # as counted of Caffe's
} | {name: known["parameters"] for name, known in RECORDED.items()}

TORCHVISION = {
    name: name.replace("-", "").replace("squeezenet1.1", "squeezenet1_1").replace("mobilenetv2", "mobilenet_v2")
    for name in RECORDED
    if name != "alexnet-2012"
}


def rows_of(name, size=None):
    return plan(parse(PRESETS[name].text), size or PRESETS[name].size)


def shapes_of(rows):
    """The arrays of a network's state dict: their names, which begin with their stage's, with their shapes."""
    shapes = {}
    for row in rows:
        stage, channels = row.stage, row.input[-1]
        if isinstance(stage, Conv):
            shapes[f"{row.name}.weight"] = (row.output[2], channels // _groups(stage, channels), *stage.window)
        elif isinstance(stage, Dense):
            shapes[f"{row.name}.weight"] = (*row.output, channels)
        elif isinstance(stage, BatchNorm):
            roles = ("weight", "bias", "running_mean", "running_var")
            shapes |= {f"{row.name}.{role}": (channels,) for role in roles}
        if isinstance(stage, Conv | Dense) and stage.biased:
            shapes[f"{row.name}.bias"] = (row.output[-1],)
    return shapes


def _groups(stage, channels):
    return channels if stage.depthwise else stage.groups


def scores(name, size, folder):
    """What a preset makes of the seeded picture, with the seeded numbers from a file."""
    shapes = shapes_of(rows_of(name, (size, size, 3)))
    file = folder / "state.npz"
    np.savez(file, **seeded.state(shapes))
    return Pipeline.parse(f"{name}:weights={file}").run(seeded.picture(size))


def test_every_file_is_a_preset_and_checked():
    files = {path.stem for path in Path(presets.__file__).parent.glob("*.txt")}
    assert files == set(PRESETS) == set(presets.NAMES) == set(PARAMETERS)


@pytest.mark.parametrize("name", PRESETS)
def test_the_numbers_in_the_file_are_those_of_the_plan_and_the_published_ones(name):
    rows = rows_of(name)
    assert sum(row.params for row in rows) == PRESETS[name].params == PARAMETERS[name]
    assert sum(row.macs for row in rows) == PRESETS[name].macs
    if name in RECORDED:
        assert PRESETS[name].macs == RECORDED[name]["multiply_adds"]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_stands_in_canonical_text_with_its_source(name):
    assert str(parse(PRESETS[name].text)) == PRESETS[name].text
    assert PRESETS[name].source
    assert max(map(len, PRESETS[name].page.splitlines())) <= 120


@pytest.mark.parametrize("name", PRESETS)
def test_every_stage_with_learned_numbers_has_a_name(name):
    assert all(row.name for row in rows_of(name) if row.params)


@pytest.mark.parametrize("name", RECORDED)
def test_parameters_have_torchvision_s_names_and_shapes(name):
    lines = sorted(f"{key} {'x'.join(map(str, shape))}" for key, shape in shapes_of(rows_of(name)).items())
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == RECORDED[name]["state"]


LONG = {"vgg-13", "vgg-19", "resnet-34", "resnet-101", "resnet-152"}
"""More of what shorter ones have."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in LONG else []) for name in RECORDED]
)
def test_a_preset_gives_what_torchvision_gives(name, tmp_path):
    known = RECORDED[name]
    result = scores(name, known["size"], tmp_path)
    assert result.shape == (1000,)
    np.testing.assert_allclose(result[::50], known["scores"], rtol=0, atol=1e-4 * known["largest"])
    assert abs(result).max() == pytest.approx(known["largest"], rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", TORCHVISION)
def test_a_preset_gives_what_torchvision_gives_at_its_usual_size(name, tmp_path):
    models = pytest.importorskip("torchvision").models
    import torch

    network = getattr(models, TORCHVISION[name])().eval()
    own = {key: tuple(value.shape) for key, value in network.state_dict().items() if "num_batches" not in key}
    assert shapes_of(rows_of(name)) == own
    names = {row.name.removesuffix("_1") for row in rows_of(name) if row.name}  # a module that is called twice
    assert names <= {called for called, _ in network.named_modules()}
    state = {key: torch.from_numpy(value) for key, value in seeded.state(own).items()}
    network.load_state_dict(state, strict=False)
    torch.save(network.state_dict(), tmp_path / "state.pth")
    picture = seeded.picture(224)
    with torch.no_grad():
        expected = network(torch.from_numpy(picture)[None])[0].numpy()
    result = Pipeline.parse(f"{name}:weights={tmp_path / 'state.pth'}").run(picture)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-4 * abs(expected).max())


def test_the_course_network_is_the_chain_of_the_course():
    sizes = [row.output for row in rows_of("mnist-cnn")]
    assert sizes[:6] == [(26, 26, 32), (26, 26, 32), (24, 24, 64), (24, 24, 64), (12, 12, 64), (9216,)]


@pytest.mark.parametrize(
    ("name", "size", "field"),
    [
        # Araujo et al. 2019, table 1
        ("alexnet", (6, 6, 256), 195),
        ("vgg-16", (7, 7, 512), 212),
        # the longest path, worked by hand: theirs have their strides at the end of a group of blocks
        ("resnet-18", (7, 7, 512), 11 + 4 * 8 + (8 + 3 * 16) + (16 + 3 * 32) + (32 + 3 * 64)),
        ("resnet-50", (7, 7, 2048), 11 + 3 * 8 + (8 + 3 * 16) + (16 + 5 * 32) + (32 + 2 * 64)),
        ("resnet-152", (7, 7, 2048), 11 + 3 * 8 + (8 + 7 * 16) + (16 + 35 * 32) + (32 + 2 * 64)),
        ("mobilenet-v2", (7, 7, 1280), 3 + 4 + (4 + 8) + (8 + 2 * 16) + (16 + 6 * 32) + (32 + 3 * 64)),
    ],
)
def test_receptive_fields_are_the_published_ones(name, size, field):
    last = [row for row in rows_of(name) if len(row.output) == 3 and row.output[0] > 1][-1]
    assert last.output == size
    assert last.receptive_field == (field, field)
    assert last.jump == (32, 32)


def test_every_preset_can_be_named_on_the_command_line():
    for name in PRESETS:
        result = run("shape", name)
        assert result.exit_code == 0, result.err
        assert f"total: {PARAMETERS[name]:,} parameters" in result.out
