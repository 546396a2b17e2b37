"""The click program: commands found by file name, errors turned into a line and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from modelyard.base.errors import InvalidInput, describe, did_you_mean
from modelyard.cli.catalog import ALIASES, GROUPS, SECTIONS
from modelyard.cli.output import error_text

COMMANDS = "modelyard.cli.commands"

INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group whose commands are files; `entries` is name -> help line, so that help imports none of them."""

    def __init__(self, package: str, entries: Mapping[str, str], **named: Any) -> None:
        super().__init__(**named)
        self.package, self.entries = package, entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        known = ALIASES if self.package == COMMANDS else {}
        name = cmd_name if cmd_name in self.entries else known.get(cmd_name, cmd_name)
        if name not in self.entries:
            return None
        if self.package == COMMANDS and name in GROUPS:
            return LazyGroup(
                f"{COMMANDS}.{module_name(name)}",
                GROUPS[name],
                name=name,
                help=section_help(name),
                no_args_is_help=True,
            )
        return importlib.import_module(f"{self.package}.{module_name(name)}").command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]
        if word.startswith("-") or self.get_command(ctx, word) is not None:
            return super().resolve_command(ctx, args)
        near = did_you_mean(word, [*self.entries, *(ALIASES if self.package == COMMANDS else ())])
        error = click.UsageError(f"no command {word!r}", ctx)
        error.hint = near or f"{ctx.command_path} --help lists them"  # type: ignore[attr-defined]  # for `usage_error`
        raise error

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:  # `modelyard list | head`: the reader has enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise click.exceptions.Exit(0) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections = SECTIONS if self.package == COMMANDS else {"Commands": self.entries}
        width = max(len(name) for name in self.entries)
        for title, entries in sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), line) for name, line in entries.items()])


def module_name(command: str) -> str:
    """The file of a command: dashes are underscores, Python's own words get one behind."""
    name = command.replace("-", "_")
    return f"{name}_" if name in ("list", "set", "import") else name


def section_help(name: str) -> str:
    """The catalog's line of a command."""
    return next(entries[name] for entries in SECTIONS.values() if name in entries)


def program() -> LazyGroup:
    """The whole command line."""
    everything = {name: line for entries in SECTIONS.values() for name, line in entries.items()}
    return LazyGroup(
        COMMANDS,
        everything,
        name="modelyard",
        help="From a trained model to production, with the record of it.",
        epilog="Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 not allowed, 5 conflict, 6 check failed, "
        "7 unreachable, 130 interrupted.",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
        params=[
            click.Option(["-V", "--version"], is_flag=True, help="Show the version.", is_eager=True,
                         expose_value=False, callback=_show_version),
        ],
    )  # fmt: skip


def _show_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        from modelyard import __version__

        click.echo(f"modelyard {__version__}")
        ctx.exit()


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code. ``MODELYARD_DEBUG=1`` shows tracebacks."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        result = program().main(args=words, prog_name=called_as(sys.argv[0]), standalone_mode=False)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        return refuse(usage_error(error), words)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except Exception as error:
        if os.environ.get("MODELYARD_DEBUG") == "1":
            raise
        return refuse(error, words)
    return result if isinstance(result, int) else 0


def refuse(error: Exception, words: Sequence[str]) -> int:
    """Tell an error on stderr; returns its exit code."""
    click.echo(error_text(error, as_json="--json" in words), err=True)
    return describe(error).exit_code


def usage_error(error: click.ClickException) -> InvalidInput:
    """What click has to say about the words, as an error of ours: one line, and where help is.

    >>> usage_error(click.UsageError("Missing option '--stage'.")).message
    "missing option '--stage'"
    """
    message = error.format_message().rstrip(".")
    hint = getattr(error, "hint", None) or "--help says more"
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None and not hasattr(error, "hint"):
        usage = " ".join([context.command_path, *context.command.collect_usage_pieces(context)])
        hint = f"{usage}; {context.command_path} --help says more"
    return InvalidInput(message[:1].lower() + message[1:], hint=hint)


def called_as(program: str) -> str:
    """The name the user knows the command by: ``my`` when it was called so."""
    return "my" if os.path.basename(program) in ("my", "my.exe") else "modelyard"  # noqa: PTH119  before pathlib is needed
