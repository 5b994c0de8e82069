"""The page's scripts, which are joined into one."""

import re
from collections import Counter
from importlib.resources import files

from cnnfilter.explanation import steps
from cnnfilter.page.assembly import SCRIPTS, STYLES, assembled

PAGE = files("cnnfilter.page")
DECLARED = re.compile(r"^(?:async )?(?:function\*?|class|const|let) (\w+)", re.MULTILINE)


def names(folder, suffix):
    """The files of a folder that end in a suffix, without it, as they are listed."""
    root = PAGE.joinpath(folder)
    return sorted(str(path.relative_to(root).with_suffix("")) for path in root.rglob(f"*{suffix}"))


def test_every_file_is_joined():
    assert sorted(SCRIPTS) == names("scripts", ".js")
    assert sorted(STYLES) == names("styles", ".css")


def test_no_name_is_declared_twice():
    """Of two functions of one name the later would be called for both, and nothing would say so."""
    texts = (PAGE.joinpath("scripts", f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    declared = Counter(name for text in texts for name in DECLARED.findall(text))
    assert len(declared) > 100
    assert [name for name, count in declared.items() if count > 1] == []


def test_every_kind_of_step_has_its_writer():
    """What `explanation/record.py` lists, the page writes out: an entry of `WRITERS` of `views/work.js` each."""
    text = PAGE.joinpath("scripts", "views/work.js").read_text(encoding="utf-8")
    (writers,) = re.findall(r"^const WRITERS = \{$(.*?)^\};$", text, re.MULTILINE | re.DOTALL)
    kinds = {each.kind for each in vars(steps).values() if isinstance(each, type) and "kind" in vars(each)}
    assert len(kinds) > 10
    assert set(re.findall(r"^  (\w+):", writers, re.MULTILINE)) == kinds


def test_comments_and_indents_are_left_out_and_nothing_else():
    html = assembled({"title": "x"})
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    for name in SCRIPTS:
        text = PAGE.joinpath("scripts", f"{name}.js").read_text(encoding="utf-8")
        assert [line for line in text.splitlines() if line.count("`") % 2] == [], f"{name}: a text of several lines"
        without = re.sub(r"^\s*(//.*|/\*(?:[^*]|\*(?!/))*\*/)$", "", text, flags=re.MULTILINE)
        assert "".join(f"{line.strip()}\n" for line in without.splitlines() if line.strip()) in script, name
    assert len(script) < 335_000
