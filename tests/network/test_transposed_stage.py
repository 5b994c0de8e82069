"""Transposed convolutions as stages: text, sizes, weights from files, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from cnnfilter.errors import ArgumentError, GrammarError, KernelError, ShapeError
from cnnfilter.kernels.kernel import get_kernel
from cnnfilter.network.channels import keeps_colours, map_names
from cnnfilter.network.grammar import parse
from cnnfilter.network.plan import plan
from cnnfilter.network.stages import ConvTranspose
from cnnfilter.network.stages.placing import phases
from cnnfilter.pipeline import Pipeline
from cnnfilter.weights.parameters import RandomParameters

SOBEL_X, EDGE = get_kernel("sobel-x"), get_kernel("edge")


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        ("convtranspose:32@3x2:stride=2", ConvTranspose(sizes=(32, (3, 2)), stride=(2, 2))),
        (
            "ConvTranspose:4@3:stride=2x3:padding=1+0x2+3:output_padding=1x2:dilation=2:groups=2:bias=no",
            ConvTranspose(
                sizes=(4, (3, 3)), stride=(2, 3), padding=((1, 0), (2, 3)), output_padding=(1, 2), dilation=(2, 2),
                groups=2, biased=False,
            ),
        ),
        ("convtranspose:sobel-x+edge:bias=0.5", ConvTranspose((SOBEL_X, EDGE), bias=0.5)),
        ("convtranspose:1 2; 3 4:padding=same-lower", ConvTranspose((get_kernel("1 2; 3 4"),), padding="same-lower")),
        ("convtranspose:gaussian:sigma=2", ConvTranspose((get_kernel("gaussian:sigma=2"),))),
    ],
)  # fmt: skip
def test_text_becomes_a_stage_and_back(text, stage):
    assert parse(text).stages == (stage,)
    assert parse(str(stage)).stages == (stage,)


@pytest.mark.parametrize(
    ("text", "shape", "output", "arithmetic"),
    [
        ("convtranspose:64@2x2:stride=2:bias=no", (7, 7, 3), (14, 14, 64),
         "(7 - 1)*2 - 0 - 0 + 1*(2 - 1) + 0 + 1 = 14\nparams: 2*2*3*64 = 768"),
        ("convtranspose:6@3:stride=2:padding=1:output_padding=1:groups=3", (7, 5, 3), (14, 10, 6),
         "height: (7 - 1)*2 - 1 - 1 + 1*(3 - 1) + 1 + 1 = 14\nwidth: (5 - 1)*2 - 1 - 1 + 1*(3 - 1) + 1 + 1 = 10\n"
         "params: (3*3*1 + 1)*6 = 60"),
        ("convtranspose:1@5:stride=2:dilation=3:padding=2+1", (4, 4, 1), (16, 16, 1),
         "(4 - 1)*2 - 2 - 1 + 3*(5 - 1) + 0 + 1 = 16\nparams: (5*5*1 + 1)*1 = 26"),
        ("convtranspose:1@3:stride=2:padding=same", (4, 4, 1), (8, 8, 1),
         "(4 - 1)*2 - 0 - 1 + 1*(3 - 1) + 0 + 1 = 8\nparams: (3*3*1 + 1)*1 = 10"),
        ("convtranspose:1@3:stride=2:padding=same-lower", (4, 4, 1), (8, 8, 1),
         "(4 - 1)*2 - 1 - 0 + 1*(3 - 1) + 0 + 1 = 8\nparams: (3*3*1 + 1)*1 = 10"),
        ("convtranspose:1@2:stride=5:padding=same", (4, 4, 1), (20, 20, 1),
         "(4 - 1)*5 - 0 - 0 + 1*(2 - 1) + 3 + 1 = 20\nparams: (2*2*1 + 1)*1 = 5"),
        ("convtranspose:1 2; 3 4:stride=2", (4, 4, 3), (8, 8, 3), "(4 - 1)*2 - 0 - 0 + 1*(2 - 1) + 0 + 1 = 8"),
    ],
)  # fmt: skip
def test_sizes_are_told_with_their_arithmetic(text, shape, output, arithmetic):
    (row,) = plan(parse(text), shape)
    assert row.output == output
    assert row.arithmetic == arithmetic
    for line in arithmetic.splitlines():
        formula, _, result = line.rpartition(": ")[2].rpartition(" = ")
        assert eval(formula) == int(result)


def test_kernels_cost_and_learn_nothing_and_their_maps_have_names():
    rows = plan(parse("convtranspose:sobel-x+edge:stride=2:bias=1"), (4, 5, 3))
    assert (rows[0].params, rows[0].macs) == (0, 9 * 11 * 6 * 10)
    assert map_names(rows) == tuple(f"{k}, {c}" for c in ("red", "green", "blue") for k in ("sobel-x", "edge"))
    assert keeps_colours(plan(parse("convtranspose:edge:stride=2"), (4, 5, 3)))
    assert keeps_colours(plan(parse("convtranspose:3@2:groups=3"), (4, 5, 3)))
    assert not keeps_colours(plan(parse("convtranspose:3@2"), (4, 5, 3)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("convtranspose", "needs a kernel, a weight file or sizes, such as convtranspose:32@2x2:stride=2"),
        ("convtranspose:3@2:output_padding=1", "output_padding must be less than the stride or the dilation, 1, not 1"),
        ("convtranspose:3@2:stride=2:output_padding=1+0x0", "output_padding takes one number or two"),
        ("convtranspose:3@2:stride=2:padding=same:output_padding=1", "padding=same settles the size; output_padding"),
        ("convtranspose:sobel", "sobel is the magnitude of several kernels; name one, such as sobel-x"),
        ("convtranspose:edge+roberts-x", "kernels of one stage must have one size"),
        ("convtranspose:edge:groups=2", "groups are for banks that sum over channels; here every channel is"),
        ("convtranspose:2@2:groups=0", "groups must be at least 1, not 0"),
        ("convtranspose:edge:bias=1e999", "bias "),
        ("convtranspose:3@2:scale=sum", "unknown key 'scale'"),
        ("convtranspose:3@2:border=reflect", "unknown key 'border'"),
        ("convtranspose:3@2:layout=iohw", "name and layout are for weight files"),
    ],
)
def test_what_does_not_go_together(text, message):
    with pytest.raises(GrammarError, match=message):
        parse(text)


def test_what_does_not_go_together_in_python():
    with pytest.raises(ArgumentError, match="takes one of a kernel, a weight file and sizes such as 32@2x2"):
        ConvTranspose()
    with pytest.raises(ArgumentError, match="learned numbers are for sizes"):
        ConvTranspose((EDGE,), learned=RandomParameters(1))
    with pytest.raises(ArgumentError, match="bias must be a finite number"):
        ConvTranspose((EDGE,), bias=float("nan"))


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ("convtranspose:4@2:groups=2", (4, 5, 3), "groups=2 does not divide 3 input channels and 4 maps"),
        (
            "convtranspose:1@2:padding=4",
            (4, 5, 3),
            "a padding of 4 leaves nothing of the 5x6 that 4x5 becomes",
        ),
        ("flatten,convtranspose:1@2", (4, 5, 3), r"takes maps \(H, W, C\), not a vector of 60"),
    ],
)
def test_what_does_not_fit_what_arrives(text, shape, message):
    with pytest.raises(ShapeError, match=message):
        plan(parse(text), shape)


def test_sizes_alone_cannot_be_run():
    (stage,) = parse("convtranspose:3@2").stages
    assert stage.runnable == "convtranspose:3@2x2 has sizes but no weights; name a kernel or a weight file to run it"
    with pytest.raises(ArgumentError, match="has sizes but no weights"):
        stage.weight(1)
    drawn = replace(stage, learned=RandomParameters(5))
    assert drawn.runnable is None
    assert str(drawn) == "convtranspose:3@2x2:random=5"
    weight, bias, groups = drawn.weight(4)
    assert (weight.shape, bias.shape, groups) == ((4, 3, 2, 2), (3,), 1)
    assert max(abs(weight).max(), abs(bias).max()) <= 1 / np.sqrt(3 * 2 * 2)


@pytest.fixture
def save(tmp_path):
    def write(**arrays):
        np.savez(tmp_path / "w.npz", **{key: np.asarray(array, np.float32) for key, array in arrays.items()})
        return str(tmp_path / "w.npz")

    return write


RNG = np.random.default_rng(8)
PYTORCH, BIAS = RNG.normal(size=(4, 3, 3, 3)), RNG.normal(size=3)


def test_weights_are_read_as_pytorch_and_as_keras_store_them(save):
    maps = RNG.normal(size=(4, 5, 6)).astype(np.float32)
    text = f"convtranspose:{save(**{'up.weight': PYTORCH, 'up.bias': BIAS})}:name=up:stride=2"
    chain = Pipeline.parse(text)
    chain.load_weights()
    (row,) = chain.plan((5, 6, 4))
    assert str(chain) == text
    assert (row.output, row.params, row.macs) == ((11, 13, 3), 111, 11 * 13 * 111)
    assert row.arithmetic.endswith("params: (3*3*4 + 1)*3 = 111")
    assert map_names([row]) is None
    result = chain.run(maps)
    step = chain.explain(maps, at=(2, 3, 1), layout="chw")["steps"][0]
    assert step["filter"] == "w, map 1"
    np.testing.assert_allclose(step["value"], result[1, 2, 3], rtol=1e-5)
    keras = save(**{"up/kernel": PYTORCH.transpose(2, 3, 1, 0), "up/bias": BIAS})
    np.testing.assert_array_equal(Pipeline.parse(f"convtranspose:{keras}:stride=2").run(maps), result)
    more = Pipeline.parse(f"convtranspose:{keras}:layout=hwoi:stride=2:bias=1")
    assert ":layout=hwoi" in str(more)
    np.testing.assert_allclose(more.run(maps), result + 1, rtol=1e-5)


def test_sizes_take_their_numbers_from_a_state_dict_by_the_nodes_name(save):
    path = save(**{"up.weight": PYTORCH, "up.bias": BIAS})
    maps = RNG.normal(size=(4, 5, 6)).astype(np.float32)
    expected = Pipeline.parse(f"convtranspose:{path}:name=up:stride=2").run(maps)
    for end in (":name=up", ":as=up"):
        chain = Pipeline.parse(f"convtranspose:3@3x3:stride=2:weights={path}{end}")
        np.testing.assert_array_equal(chain.run(maps), expected)
        assert str(Pipeline.parse(str(chain))) == str(chain)
    with pytest.raises(KernelError, match="array 'up.weight' is 4x3x3x3, but it must be 4x2x3x3"):
        Pipeline.parse(f"convtranspose:2@3x3:weights={path}:name=up").plan((5, 6, 4))


def test_a_bias_is_one_for_each_map_of_all_groups(save):
    path = save(**{"a.weight": RNG.normal(size=(4, 2, 3, 3)), "a.bias": RNG.normal(size=4)})
    (row,) = plan(parse(f"convtranspose:{path}:groups=2"), (5, 6, 4))
    assert (row.output[2], row.params) == (4, 76)
    without = save(a=RNG.normal(size=(4, 2, 3, 3)))
    (row,) = plan(parse(f"convtranspose:{without}:bias=2"), (5, 6, 4))
    assert (row.output[2], row.params) == (2, 72)
    _, bias, _ = row.stage.weight(4)
    assert bias.tolist() == [2, 2]


def test_a_matrix_in_a_file_is_for_every_channel(tmp_path):
    np.save(tmp_path / "k.npy", np.array([[1, 2], [3, 4]], np.float32))
    chain = Pipeline.parse(f"convtranspose:{tmp_path / 'k.npy'}:stride=2")
    (row,) = chain.plan((2, 2, 3))
    assert (row.output, row.params, row.macs) == ((4, 4, 3), 4, 16 * 3 * 4)
    assert chain.run(np.ones((3, 1, 1), np.float32)).tolist() == [[[1, 2], [3, 4]]] * 3


def test_files_that_do_not_fit(save):
    four = save(a=RNG.normal(size=(4, 2, 3, 3)))
    with pytest.raises(ShapeError, match="w holds weights over 4 channels in 1 group, but 1 arrives; another stage"):
        plan(parse(f"convtranspose:{four}"), (5, 6, 1))
    with pytest.raises(ShapeError, match="w holds weights over 4 channels in 4 groups, but 6 arrive"):
        plan(parse(f"convtranspose:{four}:groups=4"), (5, 6, 6))
    either = save(a=RNG.normal(size=(3, 5, 5, 3)))
    with pytest.raises(KernelError, match=r"shape 3x5x5x3 may be \(I, O, kh, kw\) or \(kh, kw, O, I\); say layout="):
        plan(parse(f"convtranspose:{either}"), (5, 6, 3))
    assert plan(parse(f"convtranspose:{either}:layout=iohw"), (5, 6, 3))[0].output == (9, 8, 5)


@pytest.mark.parametrize(("window", "stride", "dilation"), [(3, 2, 1), (2, 3, 1), (5, 4, 2), (4, 3, 3), (7, 2, 3)])
def test_every_tap_is_in_one_phase(window, stride, dilation):
    found = phases(window, stride, dilation)
    assert sorted(tap for phase in found for tap in phase.taps) == list(range(window))
    for phase in found:
        assert {tap * dilation % stride for tap in phase.taps} == {phase.remainder}
        place = 100 * stride + phase.remainder
        assert [place - tap * dilation for tap in reversed(phase.taps)] == [each * stride for each in phase.seen(100)]
