"""A chain over one picture: each stage, and chains of them, equal the plain definitions of `reference`."""

import pickle
import tracemalloc

import numpy as np
import pytest

from cnnfilter import Pipeline
from cnnfilter.engine import bands, pooled, reference
from cnnfilter.errors import ArgumentError, KernelError, ShapeError
from cnnfilter.kernels.kernel import get_kernel
from cnnfilter.network.readers import READERS
from cnnfilter.network.stages import Conv
from tests.oracles import sized

RNG = np.random.default_rng(11)
COLOUR = RNG.integers(0, 256, (12, 15, 3), dtype=np.uint8)
GREY = COLOUR[..., 0].copy()
MAPS = RNG.normal(size=(4, 12, 15)).astype(np.float32)
SOBEL_X, SOBEL_Y = (get_kernel(name).weights for name in ("sobel-x", "sobel-y"))
MATRIX = np.array([[0, 1, 0], [2, 0, -1], [0, -3, 1]], np.float32)


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def weights(*shape):
    """Asymmetric weights."""
    return RNG.normal(size=shape).astype(np.float32)


def assert_close(result, expected, tolerance=2e-5):
    """Hold a result to its float64 definition, relative to the largest magnitude."""
    assert result.dtype == np.float32
    assert result.shape == expected.shape
    assert result.flags.c_contiguous
    np.testing.assert_allclose(result, expected, rtol=tolerance, atol=tolerance * max(1.0, np.abs(expected).max()))


def maps_of(x):
    return reference.to_batch(x)[0]


@pytest.mark.parametrize(
    ("text", "definition"),
    [
        ("relu", reference.relu),
        ("leaky_relu:0.1", lambda x: reference.leaky_relu(x, 0.1)),
        ("elu:alpha=0.5", lambda x: reference.elu(x, 0.5)),
        ("selu", reference.selu),
        ("sigmoid", reference.sigmoid),
        ("tanh", reference.tanh),
        ("softplus", reference.softplus),
        ("swish", reference.swish),
        ("silu", reference.swish),
        ("rbf:center=0.5:epsilon=2", lambda x: reference.rbf(x, 0.5, 2)),
        ("abs", lambda x: np.abs(x.astype(np.float64))),
        ("softmax", reference.softmax),
        ("normalize:divide=2:mean=1:std=3", lambda x: reference.normalize(x, 2, 1, 3)),
        ("normalize:1:mean=1+2+3+4:std=4+3+2+1", lambda x: reference.normalize(x, 1, [1, 2, 3, 4], [4, 3, 2, 1])),
        ("maxpool:3:stride=2:padding=1:dilation=2",
         lambda x: reference.max_pool2d(x, 3, stride=2, padding=1, dilation=2)),
        ("maxpool:2x3:ceil_mode=yes", lambda x: reference.max_pool2d(x, (2, 3), ceil_mode=True)),
        ("avgpool:3:padding=1:count_include_pad=no",
         lambda x: reference.avg_pool2d(x, 3, padding=1, count_include_pad=False)),
        ("avgpool:3:padding=same", lambda x: reference.avg_pool2d(x, 3, padding="same")),
        ("sumpool:5x2:stride=1", lambda x: reference.sum_pool2d(x, (5, 2), stride=1)),
        ("globalavgpool", lambda x: x.astype(np.float64).mean(axis=(1, 2), keepdims=True)),
        ("flatten", lambda x: x.reshape(-1)),
    ],
)  # fmt: skip
def test_a_stage_equals_its_definition(text, definition):
    assert_close(Pipeline.parse(text).run(MAPS), definition(MAPS))


