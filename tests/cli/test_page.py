"""`cnnfilter page`."""

import sys
import webbrowser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnfilter.cli.main import main
from tests.command import PHOTO, ROOT, run, save
from tests.page.documents import document_of, unpacked

DIGITS = ROOT / "samples" / "digits"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save("photo.png", PHOTO)
    return tmp_path


def made(*arguments, note=(), **keywords):
    """What a page embeds that the command wrote to page.html."""
    result = run("page", *arguments, "-o", "page.html", **keywords)
    assert result.exit_code == 0, result.err
    assert result.data == b""
    *notes, wrote = result.messages
    assert notes == list(note)
    html = Path("page.html").read_text(encoding="utf-8")
    assert wrote == f"wrote page.html  {len(html.encode()) / 1000:.1f} kB"
    return document_of(html)


def error(*arguments, code=2, **keywords):
    result = run("page", *arguments, **keywords)
    assert result.exit_code == code, result.err
    assert result.data == b""
    return result.messages[-1].removeprefix("cnnfilter: error: ")


def test_the_page_embeds_the_network_and_the_picture():
    found = made("gray,conv:sobel,relu", "photo.png")
    assert [stage["kind"] for stage in found["stages"]] == ["gray", "conv", "relu"]
    assert found["picture"]["file"] == found["picture"]["name"] == "photo.png"
    np.testing.assert_array_equal(unpacked(found["picture"]["maps"]), PHOTO.transpose(2, 0, 1))


def test_its_name_is_that_of_the_picture_unless_told():
    result = run("page", "relu", "photo.png")
    assert result.exit_code == 0, result.err
    assert Path("photo-page.html").is_file()


def test_nothing_is_overwritten_unless_told():
    Path("page.html").write_text("mine")
    Path("pages").mkdir()
    assert error("relu", "photo.png", "-o", "pages/") == "the output 'pages' is a folder"
    assert error("relu", "photo.png", "-o", "page.html") == "'page.html' exists already; --force overwrites it"
    assert error("relu", "photo.png", "-o", "no/page.html") == "there is no folder 'no' for the output 'page.html'"
    assert Path("page.html").read_text() == "mine"
    assert made("relu", "photo.png", "--force")["stages"]


def test_the_input_is_never_overwritten():
    assert error("relu", "photo.png", "-o", "photo.png", "--force") == (
        "'photo.png' is the input; give the page another name"
    )


def test_pages_go_through_pipes():
    result = run("page", "relu", "-", "-o", "-", stdin=Path("photo.png").read_bytes())
    assert result.exit_code == 0, result.err
    found = document_of(result.out)
    assert (found["picture"]["name"], found["picture"]["file"]) == ("standard input", None)


