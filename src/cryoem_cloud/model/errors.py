"""The one tree of errors.

```
CryoemError                 exit 1
├── UsageError              exit 2    the command's words are off
├── SettingsError           exit 2    a settings file or variable is off
├── NotFoundError           exit 3    no such job, project or file
├── ProjectGoneError        exit 3    the project's or the job's folder is not where it was
├── MissingInputError       exit 4    a job asks for a file that does not exist
├── RefusedError            exit 5    something that we do not do, for safety
├── NoSpaceError            exit 6    a disk is full
├── FormatError             exit 7    a record or a file that cannot be read
│   └── NewerFormatError    exit 7    … because a newer version of us wrote it
├── StoreError              exit 8
│   ├── ObjectMissingError
│   ├── ObjectExistsError
│   ├── ArchivedError                 can be read only once it was restored
│   ├── KeyClashError                 a store that cannot hold `a` and `a/b`
│   ├── CorruptObjectError
│   ├── StoreUnreachableError         may be tried again
│   └── StoreDeniedError              credentials: wrong, expired, or a clock that is off
├── ApplicationError        exit 1    what knows a job's programs has a bug
├── SourceChangedError      exit 9    a file changed while it was read; may be tried again
├── ProviderError           exit 10
│   ├── BootError                     machines that ended before they had worked
│   ├── ProviderUnreachableError      may be tried again
│   ├── ProviderDeniedError           credentials or rights: wrong, expired or missing
│   └── QuotaError                    the account may not have so many machines
└── BudgetError             exit 11   the project may not spend so much
```
"""

from typing import ClassVar

__all__ = [
    "ApplicationError",
    "ArchivedError",
    "BootError",
    "BudgetError",
    "CorruptObjectError",
    "CryoemError",
    "FormatError",
    "KeyClashError",
    "MissingInputError",
    "NewerFormatError",
    "NoSpaceError",
    "NotFoundError",
    "ObjectExistsError",
    "ObjectMissingError",
    "ProjectGoneError",
    "ProviderDeniedError",
    "ProviderError",
    "ProviderUnreachableError",
    "QuotaError",
    "RefusedError",
    "SettingsError",
    "SourceChangedError",
    "StoreDeniedError",
    "StoreError",
    "StoreUnreachableError",
    "UsageError",
]


class CryoemError(Exception):
    """Something that a user should hear of: what happened, and what to do next."""

    exit_code: ClassVar[int] = 1
    retry: ClassVar[bool] = False
    """Whether the same call may succeed later without anybody changing anything."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """The message, and the hint in brackets."""
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(CryoemError):
    """The command's words are off."""

    exit_code = 2


class SettingsError(CryoemError):
    """A settings file or an environment variable is off."""

    exit_code = 2


class NotFoundError(CryoemError):
    """There is no such job, project or file."""

    exit_code = 3


class ProjectGoneError(CryoemError):
    """The project's or the job's folder is not where it was."""

    exit_code = 3


class MissingInputError(CryoemError):
    """A job asks for a file that does not exist."""

    exit_code = 4


class RefusedError(CryoemError):
    """Something that we do not do, for safety."""

    exit_code = 5


class NoSpaceError(CryoemError):
    """A disk is full."""

    exit_code = 6


class FormatError(CryoemError):
    """A record or a file that cannot be read."""

    exit_code = 7


class NewerFormatError(FormatError):
    """A record that a newer version of this program wrote."""


class StoreError(CryoemError):
    """The store did not do what was asked."""

    exit_code = 8


class ObjectMissingError(StoreError):
    """There is no object under that key."""


class ObjectExistsError(StoreError):
    """There is an object under that key already."""


class ArchivedError(StoreError):
    """The object is kept where it cannot be read, and was not restored, or no longer is."""


class KeyClashError(StoreError):
    """The store cannot hold this key and one that is there: one continues the other after a `/`."""


class CorruptObjectError(StoreError):
    """An object's bytes are not those that its digest promises."""


class StoreUnreachableError(StoreError):
    """The store did not answer, or said that it is busy. The request may have been carried out."""

    retry = True
    after_s: float = 0.0
    """For how long a busy store asked to be left alone."""


class StoreDeniedError(StoreError):
    """The store refused us: credentials that are wrong or expired, or a clock that is off."""


class ApplicationError(CryoemError):
    """What knows a job's programs has a bug: the same call would end in the same way."""


class SourceChangedError(CryoemError):
    """A file changed while it was read."""

    exit_code = 9
    retry = True


class ProviderError(CryoemError):
    """The provider of machines did not do what was asked."""

    exit_code = 10


class BootError(ProviderError):
    """Machines were started and ended before they had worked, again and again."""


class ProviderUnreachableError(ProviderError):
    """The provider did not answer, or said that it is busy. It may have done what was asked."""

    retry = True


class ProviderDeniedError(ProviderError):
    """The provider refused us: credentials are wrong or expired, or a right is missing."""


class QuotaError(ProviderError):
    """The account may not have so many machines of that kind at a time."""


class BudgetError(CryoemError):
    """The project may not spend so much."""

    exit_code = 11
