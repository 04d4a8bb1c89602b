"""Checksums as stores tell them."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.model.checks import Crc, checks_of_parts, crc32_of, crc32c_of, is_of_parts


@pytest.mark.parametrize("check", [crc32_of, crc32c_of])
@given(parts=st.lists(st.binary(max_size=70), min_size=1, max_size=6))
def test_the_wholes_checksum_follows_from_its_parts(
    check: Callable[[list[bytes]], str], parts: list[bytes]
) -> None:
    whole, of_parts = checks_of_parts([(check([part]), len(part)) for part in parts])
    assert whole == check(parts) == check([b"".join(parts)])
    assert of_parts.endswith(f"-{len(parts)}")
    assert (is_of_parts(whole), is_of_parts(of_parts)) == (False, True)


def test_it_follows_for_parts_that_no_memory_holds() -> None:
    zeros, crc = bytes(2**24), Crc()
    for _ in range(64):
        crc.update(zeros)
    each = crc32_of([zeros])
    assert checks_of_parts([(each, len(zeros))] * 64)[0] == crc.said


def test_checksums_are_said_as_amazon_says_them() -> None:
    assert crc32_of([b"he", b"llo"]) == "NhCmhg=="
    assert crc32c_of([b"1234", b"56789"]) == "crc32c:4waSgw=="  # 0xE3069283, as RFC 3720 has it


@pytest.mark.parametrize("word", ["", "tag", "NhCmhg", "NhCm", "00c0ffee"])
def test_of_parts_with_other_words_nothing_follows(word: str) -> None:
    assert checks_of_parts([("NhCmhg==", 5), (word, 5)]) == ()
    assert checks_of_parts([]) == ()
    assert checks_of_parts([("NhCmhg==", 5), ("crc32c:NhCmhg==", 5)]) == ()
