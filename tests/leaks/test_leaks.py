"""The campaign in parts, and what it stands on: `python -m tests.leaks` says what a run is."""

from pathlib import Path

import pytest

from cryoem_cloud.providers.aws.names import TOKEN
from tests.ec2sim.bootworld import reason_not_to_boot
from tests.leaks.__main__ import main
from tests.leaks.conftest import Scene
from tests.leaks.plan import ALONE, Kind, drawn


def test_a_seed_says_all_of_a_run() -> None:
    plans = [drawn(seed) for seed in range(1, 300)]
    assert plans == [drawn(seed) for seed in range(1, 300)]
    assert {fault.kind for faults in ALONE for fault in faults} == set(Kind)
    together = [fault.kind for plan in plans[len(ALONE) :] for fault in plan.faults]
    assert set(together) == set(Kind) - {Kind.BOOT_STEP}
    assert sum(plan.booted for plan in plans[:120]) >= 10


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scene", [(1, 5.0)], indirect=True)
def test_what_is_wrong_is_found(scene: Scene) -> None:
    (machine,) = scene.leased.cloud.living()
    assert scene.leased.costs()["instances"] == [machine.id]
    assert scene.leased.kept().keys() == {"groups", "scheduled actions", "templates"}
    scene.leased.lab.client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=machine.tags[TOKEN], MinSize=0, MaxSize=0, DesiredCapacity=0
    )
    scene.gone()
    life = scene.watch.lives[machine.id]
    assert f"{machine.id} was ended" in life.killed
    life.progress = [life.progress[0] - 7200.0]
    life.began -= 7200.0
    assert 120 < scene.watch.outlived()[machine.id] < 240


@pytest.mark.soak
@pytest.mark.timeout(3 * 3600)
@pytest.mark.parametrize("seeds", ["1-33", "34-66", "67-98", "99-130"], ids="seeds {}".format)
def test_nothing_leaks_whatever_goes_wrong(
    seeds: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if why := reason_not_to_boot():
        pytest.skip(why)
    code = main(["--seeds", seeds, "--jobs", "3", "--folder", str(tmp_path)])
    assert code == 0, capsys.readouterr().out
