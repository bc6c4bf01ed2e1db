# SPDX-License-Identifier: MIT
"""What quilt's verbs share: how their options are read, and how they end.

Options are GNU's getopt as quilt has them: those of `QUILT_<VERB>_ARGS` stand before the ones given, `--color` and the
like may do without their value. Exit status as scripts test it: 2 says that nothing is left to do and nothing else, for
`quilt push -a || [ $? = 2 ]` must not pass over a patch that was refused; what is refused ends with 1.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ...engine.quilt.settings import Settings
from ...errors import BadInput, NeedsPerson, NothingToDo
from .environment import read_settings

__all__ = ["IN_GIT", "Options", "QuiltCommand", "quilt_verb"]

Function = Callable[..., Any]

IN_GIT = "mptcp-series: in git"
"""Key of a context's `meta` where a verb turns out to be about git: it ends as the other commands do then."""


class Options:
    """What stands in the context of a verb while it runs."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.ambient = 0
        """How many of the words come from `QUILT_<VERB>_ARGS`."""


class QuiltCommand(click.Command):
    """A verb of quilt's."""

    def __init__(self, *args: Any, optional: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.optional = dict(optional or {})
        """Options that may do without their value, and what they mean then."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            options = Options(read_settings(_quiltrc(args), os.environ, Path.cwd()))
            ctx.obj = options
            ambient = self._ambient(options.settings)
            options.ambient = len(ambient)
            ctx.meta["given"] = list(args)
            return super().parse_args(ctx, [*ambient, *self._valued(args)])
        except click.UsageError as error:
            message = error.format_message()
            raise NeedsPerson([f"{message}; `{ctx.command_path} --help` shows what it takes"]) from error
        except BadInput as error:
            raise NeedsPerson(map(str, error.problems)) from error

    def _ambient(self, settings: Settings) -> list[str]:
        """The words of `QUILT_<VERB>_ARGS`. What a verb here does not have is quilt's own business."""
        words = list(settings.arguments.get(self.name or "", ()))
        known = {option for parameter in self.params for option in (*parameter.opts, *parameter.secondary_opts)}
        found: list[str] = []
        for word in self._valued(words):
            name = word.partition("=")[0] if word.startswith("--") else word[:2]
            if word.startswith("-") and name not in known:
                continue
            found.append(word)
        return found

    def _valued(self, words: Sequence[str]) -> list[str]:
        """The words, with a value for options that may do without; also for one at the end of several flags."""
        flags = {
            option[1]
            for parameter in self.params
            if _is_flag(parameter)
            for option in parameter.opts
            if len(option) == 2
        }
        found: list[str] = []
        for at, word in enumerate(words):
            if word == "--":
                return [*found, *words[at:]]
            head, last = word[:-1], f"-{word[-1:]}"
            if len(head) > 1 and not head.startswith("--") and last in self.optional and set(head[1:]) <= flags:
                found += [head, self.optional[last]]
            else:
                found.append(self.optional.get(word, word))
        return found

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except NothingToDo:
            raise
        except BadInput as error:
            if ctx.meta.get(IN_GIT):
                raise
            raise NeedsPerson(map(str, error.problems)) from error


def _is_flag(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Option) and parameter.is_flag


def _quiltrc(args: list[str]) -> str | None:
    """The file named with --quiltrc: it says what stands before the options, so it is looked for first."""
    for at, word in enumerate(args):
        if word == "--":
            break
        if word.startswith("--quiltrc="):
            return word.partition("=")[2]
        if word == "--quiltrc" and at + 1 < len(args):
            return args[at + 1]
    return None


def quilt_verb(
    name: str, short_help: str, *, optional: Mapping[str, str] | None = None, unknown: bool = False
) -> Callable[[Function], click.Command]:
    """Make a verb of a function. unknown: options it does not know are words to it."""

    def decorate(function: Function) -> click.Command:
        return click.command(
            name,
            cls=QuiltCommand,
            short_help=short_help,
            optional=optional,
            context_settings={"help_option_names": ["-h", "--help"], "ignore_unknown_options": unknown},
        )(function)

    return decorate
