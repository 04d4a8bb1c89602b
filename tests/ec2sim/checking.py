"""Requests against botocore's service model, as AWS itself would read them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.serialize
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.validate import ParamValidator

from tests.ec2sim.refusals import Refusal

__all__ = ["check"]

# Part of every query, and of no operation.
_COMMON = {"Action", "Version"}
_SIGNING = re.compile(r"X-Amz-|AWSAccessKeyId|Signature", re.IGNORECASE)
_FORMS = {"query", "ec2"}

_Problem = tuple[str, str, object]


def check(
    operation: OperationModel, parameters: Mapping[str, Any], sent: frozenset[str] = frozenset()
) -> None:
    """See that the parameters are what the model wants; `sent` are the names in a form.

    Raises:
        Refusal: As EC2 or Auto Scaling refuse: a member is unknown, missing, too long or too
            short, or not one of the values that there are.
    """
    protocol = operation.service_model.metadata["protocol"]
    if protocol in _FORMS:
        _check_names(operation, parameters, sent)
    shape = operation.input_shape
    if shape is None:
        return
    _check_missing(operation, parameters)
    for where, problem, value in _problems(shape, parameters, ""):
        raise _wrong(operation, where, problem, value)
    report = ParamValidator().validate(parameters, shape)
    if report.has_errors():
        raise Refusal(_code(operation), report.generate_report())


def _check_names(
    operation: OperationModel, parameters: Mapping[str, Any], sent: frozenset[str]
) -> None:
    serializer = botocore.serialize.create_serializer(
        operation.service_model.metadata["protocol"], include_validation=False
    )
    known = set(serializer.serialize_to_request(parameters, operation)["body"])
    unknown = sorted(
        name for name in sent - known - _COMMON if not _SIGNING.match(name) and not _empty(name)
    )
    if unknown:
        raise Refusal(
            "UnknownParameter" if _is_ec2(operation) else "MalformedInput",
            f"The parameter {unknown[0]} is not recognized",
        )


def _empty(name: str) -> bool:
    """Whether the name says only that a list is empty, as botocore sends it."""
    return name.endswith(".member") or name == ""


def _check_missing(operation: OperationModel, parameters: Mapping[str, Any]) -> None:
    shape = operation.input_shape
    for where in _missing(shape, parameters, ""):
        if _is_ec2(operation):
            raise Refusal(
                "MissingParameter", f"The request must contain the parameter {where.lstrip('.')}"
            )
        raise _wrong(operation, where, "Member must not be null", None)


def _missing(shape: Shape, value: object, where: str) -> Iterator[str]:
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        for name in shape.required_members:
            if name not in value:
                yield f"{where}.{name}"
        for name, member in shape.members.items():
            if name in value:
                yield from _missing(member, value[name], f"{where}.{name}")
    if isinstance(shape, ListShape) and isinstance(value, list):
        for number, each in enumerate(value, 1):
            yield from _missing(shape.member, each, f"{where}.{number}.member")


def _problems(shape: Shape, value: object, where: str) -> Iterator[_Problem]:
    """What is wrong with the value: where, what must be, what is."""
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        for name, member in shape.members.items():
            if name in value:
                yield from _problems(member, value[name], f"{where}.{name}")
    elif isinstance(shape, ListShape) and isinstance(value, list):
        yield from _too_much(shape, len(value), where, value)
        for number, each in enumerate(value, 1):
            yield from _problems(shape.member, each, f"{where}.{number}.member")
    elif isinstance(shape, MapShape) and isinstance(value, Mapping):
        for each in value.values():
            yield from _problems(shape.value, each, f"{where}.value")
    else:
        yield from _problems_of_one(shape, value, where)


def _problems_of_one(shape: Shape, value: object, where: str) -> Iterator[_Problem]:
    if isinstance(value, str):
        words = shape.metadata.get("enum")
        if words and value not in words:
            yield where, f"Member must satisfy enum value set: [{', '.join(words)}]", value
        yield from _too_much(shape, len(value), where, value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _out_of_range(shape, value, where)


def _too_much(shape: Shape, length: int, where: str, value: object) -> Iterator[_Problem]:
    if length > shape.metadata.get("max", length):
        yield where, f"Member must have length less than or equal to {shape.metadata['max']}", value
    if length < shape.metadata.get("min", length):
        least = shape.metadata["min"]
        yield where, f"Member must have length greater than or equal to {least}", value


def _out_of_range(shape: Shape, value: float, where: str) -> Iterator[_Problem]:
    if value > shape.metadata.get("max", value):
        yield where, f"Member must have value less than or equal to {shape.metadata['max']}", value
    if value < shape.metadata.get("min", value):
        least = shape.metadata["min"]
        yield where, f"Member must have value greater than or equal to {least}", value


def _wrong(operation: OperationModel, where: str, problem: str, value: object) -> Refusal:
    name = where.lstrip(".")
    if _is_ec2(operation):
        return Refusal("InvalidParameterValue", f"Invalid value '{value}' for {name}. {problem}")
    camel = name[:1].lower() + name[1:]
    shown = "null" if value is None else f"'{value}'"
    return Refusal(
        _code(operation),
        f"1 validation error detected: Value {shown} at '{camel}' failed to satisfy constraint: "
        f"{problem}",
    )


def _code(operation: OperationModel) -> str:
    if _is_ec2(operation):
        return "InvalidParameterValue"
    json = operation.service_model.metadata["protocol"] not in _FORMS
    return "ValidationException" if json else "ValidationError"


def _is_ec2(operation: OperationModel) -> bool:
    return bool(operation.service_model.service_name == "ec2")
