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
    `symmetry` is the order of the point group (C1: 1, D2: 4, O: 24). `iterations` are those that
    the command asks for, or a refinement usually needs. `on_gpus` says that the command uses GPUs.
    Bytes are the inputs', as they lie in the project, and the outputs', as far as they are known.
    """

    program: Program
    items: int = 0
    pixels: int = 0
    frames: int = 1
    box_px: int = 0
    classes: int = 1
    iterations: int = 1
    symmetry: int = 1
    on_gpus: bool = False
    input_bytes: int = 0
    output_bytes: int = 0
