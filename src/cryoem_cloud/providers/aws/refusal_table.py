"""What AWS refuses, in our words: the table. docs/reference/aws-errors.md shows all of it.

Codes are those of the API references ("Common errors" of each service, "Error codes for the Amazon
EC2 API", "Error responses" of S3), and those that users of other tools report.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from botocore import exceptions
from botocore.exceptions import BotoCoreError

from cryoem_cloud.model.errors import (
    ProviderDeniedError,
    ProviderError,
    ProviderUnreachableError,
    QuotaError,
)
from cryoem_cloud.providers.aws.account import FIRST_STEPS

__all__ = ["BUSY", "BY_WORDS", "CODES", "DENIED", "ENDED", "LOCAL", "Refusal"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What it means, what to do, and whether what AWS said is shown besides.

    What AWS says of a missing right is a blob that nobody can read.
    """

    kind: type[ProviderError]
    what: str
    hint: str = ""
    quoted: bool = True


_LOGIN = "aws sso login, or new keys in ~/.aws/credentials; a job that waits then goes on by itself"
_EXPIRED = Refusal(ProviderDeniedError, "your AWS credentials have expired", _LOGIN, quoted=False)
_WRONG_KEY = Refusal(
    ProviderDeniedError,
    "AWS does not know the credentials",
    "check AWS_PROFILE or AWS_ACCESS_KEY_ID: aws sts get-caller-identity should name you; a region "
    "that your account has not enabled answers so too",
    quoted=False,
)
_NONE = Refusal(ProviderDeniedError, "there are no AWS credentials", FIRST_STEPS, quoted=False)
_HALF = Refusal(
    ProviderDeniedError,
    "the AWS credentials are not whole",
    "a key's id goes with its secret, and with a token where it is a temporary one",
)
_PROFILE = Refusal(
    ProviderDeniedError,
    "there is no such AWS profile",
    "aws configure list-profiles shows which there are; export AWS_PROFILE=NAME",
)
_CONFIG = Refusal(ProviderDeniedError, "your AWS settings cannot be used", "correct ~/.aws/config")
_SOURCE = Refusal(
    ProviderDeniedError,
    "what gives you AWS credentials does not give them",
    "aws sts get-caller-identity should name you; see credential_process or role_arn in "
    "~/.aws/config",
)
_LACKING = Refusal(
    ProviderDeniedError,
    "this kind of login needs a part of the AWS command line",
    "use aws configure sso; or: eval $(aws configure export-credentials --format env)",
)
DENIED = Refusal(
    ProviderDeniedError,
    "AWS does not allow it",
    "ask your administrator to attach the stack's policies for users to you (cryoem aws doctor)",
    quoted=False,
)
_FORBIDDEN = Refusal(
    ProviderDeniedError,
    "your organisation forbids it, whatever policies you have",
    "ask who looks after its service control policies and permissions boundaries",
    quoted=False,
)
_NO_ROLE = Refusal(
    ProviderDeniedError,
    "you may not use that role",
    "ask your administrator: the permission set or the role was taken from you",
)
_SPOT_ROLE = Refusal(
    ProviderDeniedError,
    "the account lacks the role with which AWS launches Spot machines",
    "the administrator calls: aws iam create-service-linked-role --aws-service-name "
    "spot.amazonaws.com (cryoem aws setup does so too); or use --on-demand",
    quoted=False,
)
BUSY = Refusal(ProviderUnreachableError, "AWS is busy", "jobs try again by themselves")
_NO_ANSWER = Refusal(
    ProviderUnreachableError,
    "AWS does not answer",
    "check the network; jobs try again by themselves",
)
_NO_WAY = Refusal(
    ProviderUnreachableError,
    "AWS cannot be reached",
    "check the network, and that the region's name is right; jobs try again by themselves",
)
_PROXY = Refusal(
    ProviderUnreachableError, "the proxy does not let us through", "check HTTPS_PROXY and NO_PROXY"
)
_TLS = Refusal(
    ProviderUnreachableError,
    "there is no secure connection",
    "check the clock; a network that looks into TLS needs its own certificate in AWS_CA_BUNDLE",
)
_QUOTA = Refusal(
    QuotaError, "a quota of your account is reached", "cryoem aws doctor names it, and how to ask"
)
_DISKS = Refusal(
    QuotaError,
    "the account's quota of disks is reached",
    "remove disks that nobody needs, or ask for more: Service Quotas > Amazon EBS > gp3 storage",
)
_ADDRESSES = Refusal(
    ProviderUnreachableError,
    "the stack's subnets have no free address left",
    "wait for machines to end, or have the stack made with larger subnets (cryoem aws setup)",
)
_CLOCK = Refusal(
    ProviderDeniedError,
    "this computer's clock is off by more than 5 minutes",
    "set the clock (timedatectl set-ntp true), then try again",
    quoted=False,
)
_OPT_IN = Refusal(
    ProviderDeniedError,
    "your account may not use that service or region yet",
    "have the region enabled (Account > AWS Regions), or choose another; a new account needs some "
    "hours",
)
_MARKETPLACE = Refusal(
    ProviderDeniedError,
    "the machine image is sold at AWS Marketplace, and its terms are not accepted",
    "accept them at the address that AWS names, or choose another image",
)
_PENDING = Refusal(
    ProviderDeniedError,
    "the account is not ready to launch machines",
    "new accounts, and new regions of one, are verified first, which takes up to 4 hours; jobs try "
    "again by themselves",
)
_BLOCKED = Refusal(
    ProviderDeniedError,
    "AWS has blocked the account",
    "ask AWS Support, in the console: it is about payment, verification or abuse",
)
_IMAGE = Refusal(
    ProviderError,
    "there is no such machine image in the region, or you may not use it",
    "images have another id in each region; choose one that is there (cryoem aws setup --image)",
)
_KIND = Refusal(
    ProviderError, "the region or its zones lack such machines", "choose another type (--machine)"
)
_KEY = Refusal(
    ProviderDeniedError,
    "the KMS key that encrypts the disks or the bucket cannot be used",
    "see that it is enabled, and that its policy lets you and AWSServiceRoleForAutoScaling use it",
)
_PARTS = Refusal(
    ProviderError,
    "something that the stack made is gone",
    "the administrator calls cryoem aws setup, which makes it again; then: cryoem aws join",
)
_BUCKET = Refusal(
    ProviderError,
    "the store's bucket is not there",
    "the administrator calls cryoem aws setup; then: cryoem aws join",
)
_ELSEWHERE = Refusal(
    ProviderError,
    "the bucket is in another region",
    "call cryoem aws join --region with the bucket's region",
)

