"""Pages of programs and notebooks: `Pipeline.page`."""

import html
import re

import numpy as np
import pytest

from cnnfilter.errors import ArgumentError
from cnnfilter.pipeline import Pipeline
from tests.page.documents import document_of, unpacked

IMAGE = np.arange(80, dtype=np.uint8).reshape(8, 10)


def test_a_notebook_shows_the_page_in_a_frame_of_its_own():
    page = Pipeline.parse("conv:edge,relu").page(IMAGE, name="</iframe><b>")
    shown = page._repr_html_()
    (text,) = re.findall(r'srcdoc="([^"]*)"', shown)
    assert html.unescape(text) == page.html
    assert 'sandbox="allow-scripts allow-downloads"' in shown
    assert shown.count("<") == 2
    assert repr(page) == f"<Page of {len(page.html):,} characters>"


def test_the_page_is_of_the_picture_and_the_node():
    page = Pipeline.parse("conv:edge:as=first,relu").page(IMAGE, node="first", labels=["a"], name="x.png")
    found = document_of(page.html)
    assert [stage["kind"] for stage in found["stages"]] == ["conv"]
    assert found["labels"] == ["a"]
    assert found["title"] == "conv:edge:as=first on x.png"
    assert found["picture"]["file"] is None
    np.testing.assert_array_equal(unpacked(found["picture"]["maps"]), IMAGE[None])


@pytest.mark.parametrize(("size", "before", "shape"), [(5, "resize:4x5", [1, 4, 5]), (10, "", [1, 8, 10])])
def test_a_larger_picture_is_resized_by_a_stage(size, before, shape):
    found = document_of(Pipeline.parse("relu:as=x,abs,add:x").page(IMAGE, size=size).html)
    assert found["before"] == before
    assert found["picture"]["maps"]["shape"] == shape
    assert [stage["reads"] for stage in found["stages"]] == [[0], [1], [1, 2]]


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"size": 0}, "size must be at least 1, not 0"),
        ({"node": "nothing"}, "there is no node 'nothing'"),
    ],
)
def test_arguments_outside_their_limits_are_refused(keywords, message):
    with pytest.raises(ArgumentError, match=message):
        Pipeline.parse("relu").page(IMAGE, **keywords)


def test_a_stage_without_weights_is_refused():
    with pytest.raises(ArgumentError, match="has sizes but no weights"):
        Pipeline.parse("conv:2@3x3").page(IMAGE)


def test_a_large_network_of_a_program_is_refused_in_its_words():
    with pytest.raises(ArgumentError, match=r"end with an earlier stage \(node\).*\(size\).*\(static=True\)"):
        Pipeline.parse("resize:2000x2000,conv:box:size=99").page(IMAGE)
