"""Logs that programs can read, and people too."""

import json
import logging
from datetime import UTC, datetime

__all__ = ["log_to_stderr"]


class _Lines(logging.Formatter):
    """A JSON object a line: time, level, where from, what; the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        fields = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "thread": record.threadName,
            "text": record.getMessage(),
        }
        if record.exc_info:
            fields["trace"] = self.formatException(record.exc_info)
        return json.dumps(fields)


def log_to_stderr() -> None:
    """Write this process's log to its standard error from now on.

    botocore would tell of each look for credentials, with tracebacks; we say it in our words.
    """
    out = logging.StreamHandler()
    out.setFormatter(_Lines())
    logging.basicConfig(level=logging.INFO, handlers=[out], force=True)
    logging.getLogger("botocore").setLevel(logging.ERROR)
