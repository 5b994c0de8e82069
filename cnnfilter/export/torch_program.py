"""A PyTorch program: a `torch.nn.Sequential` of a chain, else a module whose attributes are the nodes' names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

from cnnfilter.export.naming import Path, attribute, is_identifier, string
from cnnfilter.export.program import Code, Part, Program
from cnnfilter.export.weights import literal
from cnnfilter.network.plan import Row
from cnnfilter.network.stages import Join


class TorchProgram(Program):
    """The layers of a PyTorch program.

    Parameters
    ----------
    rows : sequence of Row
    layers_of : callable
        See `Program`.
    helpers : dict
        The layers that PyTorch lacks, by name.
    file : str, optional
        See `Program`.
    """

    state_of: ClassVar = {
        ".safetensors": "safetensors.torch.load_file({})",
        ".npz": "{{name: torch.from_numpy(array) for name, array in np.load({}).items()}}",
        "": "torch.load({}, weights_only=True)",
    }
    safetensors = "safetensors.torch"

    def __init__(self, rows: Sequence[Row], layers_of: Code, helpers: dict[str, str], file: str | None = None) -> None:
        super().__init__(rows, layers_of, file)
        self._known = helpers

    def give(self, name: str, values: Sequence[object] | None, after: str = "") -> None:
        """Copy numbers into the layer added next, unless they are loaded by name."""
        place, path = self.mark()
        if values is not None and not self.is_loaded:
            copied = f"copy_(torch.tensor({literal(values, ' ' * 8)}){after})"
            layer = f"network[{place}]" if self.is_chain else attribute("network", path)
            self.weights.append(f"    {layer}.{name}.{copied}")

    def program(self, *, learns: bool) -> str:
        """The whole program; `learns` says whether it computes otherwise as long as it learns."""
        weights = "\nwith torch.no_grad():\n" + "\n".join(self.weights) + "\n" if self.weights else ""
        weights += self._loading()
        if learns:
            weights += (
                "\nnetwork.eval()  # without this line it learns: dropout leaves values out, a batch norm measures\n"
            )
        helpers = self.helpers(self._known)
        numpy = ["import numpy as np"] if "np." in helpers or (self.file and not self.imports) else []
        shape = self.rows[0].input
        batch = (1, shape[2], *shape[:2]) if len(shape) == 3 else (1, *shape)
        imports = [*numpy, "import torch", "from torch import nn"]
        body = self._chain() if self.is_chain else self._module(batch)
        return self.text(imports, helpers, body, weights, f"print(network(torch.rand{batch}).shape)")

    def _loading(self) -> str:
        """How the numbers that are not printed are loaded; PyTorch cannot have all names as they are in a file."""
        taken = [(self.names[part.number], part) for part in self.parts if part.number in self.loaded]
        renamed = {
            f"{name}.{role}": f"{'.'.join(part.paths[part.main])}.{role}"
            for name, part in taken
            for role in self.roles(part.row)
            if name != ".".join(part.paths[part.main])
        }
        others = {name.rpartition(".")[0] for state in self.states for name in state.names} - {
            name for name, _ in taken
        }
        others = others if self.file is None else {*()}
        several = self.file is None and len(self.states) > 1
        strict = ", strict=False" if self.is_partly or others or several else ""

        def call(state: str) -> str:
            if renamed:
                state = f"{{renamed.get(name, name): array for name, array in {state}.items()}}"
            return f"network.load_state_dict({state}{strict})"

        pairs = ", ".join(f"{string(name)}: {string(path)}" for name, path in renamed.items())
        told = self.loading(call, *([f"renamed = {{{pairs}}}"] if renamed else []))
        return f"\n{told}" if told else ""

    def _chain(self) -> str:
        lines = ["network = nn.Sequential("]
        for part in self.parts:
            *before, last = part.layers
            lines += [*(f"    {layer}," for layer in before), f"    {last},  {part.comment}"]
        return "\n".join([*lines, ")"])

    def _module(self, batch: Sequence[int]) -> str:
        called = [part for part in self.parts if not isinstance(part.row.stage, Join)]
        layers = {path: layer for part in called for path, layer in zip(part.paths, part.layers, strict=True)}
        size = ", ".join(map(str, batch[1:]))
        lines = [
            "",
            "class Network(nn.Module):",
            f'    """The network, for batches (N, {size})."""',
            "",
            "    def __init__(self):",
            "        super().__init__()",
            *(f"        {line}" for line in _declared(layers)),
            "",
            "    def forward(self, x):",
            *(["        x0 = x"] if -1 in self.kept else []),
            *(f"        {line}" for part in self.parts for line in self._steps(part)),
            "        return x",
            "",
            "",
            "network = Network()",
        ]
        return "\n".join(lines)

    def _steps(self, part: Part) -> list[str]:
        if isinstance(part.row.stage, Join):
            return self.flow(part, lambda place, value: part.layers[place])
        return self.flow(part, lambda place, value: f"{attribute('self', part.paths[place])}({value})")


class _Modules(dict[str, "str | _Modules"]):
    """Layers by name, some of them in modules of their own."""

    def inside(self, path: Path) -> _Modules:
        """The module at a path."""
        modules = self
        for part in path:
            modules = cast("_Modules", modules.setdefault(part, _Modules()))  # no layer has a module's path
        return modules


def _declared(layers: dict[Path, str]) -> list[str]:
    """The lines that give a module its layers."""
    modules = _Modules()
    for path, layer in layers.items():
        modules.inside(path[:-1])[path[-1]] = layer
    lines = []
    for name, each in modules.items():
        first, *rest = _written(each)
        is_plain = is_identifier(name)
        lines += [f"self.{name} = {first}" if is_plain else f'self.add_module("{name}", {first}', *rest]
        lines[-1] += "" if is_plain else ")"
    return lines


def _written(layer: str | _Modules) -> list[str]:
    """The lines of a layer, or of a dictionary of layers."""
    if isinstance(layer, str):
        return [layer]
    lines = ["nn.ModuleDict({"]
    for name, each in layer.items():
        first, *rest = _written(each)
        lines += [f'    "{name}": {first}', *(f"    {line}" for line in rest)]
        lines[-1] += ","
    return [*lines, "})"]