CODES: Mapping[str, Refusal] = {
    "403": DENIED,
    "AccessDenied": DENIED,
    "AccessDeniedException": DENIED,
    "AccountProblem": _BLOCKED,
    "AllAccessDisabled": _BLOCKED,
    "AuthFailure": _WRONG_KEY,
    "AuthFailure.ServiceLinkedRoleCreationNotPermitted": _SPOT_ROLE,
    "AuthorizationHeaderMalformed": _ELSEWHERE,
    "Blocked": _BLOCKED,
    "EC2ThrottledException": BUSY,
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "ForbiddenException": _NO_ROLE,
    "IncompleteSignature": _WRONG_KEY,
    "InstanceLimitExceeded": _QUOTA,
    "InsufficientFreeAddressesInSubnet": _ADDRESSES,
    "InternalError": BUSY,
    "InternalFailure": BUSY,
    "InvalidAMIID.Malformed": _IMAGE,
    "InvalidAMIID.NotFound": _IMAGE,
    "InvalidAMIID.Unavailable": _IMAGE,
    "InvalidAccessKeyId": _WRONG_KEY,
    "InvalidClientTokenId": _WRONG_KEY,
    "InvalidGroup.NotFound": _PARTS,
    "InvalidInstanceType": _KIND,
    "InvalidKMSKey.InvalidState": _KEY,
    "InvalidSecurityGroupID.NotFound": _PARTS,
    "InvalidSignatureException": _WRONG_KEY,
    "InvalidSubnetID.NotFound": _PARTS,
    "InvalidToken": _EXPIRED,
    "KMS.DisabledException": _KEY,
    "KMS.KMSInvalidStateException": _KEY,
    "KMS.NotFoundException": _KEY,
    "LimitExceeded": _QUOTA,
    "LimitExceededException": _QUOTA,
    "MaxIOPSLimitExceeded": _DISKS,
    "MaxSpotInstanceCountExceeded": _QUOTA,
    "MissingAuthenticationToken": _WRONG_KEY,
    "NoSuchBucket": _BUCKET,
    "NoSuchEntity": _PARTS,
    "NotSignedUp": _OPT_IN,
    "OptInRequired": _OPT_IN,
    "PendingVerification": _PENDING,
    "PermanentRedirect": _ELSEWHERE,
    "PriorRequestNotComplete": BUSY,
    "RegionDisabledException": _OPT_IN,
    "RequestExpired": _CLOCK,
    "RequestLimitExceeded": BUSY,
    "RequestThrottled": BUSY,
    "RequestTimeTooSkewed": _CLOCK,
    "RequestTimeout": _NO_ANSWER,
    "ResourceContention": BUSY,
    "ScalingActivityInProgress": BUSY,
    "ServiceUnavailable": BUSY,
    "SignatureDoesNotMatch": _WRONG_KEY,
    "SlowDown": BUSY,
    "SubscriptionRequiredException": _OPT_IN,
    "Throttling": BUSY,
    "ThrottlingException": BUSY,
    "TooManyRequestsException": BUSY,
    "Unavailable": BUSY,
    "UnauthorizedException": _EXPIRED,
    "UnauthorizedOperation": DENIED,
    "UnrecognizedClientException": _WRONG_KEY,
    "Unsupported": _KIND,
    "VcpuLimitExceeded": _QUOTA,
    "VolumeLimitExceeded": _DISKS,
    "VpcLimitExceeded": _QUOTA,
}
"""By AWS's code."""

