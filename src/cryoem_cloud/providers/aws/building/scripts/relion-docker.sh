# RELION in a container, which Docker runs: --env CONTAINER=name:tag. Docker is the base image's.
# Jobs then say: container = "docker://name:tag".
set -euo pipefail
: "${CONTAINER:?which container? --env CONTAINER=name:tag}"

docker pull "$CONTAINER"
docker run --rm "$CONTAINER" relion_refine --version
