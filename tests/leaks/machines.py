"""Machines that are real agents without a sandbox: processes of this host, on the simulator's seam.

What the boot script does around an agent is done here in its stead: metadata on a port of its own,
`shutdown` as a program that says when, the end of an agent that breaks, the dead-man.
"""

import os
import re
import shlex
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.providers.aws.machine.asking import Asking
from cryoem_cloud.providers.aws.machine.imds import Metadata
from cryoem_cloud.providers.aws.names import STATE, WHY
from tests.ec2sim.imds import MetadataService
from tests.ec2sim.noboot import NoBoot
from tests.ec2sim.seam import Instance, Why

__all__ = ["AgentMachines"]

_LOOK_S = 0.1
_DEAD_MAN_MIN = 20
_VALUE = re.compile(r"^(?P<name>[a-z_]+)=(?P<value>.*)$", re.MULTILINE)
_SHUTDOWN = '#!/bin/sh\nprintf "%s\\n" "$*" >> "$LEAKS_MACHINE/shutdown"\n'


@dataclass
class _Machine:
    instance: Instance
    folder: Path
    agent: subprocess.Popen[bytes] | None = None
    hung: bool = False
    ended: bool = False
    ends_at: float = float("inf")
    """Of the simulator's clock: what `shutdown -P` has said last."""
    read: int = 0
    words: dict[str, str] = field(default_factory=dict)


