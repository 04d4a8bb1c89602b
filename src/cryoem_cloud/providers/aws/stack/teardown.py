"""`cryoem aws teardown`: everything of a stack goes, its users' files only if they are named."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from cryoem_cloud.model.errors import ProviderError, RefusedError
from cryoem_cloud.providers.aws.building.taking import removed
from cryoem_cloud.providers.aws.calls import Calls, Refused
from cryoem_cloud.providers.aws.deleting import delete_objects
from cryoem_cloud.providers.aws.stack.formation import Formation
from cryoem_cloud.providers.aws.stack.leftovers import Leftovers, find, ours
from cryoem_cloud.providers.aws.stack.outputs import bucket_and_folder

__all__ = ["tear_down"]

_OF_USERS = ("UserPolicy", "ReaderPolicy", "BillPolicy", "SessionPolicy", "SshPolicy")
"""The stack's outputs that name policies of users."""
_POLL_S = 5.0
_MOST_POLLS = 120
_GONE = (
    "InvalidGroup.NotFound",
    "InvalidInstanceID.NotFound",
    "InvalidLaunchTemplateName.NotFoundException",
    "InvalidVolume.NotFound",
    "NoSuchBucket",
    "NoSuchEntity",
    "NoSuchEntityException",
)
_IN_USE = ("DependencyViolation", "InvalidGroup.InUse")


def tear_down(
    calls: Calls,
    stack: str,
    *,
    delete_data: str = "",
    sleep: Callable[[float], None],
    say: Callable[[str], None],
) -> Leftovers:
    """See to it that nothing of the stack is left, and say what is; what is gone is done.

    The store stays, unless its bucket is named by `delete_data`.

    Raises:
        RefusedError: `delete_data` is not the stack's bucket.
        ProviderError: Something cannot be removed.
    """
    work = _TearDown(calls, stack, sleep, say)
    folder = work.place_of(delete_data) if delete_data else ""
    work.users()
    work.machines()
    work.roles()
    if delete_data:  # before the stack, which says where they are
        work.data(delete_data, folder)
    work.itself()
    work.templates()
    return find(calls, stack)


