# RELION in a container, which Apptainer runs: --env CONTAINER=docker://…, or oras://…, library://….
# Jobs then say: container = "/opt/cryoem/relion.sif". On Ubuntu, also with NVIDIA's driver.
set -euo pipefail
: "${CONTAINER:?which container? --env CONTAINER=docker://…}"

apt-get update
apt-get install -y software-properties-common
add-apt-repository -y ppa:apptainer/ppa
apt-get install -y apptainer
mkdir -p /opt/cryoem
apptainer pull --force /opt/cryoem/relion.sif "$CONTAINER"
apptainer exec /opt/cryoem/relion.sif relion_refine --version
