"""Building images: one builder, one image in each region, and no builder afterwards."""

from collections.abc import Callable

import pytest

from cryoem_cloud.model.errors import ProviderDeniedError, ProviderError, UsageError
from cryoem_cloud.providers.aws.building import builder
from cryoem_cloud.providers.aws.building.found import built
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.images import base_image, image_for
from cryoem_cloud.providers.aws.names import tags_of
from cryoem_cloud.providers.aws.stack.setup import Done
from tests.ec2sim.census import census
from tests.ec2sim.faults import What
from tests.providers.aws.building.conftest import Bench
from tests.providers.aws.stack.lab import REGION, interrupt

_STEPS = (
    *("put_object", "create_role", "run_instances", "describe_instances"),
    *("create_image", "describe_images"),
)
_TOLD = {("run_instances", True), ("create_image", True), ("describe_images", False)}
"""The steps that are looked at in every run of the tests."""


def test_an_image_is_built_and_its_builder_ends(bench: Bench) -> None:
    made = bench.build()
    (image,) = bench.images()
    assert made.images == {REGION: image["ImageId"]}
    assert image["State"] == "available"
    tags = tags_of(image["Tags"])
    ubuntu = base_image(bench.calls, "ubuntu", "x86_64").id
    wanted = {
        "cryoem:stack": "cryoem",
        "cryoem:home": REGION,
        "cryoem:base": f"ubuntu {ubuntu}",
        "cryoem:relion": "5.0.1",
        "Name": "relion",
    }
    assert wanted.items() <= tags.items()
    disk = image["BlockDeviceMappings"][0]["Ebs"]
    assert (disk["VolumeSize"], disk["Encrypted"]) == (30, True)
    snapshots = bench.lab.client("ec2").describe_snapshots(SnapshotIds=[disk["SnapshotId"]])
    assert tags_of(snapshots["Snapshots"][0]["Tags"]) == tags
    bench.lab.sleep(60)
    assert bench.lab.cloud.living() == []
    assert "volumes" not in census(bench.lab.client)
    assert "  installing" in bench.said


def test_the_builder_is_launched_as_machines_are(bench: Bench) -> None:
    bench.build()
    (kept,) = bench.lab.cloud.life
    assert kept.shutdown_behavior == "terminate"
    assert (kept.metadata.token_required, kept.metadata.hop_limit) == (True, 1)
    assert (kept.public_key, kept.role_name) == ("", f"cryoem-cryoem-{REGION}-@image")
    told = kept.user_data.decode()
    assert "dead_man_min=180\n" in told
    assert kept.tags["cryoem:project"] == "@image"


def test_it_is_copied_and_teardown_finds_the_copies(bench: Bench) -> None:
    made = bench.build(regions=("eu-west-1", "us-east-2"))
    assert list(made.images) == [REGION, "eu-west-1", "us-east-2"]
    for region, image in made.images.items():
        (found,) = bench.images(region)
        assert (found["ImageId"], found["State"]) == (image, "available")
        assert tags_of(found["Tags"])["cryoem:home"] == REGION
    left = bench.lab.tear_down(bench.calls)
    assert left.counted() == {}
    for region in made.images:
        there = census(lambda service, region=region: bench.lab.client(service, region))  # type: ignore[misc]
        assert not {"images", "snapshots"} & there.keys(), region


def test_a_namesakes_images_stay(bench: Bench) -> None:
    """A stack of the same name in another region, whose image was copied here."""
    made = bench.build(regions=("us-east-2",))
    other = bench.calls.elsewhere("us-east-2")
    bench.lab.tear_down(other)
    (kept,) = bench.images("us-east-2")
    assert kept["ImageId"] == made.images["us-east-2"]


def test_a_script_that_fails_says_how(bench: Bench) -> None:
    bench.log = "looking\nE: no package \x1b[31mrelion\n"
    bench.result = "code=100\nwhy=the script ended with code 100\nrelion=\n"
    with pytest.raises(ProviderError, match=r"(?s)code 100.*no package \[31mrelion") as told:
        bench.build()
    assert "exit code 100" in str(told.value)
    bench.lab.sleep(60)
    assert (bench.lab.cloud.living(), bench.images()) == ([], [])


