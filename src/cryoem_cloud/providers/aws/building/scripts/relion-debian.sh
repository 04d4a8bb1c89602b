# RELION as Debian or Ubuntu packages it: 3.1.3, for CPUs.
set -euo pipefail

apt-get update
# csh runs CTFFIND's scripts, ghostscript makes RELION's logfile.pdf.
apt-get install -y --no-install-recommends relion csh ghostscript
