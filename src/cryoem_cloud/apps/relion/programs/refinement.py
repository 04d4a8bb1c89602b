"""Programs that classify, refine and take apart maps."""

from cryoem_cloud.apps.relion.programs.reading import OPENED, OPTIMISER, PARTICLES, REFERENCES, ROOT
from cryoem_cloud.apps.relion.row import Evidence, Program, Variant

__all__ = ["ROWS"]

ROWS = (
    Program(
        name="relion_refine",
        jobs="Class2D",
        inputs={
            "--i": PARTICLES,
            "--continue": OPTIMISER,
            "--ref": REFERENCES,
            "--solvent_mask": OPENED,
            "--solvent_mask2": OPENED,
            "--lowpass_mask": OPENED,
            "--tau": OPENED,
            "--local_symmetry": OPENED,
            "--fourier_mask": OPENED,
        },
        variants=(Variant(flag="--continue", option="--i", reading=None),),
        outputs=ROOT,
        threads="--j",
        ranks=True,
        gpu=True,
        scratch=True,
        evidence=Evidence.RUN,
        version="3.1.3",
        remark="particle lists name micrographs, which are never opened",
    ),
)
