"""What there is of a stack at AWS: everything with its tag, below its path, and itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cryoem_cloud.providers.aws.building.found import Found, built
from cryoem_cloud.providers.aws.calls import Calls, Refused
from cryoem_cloud.providers.aws.names import STACK, TOKEN, path_of, tags_of
from cryoem_cloud.providers.aws.stack.formation import Formation

__all__ = ["Leftovers", "buckets_of", "find", "ours"]

_ENDED = frozenset({"terminated", "shutting-down"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """What was found, by kind: ids or names. Buckets are counted apart, as they are kept."""

    groups: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    images: tuple[Found, ...] = ()
    volumes: tuple[str, ...] = ()
    doors: tuple[str, ...] = ()
    """Security groups of jobs; the stack's own goes with the stack."""
    profiles: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    stack: str = ""
    buckets: tuple[str, ...] = ()

    def counted(self) -> dict[str, int]:
        """How many of each kind there are, where there are some; without buckets."""
        numbers = {
            "Auto Scaling group": len(self.groups),
            "machine": len(self.instances),
            "launch template": len(self.templates),
            "machine image": len(self.images),
            "disk": len(self.volumes),
            "job's security group": len(self.doors),
            "instance profile": len(self.profiles),
            "role": len(self.roles),
            "CloudFormation stack": int(bool(self.stack)),
        }
        return {kind: number for kind, number in numbers.items() if number}


def find(calls: Calls, stack: str, *, everywhere: bool = True) -> Leftovers:
    """All of it, as AWS lists it now; copies of images in other regions where `everywhere`."""
    ours_ = [{"Name": f"tag:{STACK}", "Values": [stack]}]
    groups = calls.pages(
        "autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", Filters=ours_
    )
    templates = calls.pages("ec2", "describe_launch_templates", "LaunchTemplates", Filters=ours_)
    state = Formation(calls, stack, lambda _: None).look()
    store = state.outputs.get("Store", "") if everywhere else ""
    volumes = calls.pages("ec2", "describe_volumes", "Volumes", Filters=ours_)
    roles = tuple(_roles(calls, stack))
    return Leftovers(
        groups=tuple(str(each["AutoScalingGroupName"]) for each in groups),
        instances=tuple(_instances(calls, stack)),
        templates=tuple(str(each["LaunchTemplateName"]) for each in templates),
        images=tuple(built(calls, stack, store)),
        volumes=tuple(str(each["VolumeId"]) for each in volumes),
        doors=tuple(_doors(calls, ours_)),
        profiles=tuple(_profiles(calls, stack, roles)),
        roles=roles,
        stack=state.status,
        buckets=tuple(buckets_of(calls, stack)),
    )


def buckets_of(calls: Calls, stack: str) -> Iterator[str]:
    """The buckets that setup made for stacks of this name in the region, deleted ones' too."""
    for each in calls.ask("s3", "list_buckets")["Buckets"]:
        name = str(each["Name"])
        if name.startswith(f"{stack}-store-") and ours(calls, name, stack):
            yield name


def ours(calls: Calls, bucket: str, stack: str) -> bool:
    """Whether a bucket was made for a stack of this name, in the region."""
    gone = ("NoSuchBucket", "NoSuchTagSet", "PermanentRedirect", "AccessDenied")
    try:
        found = calls.ask("s3", "get_bucket_tagging", expected=gone, Bucket=bucket)
        place = calls.ask("s3", "get_bucket_location", expected=gone, Bucket=bucket)
    except Refused:
        return False
    here = (place.get("LocationConstraint") or "us-east-1") == calls.region
    return here and tags_of(found["TagSet"]).get(STACK) == stack


def _instances(calls: Calls, stack: str) -> Iterator[str]:
    filters = [{"Name": f"tag:{STACK}", "Values": [stack]}]
    for one in calls.pages("ec2", "describe_instances", "Reservations", Filters=filters):
        for each in one["Instances"]:
            if each["State"]["Name"] not in _ENDED:
                yield str(each["InstanceId"])


def _doors(calls: Calls, filters: list[dict[str, Any]]) -> Iterator[str]:
    for each in calls.pages("ec2", "describe_security_groups", "SecurityGroups", Filters=filters):
        if TOKEN in tags_of(each.get("Tags", ())):
            yield str(each["GroupId"])


def _roles(calls: Calls, stack: str) -> Iterator[str]:
    """Those below the stack's path that this region's stack made.

    IAM knows no regions. A stack of the same name in another region has roles below the same path,
    with that one's policy of machines; what has none at all was left half made.
    """
    policy = f"cryoem-{stack}-{calls.region}-machines"
    for role in calls.pages("iam", "list_roles", "Roles", PathPrefix=path_of(stack)):
        name = str(role["RoleName"])
        found = calls.pages("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name)
        attached = [str(each["PolicyName"]) for each in found]
        if policy in attached or not attached:
            yield name


def _profiles(calls: Calls, stack: str, roles: tuple[str, ...]) -> Iterator[str]:
    for each in calls.pages(
        "iam", "list_instance_profiles", "InstanceProfiles", PathPrefix=path_of(stack)
    ):
        names = {str(role["RoleName"]) for role in each["Roles"]}
        if not names or names & set(roles):
            yield str(each["InstanceProfileName"])