@pytest.mark.parametrize(
    ("text", "definition"),
    [
        ("gray", reference.gray),
        ("conv:0 1 0; 2 0 -1; 0 -3 1", lambda x: reference.conv2d(x, MATRIX)),
        ("conv:0 1 0; 2 0 -1; 0 -3 1:flip=yes", lambda x: reference.conv2d(x, MATRIX[::-1, ::-1])),
        ("conv:0 1 0; 2 0 -1; 0 -3 1:scale=l1", lambda x: reference.conv2d(x, reference.scale_kernel(MATRIX, "l1"))),
        ("conv:gaussian:sigma=1:scale=sum:bias=-7.5",
         lambda x: reference.conv2d(x, get_kernel("gaussian:sigma=1").weights) - 7.5),
        ("conv:sobel-x:stride=2x3:padding=1+2x0+3:dilation=2x1:border=reflect",
         lambda x: reference.conv2d(x, SOBEL_X, stride=(2, 3), padding=((1, 2), (0, 3)), dilation=(2, 1),
                                    border="reflect")),
        ("conv:sobel-x:padding=same:border=constant=9",
         lambda x: reference.conv2d(x, SOBEL_X, padding="same", border="constant=9")),
        ("conv:sobel-x:padding=2:border=circular",
         lambda x: reference.conv2d(x, SOBEL_X, padding=2, border="circular")),
        ("conv:sobel-x+sobel-y", lambda x: reference.conv2d(x, np.stack([SOBEL_X, SOBEL_Y]))),
        ("conv:sobel-x+sobel-y,magnitude",
         lambda x: reference.magnitude(reference.conv2d(x, np.stack([SOBEL_X, SOBEL_Y])))),
        ("conv:sobel", lambda x: reference.magnitude(reference.conv2d(x, np.stack([SOBEL_X, SOBEL_Y])))),
        ("conv:kirsch:bias=3",
         lambda x: reference.combine(reference.conv2d(x, get_kernel("kirsch").weights), 8, "maximum") + 3),
        ("depthwise:sobel-x+sobel-y", lambda x: reference.conv2d(x, np.stack([SOBEL_X, SOBEL_Y]))),
    ],
)  # fmt: skip
@pytest.mark.parametrize("picture", [GREY, COLOUR], ids=["grey", "colour"])
def test_named_kernels_filter_each_channel_of_a_picture(text, definition, picture):
    if text == "gray" and picture is GREY:
        np.testing.assert_array_equal(Pipeline.parse(text).run(picture), maps_of(picture))
        return
    assert_close(Pipeline.parse(text).run(picture), definition(maps_of(picture)))


def test_kernels_with_and_without_a_combination_stand_in_one_bank():
    sobel = reference.magnitude(reference.conv2d(maps_of(COLOUR), np.stack([SOBEL_X, SOBEL_Y])))
    laplacian = reference.conv2d(maps_of(COLOUR), get_kernel("laplacian").weights)
    expected = np.stack([sobel, laplacian], axis=1).reshape(6, 10, 13)
    assert_close(Pipeline.parse("conv:sobel+laplacian").run(COLOUR), expected)


def test_learned_banks_sum_over_channels_with_their_bias():
    bank, bias = weights(5, 3, 3, 2), weights(5)
    np.savez("net.npz", **{"a.weight": bank, "a.bias": bias})
    expected = reference.conv2d(COLOUR, bank, bias, stride=2, padding=1) + 0.5
    result = Pipeline.parse("conv:net.npz:name=a:layout=oihw:stride=2:padding=1:bias=0.5").run(COLOUR)
    assert_close(result, expected)
    np.savez("keras.npz", **{"a.kernel": bank.transpose(2, 3, 1, 0), "a.bias": bias})
    text = "conv:keras.npz:name=a:layout=hwio:stride=2:padding=1:bias=0.5"
    np.testing.assert_array_equal(Pipeline.parse(text).run(COLOUR), result)


def test_a_bank_of_many_filters_is_turned_scaled_and_sums_over_many_channels():
    bank = weights(16, 4, 3, 3)
    np.save("bank.npy", bank)
    flipped = np.stack([reference.scale_kernel(one[:, ::-1, ::-1], "l1") for one in bank])
    assert_close(Pipeline.parse("conv:bank.npy:flip=yes:scale=l1").run(MAPS), reference.conv2d(MAPS, flipped))


def test_groups_and_depthwise_banks():
    bank = weights(6, 2, 3, 3)
    np.save("groups.npy", bank)
    expected = reference.conv2d(MAPS, bank, groups=2)
    assert_close(Pipeline.parse("conv:groups.npy:groups=2").run(MAPS), expected)
    bank = weights(8, 1, 2, 3)
    np.save("depthwise.npy", bank)
    expected = reference.conv2d(MAPS, bank, groups=4)
    assert_close(Pipeline.parse("depthwise:depthwise.npy:layout=oihw").run(MAPS), expected)


def test_a_single_kernel_in_a_file_filters_each_channel():
    np.save("kernel.npy", MATRIX)
    assert_close(Pipeline.parse("conv:kernel.npy").run(COLOUR), reference.conv2d(maps_of(COLOUR), MATRIX))