@dataclass(frozen=True, slots=True)
class _TearDown:
    calls: Calls
    stack: str
    sleep: Callable[[float], None]
    say: Callable[[str], None]

    def place_of(self, bucket: str) -> str:
        """The folder to delete in a bucket of the account's own; "" where the bucket goes too.

        Raises:
            RefusedError: It is another bucket.
        """
        if ours(self.calls, bucket, self.stack):
            return ""
        store = Formation(self.calls, self.stack, self.sleep).look().outputs.get("Store", "")
        name, folder = bucket_and_folder(store)
        if name != bucket:
            raise RefusedError(
                f"{bucket} is not the bucket of the stack {self.stack} in {self.calls.region}",
                hint=f"its store is {store}" if store else "it may be gone already",
            )
        return folder

    def users(self) -> None:
        """Their policies first: couriers with open jobs would launch what is ended here anew."""
        for policy in self._policies(_OF_USERS):
            with suppress(ProviderError):  # said at the end; machines must not wait for it
                self._take_back(policy)

    def machines(self) -> None:
        """All that run, also what a courier with rights of its own launches meanwhile."""
        done: set[str] = set()
        for _ in range(_MOST_POLLS):
            left = find(self.calls, self.stack, everywhere=False)
            if not left.groups and not left.instances:
                break
            self._end_machines(left, done)
            self.sleep(_POLL_S)
        else:
            raise ProviderError(
                "waited for machines to end for 10 minutes", hint="call teardown again: it goes on"
            )
        self._made_for_machines(find(self.calls, self.stack))

    def _end_machines(self, left: Leftovers, done: set[str]) -> None:
        """Groups first, as they would buy new machines; each once."""
        for group in left.groups:
            if group not in done:
                self.say(f"group {group}")
                self._do(
                    "autoscaling",
                    "delete_auto_scaling_group",
                    AutoScalingGroupName=group,
                    ForceDelete=True,
                )
        if machines := [each for each in left.instances if each not in done]:
            self.say(f"machines {', '.join(machines)}")
            self._do("ec2", "terminate_instances", InstanceIds=machines)
        done.update(left.groups, left.instances)

    def _made_for_machines(self, found: Leftovers) -> None:
        """Images, disks and doors."""
        for image in found.images:
            self.say(f"machine image {image.id} in {image.region}")
            removed(self.calls.elsewhere(image.region), image.id, image.snapshots)
        for volume in find(self.calls, self.stack, everywhere=False).volumes:
            self.say(f"disk {volume}")
            self._do("ec2", "delete_volume", VolumeId=volume)
        for door in found.doors:
            self.say(f"security group {door}")
            self._remove_door(door)

    def _remove_door(self, group: str) -> None:
        """A job's security group; machines that shut down have it for a while."""
        for _ in range(_MOST_POLLS):
            try:
                self.calls.ask(
                    "ec2", "delete_security_group", expected=(*_IN_USE, *_GONE), GroupId=group
                )
            except Refused as refused:
                if refused.code in _IN_USE:
                    self.sleep(_POLL_S)
                    continue
            return

    def roles(self) -> None:
        """Of projects, with their profiles."""
        found = find(self.calls, self.stack)
        for name in found.profiles:
            got = self._do("iam", "get_instance_profile", InstanceProfileName=name)
            for role in got.get("InstanceProfile", {}).get("Roles", ()):
                self._do(
                    "iam",
                    "remove_role_from_instance_profile",
                    InstanceProfileName=name,
                    RoleName=role["RoleName"],
                )
            self._do("iam", "delete_instance_profile", InstanceProfileName=name)
        for name in found.roles:
            self.say(f"role {name}")
            for policy in self.calls.pages(
                "iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name
            ):
                self._do("iam", "detach_role_policy", RoleName=name, PolicyArn=policy["PolicyArn"])
            self._do("iam", "delete_role", RoleName=name)

    def itself(self) -> None:
        """The stack; its policies are taken from whom they were given."""
        formation = Formation(self.calls, self.stack, self.sleep)
        state = formation.look()
        if not state.status:
            return
        for policy in self._policies((*_OF_USERS, "MachinePolicy")):
            self._take_back(policy)
        self.say(f"stack {self.stack}")
        formation.delete()

    def templates(self) -> None:
        """Last: to a courier, a template that is gone is one that was never launched from."""
        for name in find(self.calls, self.stack, everywhere=False).templates:
            self._do("ec2", "delete_launch_template", LaunchTemplateName=name)

    def _policies(self, outputs: Iterable[str]) -> tuple[str, ...]:
        """The ARNs of those that the stack has of these."""
        said = Formation(self.calls, self.stack, self.sleep).look().outputs
        return tuple(said[output] for output in outputs if output in said)

    def data(self, bucket: str, folder: str) -> None:
        """The store's files; the bucket too, where setup made it."""
        self.say(f"files of s3://{bucket}/{folder}")
        kind = "Contents" if folder else "Versions"
        listing = "list_objects_v2" if folder else "list_object_versions"
        try:
            self._empty(bucket, f"{folder}/" if folder else "", listing, kind)
        except ProviderError:
            if not ours(self.calls, bucket, self.stack) and not folder:
                return
            raise
        if not folder:
            self._do("s3", "delete_bucket", Bucket=bucket)

    def _empty(self, bucket: str, prefix: str, listing: str, kind: str) -> None:
        asked = {"Bucket": bucket, **({"Prefix": prefix} if prefix else {})}
        for each in list(self.calls.pages("s3", "list_multipart_uploads", "Uploads", **asked)):
            self._do(
                "s3",
                "abort_multipart_upload",
                Bucket=bucket,
                Key=each["Key"],
                UploadId=each["UploadId"],
            )
        ask = partial(self._do, "s3", "delete_objects", Bucket=bucket)
        for field in (kind, "DeleteMarkers") if kind == "Versions" else (kind,):
            found = self.calls.pages("s3", listing, field, **asked)
            keys = ({key: o[key] for key in ("Key", "VersionId") if o.get(key)} for o in found)
            delete_objects(bucket, keys, ask)

    def _take_back(self, policy: str) -> None:
        try:
            found = self.calls.ask(
                "iam", "list_entities_for_policy", expected=_GONE, PolicyArn=policy
            )
        except Refused:
            return
        for group in found["PolicyGroups"]:
            self._detach("group", group["GroupName"], policy)
        for user in found["PolicyUsers"]:
            self._detach("user", user["UserName"], policy)
        for role in found["PolicyRoles"]:
            self._detach("role", role["RoleName"], policy)

    def _detach(self, kind: str, name: str, policy: str) -> None:
        self.say(f"{policy.rpartition('/')[2]} is taken from {kind} {name}")
        asked = {f"{kind.capitalize()}Name": name, "PolicyArn": policy}
        try:
            self.calls.ask(
                "iam", f"detach_{kind}_policy", expected=("UnmodifiableEntity", *_GONE), **asked
            )
        except Refused as refused:
            if refused.code == "UnmodifiableEntity":
                raise ProviderError(
                    f"{name} has {policy}, and only IAM Identity Center may take it back",
                    hint="take it out of the permission set, then call teardown again",
                ) from refused

    def _do(self, service: str, action: str, **asked: object) -> dict[str, Any]:
        """Do a call; what is gone is done."""
        expected = (*_GONE, "ScalingActivityInProgress", "ValidationError")
        try:
            return self.calls.ask(service, action, expected=expected, **asked)
        except Refused as refused:
            if refused.code == "ValidationError" and "not found" not in refused.said:
                raise ProviderError(f"{action.replace('_', ' ')}: {refused.said}") from refused
            return {}
