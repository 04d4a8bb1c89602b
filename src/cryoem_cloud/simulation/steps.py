"""A pipeline's steps as the planner sees them, and as they are in one world."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate

from cryoem_cloud.courier.piecework.cutting import piece_sizes
from cryoem_cloud.model.machine_type import MachineType
from cryoem_cloud.model.plan import Option
from cryoem_cloud.model.spread import Spread
from cryoem_cloud.model.work import Program, Work
from cryoem_cloud.planner.performance import Rate, Rates, run_s
from cryoem_cloud.simulation.hall import ToDo
from cryoem_cloud.simulation.inputs import Inputs, StepInputs
from cryoem_cloud.simulation.world import World, drawn

__all__ = ["Step", "steps_of"]

_S_AN_H = 3600
_JOIN_S = 30.0
"""What joins the pieces reads and writes lists (docs/explanation/pieces.md). Our assumption."""
_NETWORK_USED = 0.8
"""Of a machine's network, what a transfer gets, as the planner has it. Our assumption."""
_BYTES_A_GBIT = 1e9 / 8
_REFERENCE = "V100"
"""The GPU of which it is known what more GPUs do not shorten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step, with the work that it is."""

    inputs: StepInputs
    work: Work
    movie_bytes: int = 0
    """Of a step that begins while its movies are sent: of one; else 0."""

    def rates(self, rates: Rates, hours: Spread | None = None) -> Rates:
        """With the step's own rate: `hours` on a K80 die or a core, or as its inputs have it."""
        step = self.inputs
        hours = hours or step.k80_h or step.core_h
        if hours is None:
            return rates
        seconds = hours.times(_S_AN_H / step.items)
        if step.k80_h:
            seconds = seconds.times(rates.gpus["K80"].p50 / rates.gpus[_REFERENCE].p50)
            rate = Rate(
                on="gpus",
                seconds=seconds,
                per=("items",),
                gpu=_REFERENCE,
                serial=not self.work.divisible,
            )
        else:
            rate = Rate(on="cores", seconds=seconds, per=("items",))
        return replace(rates, programs={**rates.programs, step.program: [rate]})

    def todo(self, option: Option, true: World, dice: random.Random, *, planned: Rates) -> ToDo:
        """The step's tasks on its machines, in that world; `planned` are the rates of its plan.

        They are cut by what is expected (`expected`), and take what is true.
        """
        kind, machines = option.listing.kind, option.machines
        hours = self.inputs.k80_h or self.inputs.core_h
        now = self.rates(true.rates, hours and Spread.exactly(drawn(hours, dice)))
        run = run_s(self.work, kind, now).p50
        fetch = self.work.input_bytes / _network(kind)
        if not self.work.divisible:
            turns = self.inputs.iterations
            return ToDo(join_s=fetch + run, checkpoints_s=run / turns if turns > 1 else 0.0)
        item_s = max(run, fetch) / self.work.items
        sizes = piece_sizes(
            self.work.items, machines=machines, item_s=item_s, streamed=bool(self.movie_bytes)
        )
        come_s = list(self._come_s(sizes, true))
        expected_s = max(run_s(self.work, kind, self.rates(planned)).p10, fetch)
        return ToDo(
            pieces=[n * item_s for n in sizes],
            come_s=come_s,
            join_s=_JOIN_S,
            expected=expected_s / self.work.items / item_s,
        )

    def _come_s(self, sizes: tuple[int, ...], true: World) -> Iterator[float]:
        """When each piece's movies have been sent."""
        if self.movie_bytes:
            for items in accumulate(sizes):
                yield items * self.movie_bytes / true.raw_bytes_per_s


def steps_of(inputs: Inputs) -> tuple[Step, ...]:
    """The steps of a pipeline, in order."""
    return tuple(_step(each, inputs) for each in inputs.steps)


def _step(step: StepInputs, inputs: Inputs) -> Step:
    movies = inputs.movies
    begins = step.program is Program.MOTION
    stored = step.input_bytes / (inputs.ratio.p50 if begins else 1.0)
    return Step(
        inputs=step,
        movie_bytes=movies.bytes if begins else 0,
        work=Work(
            program=step.program,
            items=step.items,
            pixels=movies.pixels if begins else 0,
            frames=movies.frames if begins else 1,
            on_gpus=step.k80_h is not None,
            divisible=step.items > 1,
            input_bytes=int(stored),
        ),
    )


def _network(kind: MachineType) -> float:
    """Bytes a second between a machine and the store."""
    gbps = kind.baseline_gbps or kind.network_gbps
    return gbps * _BYTES_A_GBIT * _NETWORK_USED
