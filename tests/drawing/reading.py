"""Reads back what a figure shows: the texts of its SVG, and the numbers in its cells by their ground."""

import math
import re
import xml.etree.ElementTree as ET

from cnnfilter.drawing.shapes import ACCENT
from cnnfilter.drawing.svg import to_svg

SPACE = "{http://www.w3.org/2000/svg}"


def plain(text):
    """A text of print as a program writes it."""
    return text.replace("\u2212", "-").replace("\N{INFINITY}", "inf").replace("\xd7", "*").replace("\xb2", "^2")


class Shown:
    """What a figure's SVG holds."""

    def __init__(self, figure):
        source = figure if isinstance(figure, str | bytes) else to_svg(figure)
        self.root = ET.fromstring(source)
        self.elements = [each for each in self.root.iter() if each.tag in (f"{SPACE}rect", f"{SPACE}text")]

    @property
    def texts(self):
        return [plain(_text(each)) for each in self.elements if each.tag == f"{SPACE}text"]

    def cells(self, *grounds, dashed=False):
        """The numbers in cells on some grounds, from above, and from the left where they are at one height."""
        found, box = [], None
        for each in self.elements:
            if each.tag == f"{SPACE}rect":
                box = each if each.attrib["fill"] != "none" else box
            elif box is not None and box.attrib["fill"] in grounds and ("stroke-dasharray" in box.attrib) == dashed:
                left, top, width, height = (float(box.attrib[key]) for key in ("x", "y", "width", "height"))
                x, y = (float(each.attrib[key]) for key in ("x", "y"))
                if math.isclose(x, left + width / 2, abs_tol=0.02) and top < y < top + height:
                    found.append((top, left, float(plain(_text(each)))))
        return [value for _, _, value in sorted(found)]

    def windows(self):
        """Where lines in the accent go around cells: left, top, width, height."""
        return [
            tuple(float(each.attrib[key]) for key in ("x", "y", "width", "height"))
            for each in self.elements
            if each.attrib.get("stroke") == ACCENT
        ]

    def equations(self):
        """The two sides of the sums that are written, the first worked out."""
        number = r"-?[\d.]+(?:e[-+]?\d+)?"
        for text in self.texts:
            if match := re.search(rf"   ({number}(?: [-+] {number})+) = ({number})$", text):
                yield sum(float(term) for term in re.findall(number, match[1].replace("- ", "-"))), float(match[2])


def _text(element):
    parts = [element.text or ""]
    for each in element:
        raised = "font-size" in each.attrib
        parts.append(f"^({each.text})" if raised else each.text or "")
    return "".join(parts)
