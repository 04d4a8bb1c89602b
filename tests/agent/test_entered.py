"""A machine on which somebody is logged in does not idle."""

from pathlib import Path

import pytest

from cryoem_cloud.agent.idle import Idleness, Sample, sampled

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n"
ROW = "   0: {local} 0700CB71:D431 {state} 00000000:00000000 02:000A7214 00000000\n"


def proc(folder: Path, *, tcp: str = "", tcp6: str = "", process: str = "bash") -> Path:
    (folder / "net").mkdir()
    (folder / "net" / "tcp").write_text(HEAD + tcp)
    (folder / "net" / "tcp6").write_text(HEAD + tcp6)
    (folder / "812").mkdir()
    (folder / "812" / "comm").write_text(f"{process}\n")
    return folder


@pytest.mark.parametrize(
    ("there", "entered"),
    [
        ({}, False),
        ({"tcp": ROW.format(local="0B001FAC:0016", state="01")}, True),
        ({"tcp6": ROW.format(local="0000000000000000FFFF00000B001FAC:0016", state="01")}, True),
        ({"tcp": ROW.format(local="00000000:0016", state="0A")}, False),  # listens
        ({"tcp": ROW.format(local="0B001FAC:0016", state="06")}, False),  # has ended
        ({"tcp": ROW.format(local="0B001FAC:D431", state="01")}, False),  # the machine asks AWS
        ({"process": "ssm-session-wor"}, True),
    ],
)
def test_who_is_logged_in_is_seen(there: dict[str, str], tmp_path: Path, *, entered: bool) -> None:
    assert sampled(0.0, proc(tmp_path, **there)).entered is entered


def look(at_s: float, *, entered: bool = False) -> Sample:
    return Sample(at_s=at_s, cpu_s=0.0, moved_bytes=0, entered=entered)


def test_while_somebody_is_there_nothing_idles_and_the_fleet_is_kept() -> None:
    idleness = Idleness()
    for minute in range(1, 121):
        assert idleness.look(look(minute * 60.0, entered=True))
    assert idleness.idle_s(0.0) == 0.0
    for minute in range(121, 181):
        assert not idleness.look(look(minute * 60.0))
    assert idleness.idle_s(0.0) == 3600.0
