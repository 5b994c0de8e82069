"""Numba, loaded without the settings that it takes from whatever folder the person works in.

It reads `.numba_config.yaml` there as it is loaded and at every compilation, and has no switch against that. Such a
file may come with the pictures of a stranger, and decides what is compiled and what is printed.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType

SETTINGS = ".numba_config.yaml"
MODULE = "numba.core.config"
"""What reads them, and the name of the file is a constant of it."""


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType | None:
        """The module's code with an empty name, which no file has, in place of that of the settings."""
        code = super().get_code(fullname)
        return code and code.replace(co_consts=tuple("" if each == SETTINGS else each for each in code.co_consts))


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find one module, and leave the others to those who come next."""
        spec = PathFinder.find_spec(fullname, path) if fullname == MODULE else None
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(fullname, spec.loader.path)
        return spec


def load() -> None:
    """Import Numba, unless the program has done so before: its settings are that program's then."""
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        importlib.import_module("numba")
    finally:
        sys.meta_path.remove(finder)
