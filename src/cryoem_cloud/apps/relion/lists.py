"""The lists of a project, read for the files that they name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cryoem_cloud.apps.relion import names
from cryoem_cloud.apps.relion.readings import MICROGRAPH, followed, labels
from cryoem_cloud.apps.relion.row import Reading
from cryoem_cloud.apps.star import Block, blocks_in
from cryoem_cloud.model.errors import MissingInputError, RefusedError
from cryoem_cloud.ports.view import View

__all__ = ["Lists"]


@dataclass(frozen=True, slots=True)
class Lists:
    """STAR files of a view. `asker` is who is told to ask for one that cannot be read.

    All raise MissingInputError where there is no such file, FormatError where a row is malformed,
    RefusedError where it is no file.
    """

    view: View

    def leading_on(self, path: str, reading: Reading, asker: str) -> Iterator[tuple[int, str, str]]:
        """The lines, labels and names of the files that such a reading of a list leads to."""
        if reading.first_of is None and not reading.among:
            yield from self.named_files(path, labels(reading), asker)
            return
        rows = self.rows(path, labels(reading), asker)
        for line, values in followed(rows, reading, self._micrographs(reading, asker)):
            for label, value in values.items():
                yield line, label, names.image_file(value)

    def named_files(
        self, path: str, wanted: Callable[[str], bool], asker: str
    ) -> Iterator[tuple[int, str, str]]:
        """The line, the label and the file, wherever it is another one than in the row before."""
        for block in self._blocks(path, wanted, asker):
            for label, words in block.columns.items():
                for after, name in names.image_files(words):
                    yield block.line + after, label, name

    def rows(
        self, path: str, wanted: Callable[[str], bool], asker: str
    ) -> Iterator[tuple[int, dict[str, str]]]:
        """The lines with their values, by label."""
        for block in self._blocks(path, wanted, asker):
            for row in block.rows():
                yield row.line, row.values

    def _micrographs(self, reading: Reading, asker: str) -> set[str]:
        """The micrographs of the lists that say which ones matter, their jobs' folders off."""
        return {
            names.without_job(values[MICROGRAPH])
            for path in reading.among
            for _, values in self.rows(names.placed(path, asker), MICROGRAPH.__eq__, asker)
        }

    def _blocks(self, path: str, wanted: Callable[[str], bool], asker: str) -> Iterator[Block]:
        try:
            with self.view.open(path) as file:
                yield from blocks_in(file, wanted, name=path)
        except OSError as error:
            raise MissingInputError(
                f"{path}, for which {asker} asks, cannot be read: {error.strerror}",
                hint="the job that makes it may not have run yet",
            ) from error
        except RefusedError as error:
            told = f"{error.message}; {asker} asks for it"
            raise RefusedError(told, hint=error.hint) from error
