"""cryoem: the group of commands. Each is a module of its own, imported when it is called."""

from collections.abc import Mapping, Sequence
from importlib import import_module

import click

from cryoem_cloud import __version__
from cryoem_cloud.cli.saying import INTERRUPTED, complain
from cryoem_cloud.model.errors import CryoemError

__all__ = ["COMMANDS", "cryoem", "main"]

COMMANDS: Mapping[str, str] = {
    "connect": "Make RELION hand its jobs to us.",
    "run": "Run a command on other machines and follow it.",
    "launch": "An interactive machine of AWS's, with files of the project.",
    "ls": "List jobs.",
    "show": "Show a job.",
    "why": "Say why a job is not running, or failed, and what to do.",
    "logs": "Print what a job prints.",
    "wait": "Wait until jobs are home.",
    "stop": "Stop jobs.",
    "retry": "Submit a job that has ended once more.",
    "resume": "Go on with a job that was stopped or has failed.",
    "offers": "List machine types and what they cost.",
    "benchmark": "Measure RELION on this computer, or on machine types.",
    "compare": "Rent machines or buy a workstation: what either costs.",
    "approve": "Let jobs go on that wait because of what they may cost.",
    "costs": "Say what jobs have cost, and what exists now costs.",
    "budget": "Show or set what a project may spend in a month.",
    "machines": "List machines, end one, or print what one said as it came up.",
    "extend": "Give a job's machines more time.",
    "reap": "End machines whose jobs have ended, whoever started them.",
    "adopt": "Bring a job home here that somebody else submitted.",
    "plan": "Say what a job or a pipeline takes and costs, before it runs.",
    "push": "Send files to the project's store.",
    "pull": "Bring files home from the project's store.",
    "sync": "Send what is new here, bring home what is in the store alone.",
    "verify": "Compare files with the store's, and mend what is damaged.",
    "store": "Look into the project's store.",
    "storage": "What lies where for how much; archive, restore, clean up.",
    "project": "Show, move, fork or attach a project.",
    "aws": "Set up, join, look at or remove machines of an AWS account.",
    "courier": "Look after the program that works in the background.",
    "doctor": "Look for what is wrong, and say how to mend it.",
    "report": "Pack what a developer needs to understand a problem.",
    "completion": "Print a script that completes commands in your shell.",
}
"""Module `cli/commands/NAME.py` holds `command`."""


class _Lazy(click.Group):
    """Knows its commands' names and lines; imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's names)
        """All, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        found = import_module(f"cryoem_cloud.cli.commands.{cmd_name}").command
        return found if isinstance(found, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Names and lines from the table, so that --help imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cryoem")
def cryoem() -> None:
    """Run cryo-EM jobs on other machines as if they had run here."""


def main(arguments: Sequence[str]) -> int:
    """Run a command; a user's mistake is a line on stderr and an exit code, never a traceback."""
    try:
        code = cryoem.main(args=list(arguments), prog_name="cryoem", standalone_mode=False)
    except click.exceptions.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (CryoemError, OSError) as error:
        return complain("cryoem", error)
    return code if isinstance(code, int) else 0
