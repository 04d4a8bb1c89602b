"""cryoem benchmark."""

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from cryoem_cloud.cli.markets import market_options
from cryoem_cloud.cli.standing import places
from cryoem_cloud.cli.telling import as_json
from cryoem_cloud.model.errors import UsageError
from cryoem_cloud.model.record import JSON
from cryoem_cloud.model.units import roughly
from cryoem_cloud.model.usd import about

if TYPE_CHECKING:  # heavy; not for --help
    from cryoem_cloud.cli.money.benchmarking import Trial
    from cryoem_cloud.model.measured import Measured

__all__ = ["command"]


@click.command(short_help="Measure RELION on this computer, or on machine types.")
@click.option(
    "--machine", "machines", multiple=True, metavar="TYPE", help="A machine type; may be repeated."
)
@market_options
@click.option(
    "--seconds",
    type=click.IntRange(10, 3600),
    default=300,
    help="About how long each is to work; default: 300.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "json_", is_flag=True, help="For programs.")
def command(
    *, machines: tuple[str, ...], market: str | None, seconds: int, yes: bool, json_: bool
) -> int:
    """Run RELION on a small standard set, and let later plans of the project know how long it took.

    Without --machine, on this computer's processors. What machines cost is said, and asked, before.
    The set, a 2D classification of simulated particles, is made in the project's folder Benchmark.
    """
    from cryoem_cloud.cli.jobs.following import follow  # noqa: PLC0415  (heavy)
    from cryoem_cloud.cli.jobs.submitting import here  # noqa: PLC0415  (heavy)
    from cryoem_cloud.cli.money.benchmarking import begun, measured, trials  # noqa: PLC0415  (heavy)

    project = here(places())
    wanted = trials(machines, market or "", seconds, project)
    if machines:
        _ask(wanted, yes=yes)
    cards = [begun(trial, project) for trial in wanted]
    for card in cards:
        click.echo(f"cryoem: job {card.number} ({card.name}) submitted", err=True)
    codes = [follow(card, lines=False) for card in cards]
    found = [
        (trial, measured(project, card.number)) for trial, card in zip(wanted, cards, strict=True)
    ]
    if json_:
        numbers = [card.number for card in cards]
        rows = [_row(*each, job=job) for each, job in zip(found, numbers, strict=True)]
        click.echo(as_json({"benchmarks": rows}))
    else:
        for line in _lines(found):
            click.echo(line)
    return max(codes)


def _ask(wanted: "Sequence[Trial]", *, yes: bool) -> None:
    """Say what it costs, and ask.

    Raises:
        UsageError: Nobody is there to be asked.
    """
    for trial in wanted:
        if (option := trial.option) is not None:
            low, high = about(option.usd.p10), about(option.usd.p90)
            times = roughly(option.total_h.p10 * 3600), roughly(option.total_h.p90 * 3600)
            click.echo(
                f"cryoem: {trial.kind.name}, {option.market.value}: {low} to {high}, "
                f"{times[0]} to {times[1]}",
                err=True,
            )
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to be asked", hint="--yes says yes")
    click.confirm("cryoem: measure?", abort=True, err=True)


def _row(trial: "Trial", told: "Measured | None", *, job: int) -> dict[str, JSON]:
    from cryoem_cloud.planner.performance import published, run_s  # noqa: PLC0415  (heavy)

    expected = run_s(trial.standard.work, trial.kind, published())
    return {
        "machine_type": trial.kind.name,
        "job": job,
        "particles": trial.standard.particles,
        "classes": trial.standard.classes,
        "on_gpus": trial.standard.on_gpus,
        "expected_s": {"p10": expected.p10, "p50": expected.p50, "p90": expected.p90},
        "ran_s": told.ran_s if told else None,
    }


def _lines(found: "Sequence[tuple[Trial, Measured | None]]") -> Iterator[str]:
    from cryoem_cloud.cli.showing import table  # noqa: PLC0415  (heavy)
    from cryoem_cloud.planner.learning import LEAST_S  # noqa: PLC0415  (heavy)

    rows = []
    short = False
    for trial, told in found:
        row = _row(trial, told, job=0)
        ran_s, expected = row["ran_s"], row["expected_s"]
        short = short or (ran_s is not None and ran_s < LEAST_S)
        rows.append(
            [
                trial.kind.name,
                f"{trial.standard.particles:,}",
                f"{expected['p50']:.0f} ({expected['p10']:.0f}-{expected['p90']:.0f})",
                "not measured" if ran_s is None else str(ran_s),
                "" if ran_s is None else f"{ran_s / expected['p50']:.2f}",
            ]
        )
    yield table(("MACHINE", "PARTICLES", "EXPECTED s", "TOOK s", "TIMES"), rows)
    if short:
        yield f"what took less than {LEAST_S} s teaches nothing: --seconds makes it longer"
    if any(told for _, told in found):
        yield "later plans of this project know: cryoem plan says from how many jobs"
