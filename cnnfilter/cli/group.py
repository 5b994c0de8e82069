"""The group: its commands are loaded when one of them is used."""

from __future__ import annotations

import importlib
import os
from types import ModuleType
from typing import NamedTuple

import click

from cnnfilter.cli.help import Context
from cnnfilter.errors import ArgumentError
from cnnfilter.messages import quoted, readable

COMMANDS = ("apply", "run", "explain", "page", "train", "learn", "why", "kernels", "shape", "loss", "networks")
"""The commands; the module of each, which has its name, calls it `command`."""


class Called(NamedTuple):
    """How the program was called, and what workers of a cluster call to make the same of it: the context's `obj`."""

    arguments: tuple[str, ...]
    served: ModuleType


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is asked for."""

    context_class = Context

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands, as the help lists them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command, or None if there is none of that name: nothing is completed behind it."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"cnnfilter.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that arguments begin with.

        Raises
        ------
        click.UsageError
            If there is none of that name; with the one that may have been meant.
        """
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            from cnnfilter.cli.mistakes import unknown_command

            meant = unknown_command(args, COMMANDS)
            msg = f"unknown command {quoted(args[0])}{meant} (known: {', '.join(COMMANDS)})"
            raise click.UsageError(msg, ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
    Examples:
      cnnfilter apply edge photo.jpg                      makes photo-edge.jpg
      cnnfilter run conv:sobel,relu,maxpool:2 photo.jpg   makes photo-chain.jpg
      cnnfilter shape 28x28x1 conv:32@3x3,relu,maxpool:2  shows every size
      cnnfilter explain conv:edge photo.jpg --at 10,20    shows its arithmetic
      cnnfilter page conv:edge,relu photo.jpg --open      shows all its numbers
      cnnfilter learn before.png after.png -o k.json      finds the kernel
      cnnfilter kernels                                   lists the kernels
      cnnfilter apply --help                              lists the options
    """,
)
@click.version_option(package_name="cnnfilter", prog_name="cnnfilter", message="%(prog)s %(version)s")
def cnnfilter() -> None:
    """Convolve real pictures with named or learned kernels, and see the arithmetic of a CNN."""
    try:
        os.getcwd()  # noqa: PTH109  (a path is not needed)
    except OSError as error:  # the names that a person gives mean nothing then, and Numba fails too
        name = os.environ.get("PWD", "")
        msg = f"there is no working folder {readable(name) + ' ' if name else ''}any more; change to one that exists"
        raise ArgumentError(msg) from error
