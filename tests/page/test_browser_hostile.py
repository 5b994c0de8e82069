"""Names, labels, weights, fragments and dropped files are untrusted: text on the page, bounded, and never run."""

import os

import numpy as np
import pytest
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


def test_a_name_of_weights_is_text(tab, tmp_path):
    name = "<img src=x onerror=owned=1>"
    weights = tmp_path / "<svg>.npz"
    np.savez(weights, **{name: numbers(2, 1, 3, 3), "other": numbers(2, 1, 3, 3)})
    tab.open(made(tmp_path, f"gray,conv:{weights}:name={name}:as=<b>,relu", picture(tmp_path / "a.png")))
    safe(tab)
    assert f"name={name}" in tab.run("return document.body.innerText")
    assert tab.run("return document.querySelectorAll('b').length") == 0
    assert name in tab.run("return cnnfilter.command()")


def test_names_that_are_no_text_are_written_and_shown(tab, tmp_path):
    photo = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xe2\x80\xae\x1b[31m\n.png")
    picture(photo)
    tab.open(made(tmp_path, "gray,conv:edge", photo))
    safe(tab)


FRAGMENTS = [
    "%", "&&=&", "what=1", "set", "insert=", "remove=x", "at=0,9,9", "at=1,1e9,0,0", "pin=99,0", "set=1,__proto__,1",
    "insert=0,constructor", "insert=0,__proto__:1", "insert=0,relu:as=__proto__", "set=1,learned.weight,0,0,0,0,1",
    "set=1,stride,0", "set=1,stride,-1", "set=1,stride,1e9", "set=1,padding,1000001", "set=1,bias,nan",
    "insert=0,maxpool:1000000:padding=1000000", "insert=0,upsample:size=9000x9000", "insert=0,pad:1000000",
    "insert=0,convtranspose:box:stride=1000000", "insert=0,lrn:size=1000000:beta=1e308", "insert=0,conv:3@3x3",
    "insert=0,conv:" + "1 " * 9000, "insert=0," + ":" * 19000, "insert=0," + "\\" * 19000, "x" * 30000,
    "set=1,bias," + "1" * 19900 + "x", "&".join(["insert=0,relu"] * 300), "set=1,kernels,<img src=x onerror=owned=1>",
    "insert=0,relu:as=<img src=x onerror=owned=1>",
]  # fmt: skip


def test_hostile_fragments_are_refused_in_words_or_done_and_soon(show):
    tab = show("conv:edge,relu,maxpool:2")
    for fragment in FRAGMENTS:
        took, stages, notice = tab.run(
            """
            const begin = performance.now();
            cnnfilter.state = arguments[0];
            return cnnfilter.ready.then(() => {
                [cnnfilter.record(), cnnfilter.command(), cnnfilter.state];
                return [performance.now() - begin, cnnfilter.stages.length, model.notice];
            });
            """,
            fragment,
        )
        assert took < 20_000, fragment
        assert stages in (3, 4), fragment
        assert len(notice or "") < 2000, fragment
        tab.run("while (model.canUndo()) model.undo(); return model.ready")
    assert tab.run(INTRUDERS) == []


@pytest.mark.parametrize("fragment", ["%E0%A4%A", "set=1,stride,0", "<img src=x onerror=owned=1>", "insert=0,%00"])
def test_a_page_that_is_opened_with_a_hostile_fragment_shows_itself_and_what_was_wrong(show, fragment):
    tab = show("conv:edge,relu,maxpool:2", fragment=fragment)
    assert tab.run("return cnnfilter.stages.map(({text}) => text)") == ["conv:edge", "relu", "maxpool:2"]
    assert tab.wait("return model.notice")
    assert tab.wait("return document.body.innerText.includes(model.notice)")
    assert tab.run(INTRUDERS) == []


def test_no_name_is_an_option_of_the_command_or_hides_a_part_of_it(show):
    tab = show("relu", name="a.png")
    told = tab.run("""
        model.contents.picture.file = "--output=x\\u202e\\u200b'\\n;rm -rf $HOME.png";
        return cnnfilter.command();
    """)
    assert told == """cnnfilter run relu './--output=x??'"'"'?;rm -rf $HOME.png'"""


ATTEMPTS = {
    "a script": "const s = document.createElement('script'); s.text = 'window.owned = 1'; document.body.append(s)",
    "a handler": "document.body.insertAdjacentHTML('beforeend', '<img src=data:, onerror=window.owned=1>')",
    "a text as code": "setTimeout('window.owned = 1')",
    "a frame": "const f = document.createElement('iframe'); f.src = 'https://example.org'; document.body.append(f)",
    "a picture": "new Image().src = 'https://example.org/a.png'",
    "a request": "fetch('https://example.org').catch(() => {})",
    "a beacon": "navigator.sendBeacon('https://example.org', 'a')",
    "a socket": "try { new WebSocket('wss://example.org') } catch {}",
    "a form": "const f = document.createElement('form'); document.body.append(f); f.action = 'https://a.b'; f.submit()",
    "a base": "const b = document.createElement('base'); b.href = 'https://example.org'; document.head.append(b)",
    "a style": "document.body.insertAdjacentHTML('beforeend', '<p id=styled style=width:7px>')",
}
"""What somebody might do who got something into the page after all."""


def test_what_got_into_the_page_could_neither_run_nor_send(show):
    tab = show("relu")
    for what, script in ATTEMPTS.items():
        tab.run(f"{script}; return new Promise((done) => setTimeout(done, 30))")
        told = tab.complaints()
        assert any("Content Security Policy" in line for line in told), (what, told)
        assert not [line for line in told if line.startswith("request:")], (what, told)
    assert tab.run("return window.owned ?? document.baseURI.startsWith('file:')") is True
    assert tab.run("return document.getElementById('styled').style.width") == ""
