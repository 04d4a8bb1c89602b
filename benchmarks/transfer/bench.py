"""Runs rows: data sets, a sink and clients in turns, one client at a time."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from filecmp import cmp
from pathlib import Path
from typing import Any

from benchmarks.transfer import rivals
from benchmarks.transfer.cases import RAW, Row
from benchmarks.transfer.figures import OURS, Run, order
from benchmarks.transfer.links import way
from benchmarks.transfer.sinks import ROOT, Sink, running
from benchmarks.transfer.user import User, knows_codec, new_user

__all__ = ["Bench", "Field", "same_files"]

PATIENCE_S = 7200.0
LITTLE = 0.05
"""As a part of the set: an upload of less was none, of records alone at most."""


@dataclass(frozen=True)
class Field:
    """Where one row is measured: its data, its sink, a folder for what clients need."""

    row: Row
    folder: Path
    source: Path
    facts: Mapping[str, Any]
    sink: Sink
    users: dict[str, User] = field(default_factory=dict)

    def user(self, name: str) -> User:
        """Ours of that name; made with the first call."""
        if name not in self.users:
            self.users[name] = new_user(self.folder / name, self.source, self.sink)
        return self.users[name]

    def words(
        self, verb: str, client: str, name: str
    ) -> tuple[Sequence[str], Path, Mapping[str, str]]:
        """A client's command, the folder it is called in and its environment."""
        if client in {OURS, RAW}:
            user = self.user(name)
            pushed = user.push(raw=client == RAW)
            return (user.pull() if verb == "down" else pushed), user.project, user.env
        folder = self.folder / name if verb == "down" else self.source
        call = rivals.Call(
            verb=verb,
            folder=folder,
            prefix=name,
            small=self.row.data in {"small", "many"},
            endpoint=self.sink.endpoint,
            certificate=self.sink.certificate,
        )
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        return rivals.words(client, call), self.folder, {**env, **rivals.environment(call.endpoint)}

    def spend(self, verb: str, client: str, name: str) -> dict[str, Any]:
        """Let a client do it: what it took, and what the sink saw."""
        command, folder, env = self.words(verb, client, name)
        report = self.folder / "report.json"
        small = Path(__file__).with_name("spent.py")
        start = [*self.sink.way.client, sys.executable, "-S", "-E", str(small)]
        self.sink.told()
        load = os.getloadavg()[0]
        with (self.folder / "client.log").open("ab") as log:
            subprocess.run(
                [*start, str(report), str(PATIENCE_S), *command],
                cwd=folder,
                env=dict(env),
                check=True,
                stdout=log,
                stderr=log,
            )
        spent = json.loads(report.read_text(encoding="utf-8"))
        told = self.sink.told()
        code = spent.pop("code")
        said = (self.folder / "client.log").read_text(errors="replace").strip().rpartition("\n")[2]
        seen = {name: told[name] for name in ("received", "sent", "requests")}
        return {**spent, **seen, "load": load, "fault": f"exit code {code}: {said}" if code else ""}

    def run(self, client: str, number: int, spent: Mapping[str, Any]) -> Run:
        """As a run of this row."""
        return Run(row=self.row.name, client=client, number=number, **self.facts, **spent)


@dataclass
class Bench:
    """All below `folder`; `scale` is that of all data sets."""

    folder: Path
    scale: float
    rounds: int
    _facts: dict[tuple[str, float], Mapping[str, Any]] = field(default_factory=dict)

    def measure(self, row: Row) -> Iterator[Run]:
        """The runs of a row, as they come."""
        acts: Mapping[str, Callable[[Field, int], Iterator[Run]]] = {
            "up": _ups,
            "down": _downs,
            "sync": _syncs,
            "kill": _kills,
            "return": _returns,
        }
        whole = row.verb in {"down", "kill", "return"}
        rounds = min(self.rounds, row.rounds) if row.rounds else self.rounds
        with self._field(row, whole=whole) as place:
            yield from acts[row.verb](place, rounds)

    @contextmanager
    def _field(self, row: Row, *, whole: bool) -> Iterator[Field]:
        facts = self._data(row)
        folder = self.folder / "clients"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            with way(row.link) as there, running(there, folder, tls=row.tls, whole=whole) as sink:
                yield Field(row, folder, self._source(row), facts, sink)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _source(self, row: Row) -> Path:
        return self.folder / "sets" / f"{row.data}-{row.scale * self.scale:g}"

    def _data(self, row: Row) -> Mapping[str, Any]:
        """Make the row's set, unless it is there; its facts. Only one set is kept."""
        source = self._source(row)
        name = (row.data, row.scale)
        if name not in self._facts or not source.exists():
            shutil.rmtree(source.parent, ignore_errors=True)
            scale = str(row.scale * self.scale)
            words = [sys.executable, "-m", "benchmarks.transfer.datasets"]
            made = subprocess.run(
                [*words, str(source), row.data, scale],
                cwd=ROOT,
                check=True,
                stdout=subprocess.PIPE,
            )
            self._facts[name] = json.loads(made.stdout)
        return self._facts[name]