def test_a_builder_that_is_gone_is_no_image(bench: Bench) -> None:
    bench.silent = True

    def gone(seconds: float) -> None:
        bench.lab.sleep(seconds)
        ids = [each.id for each in bench.lab.cloud.living()]
        if ids:
            bench.lab.client("ec2").terminate_instances(InstanceIds=ids)

    bench.sleep = gone  # type: ignore[method-assign]
    with pytest.raises(ProviderError, match="ended without a word"):
        bench.build()
    assert bench.images() == []


def test_a_builder_that_hangs_is_ended(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "_POLL_S", 600.0)
    bench.silent = True
    with pytest.raises(ProviderError, match="did not say how its script ended"):
        bench.build()
    bench.lab.sleep(60)
    assert bench.lab.cloud.living() == []


@pytest.mark.parametrize(
    ("step", "after"),
    [
        pytest.param(step, after, marks=() if (step, after) in _TOLD else pytest.mark.soak)
        for step in _STEPS
        for after in (False, True)
    ],
)
def test_whoever_interrupts_it_leaves_no_builder(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, step: str, *, after: bool
) -> None:
    if step == "describe_images":  # the base image is looked up with it before anything is made
        base = base_image(bench.calls, "ubuntu", "x86_64")
        monkeypatch.setattr(
            "cryoem_cloud.providers.aws.building.recipe.base_image", lambda *_: base
        )
    done = interrupt(monkeypatch, step, after=after)
    with pytest.raises(KeyboardInterrupt):
        bench.build()
    assert done == [step]
    bench.lab.sleep(60)
    assert bench.lab.cloud.living() == []
    assert (bench.images(), "snapshots" in census(bench.lab.client)) == ([], False)


@pytest.mark.parametrize("call", ["RunInstances", "CreateImage", "TerminateInstances"])
def test_a_lost_reply_makes_nothing_twice(bench: Bench, call: str) -> None:
    bench.lab.cloud.faults.plan(What.LOST_AFTER, call)
    bench.build()
    bench.lab.sleep(60)
    assert (bench.launched, len(bench.images())) == (1, 1)
    assert bench.lab.cloud.living() == []


def test_a_launch_that_nobody_heard_of_is_ended(bench: Bench) -> None:
    bench.lab.cloud.faults.plan(What.LOST_AFTER, "RunInstances", times=4)
    bench.lab.cloud.faults.unseen_seconds = 15
    with pytest.raises(ProviderError):
        bench.build()
    assert bench.launched == 1
    bench.lab.sleep(60)
    assert bench.lab.cloud.living() == []


def test_a_role_that_is_new_is_waited_for(bench: Bench) -> None:
    bench.lab.cloud.faults.profile_seconds = 25
    assert bench.build().images


def test_another_zone_is_tried(bench: Bench) -> None:
    for zone in ("us-west-2a", "us-west-2b"):
        bench.lab.cloud.capacity.limit(0, kind="m5.large", zone=zone, market="on-demand")
    assert bench.build().images


def test_users_may_not_and_are_told_what_is_missing(
    bench: Bench, user: Callable[[Done], Calls]
) -> None:
    with pytest.raises(ProviderDeniedError, match=r"ec2:CreateImage is missing") as told:
        bench.build(user(bench.done))
    assert "administrator" in told.value.hint
    bench.lab.sleep(60)
    assert bench.lab.cloud.living() == []


def test_users_see_images_and_copies(bench: Bench, user: Callable[[Done], Calls]) -> None:
    made = bench.build(regions=("us-east-2",))
    found = list(built(user(bench.done), "cryoem", bench.done.account.store))
    assert [each.id for each in found] == list(made.images.values())
    assert [each.region for each in found] == [REGION, "us-east-2"]


def test_an_image_is_found_by_its_name(bench: Bench) -> None:
    made = bench.build()
    account = bench.done.account
    found = image_for(bench.calls, account, "x86_64", "relion")
    assert (found.id, found.size_gib) == (made.images[REGION], 30)
    with pytest.raises(ProviderError, match="no machine image called relion was built"):
        image_for(bench.calls, account, "arm64", "relion")
    with pytest.raises(ProviderError, match="there is no machine image ami-0abc"):
        image_for(bench.calls, account, "x86_64", "ami-0abc")


def test_what_cannot_be_built_is_refused_before_anything_is_made(bench: Bench) -> None:
    with pytest.raises(UsageError, match="your account has no region mars-1"):
        bench.build(regions=("mars-1",))
    with pytest.raises(UsageError, match="has the image already"):
        bench.build(regions=(REGION,))
    with pytest.raises(UsageError, match="cannot be an image's name"):
        bench.build(name="My image")
    assert bench.launched == 0
