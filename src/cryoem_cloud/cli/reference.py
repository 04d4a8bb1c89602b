"""What the commands' --help says, as a page of the manual."""

from collections.abc import Iterator

import click

from cryoem_cloud.cli import qdel, qstat, qsub
from cryoem_cloud.cli.cryoem import cryoem
from cryoem_cloud.cli.saying import WIDTH

__all__ = ["commands_page"]

_HEAD = """# Commands

What each command says with `--help`; this page is made from that.
Every command that lists something has `--json`, for programs: an object with `"v": 1`, which grows
when a field changes its meaning. Exit codes: 0 well, 1 a trouble without a number of its own, 2 the
command's words or a setting are off, 3 no such job, project or file, 4 a missing input, 5 refused
for safety, 6 no space, 7 a record that cannot be read, 8 the store, 9 a file that changed, 10 the
provider, 11 the budget, 124 too late, 130 interrupted. `run`, `wait` and `logs -f` end with the
job's own.
"""


def commands_page() -> str:
    """docs/reference/commands.md."""
    queue = [_block(module.parser().format_help()) for module in (qsub, qstat, qdel)]
    alias = (
        "\n`qsub_aws` is another name of `cryoem-qsub`, `awsls` of `cryoem machines ls`,\n"
        "`awskill` of `cryoem machines kill`, `awslaunch` of `cryoem launch`.\n"
    )
    sections = [*_sections(cryoem, "cryoem", None), "## For queues\n\n" + "\n".join(queue) + alias]
    return "\n".join([_HEAD, *sections])


def _sections(command: click.Command, name: str, above: click.Context | None) -> Iterator[str]:
    """A command's help, then that of the commands below it."""
    settings = {"terminal_width": WIDTH, **command.context_settings}
    context = click.Context(command, info_name=name, parent=above, **settings)
    yield f"## {context.command_path}\n\n{_block(command.get_help(context))}"
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found is not None:
                yield from _sections(found, below, context)


def _block(text: str) -> str:
    return f"```text\n{text.strip()}\n```\n"


if __name__ == "__main__":
    print(commands_page(), end="")
