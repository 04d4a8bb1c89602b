"""Which region is meant."""

from collections.abc import Mapping

from botocore.session import Session

from cryoem_cloud.model.errors import UsageError

__all__ = ["region_for"]


def region_for(env: Mapping[str, str], chosen: str = "") -> str:
    """The one that was chosen, or that the environment or the AWS profile names.

    Raises:
        UsageError: None is named.
    """
    named = chosen or env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION")
    if named:
        return named
    session = Session(profile=env.get("AWS_PROFILE") or None)
    if env.get("AWS_CONFIG_FILE"):
        session.set_config_variable("config_file", env["AWS_CONFIG_FILE"])
    if found := session.get_config_variable("region"):
        return str(found)
    raise UsageError(
        "which region of AWS?", hint="--region us-west-2, or set AWS_REGION, or your profile's"
    )
