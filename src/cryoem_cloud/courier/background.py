"""Work of an errand that goes on while it follows its machines."""

import threading
from collections.abc import Iterator

from cryoem_cloud.courier.halting import HaltedError

__all__ = ["Background"]


class Background:
    """Goes through the steps of some work in a thread; between two steps it can be stopped."""

    def __init__(self, steps: Iterator[object], name: str) -> None:
        self._steps = steps
        self._stopped = threading.Event()
        self._error: Exception | None = None
        self._done = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether it has gone through all steps."""
        return self._done

    @property
    def stopped(self) -> bool:
        """Whether no further step is to be done; the one that is being done may look."""
        return self._stopped.is_set()

    def look(self) -> None:
        """Raise what stopped the work, if something did."""
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Do no further step, and wait for the one that is being done."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            for _ in self._steps:
                if self._stopped.is_set():
                    return
            self._done = True
        except HaltedError:
            return
        except Exception as error:  # noqa: BLE001  (raised again where the errand looks)
            self._error = error
