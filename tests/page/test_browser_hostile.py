"""Names, labels, weights, fragments and dropped files are untrusted: text on the page, bounded, and never run."""

import os

import numpy as np
from PIL import Image

from tests.command import run
from tests.models.graphs import graph, node, numbers

EVIL = "</script><script>window.owned=1</script><img src=x onerror=window.owned=1><!--<script>"
READY = "return window.cnnfilter?.values(1)"
INTRUDERS = """
return window.owned || [...document.querySelectorAll("*")].filter((each) =>
    (each.localName === "script" && document.scripts.length > 2)
    || /^(img|iframe|object|embed|link|base)$/.test(each.localName)
    || [...each.attributes].some(({name}) => name.startsWith("on") || /^(action|formaction|href|src)$/.test(name))
  ).map((each) => each.outerHTML);
"""
"""Elements that the page does not make, and attributes that run."""


def made(tmp_path, *arguments):
    """The path of a page that the command writes."""
    path = tmp_path / "page.html"
    result = run("page", *arguments, "-o", path)
    assert result.exit_code == 0, result.err
    return path


def picture(path, shape=(12, 12)):
    Image.fromarray(np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)).save(path, "png")
    return path


def safe(tab):
    assert tab.wait(READY)
    assert tab.run(INTRUDERS) == []


def test_names_of_files_labels_nodes_and_weights_are_text(tab, tmp_path):
    folder = tmp_path / EVIL.replace("/", "_")
    folder.mkdir()
    model = graph(
        [
            node("Conv", "x w", "a", name=EVIL, kernel_shape=[3, 3]),
            node("GlobalAveragePool", "a", "b", name=f"{EVIL}2"),
            node("Flatten", "b", "y", name=f"{EVIL}3"),
        ],
        x=(1, 1, 12, 12),
        w=numbers(4, 1, 3, 3),
    )
    network = folder / "<svg onload=owned=1>.onnx"
    network.write_bytes(model.SerializeToString())
    labels = folder / "labels.txt"
    labels.write_text("\n".join(f"{n} {EVIL}" for n in range(4)))
    photo = picture(folder / "<img src=x onerror=owned=1>.png")
    tab.open(made(tmp_path, network, photo, "--labels", labels))
    safe(tab)
    assert "owned" in tab.run("return document.body.innerText")


def test_names_that_are_no_text_are_written_and_shown(tab, tmp_path):
    photo = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xe2\x80\xae\x1b[31m\n.png")
    picture(photo)
    tab.open(made(tmp_path, "gray,conv:edge", photo))
    safe(tab)
