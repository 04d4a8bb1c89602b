"""Hands in a script as RELION does, for an application that is not RELION's: `hand_in.py WORDS`.

WORDS is a JSON object with application, script, script_path, inputs, output, after, count, pieces,
and machine, if that is wished.
"""

import json
import sys

from cryoem_cloud.apps.registry import application_named
from cryoem_cloud.cli.jobs.submitting import here, wake_for
from cryoem_cloud.courier.submit import submit
from cryoem_cloud.frontends.registry import frontend_named
from cryoem_cloud.model.job import Wish
from cryoem_cloud.ports.application import Asked
from cryoem_cloud.settings import Places, environment, submitters_environment
from cryoem_cloud.wiring.front import counter


def main(words: str) -> None:
    """Hand in a job, print its number, and wake a courier."""
    said = json.loads(words)
    places = Places.read(environment())
    project = here(places)
    card = submit(
        counter(places, project.store),
        Asked(
            project=project.folder,
            script=said["script"],
            script_path=said["script_path"],
            inputs=tuple(said["inputs"]),
            outputs=(said["output"],),
            after=tuple(said["after"]),
            wish=Wish(
                count=said["count"],
                pieces=said["pieces"],
                home="all",
                machine=said.get("machine", ""),
            ),
        ),
        project=project,
        application=application_named(said["application"]),
        frontend=frontend_named("relion"),
        environment=submitters_environment(environment()),
    )
    wake_for(card, places)
    sys.stdout.write(f"{card.number}\n")


if __name__ == "__main__":
    main(sys.argv[1])
