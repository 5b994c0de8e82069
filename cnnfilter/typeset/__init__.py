"""Explanations and matrices as a person pastes them into notes: Markdown, or LaTeX that needs no more than amsmath.

What is told is made once, of parts (`parts`), by a table of the kinds of steps (`worked`); a format writes the parts.
"""

from cnnfilter.typeset.formats import FORMATS, typeset, written

__all__ = ["FORMATS", "typeset", "written"]
