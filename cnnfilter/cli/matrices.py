"""Matrices of weights in descriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnfilter.cli import render

if TYPE_CHECKING:
    from cnnfilter.kernels.matrix import Matrix

MOST_ROWS = 15
"""Rows of a matrix, or filters of a bank, that are shown; of more, the first and the last."""
INDENT = 10
"""Where the second column of a description begins, behind `symmetry`."""

Lines = list[tuple[str, str]]
"""A name, which may be empty, and what stands beside it."""


def matrix_rows(matrix: Matrix, name: str = "matrix") -> Lines:
    """A matrix in as many digits as fit; where that are too few, its middle is left out."""
    room, width, half = max(render.width() - INDENT, INDENT), len(matrix[0]), MOST_ROWS // 2
    is_high = len(matrix) > MOST_ROWS
    rows = [*matrix[:half], *matrix[-half:]] if is_high else matrix
    for digits in (4, 3, 2):
        texts = [[f"{value:.{digits}g}" for value in row] for row in rows]
        size = max(len(text) for row in texts for text in row)
        if width * (size + 1) - 1 <= room:
            break
    columns = width if width * (size + 1) - 1 <= room else max((room - 3) // (size + 1) // 2 * 2, 2)
    lines = []
    for row in texts:
        parts = [text.rjust(size) for text in row]
        lines.append(" ".join(parts if columns == width else [*parts[: columns // 2], "...", *parts[-columns // 2 :]]))
    if is_high:
        lines.insert(half, "...")
    named = [(name if i == 0 else "", line) for i, line in enumerate(lines)]
    if columns < width or is_high:
        named.append(("part", f"of {len(matrix)}x{width} numbers; --json shows all"))
    return named
