"""Finding the words of a bash script."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.apps.bash import commands
from cryoem_cloud.model.errors import FormatError


def words(script: str) -> list[list[str]]:
    return [[word.text for word in command.words] for command in commands(script)]


@pytest.mark.parametrize(
    ("script", "wanted"),
    [
        ("a b\nc", [["a", "b"], ["c"]]),
        ("a; b && c || d | e & f", [["a"], ["b"], ["c"], ["d"], ["e"], ["f"]]),
        ("a 'x  y' \"z 'q'\" b\\ c", [["a", "x  y", "z 'q'", "b c"]]),
        ('a "say \\"so\\" \\n"', [["a", 'say "so" \\n']]),
        ("a#b #c d\n# e\nf", [["a#b"], ["f"]]),
        ("a \\\n  b", [["a", "b"]]),
        ('a "x\ny"', [["a", "x\ny"]]),
        (
            "`which relion_x` --i $(echo 'a b)') ${A:-{}}",
            [["`which relion_x`", "--i", "$(echo 'a b)')", "${A:-{}}"]],
        ),
        ("a \"\" ''", [["a", "", ""]]),
        ("cat <<EOF > x\nit's `not\nEOF\nb", [["cat"], ["b"]]),
        ("(a; b)", [["a"], ["b"]]),
        ("X=1 a --y=2", [["X=1", "a", "--y=2"]]),
    ],
)
def test_words_are_those_that_bash_sees(script: str, wanted: list[list[str]]) -> None:
    assert words(script) == wanted


def test_redirections_are_set_apart_from_arguments() -> None:
    (command,) = commands("a b < in 2> err >> 'o ut' c")
    assert [word.text for word in command.words] == ["a", "b", "c"]
    assert [word.text for word in command.reads] == ["in"]
    assert [word.text for word in command.writes] == ["err", "o ut"]


@pytest.mark.parametrize("script", ["\n'a", 'x\n "b', "\n`c", "\n a$(b", "\n${x"])
def test_what_is_not_closed_is_named_by_its_line(script: str) -> None:
    with pytest.raises(FormatError, match="line 2"):
        list(commands(script))


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
def test_quoted_words_are_what_bash_gives_a_program(arguments: list[str]) -> None:
    import shlex  # noqa: PLC0415  (the law is about shlex's quoting)

    script = shlex.join(["printf", *arguments])
    assert words(script) == [["printf", *arguments]]


@given(st.lists(st.text("ab'\"\\ #$`\n;&|<>()!*?[", max_size=12), max_size=6))
def test_where_bash_sees_plain_words_so_do_we(pieces: list[str]) -> None:
    script = "printf '%s\\0' " + "".join(pieces)
    if any(sign in script for sign in "`$\n;&|<>()!*?[#"):
        return
    try:
        found = words(script)
    except FormatError:
        return
    bash = subprocess.run(["bash", "-c", script], capture_output=True, check=True)
    said = bash.stdout.decode().split("\0")[:-1]
    assert (found[0][2:] or [""]) == said


@given(st.text("ab '\"\\#$`\n;&|<>(){}EOF-"))
def test_any_text_gives_commands_or_a_format_error(script: str) -> None:
    try:
        found = list(commands(script))
    except FormatError:
        return
    for command in found:
        for word in (*command.words, *command.reads, *command.writes):
            assert 0 <= word.start < word.end <= len(script)
