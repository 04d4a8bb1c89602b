"""Which troubles an errand waits for to pass."""

from cryoem_cloud.model.errors import (
    NoSpaceError,
    ProjectGoneError,
    ProviderDeniedError,
    ProviderUnreachableError,
    SettingsError,
    SourceChangedError,
    StoreDeniedError,
    StoreUnreachableError,
)

__all__ = ["WAIT_FOR"]

WAIT_FOR = (
    StoreUnreachableError,
    StoreDeniedError,
    ProviderUnreachableError,
    ProviderDeniedError,
    NoSpaceError,
    ProjectGoneError,
    SourceChangedError,
    SettingsError,
    OSError,
)
"""Troubles that somebody or something else ends; the job waits and says so."""
