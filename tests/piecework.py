"""An application whose jobs are cut: one line of a list is one item, and makes one file."""

from collections.abc import Collection, Iterable

from cryoem_cloud.apps.shell import Shell
from cryoem_cloud.model.job import Job
from cryoem_cloud.ports.application import Cut, Resumed
from cryoem_cloud.ports.view import View

OUT = "Work/job001"
LIST = "items.txt"


def script_of(out: str) -> str:
    """Makes a file of each item, and a list of all; a bad item ends it, a slow one takes long."""
    return f"""\
mkdir -p {out}
while read -r item; do
  if [ "$ONLY_UNFINISHED" ] && [ -e {out}/$item.made ]; then continue; fi
  echo "at $item"
  case $item in bad*) echo "no good: $item" >&2; exit 3;; slow*) sleep 60 || exit 4;;
    late*) sleep 4; exit 3;; esac
  echo "made of $item" > {out}/$item.made
done < {LIST}
ls {out} | grep made > {out}/joined.txt
"""


SCRIPT = script_of(OUT)
GO_ON = "ONLY_UNFINISHED=1\n"


class Piecework(Shell):
    """Knows the script above, cuts its list, and goes on with what is made."""

    name = "piecework"

    def cut(self, job: Job, view: View) -> Cut | None:
        with view.open(LIST) as file:
            lines = file.readlines()
        return Cut(
            path=LIST,
            items=len(lines),
            noun="lines",
            seconds=60.0,
            script=lambda _: job.script,
            part=lambda first, last: b"".join(lines[first:last]),
        )

    def joined(self, job: Job, paths: Iterable[str]) -> frozenset[str]:
        return frozenset(path for path in paths if path.endswith("joined.txt"))

    def resumed(self, job: Job, script: str, view: View, made: Collection[str]) -> Resumed | None:
        with view.open(LIST) as file:
            names = (f"{line.decode().strip()}.made" for line in file)
            files = frozenset(f"{job.outputs[0]}/{name}" for name in names)
        done = files.intersection(made)
        if not done:
            return None
        return Resumed(script=GO_ON + script, reads=frozenset(), tests=done, stands=done)


class Forgetful(Piecework):
    """Of a version that computes all again."""

    def resumed(self, job: Job, script: str, view: View, made: Collection[str]) -> Resumed | None:
        found = super().resumed(job, script, view, made)
        return found and Resumed(
            script=script, reads=found.reads, tests=found.tests, stands=found.stands
        )