@pytest.mark.parametrize("layout", ["chw", "hwc"])
def test_dense_knows_both_orders_of_flattening(layout):
    weight, bias = weights(7, 4 * 12 * 15), weights(7)
    np.savez("fc.npz", **{"fc.weight": weight, "fc.bias": bias})
    order = MAPS if layout == "chw" else MAPS.transpose(1, 2, 0)
    result = Pipeline.parse(f"flatten,relu,dense:fc.npz:name=fc:layout={layout}").run(MAPS)
    assert_close(result, reference.linear(reference.relu(order).reshape(-1), weight, bias))


def test_a_vector_runs_through_what_takes_vectors():
    vector, weight = weights(9), weights(4, 9)
    np.save("fc.npy", weight)
    expected = reference.softmax(reference.relu(reference.linear(vector / 2, weight)))
    assert_close(Pipeline.parse("flatten,normalize:2,dense:fc.npy,relu,softmax").run(vector), expected)
    np.testing.assert_array_equal(Pipeline.parse("flatten").run([1, 2]), np.float32([1, 2]))


def test_a_mean_of_each_map_is_taken_of_the_stage_before_it():
    expected = reference.conv2d(maps_of(COLOUR), SOBEL_X).mean(axis=(1, 2), keepdims=True)
    assert_close(Pipeline.parse("conv:sobel-x,globalavgpool").run(COLOUR), expected)
    assert_close(Pipeline.parse("conv:sobel-x,globalavgpool,flatten,relu").run(COLOUR),
                 reference.relu(expected.reshape(-1)))  # fmt: skip


@pytest.mark.parametrize(
    "given", [GREY, GREY.astype(np.uint16) * 257, COLOUR, MAPS, MAPS[0], COLOUR.astype(np.float64).T]
)
def test_pictures_and_maps_of_every_type_are_taken(given):
    assert_close(Pipeline.parse("conv:sobel-x").run(given), reference.conv2d(maps_of(given), SOBEL_X))


def small_cnn():
    """Write a small CNN's asymmetric weights; return its text and its definition."""
    arrays = {
        "conv1.weight": weights(6, 3, 3, 3), "conv1.bias": weights(6),
        "conv2.weight": weights(10, 6, 3, 2), "conv2.bias": weights(10),
        "fc1.weight": weights(16, 10 * 4 * 6) / 8, "fc1.bias": weights(16),
        "fc2.weight": weights(5, 16), "fc2.bias": weights(5),
    }  # fmt: skip
    np.savez("net.npz", **arrays)
    text = (
        "normalize,conv:net.npz:name=conv1:padding=1,relu,maxpool:2,conv:net.npz:name=conv2:layout=oihw:padding=same,"
        "leaky_relu:0.1,avgpool:3:stride=2:padding=1,flatten,dense:net.npz:name=fc1,tanh,"
        "dense:net.npz:name=fc2,softmax"
    )

    def definition(picture):
        net = {name: array.astype(np.float64) for name, array in arrays.items()}
        maps = reference.normalize(picture)
        maps = reference.relu(reference.conv2d(maps, net["conv1.weight"], net["conv1.bias"], padding=1))
        maps = reference.max_pool2d(maps, 2)
        maps = reference.conv2d(maps, net["conv2.weight"], net["conv2.bias"], padding="same")
        maps = reference.avg_pool2d(reference.leaky_relu(maps, 0.1), 3, stride=2, padding=1)
        vector = np.tanh(reference.linear(maps.reshape(-1), net["fc1.weight"], net["fc1.bias"]))
        return reference.softmax(reference.linear(vector, net["fc2.weight"], net["fc2.bias"]))

    return text, definition


def test_a_small_cnn_equals_the_definitions_composed_by_hand():
    picture = RNG.integers(0, 256, (16, 22, 3), dtype=np.uint8)
    text, definition = small_cnn()
    result = Pipeline.parse(text).run(picture)
    assert result.shape == (5,)
    assert_close(result, definition(picture))


