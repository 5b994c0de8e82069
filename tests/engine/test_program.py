"""Networks that are laid out once give what they give step by step, to the last bit."""

import threading

import numpy as np
import pytest

from cnnfilter import Pipeline
from cnnfilter.engine import loops
from cnnfilter.engine.codes import AS_IS
from cnnfilter.engine.program import Program, later, parts
from cnnfilter.runtime.native import Native

CHANNELS, HEIGHT, WIDTH = 5, 21, 18

NETWORKS = {
    "padded": "conv:20@3x3:padding=1,relu,conv:24@3x3:padding=1,conv:9@5x5:padding=2:stride=2",
    "long rows": "conv:40@1x1,relu6,conv:7@1x1,conv:64@1x1",
    "strides": "conv:16@3x3:stride=2,conv:17@1x1:stride=2,conv:4@2x2",
    "apart": "conv:16@1x1,conv:16@3x3:groups=16:padding=1,conv:32@5x5:groups=16,conv:8@1x1",
    "channels": "conv:10@3x3:groups=5:padding=1,conv:8@1x1",
    "groups": "conv:16@1x1,conv:32@3x3:groups=2:padding=1,batchnorm:random=1,relu",
    "pools": "conv:16@3x3,maxpool:3:stride=2:padding=1,conv:16@3x3,avgpool:2,conv:8@1x1,sumpool:2",
    "residual": "conv:16@1x1,relu:as=x,conv:16@3x3:padding=1,relu,conv:16@3x3:padding=1,add:x,relu,conv:8@1x1",
    "branches": "conv:8@1x1,relu:as=x,conv:12@1x1:as=a,from:x,conv:20@3x3:padding=1,relu,concat:a+last,conv:8@1x1",
    "read again": "conv:8@1x1:as=x,conv:8@1x1:as=y,concat:x+last:as=z,conv:16@1x1,add:z,conv:8@1x1,add:y",
    "twice": "conv:4@1x1:as=b,conv:8@1x1:as=x,concat:x+x,conv:8@1x1,multiply:x,dropout,conv:4@1x1,add:b",
    "nothing": "conv:8@1x1:as=x,dropout:as=y,conv:8@1x1,concat:x+y+last:as=z,dropout,add:z,conv:6@1x1",
    "nothing, then more": "conv:8@1x1:as=x,dropout:as=y,from:x,conv:8@1x1:as=b,conv:8@1x1,add:b,conv:8@1x1,add:y",
    "joined to itself": "conv:4@1x1:as=b,conv:8@1x1:as=x,concat:x+x,conv:4@1x1,add:b",
    "ends": "conv:16@3x3,relu,globalavgpool,flatten,dense:10:random=1,softmax",
    "joined, then more": "conv:4@1x1:as=b,conv:8@1x1:as=x,conv:8@3x3:padding=1,concat:x+last,softmax,conv:4@1x1,add:b",
    "others between": "conv:8@1x1,elu,upsample:2,conv:8@3x3,lrn:5,conv:4@1x1,abs,globalmaxpool",
    "transposed": "conv:8@1x1,convtranspose:8@3x3:stride=2:random=1,conv:4@1x1",
    "few filters": "conv:2@3x3,conv:16@3x3,conv:3@1x1",
    "normalized": "normalize:mean=0.5:std=0.25,conv:8@3x3:padding=1,relu",
}


def parsed(name):
    """One of the networks, with weights."""
    stages = [
        f"{stage}:random={number}" if stage.startswith("conv:") else stage
        for number, stage in enumerate(NETWORKS[name].split(","))
    ]
    return Pipeline.parse(",".join(stages))


def drawn(seed=0, dtype=np.float32):
    generator = np.random.default_rng(seed)
    if dtype == np.uint8:
        return generator.integers(0, 256, (HEIGHT, WIDTH, CHANNELS), dtype=np.uint8)
    return generator.normal(size=(CHANNELS, HEIGHT, WIDTH)).astype(dtype)


def step_by_step(pipeline, x):
    *_, (_, result) = pipeline.results(x, [len(pipeline.stages) - 1])
    return result


@pytest.fixture(params=NETWORKS)
def pipeline(request):
    return parsed(request.param)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_program_gives_what_its_steps_give(pipeline, threads):
    for seed in (0, 1, 0):
        x = drawn(seed)
        np.testing.assert_array_equal(pipeline.run(x, threads=threads), step_by_step(pipeline, x))


