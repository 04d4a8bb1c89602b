"""A simulated account with a store, a project's role, and the agent's archive in it."""

import base64
import json
import os
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config

from cryoem_cloud.model.job import Job
from cryoem_cloud.model.keys import boot_key
from cryoem_cloud.model.task import MAIN, Ready, Task
from cryoem_cloud.providers.aws.names import JOB, PROJECT, STACK, TOKEN
from cryoem_cloud.providers.aws.userdata import Boot, user_data
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.results import results
from cryoem_cloud.stores.urls import open_store
from tests.ec2sim.asking import Client
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.images import IMAGES

__all__ = ["GROUP", "OUT", "Lab", "python_folder", "wheels_of"]

BUCKET, PREFIX, PROJECT_NAME, GROUP = "lab", "team", "apo-1a2b3c4d", "apo-1a2b3c4d-00000007-1"
OUT = "Shell/job001"
_SECONDS = 90.0


def python_folder() -> Path:
    """Where this Python was made."""
    return Path(sys.base_prefix)


def wheels_of(names: tuple[str, ...], folder: Path) -> tuple[Path, ...]:
    """Wheels of what is installed beside this test, so that no network is needed."""
    folder.mkdir(parents=True, exist_ok=True)
    own = f"cp{sys.version_info.major}{sys.version_info.minor}"
    made = []
    for name in names:
        found = metadata.distribution(name)
        tags = f"{own}-{own}-linux_{os.uname().machine}"
        wheel = folder / f"{name.replace('-', '_')}-{found.version}-{tags}.whl"
        with zipfile.ZipFile(wheel, "w") as packed:
            for file in found.files or ():
                if ".." not in file.parts and file.suffix != ".pyc":
                    packed.write(str(file.locate()), str(file))
        made.append(wheel)
    return tuple(made)


def job_of(outputs: str = OUT) -> Job:
    return Job(
        number=7,
        project=PROJECT_NAME,
        name=outputs,
        application="shell",
        frontend="shell",
        script="true",
        script_path="",
        outputs=(outputs,),
        logs={"out": f"{outputs}/run.out", "err": f"{outputs}/run.err"},
        log_starts={"out": 0, "err": 0},
        submitter="me",
        submitted_at="2026-01-01T00:00:00Z",
    )


