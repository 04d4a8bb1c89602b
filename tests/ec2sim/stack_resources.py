"""The things that a CloudFormation stack may have here: how each is made, changed and removed.

A kind that is not in the table is refused, as is a property that would be passed over.
"""

import json
from collections.abc import Mapping

from tests.ec2sim.stack_kinds import Clients, Kind, Properties
from tests.ec2sim.stack_network import NETWORK

__all__ = ["RESOURCES", "Clients", "Kind"]

_ACCOUNT = "123456789012"


class Bucket(Kind):
    """A bucket."""

    known = frozenset(
        {
            "BucketEncryption",
            "LifecycleConfiguration",
            "OwnershipControls",
            "PublicAccessBlockConfiguration",
            "Tags",
        }
    )

    def make(self, clients: Clients, properties: Properties, name: str) -> str:
        s3, it = clients("s3"), name.lower()
        region = s3.meta.region_name
        where = {} if region == "us-east-1" else {"LocationConstraint": region}
        s3.create_bucket(Bucket=it, **({"CreateBucketConfiguration": where} if where else {}))
        self.change(clients, it, {}, properties)
        return it

    def change(self, clients: Clients, it: str, old: Properties, new: Properties) -> None:
        s3 = clients("s3")
        (rule,) = new["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        asked = {
            "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"],
            "BucketKeyEnabled": rule["BucketKeyEnabled"],
        }
        s3.put_bucket_encryption(Bucket=it, ServerSideEncryptionConfiguration={"Rules": [asked]})
        rules = [
            {"ID": each["Id"], "Filter": {"Prefix": ""}, **each}
            for each in new["LifecycleConfiguration"]["Rules"]
        ]
        for each in rules:
            del each["Id"]
        s3.put_bucket_lifecycle_configuration(Bucket=it, LifecycleConfiguration={"Rules": rules})
        s3.put_bucket_ownership_controls(Bucket=it, OwnershipControls=new["OwnershipControls"])
        s3.put_public_access_block(
            Bucket=it, PublicAccessBlockConfiguration=new["PublicAccessBlockConfiguration"]
        )
        s3.put_bucket_tagging(Bucket=it, Tagging={"TagSet": new["Tags"]})

    def remove(self, clients: Clients, it: str, properties: Properties) -> None:
        clients("s3").delete_bucket(Bucket=it)


class BucketPolicy(Kind):
    """Who may do what with a bucket."""

    known = frozenset({"Bucket", "PolicyDocument"})

    def make(self, clients: Clients, properties: Properties, name: str) -> str:
        clients("s3").put_bucket_policy(
            Bucket=properties["Bucket"], Policy=json.dumps(properties["PolicyDocument"])
        )
        return str(properties["Bucket"])

    def remove(self, clients: Clients, it: str, properties: Properties) -> None:
        clients("s3").delete_bucket_policy(Bucket=it)


class ManagedPolicy(Kind):
    """A policy of IAM's."""

    known = frozenset({"ManagedPolicyName", "Path", "Description", "PolicyDocument"})

    def make(self, clients: Clients, properties: Properties, name: str) -> str:
        made = clients("iam").create_policy(
            PolicyName=properties["ManagedPolicyName"],
            Path=properties["Path"],
            Description=properties["Description"],
            PolicyDocument=json.dumps(properties["PolicyDocument"]),
        )
        return str(made["Policy"]["Arn"])

    def change(self, clients: Clients, it: str, old: Properties, new: Properties) -> None:
        iam = clients("iam")
        versions = iam.list_policy_versions(PolicyArn=it)["Versions"]
        for each in versions:
            if not each["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=it, VersionId=each["VersionId"])
        document = json.dumps(new["PolicyDocument"])
        iam.create_policy_version(PolicyArn=it, PolicyDocument=document, SetAsDefault=True)

    def remove(self, clients: Clients, it: str, properties: Properties) -> None:
        iam = clients("iam")
        for each in iam.list_policy_versions(PolicyArn=it)["Versions"]:
            if not each["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=it, VersionId=each["VersionId"])
        iam.delete_policy(PolicyArn=it)


class Budget(Kind):
    """A budget of the account's, with whom it warns; another one is put in its place."""

    known = frozenset({"Budget", "NotificationsWithSubscribers"})

    def make(self, clients: Clients, properties: Properties, name: str) -> str:
        limit = properties["Budget"]["BudgetLimit"]
        clients("budgets").create_budget(
            AccountId=_ACCOUNT,
            Budget={
                **properties["Budget"],
                "BudgetName": name,
                "BudgetLimit": {**limit, "Amount": f"{limit['Amount']}"},
            },
            NotificationsWithSubscribers=properties["NotificationsWithSubscribers"],
        )
        return name

    def change(self, clients: Clients, it: str, old: Properties, new: Properties) -> None:
        self.remove(clients, it, old)
        self.make(clients, new, it)

    def remove(self, clients: Clients, it: str, properties: Properties) -> None:
        clients("budgets").delete_budget(AccountId=_ACCOUNT, BudgetName=it)


RESOURCES: Mapping[str, Kind] = {
    **NETWORK,
    "AWS::Budgets::Budget": Budget(),
    "AWS::IAM::ManagedPolicy": ManagedPolicy(),
    "AWS::S3::Bucket": Bucket(),
    "AWS::S3::BucketPolicy": BucketPolicy(),
}
