"""Which program: `python -m cryoem_cloud.cli NAME …`, as the launchers call it."""

import sys

from cryoem_cloud.cli.entry import main

sys.exit(main(sys.argv[1:]))
