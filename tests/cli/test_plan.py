"""`cryoem plan SCRIPT|JOBDIR`, typed: offline, with nothing but the folder."""

import json
import re
import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from cryoem_cloud.cli.standing import places
from cryoem_cloud.courier.known.learnt import Learnt
from cryoem_cloud.model.measured import Measured
from cryoem_cloud.model.record import JSON
from cryoem_cloud.model.units import hours_of
from cryoem_cloud.model.work import Program, Work
from cryoem_cloud.mover.lines import Lines
from cryoem_cloud.stores.measured import put_measured
from cryoem_cloud.stores.memory import MemoryStore
from tests.cli.conftest import Type, User

_JOB = "Class2D/job008"
_LIST = """
data_optics

loop_
_rlnOpticsGroup #1
_rlnImageSize #2
1 128

data_particles

loop_
_rlnImageName #1
_rlnOpticsGroup #2
_rlnA #3
"""
_SCRIPT = (
    "#!/bin/bash\n`which relion_refine` --i particles.star --o Class2D/job008/run --K 100 --ctf "
    "--iter 25 --gpu '' --pipeline_control Class2D/job008/\n"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "proj"
    monkeypatch.chdir(made_in(folder))
    return folder


def made_in(folder: Path) -> Path:
    (folder / _JOB).mkdir(parents=True)
    rows = "".join(f"{n:06d}@Extract/job003/a.mrcs 1 0\n" for n in range(1, 50_001))
    (folder / "particles.star").write_text(_LIST + rows + "\n")
    (folder / _JOB / "run_submit.script").write_text(_SCRIPT)
    return folder


def told(typed: Type, *words: str) -> JSON:
    code, out, err = typed("plan", *words, "--json")
    assert code == 0, err
    return json.loads(out)


def refused(typed: Type, *words: str) -> str:
    code, out, err = typed("plan", *words)
    assert (code != 0, out) == (True, "")
    assert "Traceback" not in err
    return err


def test_a_user_sees_the_choice_why_and_of_which_day_prices_are(user: User) -> None:
    made_in(user.folder)
    said = user.cryoem("plan", _JOB)
    lines = said.out.splitlines()
    assert lines[0] == "job       Class2D/job008: 2D classification"
    assert lines[1].startswith("work      50,000 particles of 128 pixels, 100 classes, 25 iter")
    assert "prices    us-west-2, of 2026-07-05" in lines
    assert any(line.startswith("plan      1 x ") and "Spot: the " in line for line in lines)
    assert sum(line.startswith("*  ") for line in lines) == 1
    assert "its command uses GPUs, and the machine has none" in " ".join(said.out.split())
    assert max(map(len, lines)) <= 100


def test_programs_get_the_same_with_ranges(folder: Path, typed: Type) -> None:
    found = told(typed, _JOB)
    assert (found["v"], found["snapshot"], found["job"]) == (1, "2026-07-05", _JOB)
    assert found["work"]["items"] == 50_000
    choice = found["choice"]
    assert choice["hours"]["p10"] < choice["hours"]["p50"] < choice["hours"]["p90"]
    assert Decimal(choice["usd"]["p10"]) < Decimal(choice["usd"]["p50"])
    assert choice in found["front"]
    assert choice["machine_type"] in found["reason"]
    assert told(typed, f"{_JOB}/run_submit.script") == found


def test_a_plan_says_which_finished_jobs_it_goes_by(folder: Path, typed: Type) -> None:
    before = told(typed, _JOB)["choice"]
    kind, ran_s = before["machine_type"], int(3 * 3600 * before["running_h"]["p50"])
    assert typed("connect", "relion")[0] == 0
    project = tomllib.loads((folder / ".cryoem/project.toml").read_text())["name"]
    work = Work(
        program=Program.CLASS2D, items=50_000, box_px=128, classes=100, iterations=25, on_gpus=True
    )
    store = MemoryStore()
    for job in (1, 2):
        measured = Measured(job=job, kind=kind, where="aws", work=work, ran_s=ran_s)
        put_measured(store, project, measured)
    Learnt(places().cache / "learnt").refreshed(store, project)
    after = told(typed, _JOB, "--machine", kind)["choice"]
    assert after["learnt_from_jobs"] == 2
    assert after["running_h"]["p50"] > 1.3 * before["running_h"]["p50"]
    _, said, _ = typed("plan", _JOB, "--machine", kind)
    assert f"learnt    from 2 jobs of this project on {kind}" in said


def test_less_than_an_hour_is_told_in_hundredths(folder: Path, typed: Type) -> None:
    (folder / _JOB / "run_submit.script").write_text(_SCRIPT.replace("--K 100", "--K 1"))
    said = typed("plan", _JOB, "--machine", "g6e.xlarge", "--spot")[1]
    row = next(line for line in said.splitlines() if line.startswith("*")).split()
    assert re.fullmatch(r"0\.\d\d", row[6]), row


def test_what_costs_less_than_a_cent_is_not_said_to_cost_nothing(folder: Path, typed: Type) -> None:
    (folder / "particles.star").write_text(f"{_LIST}000001@a.mrcs 1 0\n\n")
    script = _SCRIPT.replace("--K 100", "--K 1").replace("--gpu ''", "")
    (folder / _JOB / "run_submit.script").write_text(script)
    said = typed("plan", _JOB, "--machine", "c6a.xlarge", "--spot")[1]
    row = next(line for line in said.splitlines() if line.startswith("*")).split()
    assert (row[8], row[9].partition("-")[0]) == ("<0.01", "<0.01"), said
    assert "storage   <$0.01 a month" in said


def test_what_takes_as_long_and_costs_more_is_not_shown(folder: Path, typed: Type) -> None:
    (folder / _JOB / "run_submit.script").write_text(_SCRIPT.replace("--K 100", "--K 1"))
    _, said, _ = typed("plan", _JOB)
    rows = [
        line.split()[-4:-2] for line in said.splitlines() if " x " in line and " us-west" in line
    ]
    assert len(rows) > 1
    assert len(rows) == len(set(map(tuple, rows)))
    assert len(told(typed, _JOB)["front"]) > len(rows)


def test_a_number_of_machines_that_is_not_kept_is_told_with_why(folder: Path, typed: Type) -> None:
    found = told(typed, _JOB, "--count", "4")
    assert found["choice"]["machines"] == 1
    assert found["reason"].endswith("; 1 machine and not 4, as it cannot be cut into pieces")
    assert "and not" not in told(typed, _JOB, "--count", "1")["reason"]


def test_limits_are_kept_and_what_is_not_possible_is_said(folder: Path, typed: Type) -> None:
    fast = told(typed, _JOB, "--budget", "100", "--on-demand")["choice"]
    cheap = told(typed, _JOB, "--deadline", "2d", "--spot")["choice"]
    assert (fast["market"], cheap["market"]) == ("on-demand", "spot")
    assert fast["hours"]["p50"] < cheap["hours"]["p50"]
    never = told(typed, _JOB, "--deadline", "1m")
    assert never["choice"] is None
    assert never["reason"].startswith("nothing ends within")
    assert never["front"]


def test_a_jobs_folder_is_planned_from_anywhere(
    folder: Path, typed: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = told(typed, _JOB)
    monkeypatch.chdir(folder.parent)
    assert told(typed, f"proj/{_JOB}") == here
    assert "particles.star" in refused(typed, f"proj/{_JOB}/run_submit.script")


def test_elsewhere_may_be_cheaper(folder: Path, typed: Type) -> None:
    here = told(typed, _JOB, "--deadline", "2d")["choice"]
    anywhere = told(typed, _JOB, "--deadline", "2d", "--region", "any")["choice"]
    there = told(typed, _JOB, "--deadline", "2d", "--region", "eu-west-1")["choice"]
    assert (here["region"], there["region"]) == ("us-west-2", "eu-west-1")
    assert Decimal(anywhere["usd"]["p50"]) <= Decimal(here["usd"]["p50"])


def test_what_the_store_has_is_not_to_be_sent(user: User) -> None:
    made_in(user.folder)
    stack = user.folder / "Extract" / "job003" / "a.mrcs"
    stack.parent.mkdir(parents=True)
    stack.write_bytes(b"x" * 10_000)

    def to_send() -> int:
        said: int = user.cryoem("plan", _JOB, "--json").json["up_bytes"]
        return said

    whole = to_send()
    assert whole == 50_000 * 128 * 128 * 4
    user.cryoem("connect", "relion")
    assert to_send() == whole
    user.cryoem("push", "Extract")
    assert to_send() == 0
    for file in user.places.cache.glob("push.sqlite*"):
        file.rename(file.with_name(file.name.replace("push", "courier")))
    assert to_send() == 0, "what a courier has sent is there too"
    stack.write_bytes(b"changed")
    assert to_send() == whole
    stack.unlink()
    assert to_send() == 0


def test_the_line_is_as_it_was_measured_or_as_typed(user: User) -> None:
    made_in(user.folder)
    user.places.config.mkdir(parents=True)
    (user.places.config / "settings.toml").write_text('store = "s3://lab/em"\n')

    def line(*words: str) -> tuple[float, float, str]:
        said = user.cryoem("plan", _JOB, *words, "--json").json
        return said["line_bytes_s"], said["line_down_bytes_s"], said["line"]

    assert line() == (125e6, 125e6, "1.0 Gbit/s, not measured yet")
    now = datetime.now(UTC)
    Lines(user.places.cache / "lines.json").note("s3://lab", now, up=11.75e6, down=26e6)
    told = "94 Mbit/s up, measured just now, 208 Mbit/s down, measured just now"
    assert line() == (11.75e6, 26e6, told)
    assert line("--line", "50M") == (50e6, 50e6, "50.0 MB/s, as you say")
    assert f"line {told}" in " ".join(user.cryoem("plan", _JOB).out.split())


def test_what_the_script_fixes_is_respected_and_priced(folder: Path, typed: Type) -> None:
    said = "#CRYOEM machine=g6.12xlarge\n#CRYOEM market=on-demand\n"
    (folder / "mine.sh").write_text(said + _SCRIPT)
    choice = told(typed, "mine.sh")["choice"]
    assert (choice["machine_type"], choice["market"]) == ("g6.12xlarge", "on-demand")
    typed_on_top = told(typed, "mine.sh", "--machine", "g5.12xlarge", "--spot")["choice"]
    assert (typed_on_top["machine_type"], typed_on_top["market"]) == ("g5.12xlarge", "spot")


def test_machines_that_would_be_ended_too_soon_get_more_hours(folder: Path, typed: Type) -> None:
    _, short, _ = typed("plan", _JOB, "--machine", "g6.12xlarge")
    assert "#CRYOEM machine=g6.12xlarge" in short
    assert "hours=" not in short
    many = (folder / "particles.star").read_text().replace("1 128\n", "1 1280\n")
    (folder / "particles.star").write_text(many)
    code, long, err = typed("plan", _JOB, "--machine", "g6.12xlarge")
    assert code == 0, err
    hours = int(long.partition("#CRYOEM hours=")[2].partition(" ")[0])
    p90_h = told(typed, _JOB, "--machine", "g6.12xlarge")["choice"]["paid_h"]["p90"]
    assert 24 < p90_h <= hours < p90_h + 1


def test_a_slow_line_makes_everything_later(folder: Path, typed: Type) -> None:
    slow, fast = (told(typed, _JOB, "--deadline", "9d", "--line", rate) for rate in ("1M", "1G"))
    sending_h = slow["up_bytes"] / 1e6 / 3600
    assert sending_h > 0.5
    assert slow["choice"]["hours"]["p50"] > fast["choice"]["hours"]["p50"] + 0.9 * sending_h
    assert slow["choice"]["usd"] == fast["choice"]["usd"]


def test_of_what_we_know_no_times_it_says_what_the_job_gets(folder: Path, typed: Type) -> None:
    (folder / "post.sh").write_text("relion_postprocess --i a_half1.mrc --o PostProcess/job009/x\n")
    code, out, err = typed("plan", "post.sh")
    assert code == 0, err
    assert "no times are known of what it runs" in " ".join(out.split())
    assert "as a job it gets m7i.4xlarge, spot: $" in out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "what is to be planned?"),
        (("nowhere",), "does not exist"),
        (("Class2D",), "there is no script Class2D/run_submit.script"),
        ((_JOB, "--deadline", "soon"), "'soon' is no time; 8h are 8 hours"),
        ((_JOB, "--budget", "much"), "'much' is no sum of US dollars"),
        ((_JOB, "--budget", "0"), "'0' is no sum of US dollars"),
        ((_JOB, "--budget", "-5"), "'-5' is no sum of US dollars"),
        ((_JOB, "--machine", "p9.large"), "there is no machine type 'p9.large' there"),
        ((_JOB, "--region", "moon-1"), "there are no prices of the region 'moon-1'"),
        (("lost.sh",), "gone.star, for which relion_refine --i asks, cannot be read"),
    ],
)
def test_mistakes_are_told(folder: Path, typed: Type, words: tuple[str, ...], why: str) -> None:
    (folder / "lost.sh").write_text("relion_refine --i gone.star --o Class2D/job010/run\n")
    assert why in refused(typed, *words)


