"""What a chain takes of memory beside its picture."""

import math
import tracemalloc

import numpy as np
import pytest

from cnnfilter.engine import bands
from cnnfilter.errors import PictureError
from cnnfilter.pipeline import Pipeline
from cnnfilter.results.chain import ChainTask
from cnnfilter.results.limits import check_rows
from cnnfilter.results.view import View

KERNELS = "conv:" + "+".join(["edge", "sharpen"] * 6)


ROW = 4 * 998 * 12
"""Bytes of a row of the twelve maps."""


def need(pipeline):
    """Bytes beside a grey picture of a thousand rows and columns."""
    return ChainTask(pipeline, View()).need(1000, 1000, 1)


@pytest.mark.parametrize(
    ("text", "between"),
    [
        ("abs", 0),
        ("gray,conv:edge,maxpool:2", 2 * (4 * 4 * 1000 + 2 * 4 * 998)),  # two threads, four rows of grey, two of edges
        (f"{KERNELS},abs", 2 * ROW),
        (f"{KERNELS},conv:edge:border=circular:padding=1", 998 * ROW),
        (f"{KERNELS},abs,avgpool:300x3:stride=1", 2 * 2 * 300 * ROW),
        (f"{KERNELS},abs,avgpool:998x3", 2 * 998 * ROW),
        (f"{KERNELS},globalavgpool,flatten,relu", 2 * ROW),
        (f"{KERNELS},flatten,relu", 998 * ROW),
        (f"{KERNELS},globalmaxpool", 998 * ROW),
        (f"{KERNELS},resize:100,relu", 998 * ROW + 4 * 100 * 100 * 12),
        (f"{KERNELS},upsample:2:mode=bilinear", 2 * 2 * ROW),
        (f"{KERNELS},convtranspose:box:stride=2", 2 * 2 * ROW),  # a place sees one row or two
        (f"{KERNELS},crop:9", 2 * ROW),
    ],
)
def test_what_lies_between_stages_counts(monkeypatch, text, between):
    monkeypatch.setattr(bands, "available_threads", lambda threads: 2)
    pipeline = Pipeline.parse(text)
    result = 8 * math.prod(pipeline.plan((1000, 1000, 1))[-1].output)
    assert need(pipeline) == 1000 * 1000 + between + result


@pytest.mark.parametrize("text", ["upsample:1000,resize:4", "upsample:1000,globalmaxpool", "upsample:1000,flatten"])
def test_what_is_taken_as_a_whole_may_be_no_larger_than_a_picture(text):
    rows = Pipeline.parse(text).plan((1000, 1000, 1))
    with pytest.raises(
        PictureError, match="the result would be 1000000x1000000, which counts as 1,000,000,000,000 pix"
    ):
        check_rows(rows, 10**9)
    check_rows(Pipeline.parse("upsample:1000,crop:4").plan((1000, 1000, 1)), 10**9)


MAPS = 4 * 1000 * 1000
"""Bytes of a map of a thousand rows and columns."""


@pytest.mark.parametrize(
    ("text", "between"),
    [
        ("abs:as=a,tanh,add:a", 2 * MAPS),
        ("abs:as=a,tanh,add:a,relu", 2 * MAPS),
        ("abs:as=a,tanh,add:a,tanh", 3 * MAPS),  # and the sum, of which a band at a time goes on
        ("abs:as=a,tanh,add:a,relu,tanh", 3 * MAPS),
        ("abs:as=a,conv:edge:padding=1,abs,conv:edge:padding=1,add:a", MAPS + 2 * (3 + 3) * 4000 + MAPS),
        ("abs:as=a,tanh:as=b,from:a,abs:as=c,from:a,relu,concat:a+b+c+last", 4 * MAPS),
        ("abs:as=a,tanh,add:a,maxpool:10:as=b,tanh,add:b", 3 * MAPS + MAPS // 100),
    ],
)
def test_what_is_held_for_later_stages_counts(monkeypatch, text, between):
    monkeypatch.setattr(bands, "available_threads", lambda threads: 2)
    pipeline = Pipeline.parse(text)
    result = 8 * math.prod(pipeline.plan((1000, 1000, 1))[-1].output)
    assert need(pipeline) == 1000 * 1000 + between + result


def test_what_waits_for_later_stages_may_be_no_more_than_a_picture_together():
    named = ",".join(f"relu:as=n{number}" for number in range(20))
    rows = Pipeline.parse(f"{named},add:{'+'.join(f'n{number}' for number in range(19))}").plan((1000, 1000, 1))
    check_rows(rows, 20_000_000)
    message = (
        "error: 20 results would be held for later stages, which counts as 20,000,000 pixels, more than the limit of"
    )
    with pytest.raises(PictureError, match=message.removeprefix("error: ")):
        check_rows(rows, 19_999_999)
    joined = Pipeline.parse("relu:as=a,globalavgpool,upsample:size=90000x90000,add:last+last,maxpool:90000")
    with pytest.raises(PictureError, match="the result would be 90000x90000, which counts as 8,100,000,000 pixels"):
        check_rows(joined.plan((8, 8, 1)), 10**9)


def test_a_chain_that_will_be_refused_needs_nothing():
    assert need(Pipeline.parse("conv:edge:padding=1000000")) == 0


@pytest.mark.parametrize(
    "text",
    [
        f"{KERNELS},conv:edge:border=circular:padding=1,maxpool:90",
        f"{KERNELS},abs,avgpool:900x20",
        f"{KERNELS},flatten,relu",
        f"{KERNELS},abs,globalavgpool",
        f"{KERNELS},resize:700:filter=lanczos",
        f"{KERNELS},upsample:2:mode=bilinear,crop:900",
        f"{KERNELS},convtranspose:box:stride=2,maxpool:3",
        f"{KERNELS}:as=a,conv:edge:padding=1,relu,conv:edge:padding=1,add:a,relu",
        f"{KERNELS}:as=a,abs,add:a,maxpool:3,flatten:as=b,relu,concat:b",
        f"{KERNELS}:as=a,abs:as=b,from:a,tanh:as=c,from:a,sigmoid,concat:a+b+c+last,maxpool:90",
        f"{KERNELS}:as=a,globalavgpool,multiply:a,tanh",
    ],
)
def test_a_chain_takes_no_more_than_it_says(text):
    picture = np.ones((1000, 1000), np.uint8)
    pipeline = Pipeline.parse(text)
    pipeline.run(picture[:950])  # compiles
    tracemalloc.start()
    try:
        pipeline.run(picture)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # besides: the bands that pass through the cache, a few megabytes for each thread
    assert peak < need(pipeline) + 20_000_000 * bands.available_threads(None)
