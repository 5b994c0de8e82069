"""What a network looked at: against Captum, its own scores, and pictures that are covered by hand."""

import numpy as np
import pytest

import cnnfilter
from cnnfilter import ArgumentError, CnnfilterWarning, Pipeline, heat_map
from cnnfilter.learning import attribution
from cnnfilter.learning.attribution import METHODS, NEAR, Asked
from cnnfilter.learning.effective import COUNTS, effective_field
from cnnfilter.learning.looking import Looking
from cnnfilter.learning.placing import Grid
from tests.command import ROOT

RECORDED = np.load(ROOT / "tests" / "data" / "attribution" / "cases.npz")
PHOTO = RECORDED["photo"]
NETWORK = "conv:3@3x3:padding=1:random=1,relu,globalavgpool,flatten,dense:4:random=2,softmax"


def grid_of(text, shape, node=0):
    return Grid.of_field(Pipeline.parse(text).plan(shape)[node - 1].field)


def looking(text, photo=PHOTO, target=None):
    return Looking(Pipeline.parse(text).network, photo.transpose(2, 0, 1), target, scale=255)


@pytest.mark.parametrize("name", ["relu", "tanh", "sum", "branches", "gate"])
def test_all_methods_find_what_captum_does(name, monkeypatch):
    monkeypatch.setattr(attribution, "FEWEST", attribution.MOST)
    recorded = {each.split()[1]: RECORDED[each] for each in RECORDED.files if each.startswith(f"{name} ")}
    text, target, photo = str(recorded["text"]), int(recorded["target"]), PHOTO[:12]
    found = looking(text, photo, target=target)
    np.testing.assert_allclose(found.scores, recorded["scores"], atol=1e-6)

    def heat(method, window=None):
        return METHODS[method](found, Asked(window=window))

    cam, drawn = recorded["cam"], recorded["drawn"]
    heated = heat("grad-cam")
    assert heated.facts["name"] == "maps"
    assert heated.facts["maps"] == cam.shape
    if cam.shape != (4, 4):  # Captum spreads what is not padded over all of the picture
        np.testing.assert_allclose(heated.values, drawn, atol=1e-5 * cam.max())
    want = grid_of(text, photo.shape, heated.facts["node"]).placed(cam, photo.shape)
    np.testing.assert_allclose(heated.values, want, atol=1e-5 * cam.max())
    for method, window, error in [("saliency", None, 1e-5), ("occlusion", int(RECORDED["window"]), 1e-4)]:
        want = recorded[method]
        np.testing.assert_allclose(heat(method, window).values, want, atol=error * np.abs(want).max())
    integrated, want = heat("integrated-gradients"), recorded["integrated"]
    np.testing.assert_allclose(integrated.values, want, atol=0.01 * np.abs(want).max())
    difference = recorded["scores"][target] - recorded["empty"][target]
    assert integrated.facts["difference"] == pytest.approx(difference, abs=1e-6)


def test_integrated_gradients_sum_to_the_difference_of_the_scores():
    text, photo = "resize:9x8:filter=lanczos,crop:7x8,normalize,tanh," + NETWORK, PHOTO
    empty = {"black": 0 * photo, "white": 0 * photo + 255, "mean": photo.mean(axis=(0, 1)) + 0.0 * photo}
    scores = Pipeline.parse(text.removesuffix(",softmax").replace("normalize", "normalize:divide=255"))
    for baseline, start in empty.items():
        values = heat_map(Pipeline.parse(text), photo, "integrated-gradients", target=1, baseline=baseline, threads=1)
        assert values.shape == photo.shape[:2]
        difference = float(scores.run(photo)[1] - scores.run(start.astype(np.float32), layout="hwc")[1])
        assert values.sum(dtype=np.float64) == pytest.approx(difference, rel=2 * NEAR)


