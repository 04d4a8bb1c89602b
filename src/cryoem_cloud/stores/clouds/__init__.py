"""Google Cloud Storage (`gs://bucket/prefix`) and Azure Blob Storage (`az://container/prefix`).

Over obstore, which is installed with the extra `clouds` and imported only here. Credentials are
found where the clouds' own tools leave them, and are kept nowhere else.
"""

import shutil
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cryoem_cloud.model.errors import SettingsError
from cryoem_cloud.ports.meter import UNMETERED, Meter
from cryoem_cloud.stores.meters import Metered
from cryoem_cloud.stores.named import bucket_of
from cryoem_cloud.stores.patient import Patience, Patient

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

    from cryoem_cloud.stores.clouds.store import Bucket

__all__ = ["open_az", "open_gs"]

_PATIENCE_S = 8.0
"""For single requests; programs wait for longer themselves, and say so."""
_STREAM_PATIENCE_S = 60
"""For each piece of a large object, whose other pieces would have to be sent again."""

_GOOGLE = (
    "GOOGLE_SERVICE_ACCOUNT",
    "GOOGLE_SERVICE_ACCOUNT_PATH",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_BEARER_TOKEN",
    "GOOGLE_BASE_URL",
)
_AZURE = (
    "AZURE_STORAGE_ACCOUNT_NAME",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_TOKEN",
    "AZURE_STORAGE_ENDPOINT",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_TENANT_ID",
    "AZURE_AUTHORITY_HOST",
    "AZURE_FEDERATED_TOKEN_FILE",
)
_AZURES_OWN = {
    "AZURE_STORAGE_ACCOUNT": "AZURE_STORAGE_ACCOUNT_NAME",
    "AZURE_STORAGE_KEY": "AZURE_STORAGE_ACCOUNT_KEY",
}
"""What the Azure command line calls them."""
_PROVING = {
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_TOKEN",
    "AZURE_CLIENT_ID",
    "AZURE_FEDERATED_TOKEN_FILE",
}

Connect = Callable[["ClientConfig", "RetryConfig"], "Bucket"]


def open_gs(url: str, *, env: Mapping[str, str], meter: Meter = UNMETERED) -> Patient:
    """The store at `gs://bucket` or `gs://bucket/prefix`; asks nobody.

    Raises:
        SettingsError: The URL is malformed, obstore is not installed, or a file that the
            environment names cannot be read.
    """
    bucket, prefix = bucket_of(url, "gs", "bucket")
    config = _config(env, _GOOGLE)
    _require_obstore(url)
    from obstore.store import GCSStore  # noqa: PLC0415  (an extra)

    def connect(client: "ClientConfig", retry: "RetryConfig") -> GCSStore:
        return GCSStore(bucket, config=config, client_options=client, retry_config=retry)

    return _opened(url, prefix, connect, config.get("google_base_url", ""), meter=meter)


def open_az(url: str, *, env: Mapping[str, str], meter: Meter = UNMETERED) -> Patient:
    """The store at `az://container` or `az://container/prefix`; asks nobody.

    The account is AZURE_STORAGE_ACCOUNT's. Where no key, token or client is named, the Azure
    command line is asked for a token if it is installed, and the machine's identity if not.

    Raises:
        SettingsError: The URL is malformed, obstore is not installed, or no account is named.
    """
    container, prefix = bucket_of(url, "az", "container")
    named = {ours: env[theirs] for theirs, ours in _AZURES_OWN.items() if env.get(theirs)}
    config = _config({**named, **env}, _AZURE)
    if "azure_storage_account_name" not in config:
        raise SettingsError(
            f"{url!r}: no storage account is named", hint="export AZURE_STORAGE_ACCOUNT=NAME"
        )
    if not {name.lower() for name in _PROVING} & config.keys():
        config["azure_use_azure_cli"] = bool(shutil.which("az", path=env.get("PATH")))
    _require_obstore(url)
    from obstore.store import AzureStore  # noqa: PLC0415  (an extra)

    def connect(client: "ClientConfig", retry: "RetryConfig") -> AzureStore:
        return AzureStore(container, config=config, client_options=client, retry_config=retry)

    return _opened(url, prefix, connect, config.get("azure_storage_endpoint", ""), meter=meter)


def _config(env: Mapping[str, str], names: tuple[str, ...]) -> Any:  # noqa: ANN401  (a TypedDict each)
    return {name.lower(): env[name] for name in names if env.get(name)}


def _require_obstore(url: str) -> None:
    try:
        import obstore  # noqa: F401, PLC0415  (an extra)
    except ImportError as error:
        raise SettingsError(
            f"{url!r} needs the package obstore, which is not installed",
            hint="python -m pip install 'cryoem-cloud-tools[clouds]', where cryoem is installed",
        ) from error


def _opened(url: str, prefix: str, connect: Connect, endpoint: str, *, meter: Meter) -> Patient:
    from obstore.exceptions import BaseError  # noqa: PLC0415  (an extra)

    from cryoem_cloud.stores.clouds.store import CloudStore  # noqa: PLC0415  (imports obstore)

    client: ClientConfig = {
        "connect_timeout": timedelta(seconds=2.5),
        "read_timeout": timedelta(seconds=20),
        "timeout": timedelta(hours=1),  # of a whole request; a slow line takes long for a piece
        "allow_http": endpoint.startswith("http://"),
        "user_agent": "cryoem-cloud-tools",
    }
    try:
        once = connect(client, {"max_retries": 0})
        patient = connect(client, {"retry_timeout": timedelta(seconds=_STREAM_PATIENCE_S)})
    except (BaseError, OSError, ValueError) as error:
        raise SettingsError(
            f"{url!r} cannot be used: {str(error).partition(chr(10))[0]}",
            hint="correct the variable or file that names the credentials",
        ) from error
    patience = Patience(_PATIENCE_S)
    store = CloudStore(
        url.rstrip("/"), prefix, once=once, patient=patient, patience=patience, own=bool(endpoint)
    )
    return Patient(Metered(store, meter), patience)