@pytest.mark.parametrize("band_samples", [1, 300, 1 << 18])
@pytest.mark.parametrize("whole_samples", [0, 1 << 22])
def test_every_cut_into_bands_and_every_number_of_threads_gives_the_same(band_samples, whole_samples, monkeypatch):
    np.savez("net.npz", a=weights(4, 3, 3, 3), b=weights(9, 4, 3, 3))
    chain = Pipeline.parse("conv:net.npz:name=a:padding=1,relu,maxpool:2,conv:net.npz:name=b,sigmoid,avgpool:2")
    picture = RNG.integers(0, 256, (33, 40, 3), dtype=np.uint8)
    expected = chain.run(picture)
    monkeypatch.setattr(bands, "BAND_SAMPLES", band_samples)
    monkeypatch.setattr(bands, "WHOLE_SAMPLES", whole_samples)
    anew = Pipeline(chain.stages)  # bands are cut when a chain is prepared
    one, three = anew.run(picture, threads=1), anew.run(picture, threads=3)
    np.testing.assert_array_equal(one, three)
    assert_close(one, expected.astype(np.float64))


def test_maps_between_the_stages_of_a_large_picture_never_exist_whole():
    picture = np.zeros(sized((2000, 3000), (40, 60)), np.uint8)
    chain = Pipeline.parse("conv:sobel-x+sobel-y+laplacian+edge,relu,maxpool:2,magnitude,globalavgpool")
    chain.run(picture[:200, :300])  # compiles
    tracemalloc.start()
    chain.run(picture, threads=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 24e6  # four maps of the picture are 96 MB


def test_parameters_show_what_was_parsed():
    chain = Pipeline.parse(" conv: edge ,silu")
    assert str(chain) == "conv:edge,swish"
    assert [row.output for row in chain.plan((5, 6, 3))] == [(3, 4, 3), (3, 4, 3)]


def test_stages_of_sizes_only_are_planned_and_not_run():
    chain = Pipeline.parse("relu,conv:32@3x3")
    assert chain.plan((5, 5, 1))[-1].output == (3, 3, 32)
    message = r"^stage 2 \(conv\): conv:32@3x3 has sizes but no weights; name a kernel or a weight file to run it$"
    with pytest.raises(ArgumentError, match=message):
        chain.run(GREY)
    with pytest.raises(ArgumentError, match=r"^stage 1 \(dense\): dense:10 has units but no weights"):
        Pipeline.parse("dense:10").run([1, 2, 3])


def test_what_does_not_fit_names_the_stage():
    with pytest.raises(ShapeError, match=r"^stage 2 \(maxpool\): window 5x5 does not fit in 4x4"):
        Pipeline.parse("conv:box,maxpool:5").run(GREY[:6, :6])
    with pytest.raises(ShapeError, match=r"^stage 1 \(conv\): takes maps \(H, W, C\), not a vector of 3"):
        Pipeline.parse("conv:box").run([1, 2, 3])


@pytest.mark.parametrize("text", ["conv:sobel-x,relu", "conv:sobel-x,flatten"])
def test_a_batch_gives_a_result_for_each(text):
    pipeline = Pipeline.parse(text)
    batch = np.stack([MAPS, MAPS[::-1]])
    expected = [pipeline.run(maps) for maps in batch]
    np.testing.assert_array_equal(pipeline.run(batch), expected)
    np.testing.assert_array_equal(pipeline.run(batch[:1]), expected[:1])
    with pytest.raises(ArgumentError, match="one picture is taken at a time here: image is a batch of 2"):
        pipeline.explain(batch, at=(0, 0))


def test_weights_are_read_when_asked_for():
    chain = Pipeline.parse("relu,conv:none.npz,dense:neither.npy")
    with pytest.raises(KernelError, match=r"^stage 2 \(conv\): .*none\.npz"):
        chain.load_weights()
    np.savez("none.npz", a=weights(2, 3, 3, 3))
    with pytest.raises(KernelError, match=r"^stage 3 \(dense\): .*neither\.npy"):
        Pipeline(chain.stages).load_weights()
    np.save("neither.npy", weights(2, 2))
    assert chain.load_weights() is None


def test_a_chain_may_be_put_together_in_python():
    assert_close(Pipeline([Conv((get_kernel("sobel-x"),))]).run(GREY), reference.conv2d(GREY, SOBEL_X)[None])


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("pool", ["maxpool:2", "maxpool:3", "maxpool:3x2:stride=4x1", "maxpool:2:stride=2x3"])
@pytest.mark.parametrize("conv", ["conv:edge,relu", "conv:sobel+gaussian", "conv:sharpen:stride=2x1:bias=3"])
def test_a_maximum_that_is_joined_with_its_convolution(conv, pool, dtype, monkeypatch):
    monkeypatch.setattr(pooled, "BLOCK", 160)
    x = np.random.default_rng(3).integers(0, 256, (2, 41, 610)).astype(dtype)
    x = np.moveaxis(x, 0, 2) if dtype == np.uint8 else x
    joined = Pipeline.parse(f"{conv},{pool}")
    apart = Pipeline.parse(f"{conv},leaky_relu:1,{pool}")
    for threads in (1, 2):
        np.testing.assert_array_equal(joined.run(x, threads=threads), apart.run(x))
    ((operation,),) = [run.lowered.operations for run in joined._last[1].stretches]
    assert isinstance(operation.parts[0][0][0], pooled.PooledFilter)


@pytest.mark.parametrize(
    "text",
    [
        "relu,avgpool:4x1:stride=9:padding=4+0x0+0",
        "conv:sobel-x:padding=1,maxpool:2:stride=9:padding=2+0x0+0",
        "conv:net.npz:name=a:stride=1x3:dilation=2:padding=4,maxpool:2x1:stride=9x1:padding=2+0x0+0",
    ],
)
def test_rows_of_windows_that_see_nothing_but_padding(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("net.npz", **{"a.weight": np.ones((5, 3, 5, 5), np.float32)})
    x = np.zeros((31, 61, 3), np.uint8)
    result = Pipeline.parse(text).run(x)
    last = text.rpartition(",")[2]
    before = Pipeline.parse(text.rpartition(",")[0]).run(x)
    np.testing.assert_array_equal(result, Pipeline.parse(last).run(before))
    assert (result[:, 0] == (0 if "avg" in last else -np.inf)).all()


def test_samples_in_the_order_of_another_machine():
    x = np.random.default_rng(4).integers(0, 60_000, (9, 8, 3), dtype=np.uint16)
    chain = Pipeline.parse("conv:edge,maxpool:2")
    np.testing.assert_array_equal(chain.run(x.astype(">u2")), chain.run(x))


@pytest.mark.parametrize("text", ["conv:edge,abs,maxpool:2", "gray,elu:alpha=0.5", "conv:edge,tanh,flatten,softmax"])
def test_a_chain_that_has_run_can_be_sent_to_another_process(text):
    picture = np.arange(6 * 7 * 3, dtype=np.uint8).reshape(6, 7, 3)
    chain = Pipeline.parse(text)
    expected = chain.run(picture)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(chain)).run(picture), expected)


