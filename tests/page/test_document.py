"""What a page embeds of a network and a picture."""

import numpy as np
import pytest

from cnnfilter.errors import ArgumentError
from cnnfilter.network.grammar import parse
from cnnfilter.page import document as document_module
from cnnfilter.page import limits
from cnnfilter.page.document import Given, document
from cnnfilter.page.preparing import shrunk
from cnnfilter.pipeline import Pipeline
from tests.page.documents import unpacked

MAPS = np.random.default_rng(3).integers(0, 256, (3, 12, 9), dtype=np.uint8)


def embedded(stages, maps=MAPS, **given):
    return document(Given(parse(stages), maps, "a.png", **given))


def picture(found):
    return unpacked(found["picture"]["maps"])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_samples_are_embedded_in_their_type_as_they_are(dtype):
    maps = (MAPS.astype(dtype) * 2).astype(dtype)
    found = picture(embedded("relu", maps))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, maps)


def test_other_floats_are_embedded_in_single_precision():
    found = picture(embedded("relu", MAPS.astype(np.float32) / 3))
    assert found.dtype == np.float32


def test_stages_have_their_keys_and_numbers():
    (conv, pool) = embedded("conv:2@3x2:stride=2x1:padding=1+2x0+3:random=4:as=first,maxpool:2")["stages"]
    assert (conv["kind"], conv["name"], conv["reads"]) == ("conv", "first", [0])
    assert conv["keys"]["stride"] == (2, 1)
    assert conv["keys"]["padding"] == ((1, 2), (0, 3))
    stage = parse("conv:2@3x2:random=4").stages[0]
    np.testing.assert_array_equal(unpacked(conv["learned"]["weight"]), stage.source(3).weight)
    np.testing.assert_array_equal(unpacked(conv["learned"]["bias"]), stage.source(3).bias)
    assert (pool["kind"], pool["reads"], pool["learned"]) == ("maxpool", [1], {})


def test_biases_are_told():
    constant, none = (embedded(f"conv:{text}")["stages"][0]["keys"] for text in ("edge:bias=2", "1@3x3:bias=no"))
    assert (constant["bias"], constant["biased"], none["biased"]) == (2, True, False)


def test_a_thin_picture_keeps_a_row():
    assert str(shrunk(parse("relu"), (1, 100), 10)) == "resize:1x10,relu"


def test_a_kernel_is_embedded_as_its_matrix_and_scale():
    (conv,) = embedded("conv:gaussian:size=5")["stages"]
    (kernel,) = conv["keys"]["kernels"]
    assert kernel["name"] == "gaussian:size=5"
    assert kernel["scale"] == [1, 256]
    assert kernel["filters"][0][0] == (1, 4, 6, 4, 1)


def test_the_catalogue_is_embedded():
    names = [kernel["name"] for kernel in embedded("relu")["kernels"]]
    assert {"sobel-x", "edge", "box"} <= {*names}


@pytest.mark.parametrize(
    ("stages", "before", "rest"),
    [
        ("resize:6x8,crop:5,normalize,relu", "resize:6x8,crop:5", ["normalize", "relu"]),
        ("gray,resize:6,conv:edge", "gray,resize:6", ["conv"]),
        ("gray,conv:edge,resize:6", "", ["gray", "conv", "resize"]),
        ("rgb,relu", "", ["rgb", "relu"]),
        ("resize:6,gray", "resize:6", ["gray"]),
        ("relu,crop:5", "", ["relu", "crop"]),
        ("crop:5", "crop:5", []),
        ("crop:12x9,relu,add:in", "", ["crop", "relu", "add"]),
    ],
)
def test_the_page_begins_with_what_resize_and_crop_gave(stages, before, rest):
    found = embedded(stages)
    assert found["before"] == before
    assert [stage["kind"] for stage in found["stages"]] == rest
    expected = Pipeline.parse(before)(MAPS, layout="chw") if before else MAPS
    np.testing.assert_array_equal(picture(found), expected)


def test_what_stages_read_of_the_prepared_picture_has_its_name():
    assert embedded("resize:6x6:as=small,relu,add:small")["input"] == "small"
    assert embedded("resize:6x6,relu")["input"] is None
    assert embedded("relu")["input"] is None


