"""cryoem completion."""

import click
from click.shell_completion import get_completion_class

from cryoem_cloud.model.errors import UsageError

__all__ = ["command"]


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print a script that completes commands in your shell: eval "$(cryoem completion bash)"."""
    kind = get_completion_class(shell)
    if kind is None:
        raise UsageError(f"we cannot complete for {shell}")
    root = ctx.find_root().command
    click.echo(kind(root, {}, "cryoem", "_CRYOEM_COMPLETE").source())