def test_integrated_gradients_go_on_until_they_do():
    found = looking("normalize,conv:2@3x3:random=1,relu,flatten,dense:3:random=5")
    heat = METHODS["integrated-gradients"](found, Asked())
    assert heat.facts["sum"] == pytest.approx(heat.facts["difference"], rel=NEAR, abs=1e-6)
    assert 32 <= heat.facts["steps"] <= 256
    flat = METHODS["integrated-gradients"](
        looking("normalize,gray,conv:sobel-x,globalavgpool,flatten", 0 * PHOTO), Asked()
    )
    assert flat.facts["steps"] == 32
    assert not flat.values.any()


def test_integrated_gradients_that_do_not_sum_to_the_difference_are_told():
    steep = Pipeline.parse("normalize,conv:[10000],tanh,globalavgpool,flatten")
    with pytest.warns(CnnfilterWarning, match=r"sum to 15.32 and not to 1, by .* \(black\): 256 steps are too few"):
        heat_map(steep, np.full((9, 9), 200, np.uint8), "integrated-gradients")


def test_saliency_is_how_the_score_changes():
    text = "normalize,conv:3@3x3:random=1,tanh,flatten,dense:4:random=2"
    values = heat_map(Pipeline.parse(text), PHOTO, "saliency", 2)
    network = Pipeline.parse(text.replace("normalize", "normalize:divide=255"))
    for row, column in [(0, 0), (5, 7), (12, 11)]:
        slopes = []
        for channel in range(3):
            two = [PHOTO.astype(np.float32) for _ in range(2)]
            two[0][row, column, channel] += 2
            two[1][row, column, channel] -= 2
            slopes.append(abs(np.subtract(*(network.run(each, layout="hwc")[2] for each in two)) / 4))
        assert values[row, column] == pytest.approx(max(slopes), rel=2e-2)


