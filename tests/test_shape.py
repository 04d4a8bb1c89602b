"""What keeps the code readable: sizes, layers, the drawn tree of errors, what imports what."""

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import cryoem_cloud
from cryoem_cloud.model import errors

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src").rglob("*.py"))

LONGEST_MODULE = 400
LONGEST_FUNCTION = 60


def functions(source: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(source.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def error_classes(base: type[errors.CryoemError]) -> Iterator[type[errors.CryoemError]]:
    yield base
    for child in base.__subclasses__():
        yield from error_classes(child)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_are_short(source: Path) -> None:
    lines = len(source.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST_MODULE
    too_long = [
        node.name
        for node in functions(source)
        if (node.end_lineno or node.lineno) - node.lineno >= LONGEST_FUNCTION
    ]
    assert not too_long


def test_every_module_says_what_it_offers() -> None:
    silent = []
    for found in pkgutil.walk_packages(cryoem_cloud.__path__, "cryoem_cloud."):
        if found.ispkg or found.name.endswith("__main__"):
            continue
        module = importlib.import_module(found.name)
        if not all(hasattr(module, name) for name in getattr(module, "__all__", ["?"])):
            silent.append(found.name)
    assert not silent


def test_architecture_draws_the_layers_that_are_enforced() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    block = text.split("## Layers", 1)[1].split("```", 2)[1]
    drawn = [re.split(r"\s{2,}", line)[0] for line in block.strip().splitlines()]
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = config["tool"]["importlinter"]["contracts"]
    enforced = next(item["layers"] for item in contracts if item["type"] == "layers")
    assert drawn == enforced


def test_architecture_names_modules_that_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    package = ROOT / "src" / "cryoem_cloud"
    named = re.findall(r"`((?:[a-z_0-9]+/)+[a-z_0-9]+)`", text)
    gone = [
        name
        for name in named
        if not (package / f"{name}.py").exists() and not (package / name).is_dir()
        if not (ROOT / name).exists()
    ]
    assert not gone


def test_the_drawn_tree_of_errors_is_the_tree() -> None:
    drawn = re.findall(r"(\w+Error)\b", errors.__doc__ or "")
    ours = [
        kind for kind in error_classes(errors.CryoemError) if kind.__module__ == errors.__name__
    ]
    assert sorted(drawn) == sorted(kind.__name__ for kind in ours)
    assert sorted(errors.__all__) == sorted(drawn)


def test_the_queue_command_imports_little() -> None:
    heavy = {"botocore", "rich", "numpy", "sqlite3", "asyncio"}
    code = (
        f"import sys\nimport cryoem_cloud.cli.qsub\nprint(*sorted({heavy!r} & set(sys.modules)))\n"
    )
    shown = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )
    assert shown.stdout.split() == []


def test_no_committed_file_knows_this_machine() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    pattern = re.compile(r"(index-url|find-links|resolved\b.*https?:)")
    names = [name for name in listed.stdout.split("\0") if name.endswith((".txt", ".toml", ".in"))]
    assert names
    guilty = [name for name in names if pattern.search((ROOT / name).read_text(encoding="utf-8"))]
    assert not guilty


def test_prices_stand_in_the_catalogue_alone() -> None:
    """Of what is sold by the GB, the hour or the request, nobody else may have a price."""
    priced = re.compile(
        r"""^_?[A-Z_]*USD[A-Z_]*\b.*Decimal\("|Decimal\("0\.0(?!1"|001"|0+1")""", re.MULTILINE
    )
    ours = [path for path in SOURCES if "planner" not in path.parts]
    found = {path.name for path in ours if priced.search(path.read_text(encoding="utf-8"))}
    assert found == {"bill.py"}  # what asking for the bill costs
