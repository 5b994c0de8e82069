"""Commands that tell what a person may have meant where their arguments cannot be read."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence

import click

from cnnfilter.cli.help import Context
from cnnfilter.cli.mistakes import rewritten
from cnnfilter.kernels.matrix import looks_like_matrix
from cnnfilter.messages import quoted


class Command(click.Command):
    """A command that says what may have been meant where its arguments cannot be read."""

    context_class = Context
    allow_extra_args = True  # refused here, with what they may mean

    def named(self, ctx: click.Context) -> dict[str, click.Parameter]:
        """The parameters of the command, by each of their names."""
        return {name: param for param in self.get_params(ctx) for name in param.opts}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments.

        Raises
        ------
        click.UsageError
            If that cannot be done.
        """
        try:
            rest = super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            from cnnfilter.text import synonyms  # only what is wrong pays for it

            tail = synonyms.tail(error.option_name, synonyms.OPTIONS, {*self.named(ctx)}, count=1)
            msg = f"No such option {quoted(error.option_name)}{tail}"
            raise click.NoSuchOption(error.option_name, msg, ctx=ctx) from None
        if ctx.resilient_parsing:  # for completion, of what is not yet whole
            return rest
        words: list[str] = []
        for param in self.params:
            value = ctx.params.get(str(param.name)) if isinstance(param, click.Argument) else None
            words += [value] if isinstance(value, str) else value or ()
        meant = rewritten(str(self.name), [*words, *rest])
        if meant is not None:
            raise click.UsageError(meant, ctx)
        if rest:
            place = "; a place is written --at ROW,COL" if re.fullmatch("[0-9,]+", rest[-1]) else ""
            msg = f"too many arguments: {quoted(' '.join(rest))}{place * (self.name == 'explain')}"
            raise click.UsageError(msg, ctx)
        return rest


class OptionalChoice(click.Option):
    """An option whose value may be left out, which means its first choice: what follows is one if it is a choice."""

    def joined(self, args: Sequence[str], takes_value: Collection[str]) -> list[str]:
        """The arguments of a command, with `--option=VALUE` for the option.

        Parameters
        ----------
        args : sequence of str
        takes_value : collection of str
            The names of options whose value is the next argument, whatever that is.
        """
        choices = self.type.choices  # type: ignore[attr-defined]  # a Choice's
        end = args.index("--") if "--" in args else len(args)
        joined: list[str] = []
        before, is_bare = "", False
        for argument in args[:end]:
            if is_bare and argument in choices:
                joined[-1] = f"{before}={argument}"
                is_bare = False
            else:
                is_bare = argument in self.opts and before not in takes_value
                joined.append(f"{argument}={choices[0]}" if is_bare else argument)
            before = argument
        return [*joined, *args[end:]]


class InputCommand(Command):
    """A command that takes files: it tells those from options whose names look like the other."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments.

        Raises
        ------
        click.UsageError
            Also where an option stands behind `--`.
        """
        args = self.prepared(ctx, args)
        try:
            rest = super().parse_args(ctx, list(args))  # which takes arguments out of the list
        except click.NoSuchOption:
            dashed = (each for each in args if each[:1] == "-" != each)
            file = next((each for each in dashed if os.path.isfile(each)), None)  # noqa: PTH113  (never raises)
            if file is None:
                raise
            msg = f"{quoted(file)} looks like options; for the file of that name write ./{file}, or -- before it"
            raise click.UsageError(msg, ctx) from None
        if ctx.resilient_parsing:
            return rest
        inputs, named = ctx.params.get("inputs"), self.named(ctx)
        if inputs == () and not ctx.params.get("files_from"):
            raise click.MissingParameter(ctx=ctx, param=named["inputs"])
        options = {name for name in named if name.startswith("-")}
        for name in inputs or (ctx.params.get("source"),):
            if name and name.partition("=")[0] in options and not os.path.exists(name):  # noqa: PTH110  (never raises)
                msg = f"there is no file {quoted(name)}; options go before --"
                raise click.UsageError(msg, ctx)
        return rest

    def prepared(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The arguments as Click reads them: with a value for each option that may go without."""
        for param in self.get_params(ctx):
            if isinstance(param, OptionalChoice):
                args = param.joined(args, self.takes_value(ctx))
        return args

    def takes_value(self, ctx: click.Context) -> set[str]:
        """The names of options whose value is the next argument."""
        options = {name: each for name, each in self.named(ctx).items() if isinstance(each, click.Option)}
        return {name for name, each in options.items() if not (each.is_flag or isinstance(each, OptionalChoice))}


class KernelCommand(InputCommand):
    """A command whose first argument is a kernel, also when it begins with a minus like an option."""

    def prepared(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The arguments as Click reads them, with a blank before such a kernel."""
        args = super().prepared(ctx, args)
        place = self._minus_kernel(ctx, args)
        return args if place is None else [*args[:place], " " + args[place], *args[place + 1 :]]

    def _minus_kernel(self, ctx: click.Context, args: list[str]) -> int | None:
        known, takes_value = self.named(ctx), self.takes_value(ctx)
        value_follows = False
        for place, argument in enumerate(args):
            if value_follows:
                value_follows = False
            elif argument == "--" or not argument.startswith("-") or argument == "-":
                return None  # what comes first is no kernel with a minus
            elif argument.startswith("--"):
                value_follows = argument in takes_value
            elif argument not in known and looks_like_matrix(argument):  # -0 is an option, -0.5 is none
                return place
            elif argument[:2] not in known:
                return None
            else:  # -q, -fq, -o PATH, -oPATH, -fo PATH
                taking = next((i for i, letter in enumerate(argument) if f"-{letter}" in takes_value), None)
                value_follows = taking == len(argument) - 1
        return None
