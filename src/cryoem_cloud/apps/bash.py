r"""Words of a bash script, without evaluating any of it.

Enough of bash's grammar to find the commands in a job script and the place of each word: quotes,
backslashes, comments, substitutions (kept as they stand), redirections, here-documents. What a
substitution or a variable would give is not known here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cryoem_cloud.model.errors import FormatError

__all__ = ["Command", "Word", "commands"]

_OPERATOR = re.compile(r"\n|&&|\|\||;;|\|&|&>>|&>|>&|<&|<<<|<<-|<<|>>|>\||<>|[;&|<>()]")
_REDIRECTIONS = frozenset({"<", ">", ">>", ">|", "<>", "&>", "&>>", ">&", "<&", "<<<"})
_HERE = frozenset({"<<", "<<-"})
_QUOTABLE = '$`"\\\n'
"""What a backslash quotes between double quotes."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word after quote removal, and the range of the script that it was written in."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Command:
    """A simple command: its words, and the files its redirections read and write."""

    words: tuple[Word, ...]
    reads: tuple[Word, ...] = ()
    writes: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class _Operator:
    sign: str
    start: int


def commands(script: str) -> Iterator[Command]:
    """The simple commands of a script, in order.

    Raises:
        FormatError: A quote or a substitution is not closed; the message names the line.
    """
    words: list[Word] = []
    redirected: dict[str, list[Word]] = {"<": [], ">": []}
    pending = ""
    for token in _tokens(script):
        if isinstance(token, Word):
            if pending:
                redirected["<" if pending.startswith("<") else ">"].append(token)
                pending = ""
            else:
                words.append(token)
        elif token.sign in _REDIRECTIONS:
            pending = token.sign
            if words and words[-1].end == token.start and words[-1].text.isdigit():
                words.pop()
        else:
            if words or redirected["<"] or redirected[">"]:
                yield Command(tuple(words), tuple(redirected["<"]), tuple(redirected[">"]))
            words, redirected, pending = [], {"<": [], ">": []}, ""


def _tokens(script: str) -> Iterator[Word | _Operator]:
    """Words and operators, a newline at the very end; here-documents are left out."""
    at = 0
    here: list[str] = []
    expects_end = False
    while at < len(script):
        if script[at] in " \t\r":
            at += 1
        elif script.startswith("\\\n", at):
            at += 2
        elif script[at] == "#":
            at = _line_end(script, at)
        elif operator := _OPERATOR.match(script, at):
            at = operator.end()
            if operator[0] in _HERE:
                expects_end = True
                continue
            if operator[0] == "\n":
                for end in here:
                    at = _after_here(script, at, end)
                here = []
            yield _Operator(operator[0], operator.start())
        else:
            word = _word(script, at)
            at = word.end
            if expects_end:
                here.append(word.text)
                expects_end = False
            else:
                yield word
    yield _Operator("\n", len(script))


def _word(script: str, start: int) -> Word:
    """The word that starts there."""
    pieces: list[str] = []
    at = start
    while at < len(script) and script[at] not in " \t\r\n;&|<>()":
        sign = script[at]
        if sign == "\\":
            quoted = script[at + 1 : at + 2] or "\\"
            pieces.append("" if quoted == "\n" else quoted)
            at += 2
        elif sign == "'":
            end = _closing(script, at, "'")
            pieces.append(script[at + 1 : end])
            at = end + 1
        elif sign == '"':
            text, at = _double_quoted(script, at)
            pieces.append(text)
        elif sign == "`" or script.startswith(("$(", "${"), at):
            end = _after_substitution(script, at)
            pieces.append(script[at:end])
            at = end
        else:
            pieces.append(sign)
            at += 1
    return Word("".join(pieces), start, min(at, len(script)))


def _double_quoted(script: str, start: int) -> tuple[str, int]:
    pieces: list[str] = []
    at = start + 1
    while at < len(script):
        if script[at] == '"':
            return "".join(pieces), at + 1
        if script[at] == "\\" and script[at + 1 : at + 2] in set(_QUOTABLE):
            pieces.append("" if script[at + 1] == "\n" else script[at + 1])
            at += 2
        elif script[at] == "`" or script.startswith(("$(", "${"), at):
            end = _after_substitution(script, at)
            pieces.append(script[at:end])
            at = end
        else:
            pieces.append(script[at])
            at += 1
    raise _unclosed(script, start)


def _after_substitution(script: str, start: int) -> int:
    """Where a backtick, `$(` or `${` substitution ends."""
    if script[start] == "`":
        return _closing(script, start, "`") + 1
    opening, closing = ("(", ")") if script[start + 1] == "(" else ("{", "}")
    depth, at = 0, start + 1
    while at < len(script):
        if script[at] in "'\"":
            at = _closing(script, at, script[at])
        elif script[at] == "\\":
            at += 1
        else:
            depth += (script[at] == opening) - (script[at] == closing)
            if depth == 0:
                return at + 1
        at += 1
    raise _unclosed(script, start)


def _closing(script: str, start: int, sign: str) -> int:
    """Where the quote that opens at `start` is closed."""
    at = start + 1
    while at < len(script):
        if script[at] == "\\" and sign != "'":
            at += 1
        elif script[at] == sign:
            return at
        at += 1
    raise _unclosed(script, start)


def _line_end(script: str, at: int) -> int:
    end = script.find("\n", at)
    return len(script) if end < 0 else end


def _after_here(script: str, at: int, delimiter: str) -> int:
    """Where the text after a here-document starts."""
    while at < len(script):
        end = _line_end(script, at)
        line, at = script[at:end].lstrip("\t"), end + 1
        if line == delimiter:
            break
    return min(at, len(script))


def _unclosed(script: str, start: int) -> FormatError:
    line = script.count("\n", 0, start) + 1
    return FormatError(f"the script's line {line}: {script[start]} is not closed")
