"""The tier of machines that boot: each is processes of this host, in a sandbox. See BOOTING.md."""

import contextlib
import os
import secrets
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.ec2sim.cgroups import Cgroup, Usage
from tests.ec2sim.disks import attach
from tests.ec2sim.house import House, furnish
from tests.ec2sim.imds import MetadataService
from tests.ec2sim.init import AGAIN, OFF
from tests.ec2sim.network import ENDPOINT, ENDPOINT_PORT, METADATA, Network, Traffic
from tests.ec2sim.reaping import drop, mark, reap
from tests.ec2sim.sandbox import Sandbox
from tests.ec2sim.seam import Instance, Told, Why

__all__ = ["BootedMachines"]

_CONSOLE_BYTES = 65536
_LOOK_S = 0.2
_PATIENCE_S = 10.0


@dataclass(slots=True)
class _Machine:
    """An instance from `boot` to `ended`."""

    instance: Instance
    cgroup: Cgroup | None = None
    sandbox: Sandbox | None = None
    why: Why | None = None
    """Why it has been asked to end; None as long as it has not."""
    asked: threading.Event = field(default_factory=threading.Event)
    gone: threading.Event = field(default_factory=threading.Event)


class BootedMachines:
    """Machines that really boot, see `seam.Machines`; and what can go wrong with them."""

    endpoint = f"http://{ENDPOINT}:{ENDPOINT_PORT}"

    def __init__(self, house: House) -> None:
        self.house = house
        self.tag = f"e{secrets.token_hex(4)}"
        self._machines: dict[str, _Machine] = {}
        self._consoles: dict[str, str] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []

    def open(self, told: Told) -> None:
        """Make the network, and whatever all machines need."""
        reap()
        mark(self.tag)
        self._told = told
        self._lifeline, self._held = os.pipe()
        self.network = Network()
        self._metadata = MetadataService(self.network.listen(METADATA, 80), self.network.at)
        self._unserve = told.serve(self.network.listen(ENDPOINT, ENDPOINT_PORT))
        self._begin(self._guarding)

    def boot(self, instance: Instance) -> None:
        """Begin to start the machine."""
        machine = _Machine(instance)
        with self._lock:
            self._machines[instance.id] = machine
            self._consoles.pop(instance.id, None)
        self._begin(self._live, machine)

    def end(self, instance_id: str, why: Why, grace: float) -> None:
        """Begin to end the machine."""
        with self._lock:
            machine = self._machines.get(instance_id)
            if machine is None or machine.why is not None:
                return
            machine.why = why
            if machine.sandbox is not None:
                machine.sandbox.ask()
        machine.asked.set()
        self._begin(self._insist, machine, grace)

    def console(self, instance_id: str) -> str:
        """The last 64 KiB of what the machine and its user-data have printed."""
        with self._lock:
            kept = self._consoles.get(instance_id)
        return kept if kept is not None else self._written(instance_id)

    def take_image(self, instance_id: str, image_id: str) -> None:
        """Keep what the machine has written on its root disk."""
        self.house.disk(instance_id).copy_to(self.house.image(image_id))

    def close(self) -> None:
        """End all machines without telling, and remove every trace."""
        self._closed.set()
        with self._lock:
            left = tuple(self._machines.values())
            for machine in left:
                machine.why = machine.why or Why.TERMINATED
                if machine.sandbox is not None:
                    machine.sandbox.kill()
        for machine in left:
            machine.asked.set()
        for thread in tuple(self._threads):
            thread.join(_PATIENCE_S)
        self._unserve()
        self._metadata.close()
        self.network.close()
        for descriptor in (self._lifeline, self._held):
            os.close(descriptor)
        drop(self.tag)

    def crash(self, instance_id: str) -> None:
        """Have its kernel panic: all programs are gone, and EC2 goes on charging for it."""
        self._running(instance_id).kill()

    def hang(self, instance_id: str, *, hung: bool = True) -> None:
        """Stop its time, or let it go on. EC2 does not see that: its network still answers."""
        group = self._machines[instance_id].cgroup
        assert group is not None
        group.freeze(frozen=hung)

    def run(self, instance_id: str, *command: str) -> subprocess.CompletedProcess[str]:
        """What a command on the machine prints, and its exit code.

        Raises:
            OSError: The machine does not run.
        """
        return self._running(instance_id).run(*command)

    def usage(self, instance_id: str) -> tuple[Usage, Traffic]:
        """What the machine has used so far.

        Raises:
            KeyError: There is no such machine any more.
        """
        group = self._machines[instance_id].cgroup
        assert group is not None
        return group.usage(), self.network.traffic(instance_id)

    def _running(self, instance_id: str) -> Sandbox:
        sandbox = self._machines[instance_id].sandbox
        if sandbox is None:
            raise ProcessLookupError(f"{instance_id} does not run yet")
        return sandbox

    def _begin(self, act: Callable[..., None], *arguments: object) -> None:
        """Have it done in a thread of its own, which `close` waits for."""
        thread = threading.Thread(target=act, args=arguments)
        with self._lock:
            self._threads = [other for other in self._threads if other.is_alive()]
            thread.start()
            self._threads.append(thread)

    def _live(self, machine: _Machine) -> None:
        """A machine's whole life, in a thread of its own."""
        instance = machine.instance
        with contextlib.ExitStack() as undo:
            try:
                why = self._lived(machine, undo)
            except (OSError, ValueError) as fault:
                self._log(instance.id, f"ec2sim: {fault}\n")
                why = machine.why or Why.BROKEN
        with self._lock:
            self._consoles[instance.id] = self._written(instance.id)
            del self._machines[instance.id]
        stops = why is Why.SHUT_DOWN_ITSELF and instance.shutdown_behavior == "stop"
        if why is not Why.STOPPED and not stops:
            self.house.disk(instance.id).remove()
        if not self._closed.is_set():
            self._told.ended(instance.id, why)
        machine.gone.set()

    def _lived(self, machine: _Machine, undo: contextlib.ExitStack) -> Why:
        """Why the machine's life is over; `undo` then has what has been made for it."""
        instance = machine.instance
        furnish(self.house, instance)
        wire = self.network.wire(instance)
        undo.callback(self.network.unwire, instance.id)
        disks = self._disks(instance, undo)
        machine.cgroup = self._cgroup(instance)
        undo.callback(machine.cgroup.remove)
        code, boots = AGAIN, 0
        while code == AGAIN and self._asked(machine) is None:
            sandbox = Sandbox(instance, self.house, wire, machine.cgroup)
            started = sandbox.start(self._lifeline, disks)
            with self._lock:
                machine.sandbox = sandbox
            if self._asked(machine) is not None:
                sandbox.kill()
            if not boots and started:
                self._told.running(instance.id)
            boots += 1
            code = sandbox.wait()
            if not started:
                return self._asked(machine) or Why.BROKEN
        if self._asked(machine) is None and code != OFF:
            self._told.impaired(instance.id)
            machine.asked.wait()
        return self._asked(machine) or Why.SHUT_DOWN_ITSELF

    def _asked(self, machine: _Machine) -> Why | None:
        """Why it has been asked to end, as of now."""
        with self._lock:
            return machine.why

    def _insist(self, machine: _Machine, grace: float) -> None:
        if not machine.gone.wait(grace) and machine.sandbox is not None:
            machine.sandbox.kill()

    def _cgroup(self, instance: Instance) -> Cgroup:
        return Cgroup.make(
            f"{self.tag}/{instance.id}",
            cpus=min(instance.vcpus, os.cpu_count() or 1),
            memory_bytes=min(instance.memory_mib * 2**20, self.house.memory_cap_bytes),
        )

    def _disks(self, instance: Instance, undo: contextlib.ExitStack) -> dict[str, int]:
        if not instance.nvme_gb:
            return {}
        image = self.house.disk(instance.id).folder / "nvme.img"
        size = min(instance.nvme_gb * 10**9, self.house.nvme_cap_bytes)
        disk = attach(image, size)
        undo.callback(os.close, disk)
        return {"nvme1n1": os.fstat(disk).st_rdev}

    def _guarding(self) -> None:
        """Security groups change while machines run."""
        while not self._closed.wait(_LOOK_S):
            self.network.guard()

    def _log(self, instance_id: str, text: str) -> None:
        place = self.house.directory / instance_id / "console.log"
        with place.open("a", encoding="utf-8") as written:
            written.write(text)

    def _written(self, instance_id: str) -> str:
        disk = self.house.disk(instance_id)
        console = disk.folder / "console.log"
        own = console.read_text("utf-8", errors="replace") if console.exists() else ""
        return (own + disk.text("/var/log/cloud-init-output.log"))[-_CONSOLE_BYTES:]