def test_the_front_as_a_picture(folder: Path, typed: Type) -> None:
    pytest.importorskip("matplotlib")
    told(typed, _JOB, "--png", "front.png")
    assert (folder / "front.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("text", "hours"), [("8h", 8), ("90m", 1.5), ("2d", 48), ("12", 12), ("1.5 h", 1.5)]
)
def test_hours_as_users_write_them(text: str, hours: float) -> None:
    assert hours_of(text) == hours


@pytest.mark.parametrize("text", ["", "0h", "-1h", "8 hours", "inf", "1e9"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{text}$"):
        hours_of(text)


@pytest.mark.parametrize(
    "words",
    [
        ("plan", _JOB, "--spot", "--on-demand"),
        ("benchmark", "--machine", "g6e.xlarge", "--on-demand", "--spot"),
        ("run", "--market", "spot", "--on-demand", "--", "true"),
    ],
)
def test_spot_only_and_none_are_not_both_wanted(
    folder: Path, typed: Type, words: tuple[str, ...]
) -> None:
    assert typed(*words)[0] == 2


def test_inputs_that_are_not_here_are_told(folder: Path, typed: Type) -> None:
    said = typed("plan", _JOB)[1]
    assert "missing   1 of its first inputs is not in this folder" in said
    assert told(typed, _JOB)["absent_inputs"] == 1
    (folder / "Extract/job003").mkdir(parents=True)
    (folder / "Extract/job003/a.mrcs").write_bytes(b"there")
    assert "missing" not in typed("plan", _JOB)[1]