@dataclass
class Lab:
    """The account. `agent` is the archive's key and digest."""

    cloud: Cloud
    session: botocore.session.Session
    agent: str = ""
    group_name: str = GROUP
    _keys: tuple[str, str] = ("", "")

    def ask(self, service: str) -> Client:
        config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
        return self.session.create_client(
            service, region_name="us-east-1", endpoint_url=self.cloud.url, config=config
        )

    @property
    def url(self) -> str:
        return f"s3://{BUCKET}/{PREFIX}"

    def make(self, archive: bytes, digest: str) -> None:
        self._be_somebody()
        s3 = self.ask("s3")
        s3.create_bucket(Bucket=BUCKET)
        key = f"@agent/{digest}.tar.gz"
        s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/{key}", Body=archive)
        self.agent = f"{key}@{digest}"
        self._give_role()

    @property
    def credentials(self) -> dict[str, str]:
        """Of who may do everything, as variables."""
        return {
            "AWS_ENDPOINT_URL": self.cloud.url,
            "AWS_ACCESS_KEY_ID": self._keys[0],
            "AWS_SECRET_ACCESS_KEY": self._keys[1],
            "AWS_REGION": "us-east-1",
        }

    def records(self) -> JobRecords:
        return JobRecords(open_store(self.url, env=self.credentials), PROJECT_NAME, 7)

    def machine_policy(self) -> str:
        """A policy for roles of machines; its ARN."""
        iam = self.ask("iam")
        found = iam.get_role_policy(RoleName="machines", PolicyName="p")["PolicyDocument"]
        document = found if isinstance(found, str) else json.dumps(found)
        made = iam.create_policy(PolicyName="machines", PolicyDocument=document)
        return str(made["Policy"]["Arn"])

    def job(self, script: str) -> JobRecords:
        records = self.records()
        records.put_job(job_of())
        records.put_tasks((Task(name=MAIN, script=script, inputs=()),))
        records.set_ready(Ready(1, 1))
        return records

    def boot(self, **changed: object) -> str:
        told: dict[str, Any] = {
            "store": self.url,
            "region": "us-east-1",
            "project": PROJECT_NAME,
            "job": 7,
            "group": GROUP,
            "agent": self.agent,
            "limit_s": 3600.0,
            "until": datetime.now(UTC) + timedelta(hours=1),
            **changed,
        }
        return user_data(Boot(**told))

    def launch(
        self, script: str, *, kind: str = "m5.large", count: int = 1, spot: bool = False
    ) -> str:
        """The id of the (first) machine of the group, which runs that user-data."""
        tags = {STACK: "cryoem", PROJECT: PROJECT_NAME, JOB: "00000007", TOKEN: GROUP}
        data = {
            "ImageId": IMAGES[0].id_in("us-east-1"),
            "InstanceType": kind,
            "IamInstanceProfile": {"Name": "machines"},
            "InstanceInitiatedShutdownBehavior": "terminate",
            "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
            "UserData": base64.b64encode(script.encode()).decode(),
        }
        self.ask("ec2").create_launch_template(LaunchTemplateName=GROUP, LaunchTemplateData=data)
        template = {"LaunchTemplateName": GROUP, "Version": "1"}
        self.ask("autoscaling").create_auto_scaling_group(
            AutoScalingGroupName=GROUP,
            MixedInstancesPolicy={
                "LaunchTemplate": {"LaunchTemplateSpecification": template},
                "InstancesDistribution": {
                    "OnDemandPercentageAboveBaseCapacity": 0 if spot else 100
                },
            },
            MinSize=0,
            MaxSize=count,
            DesiredCapacity=count,
            AvailabilityZones=["us-east-1a"],
            Tags=[
                {"Key": key, "Value": value, "PropagateAtLaunch": True}
                for key, value in tags.items()
            ],
        )
        self.until(lambda: len(self.cloud.living()) == count)
        return str(self.cloud.living()[0].id)

    def ended(self, machine: str) -> None:
        kept = self.cloud.instance(machine)
        self.until(lambda: kept.state == "terminated", machine)

    def until(self, true: Callable[[], object], machine: str = "") -> None:
        ends = time.monotonic() + _SECONDS
        while not true():
            shown = self.cloud.machines.console(machine) if machine else ""
            assert time.monotonic() < ends, shown
            time.sleep(0.05)

    def tags(self, machine: str) -> dict[str, str]:
        found = self.ask("ec2").describe_instances(InstanceIds=[machine])
        return {
            each["Key"]: each["Value"]
            for each in found["Reservations"][0]["Instances"][0].get("Tags", [])
        }

    def group(self) -> dict[str, Any] | None:
        found = self.ask("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])
        groups = [each for each in found["AutoScalingGroups"] if "Status" not in each]
        return groups[0] if groups else None

    def ends_at(self, action: str) -> datetime | None:
        """When the group ends by that scheduled action."""
        found = self.ask("autoscaling").describe_scheduled_actions(
            AutoScalingGroupName=GROUP, ScheduledActionNames=[action]
        )
        starts = [each["StartTime"] for each in found["ScheduledUpdateGroupActions"]]
        return starts[0] if starts else None

    def made(self, records: JobRecords) -> list[str]:
        """The outputs of the turn that ended the job's task."""
        return [entry.path for entry in results(records, records.turns(MAIN).read()[-1])]

    def boot_log(self, machine: str) -> str:
        key = f"{PREFIX}/{boot_key(PROJECT_NAME, 7, machine)}"
        return str(self.ask("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read().decode())

    def _be_somebody(self) -> None:
        """Who may do everything, also once policies count."""
        iam = self.ask("iam")
        iam.create_user(UserName="admin")
        may = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [may]})
        iam.put_user_policy(UserName="admin", PolicyName="all", PolicyDocument=policy)
        key = iam.create_access_key(UserName="admin")["AccessKey"]
        self._keys = (key["AccessKeyId"], key["SecretAccessKey"])
        self.session.set_credentials(*self._keys)

    def _give_role(self) -> None:
        iam = self.ask("iam")

        def policy(**statement: object) -> str:
            return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

        trust = policy(
            Effect="Allow", Principal={"Service": "ec2.amazonaws.com"}, Action="sts:AssumeRole"
        )
        may = policy(
            Effect="Allow",
            Action=[
                *("s3:GetObject", "s3:PutObject", "s3:ListBucket", "ec2:CreateTags"),
                *("autoscaling:TerminateInstanceInAutoScalingGroup",),
                *("autoscaling:DeleteAutoScalingGroup",),
                *("autoscaling:PutScheduledUpdateGroupAction",),
                *("autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeScheduledActions"),
            ],
            Resource="*",
        )
        iam.create_role(RoleName="machines", AssumeRolePolicyDocument=trust)
        iam.put_role_policy(RoleName="machines", PolicyName="p", PolicyDocument=may)
        iam.create_instance_profile(InstanceProfileName="machines")
        iam.add_role_to_instance_profile(InstanceProfileName="machines", RoleName="machines")
