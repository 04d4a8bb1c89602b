"""Which region is meant."""

from collections.abc import Mapping

from botocore.exceptions import BotoCoreError, NoCredentialsError
from botocore.session import Session

from cryoem_cloud.model.errors import UsageError
from cryoem_cloud.providers.aws.refusals import translated

__all__ = ["region_for"]

_WHAT = "which region of AWS"


def region_for(env: Mapping[str, str], chosen: str = "") -> str:
    """The one that was chosen, or that the environment or the AWS profile names.

    Raises:
        UsageError: None is named.
        ProviderDeniedError: None is named, and there are no credentials either; or the profile is
            not there.
    """
    named = chosen or env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION")
    if named:
        return named
    session = Session(profile=env.get("AWS_PROFILE") or None)
    if env.get("AWS_CONFIG_FILE"):
        session.set_config_variable("config_file", env["AWS_CONFIG_FILE"])
    try:
        if found := session.get_config_variable("region"):
            return str(found)
        if not env.get("AWS_ACCESS_KEY_ID") and session.get_credentials() is None:
            raise NoCredentialsError
    except BotoCoreError as error:
        raise translated(error, what=_WHAT) from error
    raise UsageError(f"{_WHAT}?", hint="--region us-west-2, or set AWS_REGION, or your profile's")