def _turns(place: Field, rounds: int) -> Iterator[tuple[str, int]]:
    clients = [each for each in place.row.clients if each != RAW or knows_codec()]
    for number in range(rounds):
        for client in order(clients, number):
            yield client, number


def _ups(place: Field, rounds: int) -> Iterator[Run]:
    """All is sent, each time to an empty place."""
    for client, number in _turns(place, rounds):
        name = f"{client.replace(', ', '-')}-{number}"
        spent = place.spend("up", client, name)
        if client not in {OURS, RAW} and spent["received"] < place.facts["bytes"]:
            spent["fault"] = spent["fault"] or "not all was sent"
        yield place.run(client, number, spent)
        shutil.rmtree(place.folder / name, ignore_errors=True)
        place.users.pop(name, None)


def _downs(place: Field, rounds: int) -> Iterator[Run]:
    """All is fetched, each time to where nothing is. Ours is compared, byte for byte, once."""
    _first(place)
    for client, number in _turns(place, rounds):
        target = place.user(OURS).data if client == OURS else place.folder / client
        shutil.rmtree(target, ignore_errors=True)
        spent = place.spend("down", client, client)
        exact = client == OURS and not number
        if not spent["fault"] and not same_files(place.source, target, exact=exact):
            spent["fault"] = "what came is not what was sent"
        yield place.run(client, number, spent)
        shutil.rmtree(target, ignore_errors=True)


def _syncs(place: Field, rounds: int) -> Iterator[Run]:
    """All is there already."""
    _first(place)
    for client, number in _turns(place, rounds):
        spent = place.spend("sync", client, client)
        if spent["received"] > LITTLE * place.facts["bytes"]:
            spent["fault"] = spent["fault"] or f"{spent['received']} bytes were sent again"
        yield place.run(client, number, spent)


def _first(place: Field) -> None:
    """Each client's own copy is put there.

    Raises:
        RuntimeError: A client could not.
    """
    for client in place.row.clients:
        spent = place.spend("up", client, client)
        if spent["fault"]:
            raise RuntimeError(f"{place.row.name}: {client} sent nothing: {spent['fault']}")


def _kills(place: Field, rounds: int) -> Iterator[Run]:
    """Killed once half has left, then begun again: what was sent more than once."""
    for client, number in _turns(place, rounds):
        name = f"{client}-{number}"
        before = _killed(place, client, name)
        spent = place.spend("sync", client, name)
        resent = before + spent["received"] - place.facts["bytes"]
        spent["resent_mb"] = round(max(0, resent) / 1e6, 1)
        if client == OURS and not spent["fault"] and not _comes_back(place, name):
            spent["fault"] = "what came back is not what was sent"
        yield place.run(client, number, spent)


def _returns(place: Field, rounds: int) -> Iterator[Run]:
    """What is sent comes back the same, byte for byte; what is measured is the sending."""
    for client, number in _turns(place, rounds):
        name = f"{client}-{number}"
        spent = place.spend("up", client, name)
        if not spent["fault"] and not _comes_back(place, name):
            spent["fault"] = "what came back is not what was sent"
        yield place.run(client, number, spent)


def _killed(place: Field, client: str, name: str) -> int:
    """Kill a client at half of its upload; how many bytes had arrived."""
    command, folder, env = place.words("sync", client, name)
    place.sink.told()
    with (place.folder / "client.log").open("ab") as log:
        running_client = subprocess.Popen(
            [*place.sink.way.client, *command],
            cwd=folder,
            env=dict(env),
            stdout=log,
            stderr=log,
        )
        come = 0
        while come < place.facts["bytes"] / 2 and running_client.poll() is None:
            time.sleep(0.02)
            come += int(place.sink.told()["received"])
        running_client.kill()
        running_client.wait()
    return come + int(place.sink.told()["received"])


def _comes_back(place: Field, name: str) -> bool:
    user = place.user(name)
    shutil.rmtree(user.data)
    place.spend("down", OURS, name)
    return same_files(place.source, user.data, exact=True)


def same_files(one: Path, other: Path, *, exact: bool) -> bool:
    """Whether two folders have files of the same names and sizes; `exact`: and bytes."""
    names, theirs = _sizes(one), _sizes(other)
    if names != theirs:
        return False
    return not exact or all(cmp(one / name, other / name, shallow=False) for name in names)


def _sizes(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file()
    }
