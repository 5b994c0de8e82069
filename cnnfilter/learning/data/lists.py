"""A list of pictures as CSV: in each line a file and its label."""

from __future__ import annotations

import csv
from pathlib import Path

from cnnfilter.errors import ArgumentError
from cnnfilter.learning.data.dataset import Dataset, Files, labelled
from cnnfilter.learning.data.folders import MAX_FILES
from cnnfilter.messages import quoted, readable
from cnnfilter.text.files import decoded

MAX_BYTES = 1 << 28
"""The largest list: two million lines of long names."""

LONGEST_LABEL = 1000
HEADS = ({"file", "filename", "path", "image", "picture", "name", "id"}, {"label", "class", "category", "target"})
"""What the first line may call the two columns."""


def read_list(path: Path) -> Dataset:
    """The pictures of a list, whose names are relative to its folder.

    Raises
    ------
    ArgumentError
        If it cannot be used; one line that names it.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
        text = decoded(data)
    except UnicodeDecodeError:
        msg = f"{readable(path)}: no text in UTF-8 or UTF-16"
        raise ArgumentError(msg) from None
    except OSError as error:
        msg = f"{readable(path)}: {error.strerror}"
        raise ArgumentError(msg) from None
    if len(data) > MAX_BYTES:
        msg = f"{readable(path)}: larger than a list may be ({MAX_BYTES} bytes)"
        raise ArgumentError(msg)
    first = text[: text.find("\n") + 1] or text
    delimiter = max(",;\t", key=first.count)
    paths, labels = [], []
    try:
        for number, cells in enumerate(csv.reader(text.splitlines(), delimiter=delimiter, strict=True), 1):
            row = [cell.strip() for cell in cells]
            if not any(row) or (number == 1 and len(row) > 1 and row[0].lower() in HEADS[0]):
                continue
            if len(row) != 2 or not all(row) or len(row[1]) > LONGEST_LABEL:
                msg = f"{readable(path)}, line {number}: a line is FILE,LABEL, not {quoted(delimiter.join(cells))}"
                raise ArgumentError(msg)
            paths.append(path.parent / row[0])
            labels.append(row[1])
    except csv.Error as error:
        msg = f"{readable(path)}: no CSV: {error}"
        raise ArgumentError(msg) from None
    if not 1 <= len(paths) <= MAX_FILES:
        msg = f"{readable(path)}: it lists {len(paths):,} pictures; from 1 to {MAX_FILES:,} are taken"
        raise ArgumentError(msg)
    return labelled(Files(paths), labels)
