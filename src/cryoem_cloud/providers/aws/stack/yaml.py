"""Writes plain values as YAML: mappings, lists, texts, numbers and truths, in block style.

Texts are written in double quotes as JSON writes them, which YAML 1.2 reads the same ("Relation to
JSON", yaml.org/spec/1.2.2), so that none is taken for something else.
"""

import json
from collections.abc import Iterator, Mapping, Sequence

__all__ = ["as_yaml"]

_WORDS = frozenset({"false", "n", "no", "null", "off", "on", "true", "y", "yes"})
"""What YAML, or one of its readers, takes for something else than a text."""

Value = Mapping[str, "Value"] | Sequence["Value"] | str | int | bool


def as_yaml(value: Mapping[str, Value]) -> str:
    """The value as a document of YAML."""
    return "\n".join(_lines(value)) + "\n"


def _lines(value: Value) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for key, each in value.items():
            yield from _under(f"{_key(key)}:", each)
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        for each in value:
            first, *rest = _lines(each)
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
    else:
        yield json.dumps(value)


def _under(head: str, value: Value) -> Iterator[str]:
    if isinstance(value, Mapping | list | tuple) and value:
        yield head
        yield from (f"  {line}" for line in _lines(value))
    else:
        yield f"{head} {json.dumps(value)}"


def _key(key: str) -> str:
    plain = key.replace("::", "").isalnum() and key[0].isalpha()
    return key if plain and key.lower() not in _WORDS else json.dumps(key)