_SIGNED = frozenset({"SignatureDoesNotMatch", "InvalidSignatureException"})
_RIGHTS = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
BY_WORDS: tuple[tuple[frozenset[str], str, Refusal], ...] = (
    (_SIGNED, "Signature expired", _CLOCK),
    (_SIGNED, "Signature not yet current", _CLOCK),
    (frozenset({"AuthFailure"}), "Not authorized for images", _IMAGE),
    (frozenset({"OptInRequired"}), "Marketplace", _MARKETPLACE),
    (_RIGHTS, "service control policy", _FORBIDDEN),
    (_RIGHTS, "permissions boundary", _FORBIDDEN),
    (frozenset({"InvalidParameterValue"}), "for InstanceType", _KIND),
)
"""Codes that mean another thing where AWS's message has certain words; looked at first."""

LOCAL: tuple[tuple[type[BotoCoreError], Refusal], ...] = (
    (exceptions.NoCredentialsError, _NONE),
    (exceptions.NoAuthTokenError, _NONE),
    (exceptions.PartialCredentialsError, _HALF),
    (exceptions.ProfileNotFound, _PROFILE),
    (exceptions.ConfigParseError, _CONFIG),
    (exceptions.InvalidConfigError, _CONFIG),
    (exceptions.SSOError, _EXPIRED),
    (exceptions.LoginError, _EXPIRED),
    (exceptions.TokenRetrievalError, _EXPIRED),
    (exceptions.RefreshWithMFAUnsupportedError, _EXPIRED),
    (exceptions.CredentialRetrievalError, _SOURCE),
    (exceptions.MetadataRetrievalError, _SOURCE),
    (exceptions.MissingDependencyException, _LACKING),
    (exceptions.SSLError, _TLS),
    (exceptions.ProxyConnectionError, _PROXY),
    (exceptions.EndpointConnectionError, _NO_WAY),
    (exceptions.ConnectionError, _NO_ANSWER),
    (exceptions.HTTPClientError, _NO_ANSWER),
)
"""By botocore's own exception, where AWS was not even asked; the first that fits."""

ENDED: Mapping[str, str] = {
    "Client.InternalError": "AWS could not start it, mostly for a KMS key of disks that Auto "
    "Scaling may not use: let AWSServiceRoleForAutoScaling use the account's default EBS key",
    "Client.InvalidKMSKey.InvalidState": "the account's default KMS key of disks is disabled, or "
    "Auto Scaling may not use it: let AWSServiceRoleForAutoScaling use that key",
    "Client.InvalidSnapshot.NotFound": "a disk of its machine image is gone: choose another image",
    "Client.VolumeLimitExceeded": "the account's quota of disks is reached: ask for more gp3 "
    "storage (Service Quotas > Amazon EBS)",
    "Server.InsufficientInstanceCapacity": "AWS had no such machine after all",
    "Server.InternalError": "AWS's computer failed",
}
"""By the code of an instance's state reason (EC2 API reference, StateReason)."""
