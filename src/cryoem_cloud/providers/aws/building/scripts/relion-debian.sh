# RELION as Debian or Ubuntu packages it: 3.1.3, for CPUs.
set -euo pipefail

# Builders speak HTTPS alone. Ubuntu's mirrors at Amazon do not; packages are signed wherever they
# come from.
find /etc/apt -name '*.list' -o -name '*.sources' | xargs --no-run-if-empty sed -i -E \
    -e 's#http://([a-z0-9.-]+\.)?deb\.debian\.org#https://deb.debian.org#' \
    -e 's#http://([a-z0-9.-]+\.)?(archive|security)\.ubuntu\.com#https://mirrors.edge.kernel.org#'
apt-get update
# csh runs CTFFIND's scripts, ghostscript makes RELION's logfile.pdf.
apt-get install -y --no-install-recommends relion csh ghostscript
