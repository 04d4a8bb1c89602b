"""Jobs for machines of an account, and projects that these do not reach."""

from cryoem_cloud.providers.aws.account import Account

from .conftest import User


def test_a_job_for_machines_that_do_not_reach_its_project_is_refused_at_once(user: User) -> None:
    joining = user.type("cryoem", "run", "--on", "aws", "--out", "made", "--", "true")
    assert (joining.code, "cryoem aws join" in joining.err) == (2, True)
    Account(
        stack="cryoem",
        region="us-west-2",
        store="s3://lab/cryoem",
        subnets=(),
        security_group="sg-1",
        machine_policy="arn:aws:iam::1:policy/x",
    ).write_to(user.places.config)
    elsewhere = user.type("cryoem", "run", "--on", "aws", "--out", "made", "--", "true")
    assert elsewhere.code == 2
    assert "machines at AWS reach the store s3://lab/cryoem alone" in elsewhere.err
    assert "cryoem project fork --store s3://lab/cryoem" in elsewhere.err
    assert user.cryoem("ls", "--json").json["jobs"] == []