def test_a_crop_of_whole_numbers_stays_of_their_type():
    assert picture(embedded("crop:5,relu")).dtype == np.uint8
    assert picture(embedded("crop:5,relu", MAPS.astype(np.float32))).dtype == np.float32
    assert picture(embedded("resize:5,relu")).dtype == np.float32


def test_normalize_divides_by_the_scale_of_the_picture_that_was_given():
    found = embedded("resize:5,normalize")
    assert found["stages"][0]["keys"]["divide"] is None
    assert found["picture"]["scale"] == 255


def test_a_group_is_told_with_its_text():
    found = embedded("gray,resize:32x32,lenet-5:random=1,relu")
    (group,) = found["groups"]
    assert group["text"] == "lenet-5:random=1"
    assert [stage["group"] for stage in found["stages"]] == [0] * group["stages"] + [None]


def test_static_pages_embed_the_results_of_what_takes_work():
    stages = "gray,conv:edge,relu,maxpool:2,batchnorm:random=1"
    found = embedded(stages, static=True)
    assert found["isStatic"]
    assert ["result" in stage for stage in found["stages"]] == [False, True, False, True, False]
    expected = dict(Pipeline.parse(stages).results(MAPS, [1, 3], layout="chw"))
    for number, result in expected.items():
        np.testing.assert_array_equal(unpacked(found["stages"][number]["result"]), result)


def test_what_is_too_large_to_be_computed_is_refused_with_the_ways_out(monkeypatch):
    monkeypatch.setattr(limits, "MOST_MACS", 900)
    embedded("gray,conv:edge")  # 10*7*9 = 630
    message = r"takes 1,260 multiply-adds, more than a page computes again \(at most 900\); end with an earlier stage"
    with pytest.raises(ArgumentError, match=message):
        embedded("gray,conv:edge+edge")
    with pytest.raises(ArgumentError, match="takes 1,728 multiply-adds"):
        embedded("gray,maxpool:4:stride=1:padding=1+2x1+2")  # of windows, too
    assert embedded("gray,conv:edge+edge", static=True)["isStatic"]


def test_what_makes_too_many_values_is_refused(monkeypatch):
    monkeypatch.setattr(limits, "MOST_VALUES", 500)
    with pytest.raises(ArgumentError, match=r"makes 648 values, more than a page holds \(at most 500\); .*static=True"):
        embedded("relu,abs")
    monkeypatch.setattr(limits, "MOST_SHOWN", 700)
    assert embedded("relu,abs", static=True)["isStatic"]
    with pytest.raises(ArgumentError, match=r"makes 972 values, more than a page holds \(at most 700\); (?!.*static)"):
        embedded("relu,abs,relu", static=True)


def test_a_picture_is_not_made_much_larger_than_a_page_holds(monkeypatch):
    monkeypatch.setattr(limits, "MOST_SHOWN", 250)
    assert embedded("crop:5,relu")["before"] == "crop:5"  # of 324 samples, which are there already
    with pytest.raises(ArgumentError, match="makes 1,560 values, more than a page holds"):
        embedded("resize:20,crop:5,relu")


@pytest.mark.parametrize("static", [False, True])
def test_what_is_too_much_to_embed_is_refused(monkeypatch, static):
    monkeypatch.setattr(limits, "MOST_BYTES", 1000)
    with pytest.raises(ArgumentError, match=r"take 0 MB, more than a page embeds \(at most 0 MB\); end with"):
        embedded("gray,conv:4@9x9:random=1:padding=4", static=static)


def test_static_is_a_way_out_only_where_its_page_can_be_made(monkeypatch):
    monkeypatch.setattr(limits, "MOST_MACS", 900)
    stages = "gray,conv:4@9x9:random=1:padding=4"
    with pytest.raises(ArgumentError, match=r"\(at most 900\); .* or embed the results \(static=True\)$"):
        embedded(stages)
    monkeypatch.setattr(limits, "MOST_BYTES", 1000)
    with pytest.raises(ArgumentError, match=r"\(at most 900\); end .* or take a smaller picture \(size\)$"):
        embedded(stages)


def test_the_limits_that_scripts_hold_are_these():
    assert embedded("relu")["limits"] == {"macs": document_module.MOST_MACS, "values": document_module.MOST_VALUES}
