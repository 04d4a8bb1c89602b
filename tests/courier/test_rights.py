"""What is made at home has the rights that the submitter's own programs would give it."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from cryoem_cloud.courier.homeward.rights import Rights
from cryoem_cloud.courier.known.spool import Slip
from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.file import Content, Entry
from cryoem_cloud.model.job import Outcome
from cryoem_cloud.ports.provider import Order

from .conftest import FOLDER, Bench, Played


class Watched(Played):
    """Keeps the orders that came."""

    orders: tuple[Order, ...] = ()

    def see(self, order: Order) -> None:
        self.orders = (*self.orders, order)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


@pytest.mark.parametrize("umask", [0o077, 0o002, 0])
def test_the_submitters_umask_rules_what_is_made_at_home(bench: Bench, umask: int) -> None:
    def act() -> None:
        content = Content(key="", start=0, stored=1, size=1, digest=digest_of(b"x"))
        entry = Entry(path=f"{FOLDER}/sub/x", content=content, mode=0o640)
        bench.page(1, small=((entry, b"x"),))
        bench.done((entry,), pages=1)

    bench.slip = replace(bench.slip, umask=umask)
    bench.spool.add(bench.slip)
    provider = Watched(act)
    card = bench.run(provider=provider)
    assert card.outcome is Outcome.SUCCESS, card
    assert {order.umask for order in provider.orders} == {umask}
    assert mode(bench.folder / "sub") == 0o777 & ~umask
    assert mode(bench.folder / "sub/x") == 0o640
    for name in ("run.err", "RELION_JOB_EXIT_SUCCESS"):
        assert mode(bench.folder / name) == 0o666 & ~umask, name


def test_what_is_there_keeps_its_rights(tmp_path: Path) -> None:
    (tmp_path / "log").touch()
    (tmp_path / "log").chmod(0o604)
    os.close(Rights(0o077).opened(tmp_path / "log", os.O_WRONLY))
    assert mode(tmp_path / "log") == 0o604


def test_a_folder_of_a_group_stays_one(tmp_path: Path) -> None:
    tmp_path.chmod(0o2770)
    Rights(0o002).make_folder(tmp_path / "sub")
    assert mode(tmp_path / "sub") == 0o2775


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").touch()
    (tmp_path / "log").symlink_to("elsewhere")
    with pytest.raises(OSError, match="log"):
        Rights(0o022).opened(tmp_path / "log", os.O_WRONLY)


def test_a_slip_keeps_the_umask_and_an_older_one_has_none(bench: Bench) -> None:
    slip = replace(bench.slip, umask=0o027)
    assert Slip.from_bytes(slip.to_bytes()) == slip
    older = json.loads(bench.slip.to_bytes())
    older.pop("umask", None)
    assert Slip.from_bytes(json.dumps(older).encode()).umask is None
