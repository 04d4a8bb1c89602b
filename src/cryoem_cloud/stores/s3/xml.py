"""Reading S3's answers: XML without any of what makes XML dangerous."""

from dataclasses import dataclass, field
from xml.parsers import expat

from cryoem_cloud.model.errors import StoreUnreachableError

__all__ = ["Element", "parsed"]

_DEEPEST = 16


@dataclass(slots=True)
class Element:
    """An element: its name without a prefix, its own text, and what is in it."""

    name: str
    text: str = ""
    inner: list["Element"] = field(default_factory=list)

    def all(self, name: str) -> list["Element"]:
        """The elements of that name that are directly in this one."""
        return [element for element in self.inner if element.name == name]

    def said(self, name: str) -> str:
        """The text of the first element of that name directly in this one; "" if none has any."""
        return next((element.text for element in self.all(name)), "")

    def number(self, name: str) -> int:
        """The whole number that is said there; 0 if none is.

        Raises:
            StoreUnreachableError: That is no number.
        """
        text = self.said(name) or "0"
        if not (text.isascii() and text.isdigit()):
            raise _senseless()
        return int(text)


class _RefusedError(Exception):
    """Not what a server of S3's language says."""


def parsed(data: bytes) -> Element:
    """The root element; of an empty answer, one without a name.

    Raises:
        StoreUnreachableError: That is no XML, or has definitions (which may grow without bound).
    """
    root = Element("")
    open_elements = [root]
    parser = expat.ParserCreate()

    def begin(name: str, _: object) -> None:
        element = Element(name.rpartition(":")[2])
        open_elements[-1].inner.append(element)
        open_elements.append(element)
        if len(open_elements) > _DEEPEST:
            raise _RefusedError

    def end(_: str) -> None:
        open_elements.pop()

    def text(piece: str) -> None:
        open_elements[-1].text += piece

    def refuse(*_: object) -> None:
        raise _RefusedError

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = text, refuse
    if not data.strip():
        return root
    try:
        parser.Parse(data.lstrip(), True)  # noqa: FBT003  (the library's parameter: it is all)
    except (expat.ExpatError, _RefusedError) as error:
        raise _senseless() from error
    return root.inner[0]


def _senseless() -> StoreUnreachableError:
    return StoreUnreachableError("the store's answer makes no sense", hint="is it S3?")