class AgentMachines(NoBoot):
    """`python` runs agents, which reach the store and AWS at these URLs."""

    def __init__(self, folder: Path, python: str, minute_s: float) -> None:
        super().__init__(on_boot=self._begin)
        self._folder, self._python, self._minute_s = folder, python, minute_s
        self.store_url = self.aws_url = ""
        self._machines: dict[str, _Machine] = {}
        self._closing = threading.Event()
        tools = folder / "tools"
        tools.mkdir(parents=True)
        (tools / "shutdown").write_text(_SHUTDOWN)
        (tools / "shutdown").chmod(0o755)

    def kill_agent(self, name: str) -> None:
        """As an out-of-memory killer would."""
        self._signal(name, signal.SIGKILL, agent=True)

    def hang_agent(self, name: str) -> None:
        """It does nothing any more; the machine's timers go on."""
        self._signal(name, signal.SIGSTOP, agent=True)

    def crash(self, name: str) -> None:
        """Its kernel panics: EC2 sees it as impaired, and goes on charging."""
        self._machines[name].hung = True
        self._signal(name, signal.SIGKILL)
        self.hang(name)

    def freeze(self, name: str) -> None:
        """Its time stands still; EC2 does not see that."""
        self._machines[name].hung = True
        self._signal(name, signal.SIGSTOP)

    def console(self, instance_id: str) -> str:
        """See `seam.Machines`."""
        with suppress(OSError):
            return (self._folder / instance_id / "boot.log").read_text(errors="replace")
        return ""

    def close(self) -> None:
        """See `seam.Machines`."""
        self._closing.set()
        for name in self._machines:
            self._signal(name, signal.SIGKILL)
        super().close()

    def _end(self, instance_id: str, why: Why) -> None:
        if machine := self._machines.get(instance_id):
            machine.ended = True
            self._signal(instance_id, signal.SIGKILL)
        super()._end(instance_id, why)

    def _begin(self, instance: Instance) -> None:
        machine = _Machine(instance, self._folder / instance.id)
        machine.folder.mkdir()
        text = instance.user_data.decode()
        found = _VALUE.finditer(text.partition("\n# ")[0])
        machine.words = {each["name"]: "".join(shlex.split(each["value"])) for each in found}
        machine.ends_at = self._now() + 60 * _DEAD_MAN_MIN
        self._machines[instance.id] = machine
        threading.Thread(target=self._live, args=(machine,), daemon=True).start()

    def _live(self, machine: _Machine) -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        metadata = MetadataService(listening, lambda _: machine.instance)
        try:
            self._run(machine, f"http://127.0.0.1:{listening.getsockname()[1]}")
        finally:
            metadata.close()
            listening.close()

    def _run(self, machine: _Machine, imds: str) -> None:
        env = self._environment(machine, imds)
        login = b"\0".join(f"{name}={env[name]}".encode() for name in ("HOME", "PATH"))
        with (machine.folder / "boot.log").open("wb") as log:
            agent = machine.agent = subprocess.Popen(
                self._command(machine),
                env=env,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        assert agent.stdin is not None
        with suppress(BrokenPipeError), agent.stdin as pipe:
            pipe.write(login + b"\0LEAKS_MACHINE=" + str(machine.folder).encode())
        while not (self._closing.is_set() or machine.ended):
            code = agent.poll()
            self._heed(machine)
            if code is not None and not machine.hung:
                self._after(machine, code, imds)
                return
            time.sleep(_LOOK_S)
        self._signal(machine.instance.id, signal.SIGKILL)
        agent.wait()

    def _command(self, machine: _Machine) -> list[str]:
        words, folder = machine.words, str(machine.folder)
        told = {
            "--store": words["store"],
            "--project": words["project"],
            "--job": words["job_number"],
            "--machine": folder,
            "--scratch": f"{folder}/work",
            "--group": words["group"],
            "--limit": words["limit_s"],
            "--until": words["until_s"],
        }
        flags = [word for pair in told.items() for word in pair]
        return [self._python, "-I", "-m", "cryoem_cloud.cli", "agent", "--aws", *flags]

    def _environment(self, machine: _Machine, imds: str) -> dict[str, str]:
        return {
            "HOME": str(machine.folder),
            "PATH": f"{self._folder / 'tools'}:{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "LEAKS_MACHINE": str(machine.folder),
            "LEAKS_MINUTE": str(self._minute_s),
            "AWS_REGION": machine.instance.region,
            "AWS_ENDPOINT_URL": self.aws_url,
            "AWS_ENDPOINT_URL_S3": self.store_url,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": imds,
        }

    def _heed(self, machine: _Machine) -> None:
        """What `shutdown` was told, and whether that instant has come."""
        if machine.hung:
            return
        said: list[str] = []
        with suppress(OSError):
            said = (machine.folder / "shutdown").read_text().splitlines()
        for line in said[machine.read :]:
            when = line.split()[-1]
            machine.ends_at = self._now() + (60 * int(when[1:]) if when[0] == "+" else 0)
        machine.read = len(said)
        if self._now() >= machine.ends_at:
            self._shut_down(machine)

    def _after(self, machine: _Machine, code: int, imds: str) -> None:
        """What the boot script does once its agent has ended."""
        if code:
            metadata = Metadata({"AWS_EC2_METADATA_SERVICE_ENDPOINT": imds})
            env = {"AWS_ENDPOINT_URL": self.aws_url}
            region, name = machine.instance.region, machine.instance.id
            asking = Asking(region=region, env=env, credentials=metadata.credentials)
            why = f"the agent ended with code {code}: {self.console(name).strip()[-200:]}"
            with suppress(CryoemError):
                asking.tag(name, {STATE: "failed", WHY: why})
            with suppress(CryoemError):
                asking.leave_group(name)
        self._shut_down(machine)

    def _shut_down(self, machine: _Machine) -> None:
        if not machine.ended and not self._closing.is_set():
            self.shut_down(machine.instance.id)

    def _now(self) -> float:
        assert self.clock is not None
        return self.clock.now()

    def _signal(self, name: str, sig: signal.Signals, *, agent: bool = False) -> None:
        machine = self._machines[name]
        mark = b"LEAKS_MACHINE=" + os.fsencode(machine.folder) + b"\0"
        pids = [machine.agent.pid] if machine.agent and machine.agent.returncode is None else []
        for folder in () if agent else Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if mark in (folder / "environ").read_bytes() + b"\0":
                    pids.append(int(folder.name))
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, sig)