def test_bytes_are_laid_out_too(pipeline):
    for seed in (0, 1):
        x = drawn(seed, np.uint8)
        np.testing.assert_array_equal(pipeline.run(x, threads=2), step_by_step(pipeline, x))


needs_addresses = pytest.mark.skipif(
    not isinstance(loops.add_maps._found((np.zeros(1, np.float32),) * 3 + (0,))[0], Native),
    reason="loops are Numba's own, and have no address",
)


@needs_addresses
def test_a_network_is_laid_out_once(pipeline):
    pipeline.run(drawn(), threads=2)
    (program,) = pipeline._last[1].programs
    for seed in (1, 2):
        pipeline.run(drawn(seed), threads=2)
    assert pipeline._last[1].programs == [program]
    pipeline.run(drawn(), threads=1)
    assert pipeline._last[1].programs != [program]


@pytest.mark.parametrize("name", ["padded", "long rows", "apart", "channels", "residual", "groups", "pools"])
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e-37, 3e38])
def test_extreme_samples_take_the_long_way(name, value):
    pipeline = parsed(name)
    usual, extreme = drawn(), drawn()
    extreme[1] *= 1e-37
    extreme[:, 3, 4] = value
    tiny = drawn() * np.float32(1e-37)
    for x in (usual, extreme, usual, tiny, usual):
        np.testing.assert_array_equal(pipeline.run(x, threads=2), step_by_step(pipeline, x))


@pytest.mark.parametrize("group", [0, 1])
def test_samples_of_each_group_are_looked_at(group):
    pipeline = Pipeline.parse("conv:40@3x3:groups=2:padding=1:random=1")
    usual = np.random.default_rng(0).normal(size=(32, HEIGHT, WIDTH)).astype(np.float32)
    extreme = usual.copy()
    extreme[16 * group, 3, 4] = np.inf
    for x in (usual, extreme, usual):
        np.testing.assert_array_equal(pipeline.run(x, threads=2), step_by_step(pipeline, x))


@needs_addresses
def test_what_hangs_on_extreme_samples_is_not_kept():
    pipeline = parsed("padded")
    pipeline.run(drawn() * np.float32(1e-37), threads=2)
    assert pipeline._last[1].programs == []


def test_a_result_is_left_alone_by_later_runs(pipeline):
    results = [pipeline.run(drawn(seed), threads=2) for seed in range(4)]
    for seed, result in enumerate(results):
        np.testing.assert_array_equal(result, step_by_step(pipeline, drawn(seed)))
        result[...] = 0
    np.testing.assert_array_equal(pipeline.run(drawn(), threads=2), step_by_step(pipeline, drawn()))


def test_threads_may_run_the_same_network():
    pipeline = parsed("branches")
    expected = [step_by_step(pipeline, drawn(seed)) for seed in range(4)]
    wrong = []

    def work(seed):
        for _ in range(20):
            if not np.array_equal(pipeline.run(drawn(seed), threads=2), expected[seed]):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_large_maps_are_not_laid_out():
    pipeline = Pipeline.parse("conv:8@3x3:padding=1:random=1,conv:4@1x1:random=2")
    x = np.ones((1, 1100, 1000), np.float32)
    pipeline.run(x)
    assert pipeline._last[1].programs == []


def test_memory_is_lent_again_once_nobody_has_it():
    program = Program(1)
    first = program.empty((100,))
    place = first.ctypes.data
    program.retain(first)
    program.release(first)
    assert program.empty((50,)).ctypes.data != place
    program.release(first)
    assert program.empty((50,)).ctypes.data == place
    program.retain(np.zeros(3))  # as of any other array, nothing follows from that
    program.release(np.zeros(3))


@needs_addresses
def test_scratch_is_lent_again_after_the_next_stage():
    program = Program(1)
    values = program.scratch((100,))
    program.stage([[later(loops.add_maps, values, values, values, AS_IS)]])
    assert program.empty((100,)).ctypes.data == values.ctypes.data


@pytest.mark.parametrize(
    ("count", "most", "expected"), [(7, 2, [(0, 3), (3, 7)]), (1, 4, [(0, 1)]), (5, 1, [(0, 5)]), (0, 3, [(0, 0)])]
)
def test_parts_cover_all(count, most, expected):
    assert parts(count, most) == expected
