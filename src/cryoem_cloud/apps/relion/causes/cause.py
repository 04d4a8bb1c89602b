"""What a program's words mean."""

import re
from dataclasses import dataclass
from typing import Self

__all__ = ["Cause"]


@dataclass(frozen=True, slots=True)
class Cause:
    """What it means where a log matches `pattern`, and what to do about it.

    `reason` and `remedy` are parts of a sentence; `{name}` stands for the pattern's group, which
    is empty where it took no part. `ends` says that who prints this ends, always, and that RELION
    may call it a success all the same.
    """

    pattern: re.Pattern[str]
    reason: str
    remedy: str
    ends: bool = False

    @classmethod
    def of(cls, pattern: str, reason: str, remedy: str, *, ends: bool = False) -> Self:
        """With the pattern as text; `^` and `$` match at lines."""
        return cls(re.compile(pattern, re.MULTILINE), reason, remedy, ends)

    def said(self, log: str) -> str:
        """The reason and, in brackets, the remedy, if the log matches; "" if not."""
        found = self.pattern.search(log)
        if found is None:
            return ""
        groups = {name: text or "" for name, text in found.groupdict().items()}
        reason = " ".join(self.reason.format(**groups).split())
        return f"{reason} ({self.remedy.format(**groups)})"
