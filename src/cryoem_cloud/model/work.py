"""What a job computes, in numbers from which its time follows."""

from dataclasses import dataclass
from enum import Enum

__all__ = ["Program", "Work"]


class Program(Enum):
    """What is done, whichever program does it. The values are words of stored records."""

    MOTION = "motion correction"
    CTF = "CTF estimation"
    PICK = "picking"
    EXTRACT = "extraction"
    CLASS2D = "2D classification"
    INITIAL = "initial model"
    CLASS3D = "3D classification"
    REFINE3D = "3D refinement"
    CTF_REFINE = "CTF refinement"
    POLISH_TRAIN = "training of polishing"
    POLISH = "polishing"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One job's numbers; 0 where there is no such number, or nobody knows it.

    `items` are movies, micrographs or particles, as the program goes through these. `pixels` are a
    movie frame's or a micrograph's, `frames` a movie's; `box_px` is the edge of a particle's image.
    `symmetry` is the order of the point group (C1: 1, D2: 4, O: 24), `pad` how many times as many
    points a map's transform has along a side. `iterations` are passes through all items that the
    command asks for: of one that works on some of them at a time, as many as these are together.
    Those of a refinement that goes on until it converges nobody knows. `on_gpus` says that the
    command uses GPUs, `on_vectors` that it asks for code that is made for processors' vector units,
    `divisible` that machines may share it in pieces, and begin while inputs are still being sent.
    `ranks` is how many of its processes work at a time, and `threads` how many threads of all of
    these, where the user fixed that; 0: as suits the machine.
    Bytes are the inputs', as they lie in the project, and the outputs', as far as they are known;
    `essential_bytes` are those of the outputs that come home where bringing home costs money.
    """

    program: Program
    items: int = 0
    pixels: int = 0
    frames: int = 1
    box_px: int = 0
    classes: int = 1
    iterations: float = 1
    symmetry: int = 1
    pad: float = 2.0
    on_gpus: bool = False
    on_vectors: bool = False
    divisible: bool = False
    ranks: int = 0
    threads: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    essential_bytes: int = 0

    @property
    def has_maps(self) -> bool:
        """Whether it keeps three-dimensional maps, which take memory by the cube of the box."""
        return self.program in {Program.INITIAL, Program.CLASS3D, Program.REFINE3D}
