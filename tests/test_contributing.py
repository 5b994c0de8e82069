"""What the guide for contributors names is there."""

import re

from tests.command import ROOT
from tests.test_imports import ROOMS

TEXT = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
PATHS = sorted(set(re.findall(r"`((?:cnnfilter|tests|samples|\.ci)/[\w./]*)`", TEXT)))
TOLD = re.findall(r"((?:`\w+`(?:, | and )?)+) (?:in|of) `((?:cnnfilter|tests)/[\w./]+\.py)`", " ".join(TEXT.split()))
NAMES = [(name, path) for names, path in TOLD for name in re.findall(r"\w+", names.replace(" and ", " "))]


def test_each_file_and_folder_exists():
    for path in PATHS:
        assert (ROOT / path).is_dir() if path.endswith("/") else (ROOT / path).is_file(), path


def test_each_name_is_defined_where_the_guide_says():
    for name, path in NAMES:
        defined = rf"^(?:def|class) {name}\b|^{name}\b.*=|import .*\b{name}\b"
        assert re.search(defined, (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE), (name, path)


def test_the_rooms_are_told_from_the_top_down():
    first = " ".join(line.split("|")[1] for line in TEXT.splitlines() if line.startswith("|"))
    assert tuple(re.findall(r"`cnnfilter/(\w+)(?:/|\.py)`", first)) == ROOMS


def test_names_are_found():
    assert len(NAMES) >= 16
