"""Figures as SVG: well-formed whatever the names are, and nothing in them but what was drawn."""

import xml.etree.ElementTree as ET

import pytest

from cnnfilter.drawing import letters
from cnnfilter.drawing.shapes import Box, Figure, Line, Polygon, Text
from cnnfilter.drawing.svg import element, to_svg

SPACE = "{http://www.w3.org/2000/svg}"
HOSTILE = ["</text><script>alert(1)</script>", "a & b", "]]>", "\x00\x1b[2J\ufffe", "\udcff.npz", "\u202egnp.x", "\"'"]


def tree(*shapes, title="a title", description="a description"):
    return ET.fromstring(to_svg(Figure(100, 50.5, title, description, shapes)).encode())


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_texts_and_nothing_else(name):
    root = tree(Text(1, 2, name), title=name, description=name)
    assert [each.tag.removeprefix(SPACE) for each in root] == ["title", "desc", "rect", "text"]
    texts = [each.text for each in root if each.text]
    assert texts[0] == texts[1] == texts[2]
    assert texts[0] == name or not name.isprintable()


def test_a_figure_has_a_size_a_role_and_a_name_for_those_who_do_not_see_it():
    root = tree()
    assert root.attrib["role"] == "img"
    assert (root.attrib["width"], root.attrib["height"], root.attrib["viewBox"]) == ("100", "50.5", "0 0 100 50.5")
    assert [each.text for each in root[:2]] == ["a title", "a description"]


def test_shapes_are_elements_in_their_order():
    shapes = (
        Box(1, 2, 3, 4, dashed=True, weight=2),
        Line(((0, 0), (10, 0)), weight=1),
        Polygon(((0, 0), (1, 0), (1, 1)), None, "#000000"),
        Text(5, 10, "5", 20, anchor="end", bold=True),
    )
    box, line, polygon, text = list(tree(*shapes))[3:]
    assert box.attrib["stroke-dasharray"] == "8 6"
    assert (box.attrib["x"], box.attrib["y"], box.attrib["width"], box.attrib["height"]) == ("1", "2", "3", "4")
    assert (line.attrib["points"], line.attrib["fill"]) == ("0,0 10,0", "none")
    assert (polygon.attrib["points"], polygon.attrib["stroke"]) == ("0,0 1,0 1,1", "#000000")
    assert (text.attrib["y"], text.attrib["text-anchor"], text.attrib["font-weight"]) == ("17.2", "end", "bold")


def test_spaces_are_kept_where_there_are_several():
    one, two = list(tree(Text(0, 0, "a b"), Text(0, 0, "a   b")))[3:]
    space = "{http://www.w3.org/XML/1998/namespace}space"
    assert (one.get(space), two.get(space), two.text) == (None, "preserve", "a   b")


def test_an_arrow_ends_in_its_head():
    shaft, arrow = list(tree(Line(((0, 0), (30, 0)), weight=2, arrow=True)))[3:]
    assert shaft.attrib["points"] == "0,0 18,0"
    assert arrow.attrib["points"] == "30,0 18,6 18,-6"


def test_an_unknown_shape_is_an_error():
    with pytest.raises(NotImplementedError, match="no words for str"):
        element("circle")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("-3", "\u22123"),
        ("2 - 3", "2 \u2212 3"),
        ("1 * (-2)", "1 \xd7 (\u22122)"),
        ("(3 - (-1.5)) / 2", "(3 \u2212 (\u22121.5)) / 2"),
        ("-inf", "\u2212\u221e"),
        ("1e-09 - 2e+20", "1e\u221209 \u2212 2e+20"),
        ("sobel-x", "sobel-x"),
        ("max(0, -1)", "max(0, \u22121)"),
        ("|-2|", "|\u22122|"),
    ],
)
def test_formulas_have_the_signs_of_print(text, shown):
    assert letters.printed(text) == shown


def test_texts_are_cut_where_there_is_no_room():
    assert letters.cut("short", 20, 100) == "short"
    cut = letters.cut("conv:" + "1 0 -1; " * 100, 20, 300)
    assert letters.width(cut, 20) <= 300
    assert cut.startswith("conv:")
    assert "..." in cut
    assert letters.cut("long enough", 20, 1) == "..."
