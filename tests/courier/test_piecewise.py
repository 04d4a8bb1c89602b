"""What is recorded of a job in pieces, however often its sending begins anew."""

from dataclasses import replace

import pytest

from cryoem_cloud.courier.piecework.piecewise import Piecewise
from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.file import Content, Entry, Kind
from cryoem_cloud.model.job import Need
from cryoem_cloud.model.task import Ready
from cryoem_cloud.wiring.clock import SystemClock
from tests.apps.shelf import Shelf
from tests.courier.conftest import Bench
from tests.piecework import LIST, Piecework


def piecewise(bench: Bench, pieces: int = 4) -> Piecewise:
    view = Shelf({LIST: b"a\nb\nc\nd\n"})
    application, job = Piecework(), replace(bench.slip.job, script="true\n")
    cut = application.cut(job, view)
    assert cut is not None
    return Piecewise(
        job=job,
        cut=cut,
        sizes=(1,) * pieces,
        view=view,
        application=application,
        records=bench.records,
        needs=(),
        also=(),
        sent=lambda needs: tuple(Entry(path=need.path, kind=Kind.STUB) for need in needs),
        adapted=lambda piece: piece.script,
        at_home="5.0.1",
        clock=SystemClock(),
    )


def names(bench: Bench) -> list[str]:
    return [task.name for task in bench.records.all_tasks()]


def test_what_is_all_sent_is_not_sent_again(bench: Bench) -> None:
    for _ in range(2):
        assert list(piecewise(bench).send())[-1] == Ready(5, 5)
    assert names(bench) == ["000001", "000002", "000003", "000004", "main"]


def test_a_job_is_given_up_once_and_no_piece_follows(bench: Bench) -> None:
    """Also where a courier is lost before it has said that all is ready."""
    next(piecewise(bench).send())
    for _ in range(2):
        piecewise(bench).give_up()
    bench.records.set_ready(Ready(1, 5))
    assert list(piecewise(bench).send()) == [Ready(2, 2)]
    assert names(bench) == ["000001", "main"]
    assert bench.records.ready() == Ready(2, 2)


def test_a_job_that_is_all_sent_when_a_piece_fails_gets_no_second_end(bench: Bench) -> None:
    list(piecewise(bench).send())
    piecewise(bench).give_up()
    assert names(bench).count("main") == 1
    assert bench.records.ready() == Ready(5, 5)


def test_what_joins_does_not_get_a_list_that_changed_meanwhile(bench: Bench) -> None:
    changed = b"a\nb\nc\nd\ne\n"
    content = Content(
        key="mirror/items.txt", start=0, stored=10, size=10, digest=digest_of(changed)
    )
    pieces = replace(
        piecewise(bench),
        needs=(Need(path=LIST, asked_by="the script"),),
        sent=lambda needs: tuple(Entry(path=need.path, content=content) for need in needs),
    )
    with pytest.raises(RefusedError, match=r"items\.txt changed"):
        list(pieces.send())
    assert "main" not in names(bench)
