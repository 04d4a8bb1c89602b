"""Keys from paths: different for different paths, safe for every store, the same for ever."""

import hashlib
import os
import string

import pytest
from hypothesis import example, given

from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.keys import mirror_key
from cryoem_cloud.model.paths import LONGEST_KEY, OUTSIDE, escaped, is_below, normal, version_key
from cryoem_cloud.stores.lawful import lawful

from .values import PATHS

ASCII = set(string.ascii_letters + string.digits + "_.+=,%~@/-")
LONG = "x" * 300


@given(PATHS, PATHS)
@example("a%2Fb", "a/b")
@example("a b", "a%20b")
@example("a~1", "a%7E1")
@example("é", os.fsdecode(b"\xe9"))
@example(os.fsdecode(b"\xc3"), "%C3")
@example(f"{LONG}/a", f"{LONG}/b")
def test_different_paths_have_different_keys(one: str, other: str) -> None:
    assert (escaped(one) == escaped(other)) == (one == other)


@given(PATHS)
@example("a b")
def test_a_key_is_the_path_of_another_file_only_where_nothing_was_escaped(path: str) -> None:
    assert (escaped(escaped(path)) == escaped(path)) == (escaped(path) == path)


@given(PATHS)
@example(f"{OUTSIDE}data/x")
@example("@long/abc")
@example(LONG)
@example("é" * 150)
@example("/".join(["folder"] * 200))
@example("a\nb\tc #*?\"<>|\\:'")
def test_keys_are_lawful_and_readable(path: str) -> None:
    key = mirror_key(path)
    assert lawful(key) == key
    assert all(character in ASCII or ord(character) > 127 for character in key)
    assert len(key.encode()) <= LONGEST_KEY + len("mirror/")


@given(PATHS)
def test_no_key_of_a_path_is_one_of_another_version(path: str) -> None:
    assert "~" not in escaped(path)
    assert version_key(escaped(path), "blake3:0123456789") == f"{escaped(path)}~01234567"


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("Extract/job012/particles.star", "Extract/job012/particles.star"),
        ("Movies/grid 1/m#1.tif", "Movies/grid%201/m%231.tif"),
        ("100%.txt", "100%25.txt"),
        ("~/x@y", "%7E/x%40y"),
        ("Größe/漢.mrc", "Größe/漢.mrc"),
        (os.fsdecode(b"caf\xe9.mrc"), "caf%E9.mrc"),
        ("@abs/data/movies/x.tif", "@abs/data/movies/x.tif"),
        ("x/@abs/y", "x/%40abs/y"),
    ],
)
def test_the_rule_never_changes(path: str, key: str) -> None:
    assert escaped(path) == key


def test_the_rule_for_long_paths_never_changes() -> None:
    assert escaped("x" * 201) == "@long/" + hashlib.sha256(b"x" * 201).hexdigest()
    assert escaped("x" * 200) == "x" * 200


@pytest.mark.parametrize("path", ["", "/a", "..", "../a", "a/../../b", "a\0b"])
def test_a_path_that_leaves_the_project_is_refused(path: str) -> None:
    with pytest.raises(RefusedError):
        normal(path)


@given(PATHS)
def test_normal_paths_stay(path: str) -> None:
    assert normal(f"./{path}//") == normal(path)
    assert normal(normal(path)) == normal(path)


def test_below_a_folder_is_what_lies_in_it() -> None:
    assert is_below("a/b", "a")
    assert is_below("a/b", "a/")
    assert is_below("a", "a")
    assert is_below("anything", ".")
    assert not is_below("ab", "a")
    assert not is_below("a", "a/b")
