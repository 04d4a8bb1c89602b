"""What a user types, as a program of its own: `front.py submit WORDS`, stop, look, reserve, wake.

WORDS is a JSON object with script, script_path, inputs and outputs, as `--in` and `--out` say them.
"""

import json
import sys
from pathlib import Path

from cryoem_cloud.cli.jobs.submitting import here, submit_asked
from cryoem_cloud.courier.start import spool_of, wake
from cryoem_cloud.ports.application import Asked
from cryoem_cloud.settings import Places, environment
from cryoem_cloud.wiring.front import counter


def submit(words: str) -> None:
    """Hand in a job and print its number."""
    asked = json.loads(words)
    places = Places.read(environment())
    project = here(places)
    card = submit_asked(
        Asked(
            project=project.folder,
            script=asked["script"],
            script_path=asked["script_path"],
            inputs=tuple(asked["inputs"]),
            outputs=tuple(asked["outputs"]),
        ),
        project,
        places,
    )
    sys.stdout.write(f"{card.number}\n")


def reserve() -> None:
    """Have numbers for later, as `cryoem connect` does."""
    numbers = counter(places_now, here(places_now).store)
    numbers.numbers.add(numbers.reserve())


def stop(name: str) -> None:
    """Ask for a job's end, by its slip's name."""
    spool_of(Places.read(environment())).ask_stop(name)


if Path(sys.argv[0]).name == "front.py":
    places_now = Places.read(environment())
    if sys.argv[1] == "submit":
        submit(sys.argv[2])
    elif sys.argv[1] == "stop":
        stop(sys.argv[2])
    elif sys.argv[1] == "look":
        here(places_now)
    elif sys.argv[1] == "reserve":
        reserve()
    wake(places_now)
