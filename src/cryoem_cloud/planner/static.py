"""The machines that a job gets where nobody says otherwise: one table, by program.

Rows are Amazon's types of one size whose list prices are within 15 % of the first one's (us-west-2,
2026-07-05: c7i.8xlarge $1.43 an hour, c6i $1.36, c6a $1.22; m7i.4xlarge $0.81, m6i $0.77, m6a
$0.69; g6.4xlarge $1.32, g4dn $1.20 with half the memory a GPU and therefore not beside it), so that
Spot has several pools to choose from. Sizes follow what the programs use: motion correction a core
a movie frame, CTF and extraction a core a micrograph, refinements all GPUs of a machine.
"""

import re

from cryoem_cloud.model.job import Wish
from cryoem_cloud.model.offer import Market, Offer

__all__ = ["offers_for"]

_CORES = ("c7i.8xlarge", "c6i.8xlarge", "c6a.8xlarge")
_MANY_CORES = ("c7i.24xlarge", "c6i.24xlarge", "c6a.24xlarge")
_PLAIN = ("m7i.4xlarge", "m6i.4xlarge", "m6a.4xlarge")
_ONE_GPU = ("g6.4xlarge",)
_FOUR_GPUS = ("g6.12xlarge",)

_PROGRAM = re.compile(r"relion_[a-z0-9_]+?(?=_mpi\b|\b)")
_GPU = re.compile(r"(?<!\S)--gpu(?!\S)")
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*$", re.MULTILINE)
_BY_PROGRAM = {
    "relion_run_motioncorr": _CORES,
    "relion_run_ctffind": _CORES,
    "relion_autopick": _CORES,
    "relion_preprocess": _PLAIN,
    "relion_ctf_refine": _CORES,
    "relion_motion_refine": _CORES,
    "relion_refine": _MANY_CORES,
}
_ON_GPUS = {"relion_refine": _FOUR_GPUS}


def offers_for(script: str, wish: Wish) -> tuple[Offer, ...]:
    """What to try for a job's script, one offer after the other where there are no such machines.

    The user's own types (several, with commas between, are alike) and market come before ours.
    Where no market is wished, Spot is tried first.
    """
    kinds = tuple(kind.strip() for kind in wish.machine.split(",") if kind.strip())
    kinds = kinds or _kinds_for(script)
    markets = (Market(wish.market),) if wish.market else (Market.SPOT, Market.ON_DEMAND)
    return tuple(Offer(kinds, market) for market in markets)


def _kinds_for(script: str) -> tuple[str, ...]:
    script = _COMMENT.sub("", script)
    found = _PROGRAM.search(script)
    program = found[0] if found else ""
    if _GPU.search(script):
        return _ON_GPUS.get(program, _ONE_GPU)
    return _BY_PROGRAM.get(program, _PLAIN)
