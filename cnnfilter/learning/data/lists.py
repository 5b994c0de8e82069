"""A list of pictures as CSV: in each line a file and its label, and others where the first line names the columns."""

from __future__ import annotations

import csv

from cnnfilter.addresses.address import Where, located, name_in
from cnnfilter.errors import ArgumentError
from cnnfilter.learning.data.dataset import Dataset, Files, labelled
from cnnfilter.learning.data.folders import MAX_FILES
from cnnfilter.messages import about, quoted, readable
from cnnfilter.text.files import decoded
from cnnfilter.weights.kinds import file_of

MAX_BYTES = 1 << 28
"""The largest list: two million lines of long names."""

LONGEST_LABEL = 1000
HEADS = (("file", "filename", "path", "image", "picture", "name", "id"), ("label", "class", "category", "target"))
"""What the first line may call the column of files, and that of labels; of several, the first here is meant."""


def read_list(path: Where) -> Dataset:
    """The pictures of a list, whose names are addresses or relative to its folder.

    Raises
    ------
    ArgumentError
        If it cannot be used; one line that names it.
    """
    file = file_of(path)
    try:
        with file.open("rb") as stream:
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
    paths, labels, places, columns = [], [], (0, 1), 2
    try:
        for number, cells in enumerate(csv.reader(text.splitlines(), delimiter=delimiter, strict=True), 1):
            row = [cell.strip() for cell in cells]
            if not any(row):
                continue
            if number == 1 and (named := _places(row)) is not None:
                places, columns = named, len(row)
                continue
            name, label = (row[place] for place in places) if len(row) == columns else ("", "")
            if not name or not label or len(label) > LONGEST_LABEL:
                msg = f"{readable(path)}, line {number}: {_told(columns)}, not {quoted(delimiter.join(cells))}"
                raise ArgumentError(msg)
            with about(f"{readable(path)}, line {number}: "):
                paths.append(located(name_in(path.parent, name)))
            labels.append(label)
    except csv.Error as error:
        msg = f"{readable(path)}: no CSV: {error}"
        raise ArgumentError(msg) from None
    if not 1 <= len(paths) <= MAX_FILES:
        msg = f"{readable(path)}: it lists {len(paths):,} pictures; from 1 to {MAX_FILES:,} are taken"
        raise ArgumentError(msg)
    return labelled(Files(paths), labels)


def _places(head: list[str]) -> tuple[int, int] | None:
    """Where the file and the label are in each line, if this one names its columns."""
    lower = [name.lower() for name in head]
    file, label = ([lower.index(name) for name in names if name in lower] for names in HEADS)
    return (file[0], label[0]) if file and label else None


def _told(columns: int) -> str:
    return "a line is FILE,LABEL" if columns == 2 else f"a line has {columns} columns, a file and a label among them"