def test_what_cannot_be_done_with_standard_streams_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["page", "relu", "photo.png", "-o", "-"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "cnnfilter: error: cannot write standard output: it is closed"
    monkeypatch.undo()
    assert error("relu", "-") == "the page of standard input needs a name: -o page.html"
    assert error("relu", "photo.png", "-o", "-", "--open") == (
        "--open shows a file, and -o - writes none; give one of them"
    )


def test_the_browser_is_shown_the_file(monkeypatch):
    shown = []
    monkeypatch.setattr(webbrowser, "get", lambda: webbrowser.GenericBrowser("firefox"))
    monkeypatch.setattr(webbrowser, "open", lambda address: shown.append(address) or True)
    made("relu", "photo.png", "--open")
    assert shown == [Path("page.html").absolute().as_uri()]


@pytest.mark.parametrize("name", [None, "www-browser", "firefox"])
def test_where_no_browser_can_show_it_that_is_told(monkeypatch, name):
    def get():
        if name is None:
            raise webbrowser.Error
        return webbrowser.GenericBrowser(name)

    monkeypatch.setattr(webbrowser, "get", get)
    monkeypatch.setattr(webbrowser, "open", lambda _: name != "firefox" and pytest.fail("there is none"))
    result = run("page", "relu", "photo.png", "-o", "page.html", "--open")
    assert (result.exit_code, result.messages[-1]) == (
        0,
        "warning: no browser can be started here; open 'page.html' in one",
    )


def test_a_name_of_another_format_is_refused():
    assert error("relu", "photo.png", "-o", "page.PNG") == "a page is HTML, and 'page.PNG' does not end in .html"
    assert run("page", "relu", "photo.png", "-o", "page.HTM").exit_code == 0
    assert run("page", "relu", "photo.png", "-o", "page").exit_code == 0


def test_a_larger_picture_is_made_smaller_and_that_is_told():
    note = "warning: photo.png: its 45x30 pixels are made fewer first, as resize:13x20 does"
    found = made("gray,relu", "photo.png", "--size", "20", note=[note])
    assert found["before"] == "resize:13x20"
    assert made("gray,relu", "photo.png", "--size", "45", "-f")["before"] == ""


def test_a_node_ends_the_network():
    found = made("gray:as=g,relu,abs", "photo.png", "--node", "g", "--size", "45")
    assert ([stage["kind"] for stage in found["stages"]], found["whole"]) == (["gray"], "gray:as=g,relu,abs")
    assert len(made("gray:as=g,relu,abs", "photo.png", "--node", "2", "-f")["stages"]) == 2


def test_static_pages_embed_results():
    assert "result" in made("gray,conv:edge", "photo.png", "--static")["stages"][1]


def test_labels_are_those_beside_the_network_or_given():
    digits = [f"resize:32x32,normalize,{DIGITS / 'digits.onnx'}", DIGITS / "three.png"]
    found = made(*digits, note=[f"labels from {DIGITS / 'digits.labels.txt'}"])
    assert found["labels"] == (DIGITS / "digits.labels.txt").read_text().split("\n")[:10]
    Path("names.txt").write_text("".join(f"<b>{i}</b>\n" for i in range(10)))
    assert made(*digits, "--labels", "names.txt", "-f")["labels"][3] == "<b>3</b>"
    Path("names.txt").write_text("one\n")
    assert error(*digits, "--labels", "names.txt", "-o", "page.html", "-f", code=1).endswith(
        "there are 1 labels for 10 results; give one label a line, one for each"
    )


def test_mistakes_name_the_picture_and_the_stage():
    assert error("gray,maxpool:99", "photo.png", code=1).startswith("photo.png: stage 2 (maxpool): window 99x99")
    assert error("relu", "absent.png", code=1).startswith("absent.png: ")
    assert error("conv:2@3x3", "photo.png").startswith("stage 1 (conv): ")
    assert "end with an earlier stage (--node NODE)" in error("resize:2000x2000,conv:box:size=99", "photo.png", code=1)


def test_what_a_person_should_know_is_told():
    save("clear.png", np.dstack([PHOTO, PHOTO[..., 0]]))
    made("softmax,gray", "clear.png", note=["warning: clear.png: transparency is left out"])


def test_networks_and_stages_are_noted_as_explain_notes_them():
    arguments = ("resize:32x32,gray,lenet-5:random=1", "photo.png")
    *notes, _ = run("page", *arguments).messages
    assert notes == run("explain", *arguments, "--at", "0").messages
    assert "lenet-5:random=1 is given the picture's values as they are" in notes[0]
    (note,) = run("explain", "gray,softmax", "photo.png", "--at", "0,0").messages
    made("gray,softmax", "photo.png", note=[note])


def test_the_picture_is_read_as_told():
    assert "more than the limit of 99" in error("relu", "photo.png", "--max-pixels", "99", code=1)
    pages = [Image.fromarray(np.full((4, 4), value, np.uint8)) for value in (1, 2)]
    pages[0].save("pages.tif", save_all=True, append_images=pages[1:])
    assert unpacked(made("relu", "pages.tif", "--frame", "1")["picture"]["maps"]).max() == 2


def test_an_input_without_a_name_is_refused():
    assert error("relu", "") == run("explain", "relu", "", "--at", "0,0").messages[-1].removeprefix(
        "cnnfilter: error: "
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("gray,conv:sobel,relu,maxpool:2", "camera.png"),
        ("gray,resize:32x32,normalize,lenet-5:random=1", "coffee.jpg"),
    ],
)
def test_pages_for_lessons_are_small(arguments):
    stages, photo = arguments
    made(stages, ROOT / "samples" / photo)
    assert Path("page.html").stat().st_size < 700_000
