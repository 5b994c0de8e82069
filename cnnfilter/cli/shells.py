"""Completion in bash, zsh and fish: what their start files evaluate, and the answers that these ask for.

An answer is lines of a kind, a word, and what is said of it, with tabs between them. The kinds are `plain`, a word
that a blank may follow, `part`, one that more may follow, and `file`, which leaves files to the shell.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from click import shell_completion
from click.shell_completion import CompletionItem, ShellComplete, split_arg_string

from cnnfilter.cli import render

if TYPE_CHECKING:
    import click

LINE = "COMP_LINE"
"""The environment variable that holds the command line up to the cursor."""
BREAKS = "COMP_WORDBREAKS"
"""That of bash with the characters at which a word ends for it: it replaces only what stands behind the last one."""


class _Answers(ShellComplete):
    """The protocol that the three shells share."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The arguments before the cursor, and the one that it is in."""
        # one more letter tells an argument that has just begun from the end of the one before
        words = split_arg_string(os.environ[LINE] + "x")
        return words[1:-1], words[-1][:-1]

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        """Items whose values are whole words, also of `--border=re`."""
        option, equals, value = incomplete.partition("=")
        if not (equals and option.startswith("--")):
            return super().get_completions(args, incomplete)
        items = super().get_completions([*args, option], value)
        begin = len(option) + 1
        return [
            CompletionItem(
                f"{option}={each.value}", each.type, each.help, begin=begin + (each.begin or 0), more=each.more
            )
            for each in items
        ]

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """The line of an answer."""
        if item.type != "plain":
            return "file"
        return f"{'part' if item.more else 'plain'}\t{item.value}\t{item.help or ''}"

    def complete(self) -> str:
        """The answer. Nothing that a terminal might obey, such as a name with escapes in it, is in it."""
        args, incomplete = self.get_completion_args()
        lines = [self.format_completion(each) for each in self.get_completions(args, incomplete)]
        return "\n".join(line for line in lines if line.replace("\t", "").isprintable())


class Bash(_Answers):
    """Bash, which ends a word also at colons and equals signs, and wants to know only what follows the last one."""

    name = "bash"
    source_template = r"""
%(complete_func)s() {
    local kind word said
    COMPREPLY=()
    while IFS=$'\t' read -r kind word said; do
        case $kind in
            plain) COMPREPLY+=("$word") ;;
            part) COMPREPLY+=("$word"); compopt -o nospace ;;
            file) compopt -o default ;;
        esac
    done < <(COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_WORDBREAKS="$COMP_WORDBREAKS" \
        %(complete_var)s=bash_complete "$1" 2>/dev/null)
}
complete -o nosort -F %(complete_func)s %(prog_name)s 2>/dev/null || complete -F %(complete_func)s %(prog_name)s
"""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        """Items whose values are what bash puts for its own last word."""
        line = os.environ[LINE]
        word, begin = _last_words(line, os.environ.get(BREAKS, ""))
        items = []
        for each in super().get_completions(args, incomplete):
            fresh = each.begin or 0  # what is typed before stays as it is, quotes and backslashes included
            typed = line[word : len(line) - len(incomplete) + fresh]
            items.append(CompletionItem((typed + each.value[fresh:])[begin - word :], each.type, more=each.more))
        return items


def _last_words(line: str, breaks: str) -> tuple[int, int]:
    """Where the last argument begins, and where the last word that bash sees in it does."""
    word = begin = inside = 0
    quote = ""
    characters = iter(enumerate(line, 1))
    for after, character in characters:
        if character == "\\" and quote != "'":
            next(characters, None)
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote, inside = character, after
        elif character.isspace():
            word = begin = after
        elif character in breaks and character != "@":
            begin = after
    return word, inside if quote else begin


class Zsh(_Answers):
    """Zsh, which gives the words before the cursor's and what stands before the cursor in that one."""

    name = "zsh"
    source_template = r"""#compdef %(prog_name)s
%(complete_func)s() {
    local kind word said
    local -a plain plain_said part part_said
    while IFS=$'\t' read -r kind word said; do
        case $kind in
            plain) plain+=("$word"); plain_said+=("$word${said:+  -- $said}") ;;
            part) part+=("$word"); part_said+=("$word${said:+  -- $said}") ;;
            file) _files ;;
        esac
    done < <(COMP_LINE="${words[1,CURRENT-1]} $PREFIX" %(complete_var)s=zsh_complete $words[1] 2>/dev/null)
    (( $#plain )) && compadd -l -V plain -d plain_said -a plain
    (( $#part )) && compadd -l -V part -S '' -d part_said -a part
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""


class Fish(_Answers):
    """Fish, which puts no blank behind a word that ends in a sign such as a colon."""

    name = "fish"
    source_template = r"""function %(complete_func)s
    for answer in (env COMP_LINE=(commandline -cp) %(complete_var)s=fish_complete %(prog_name)s 2>/dev/null)
        set -l parts (string split -m 2 \t -- $answer)
        switch "$parts[1]"
            case file
                __fish_complete_path (commandline -ct)
            case plain part
                printf '%%s\t%%s\n' $parts[2] $parts[3]
        end
    end
end
complete --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"
"""


def answer(command: click.Command, variable: str, instruction: str) -> int:
    """Write what a shell asks for to standard output; the result is the exit code.

    Whatever goes wrong while somebody types completes nothing, and says nothing.
    """
    for each in (Bash, Zsh, Fish):
        shell_completion.add_completion_class(each)
    try:
        return shell_completion.shell_complete(command, {}, render.PROGRAM, variable, instruction)
    except Exception as error:
        render.show_traceback(error)
        return 1
