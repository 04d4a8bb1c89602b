"""docs/reference/aws-errors.md: its tables are the programs' own. `python -m` writes them anew."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from cryoem_cloud.model.errors import (
    CryoemError,
    ProviderDeniedError,
    ProviderUnreachableError,
    QuotaError,
    StoreDeniedError,
    StoreUnreachableError,
)
from cryoem_cloud.providers.aws.refusal_table import BY_WORDS, CODES, ENDED, LOCAL
from cryoem_cloud.stores.s3 import faults, sdk

__all__ = ["PAGE", "shown"]

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "aws-errors.md"
_BEGIN, _END = "<!-- tables: begin -->\n", "<!-- tables: end -->\n"
_WAITS = (ProviderDeniedError, ProviderUnreachableError, StoreDeniedError, StoreUnreachableError)

_Row = tuple[str, type[CryoemError], str, str]


def shown() -> str:
    """The tables, as the page has them."""
    of_aws = [
        *((f"`{code}`", each.kind, each.what, each.hint) for code, each in CODES.items()),
        *(
            (f"`{code}` with “{words}”", each.kind, each.what, each.hint)
            for codes, words, each in BY_WORDS
            for code in sorted(codes)
        ),
        *((f"*{kind.__name__}*", each.kind, each.what, each.hint) for kind, each in LOCAL),
    ]
    of_store: list[_Row] = [
        *((f"`{code}`", each.kind, each.what, each.hint) for code, each in faults._CODES.items()),
        *(
            (f"*{kind.__name__}*", each.kind, each.what, each.hint)
            for kind, each in (*sdk.LOCAL, *faults._KINDS)
        ),
    ]
    ended = "".join(f"| `{code}` | {words} |\n" for code, words in ENDED.items())
    return (
        f"{_BEGIN}\n## Machines\n\n{_table(of_aws)}\n## The store\n\n{_table(of_store)}\n"
        f"## Machines that AWS ended before they were up\n\n| state reason | means |\n|---|---|\n"
        f"{ended}\n{_END}"
    )


def _table(rows: Iterable[_Row]) -> str:
    said: dict[tuple[type[CryoemError], str, str], list[str]] = defaultdict(list)
    for name, kind, what, hint in rows:
        said[kind, what, hint].append(name)
    lines = [
        f"| {what} | {hint.replace('|', chr(92) + '|') or '-'} | {_then(kind)} "
        f"| {', '.join(names)} |\n"
        for (kind, what, hint), names in said.items()
    ]
    head = "| the message | the hint | a job | AWS's code, or *botocore's error* |\n"
    return f"{head}|---|---|---|---|\n{''.join(sorted(lines))}"


def _then(kind: type[CryoemError]) -> str:
    if issubclass(kind, _WAITS):
        return "waits"
    return "ends" if kind is QuotaError else "-"


if __name__ == "__main__":
    text = PAGE.read_text()
    before, _, rest = text.partition(_BEGIN)
    PAGE.write_text(before + shown() + rest.partition(_END)[2])
