"""What the layers of a program are called: by the nodes' names, as far as the languages can have them."""

from __future__ import annotations

import keyword
import re

Path = tuple[str, ...]
"""A name taken apart at its dots: `layer1.0.conv1` is `conv1` in `0` in `layer1`."""

DEEPEST, LONGEST = 8, 100
"""The most parts of a name and the most characters of a part; what has more was made to do harm."""

RESERVED = frozenset([
    "T_destination", "_apply", "_backward_hooks", "_backward_pre_hooks", "_buffers", "_call_impl",
    "_compiled_call_impl", "_forward_hooks", "_forward_hooks_always_called", "_forward_hooks_with_kwargs",
    "_forward_pre_hooks", "_forward_pre_hooks_with_kwargs", "_get_backward_hooks", "_get_backward_pre_hooks",
    "_get_name", "_is_full_backward_hook", "_load_from_state_dict", "_load_state_dict_post_hooks",
    "_load_state_dict_pre_hooks", "_maybe_warn_non_full_backward_hook", "_modules", "_named_members",
    "_non_persistent_buffers_set", "_parameters", "_register_load_state_dict_pre_hook",
    "_register_state_dict_hook", "_replicate_for_data_parallel", "_save_to_state_dict", "_slow_forward",
    "_state_dict_hooks", "_state_dict_pre_hooks", "_version", "_wrapped_call_impl", "add_module", "apply",
    "bfloat16", "buffers", "call_super_init", "children", "clear", "compile", "cpu", "cuda", "double",
    "dump_patches", "eval", "extra_repr", "float", "forward", "get_buffer", "get_extra_state", "get_parameter",
    "get_submodule", "half", "ipu", "items", "keys", "load_state_dict", "modules", "mtia", "named_buffers",
    "named_children", "named_modules", "named_parameters", "parameters", "pop", "register_backward_hook",
    "register_buffer", "register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook",
    "register_full_backward_pre_hook", "register_load_state_dict_post_hook", "register_load_state_dict_pre_hook",
    "register_module", "register_parameter", "register_state_dict_post_hook", "register_state_dict_pre_hook",
    "requires_grad_", "set_extra_state", "set_submodule", "share_memory", "state_dict", "to", "to_empty", "train",
    "training", "type", "update", "values", "xpu", "zero_grad",
])  # fmt: skip
"""The attributes that PyTorch's `Module` and `ModuleDict` have already."""


class Paths:
    """The paths that are taken in a program, each by one layer, and what these lie in."""

    def __init__(self) -> None:
        self._leaves: set[Path] = set()
        self._insides: set[Path] = {()}

    def take(self, name: str, number: int, kind: str) -> Path:
        """The path of a layer: what its name says, if that can be had.

        Parameters
        ----------
        name : str
        number : int
            That of its stage, which tells it from others of the same name.
        kind : str
            What it is called inside of what has its name already.

        Examples
        --------
        >>> paths = Paths()
        >>> paths.take("layer1.0.conv1", 1, "conv"), paths.take("layer1.0", 2, "relu"), paths.take("type", 3, "relu")
        (('layer1', '0', 'conv1'), ('layer1', '0', 'relu'), ('type_',))
        """
        parts = name.split(".")
        path: Path = ()
        for part in parts if len(parts) <= DEEPEST else [name]:
            while path in self._leaves:
                path = (*path[:-1], f"{path[-1]}_")
            path = (*path, _safe(part))
        if path in self._insides:
            path = (*path, _safe(kind))
        if path in self._leaves or path in self._insides:
            path = (*path[:-1], f"{path[-1]}_{number}")
        while path in self._leaves or path in self._insides:
            path = (*path[:-1], f"{path[-1]}_")
        self._leaves.add(path)
        self._insides.update(path[:end] for end in range(1, len(path)))
        return path


def _safe(part: str) -> str:
    """A part of a name as letters, digits and underscores, and none that has a meaning."""
    plain = re.sub(r"[^0-9A-Za-z_]", "_", part)[:LONGEST]
    taken = not plain.strip("_") or plain.startswith("__") or plain in RESERVED
    return f"{plain.strip('_')}_" if taken else plain


def is_identifier(part: str) -> bool:
    """Whether Python takes a part of a path after a dot."""
    return part.isidentifier() and not keyword.iskeyword(part)


def attribute(root: str, path: Path) -> str:
    """The code of the module at a path.

    Examples
    --------
    >>> attribute("self", ("layer1", "0", "conv1")), attribute("network", ("0",))
    ('self.layer1["0"].conv1', 'getattr(network, "0")')
    """
    first, *rest = path
    code = f"{root}.{first}" if is_identifier(first) else f'getattr({root}, "{first}")'
    return code + "".join(f".{part}" if is_identifier(part) else f'["{part}"]' for part in rest)


def string(text: str) -> str:
    r"""A text as Python's, in ASCII, whatever is in it.

    Examples
    --------
    >>> print(string('a"b'), string("conv1"))
    "a\U00000022b" "conv1"
    """
    plain = (
        each if each.isascii() and each.isprintable() and each not in '"\\' else f"\\U{ord(each):08x}" for each in text
    )
    return f'"{"".join(plain)}"'