# Full scale


@pytest.mark.parametrize(("dtype", "white"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1), (np.int64, 1)])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("normalize", lambda x: x),
        ("gray,normalize:mean=0.5:std=0.25", lambda x: (reference.gray(x) - 0.5) / 0.25),
        ("gray,conv:edge,maxpool:2,normalize", lambda x: reference.max_pool2d(
            reference.conv2d(reference.gray(x), get_kernel("edge").weights[None, None]), 2)),
        ("normalize,flatten", lambda x: x.reshape(-1)),
        ("flatten,normalize", lambda x: x.reshape(-1)),
    ],
)  # fmt: skip
def test_normalize_divides_by_the_full_scale_of_what_enters_the_chain(dtype, white, text, expected):
    pipeline = Pipeline.parse(text)
    part = np.random.default_rng(3).integers(0, 256, (3, 6, 5))
    pipeline.run((part % 7).astype(np.uint8), layout="chw")  # nothing of another picture's scale is kept
    maps = (part * (white // 255 or 1)).astype(dtype)
    np.testing.assert_allclose(pipeline.run(maps, layout="chw"), expected(maps / white), rtol=1e-5, atol=1e-5)
    fixed = Pipeline.parse(text.replace("normalize", "normalize:divide=2"))
    if text == "normalize":
        np.testing.assert_allclose(fixed.run(maps, layout="chw"), maps / 2, rtol=1e-6)


def test_normalize_keeps_its_text_whatever_it_has_run():
    pipeline = Pipeline.parse("normalize,normalize:255")
    pipeline.run(np.ones((3, 3), np.uint16))
    assert str(pipeline) == "normalize,normalize:divide=255"
    assert [str(row.stage) for row in pipeline.plan((3, 3, 1))] == ["normalize", "normalize:divide=255"]


@pytest.mark.parametrize("rest", ["", ",relu", ",relu,maxpool:2"])
def test_a_normalization_behind_a_bank_is_folded_into_it(rest):
    rng = np.random.default_rng(8)
    numbers = {
        "bn.weight": rng.normal(size=5), "bn.bias": rng.normal(size=5),
        "bn.running_mean": rng.normal(size=5), "bn.running_var": rng.random(5) + 0.1,
    }  # fmt: skip
    np.savez("net.npz", **numbers)
    text = f"conv:5@3x3:random=2,batchnorm:weights=net.npz:name=bn{rest}"
    folded, apart = Pipeline.parse(text), Pipeline.parse(text.replace(",batchnorm", ",leaky_relu:1,batchnorm"))
    assert_close(folded.run(MAPS), apart.run(MAPS))
    assert len(folded._last[1].stretches[0].lowered.operations) == 1
    convolution = folded._last[1].stretches[0].lowered.operations[0].parts[0][0][0]
    assert type(convolution).__name__ == "Convolution"
    np.testing.assert_allclose(folded.run(MAPS, node=1), Pipeline.parse("conv:5@3x3:random=2").run(MAPS))


def test_a_normalization_that_float32_cannot_hold_in_weights_stays_apart():
    numbers = {"bn.weight": [1e30], "bn.bias": [0], "bn.running_mean": [0], "bn.running_var": [1]}
    arrays = {name: np.array(value, np.float32) for name, value in numbers.items()}
    np.savez("net.npz", **arrays, **{"conv.weight": np.full((1, 1, 1, 1), 1e10, np.float32)})
    pipeline = Pipeline.parse("conv:1@1x1:bias=no:weights=net.npz:name=conv,batchnorm:weights=net.npz:name=bn")
    result = pipeline.run(np.full((1, 3, 3), 1e-25, np.float32))
    assert np.isfinite(result).all()
    assert result.any()


@pytest.mark.parametrize("numbers", [{"weight": 0.0}, {"weight": 1e-20}])
def test_a_normalization_that_would_hide_nan_or_lose_digits_is_not_folded(numbers):
    arrays = {
        "bn.weight": [numbers["weight"], 1.0],
        "bn.bias": [1, 1],
        "bn.running_mean": [0, 0],
        "bn.running_var": [1, 1],
    }
    weight = np.full((2, 1, 1, 1), 1e-22, np.float32)
    np.savez(
        "net.npz", **{"conv.weight": weight}, **{name: np.array(each, np.float32) for name, each in arrays.items()}
    )
    pipeline = Pipeline.parse(
        "conv:2@1x1:bias=no:weights=net.npz:name=conv,batchnorm:epsilon=0:weights=net.npz:name=bn"
    )
    maps = np.array([[[np.nan, 1e30]]], np.float32)
    apart = Pipeline.parse(str(pipeline).replace(",batchnorm", ",abs,batchnorm")).run(maps)
    np.testing.assert_allclose(pipeline.run(maps), apart, rtol=1e-5)
    assert np.isnan(pipeline.run(maps)[:, 0, 0]).all()


@pytest.mark.parametrize("name", sorted(READERS))
def test_a_pipeline_that_has_run_can_be_sent_whatever_its_stages(name):
    arguments = {
        "conv": "2@3x3:random=1", "convtranspose": "2@3x3:random=1", "depthwise": "3x3:random=1", "maxpool": "2",
        "avgpool": "2", "sumpool": "2", "upsample": "2", "crop": "4", "resize": "6", "pad": "1", "shuffle": "1",
        "batchnorm": "random=1", "prelu": "random=1", "add": "in", "multiply": "in", "concat": "in", "magnitude": "",
    }  # fmt: skip
    before = {
        "dense": "flatten,",
        "magnitude": "conv:sobel-x+sobel-y,",
        "add": "relu,",
        "multiply": "relu,",
        "concat": "relu,",
    }
    text = before.get(name, "") + (f"{name}:{arguments[name]}" if arguments.get(name) else name)
    text += ":3:random=1" if name == "dense" else ""
    pipeline = Pipeline.parse(text)
    maps = np.random.default_rng(0).normal(size=(1, 9, 8)).astype(np.float32)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(pipeline)).run(maps), pipeline.run(maps))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(pipeline)).run(maps), pipeline.run(maps))


def test_results_cannot_be_written_into_and_check_what_run_checks():
    maps = np.ones((1, 3, 3), np.float32)
    for _, result in Pipeline.parse("dropout:as=a,relu,add:a").results(maps, [0, 2]):
        assert not result.flags.writeable
    with pytest.raises(ArgumentError, match="has sizes but no weights"):
        next(Pipeline.parse("conv:2@3x3").results(maps, [0]))
    with pytest.raises(ArgumentError, match="threads must be at least 1"):
        next(Pipeline.parse("relu").results(maps, [0], threads=0))