@pytest.mark.parametrize(("text", "window"), [(NETWORK, None), ("normalize,gray," + NETWORK, 5), (NETWORK, 100)])
def test_occlusion_is_what_covered_pictures_give(text, window):
    network, target = Pipeline.parse(text.removesuffix(",softmax")), 1
    seen = PHOTO.astype(np.float32)
    before, after = "", network
    if text != NETWORK:
        before, after = Pipeline.parse("normalize:divide=255,gray"), Pipeline.parse(NETWORK.removesuffix(",softmax"))
        seen = before.run(seen, layout="hwc").transpose(1, 2, 0)
    side = min(window or round(12 / 7), 12)
    step = -(-side // 2)
    sums, counts = np.zeros((13, 12)), np.zeros((13, 12))
    for top in {*range(0, 13 - side, step), 13 - side}:
        for left in {*range(0, 12 - side, step), 12 - side}:
            covered = seen.copy()
            covered[top : top + side, left : left + side] = seen.mean(axis=(0, 1))
            fall = after.run(seen, layout="hwc")[target] - after.run(covered, layout="hwc")[target]
            sums[top : top + side, left : left + side] += fall
            counts[top : top + side, left : left + side] += 1
    values = heat_map(Pipeline.parse(text), PHOTO, "occlusion", target, window=window)
    want = sums / counts
    np.testing.assert_allclose(values, want, atol=2e-5 * max(1, np.abs(want).max()))


def test_a_value_lies_in_the_middle_of_its_field():
    grid = grid_of("avgpool:3", (9, 12, 1))
    assert grid == ((1, 1), (3, 3))
    values = np.random.default_rng(1).random((3, 4))
    drawn = grid.placed(values, (9, 12))
    np.testing.assert_allclose(drawn[1::3, 1::3], values, rtol=1e-6)
    np.testing.assert_allclose(drawn[2, 1::3], values[0] * 2 / 3 + values[1] / 3, rtol=1e-6)
    assert (drawn[0] == drawn[1]).all()
    assert grid.region((3, 4), (9, 12)) == (slice(0, 9), slice(0, 12))
    whole = grid_of("globalavgpool", (9, 12, 1))
    assert (whole.placed(np.full((1, 1), 2.5), (9, 12)) == 2.5).all()
    # a step of a picture made half as large, and the window of a pool in it
    half = Grid.prepared(Pipeline.parse("resize:32,crop:28x28,gray").plan((64, 96, 3)))
    assert half == ((4.5, 20.5), (2, 2))
    assert half.region((28, 28), (64, 96)) == (slice(4, 60), slice(20, 76))
    assert Grid((1, 1), (3, 3)).on(half) == ((6.5, 22.5), (6, 6))


def test_resize_and_crop_are_undone():
    photo = np.zeros((64, 96, 1), np.uint8)
    photo[40:48, 60:68] = 255
    text = "resize:32,crop:28x28,normalize,conv:box:size=3:padding=same,relu,globalavgpool,flatten"
    for method in METHODS:
        values = heat_map(Pipeline.parse(text), photo, method)
        assert values.shape == (64, 96)
        seen = np.s_[4:60, 20:76]
        outside = values.copy()
        outside[seen] = 0
        if method in ("grad-cam", "occlusion"):
            assert not outside.any()
        if method != "saliency":  # that of a linear network is the same everywhere
            row, column = np.unravel_index(np.argmax(values), values.shape)
            assert 36 <= row < 52
            assert 56 <= column < 72


def test_grad_cam_takes_the_last_maps_by_default_and_any_by_name():
    text = (
        "gray,conv:4@3x3:padding=1:random=1:as=x,conv:4@3x3:padding=1:random=2,add:x,batchnorm:random=3,relu:as=block,"
        "maxpool:2,flatten,dense:3:random=4,softmax"
    )
    for node, want in [(None, 6), ("x", 2), ("3", 3), ("block", 6), ("7", 7)]:
        number = None if node is None else Pipeline.parse(text).network.find(node)
        assert METHODS["grad-cam"](looking(text), Asked(node=number)).facts["node"] == want
    assert heat_map(Pipeline.parse(text), PHOTO, node="x").any()
    # maps of one place tell nothing of places
    lenet = "gray,conv:3@3x3:random=1,tanh,conv:5@11x10:random=2,tanh,flatten,dense:2:random=1"
    assert METHODS["grad-cam"](looking(lenet), Asked()).facts["node"] == 3
    # of a network that gives maps, the mean of one is its score
    maps = looking("conv:2@3x3:random=1:as=c,relu", target=1)
    result = Pipeline.parse("conv:2@3x3:random=1:as=c,relu").run(PHOTO)[1]
    assert maps.score == pytest.approx(result.mean(), rel=1e-5)
    heat = METHODS["grad-cam"](maps, Asked())
    np.testing.assert_allclose(heat.values[1:-1, 1:-1], result / result.size, rtol=1e-4, atol=1e-7)


def test_a_gate_that_sees_all_does_not_move_the_maps():
    gate = "conv:4@3x3:stride=2:padding=1:random=1:as=x,globalavgpool,sigmoid,multiply:x:as=gated"
    plain = "conv:4@3x3:stride=2:padding=1:random=1:as=x"
    assert grid_of(gate, PHOTO.shape) == grid_of(plain, PHOTO.shape) == ((0, 0), (2, 2))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("method", METHODS)
def test_threads_do_not_change_a_bit(method, threads):
    text = "normalize," + NETWORK
    values = heat_map(Pipeline.parse(text), PHOTO, method, threads=threads)
    assert values.dtype == np.float32
    assert (values == heat_map(Pipeline.parse(text), PHOTO, method)).all()


def test_the_effective_field_is_the_gradient_of_a_value():
    text = "conv:2@3x3:padding=1:random=1,tanh,conv:2@3x3:random=2"
    maps = (PHOTO / 255).transpose(2, 0, 1).astype(np.float32)
    network = Pipeline.parse(text)
    found = effective_field(network.network, maps, (4, 5, 1))
    for row, column in [(5, 6), (3, 4), (7, 8)]:
        change = 0
        for channel in range(3):
            two = [maps.copy(), maps.copy()]
            two[0][channel, row, column] += 0.01
            two[1][channel, row, column] -= 0.01
            change += abs(np.subtract(*(float(network.run(each)[1, 4, 5]) for each in two))) / 0.02
        assert found.values[row, column] == pytest.approx(change, rel=2e-3)
    assert found.field.rows == (3, 7)
    inside = found.values[3:8, 4:9]
    outside = found.values.copy()
    outside[3:8, 4:9] = 0
    assert not outside.any()
    assert found.pixels == (inside >= COUNTS * inside.max()).sum() == pytest.approx(found.side**2)
    both = effective_field(network.network, maps)
    assert both.at == (5, 5)
    assert effective_field(network.network, maps, (5, 5)).values.tolist() == both.values.tolist()
    vector = Pipeline.parse("globalavgpool,flatten,dense:3:random=1")
    assert effective_field(vector.network, maps).at == (int(np.argmax(vector.run(maps))),)
    assert effective_field(vector.network, maps, (1,)).values.all()
    dead = effective_field(Pipeline.parse("conv:0 0; 0 0").network, maps)
    assert (dead.pixels, dead.side) == (0, 0)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (NETWORK, {"target": 4}, "there is no class 4: the network has 4; give one from 0 to 3"),
        (NETWORK, {"target": -1}, "target must be"),
        (NETWORK, {"method": "cam"}, "unknown method 'cam'"),
        (NETWORK, {"baseline": "red"}, "unknown baseline 'red'"),
        (NETWORK, {"window": 0}, "window must be"),
        (NETWORK, {"node": "7"}, "there is no node '7'"),
        (NETWORK, {"node": "6"}, r"node 6 \(softmax\) comes after the scores; name an earlier one"),
        (NETWORK, {"node": "5"}, r"node 5 \(dense\) gives a vector, and no maps; name another"),
        ("gray," + NETWORK, {"node": "1"}, r"node 1 \(gray\) only prepares the picture; name a later one"),
        ("gray,resize:8", {}, "all stages only prepare the picture: none looks at it"),
        (
            "flatten,dense:3:random=1",
            {},
            "no convolution gives maps of more than one place; name a node that gives maps",
        ),
        ("conv:3@3x3,relu", {}, "stage 1 .* has sizes but no weights"),
        ("conv:1e38,conv:1e38,conv:1e38,globalavgpool,flatten", {}, "scores of this picture are not all numbers"),
    ],
)
def test_what_cannot_be_asked(text, options, message):
    with pytest.raises(ArgumentError, match=message):
        heat_map(Pipeline.parse(text), PHOTO, **options)


def test_gradients_that_are_no_numbers():
    lost = "conv:1e38,conv:1e38,conv:1e38,globalavgpool,flatten"
    assert not heat_map(Pipeline.parse(lost), 0 * PHOTO, "occlusion").any()
    with pytest.raises(ArgumentError, match="the gradients of this picture are not all numbers"):
        heat_map(Pipeline.parse(lost), 0 * PHOTO, "saliency")
    with pytest.raises(ArgumentError, match="the gradients of this picture are not all numbers"):
        effective_field(Pipeline.parse(lost).network, np.zeros((1, 9, 9), np.float32))


def test_one_picture_is_asked_about_at_a_time():
    with pytest.raises(ArgumentError, match="one picture is taken at a time here: picture is a batch of 2"):
        heat_map(Pipeline.parse(NETWORK), np.zeros((2, 3, 13, 12), np.float32))
    assert cnnfilter.heat_map is heat_map
    assert heat_map(Pipeline.parse(NETWORK), PHOTO.transpose(2, 0, 1), layout="chw").shape == PHOTO.shape[:2]
