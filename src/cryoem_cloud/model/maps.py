"""How much memory maps take in RELION; all else in a refinement is little beside that."""

__all__ = ["map_bytes"]

_BYTES_A_POINT = 36
"""What a rank takes in the last iteration of an auto-refinement, for each point of a map as large
as its transform is padded to: 3.6e-8 * (pad * box) ** 3 GB. That is RELION's own estimate
(ml_optimiser.cpp, 3.1.3 and 5.0.1: 9 numbers for each point of half a transform) in double
precision; 3.5e-8 and 3.6e-8 were measured. RELION's manual has 1.1e-8."""


def map_bytes(box_px: float, pad: float) -> int:
    """What a working rank takes for one map that is refined to the end, with that box in pixels."""
    return int(_BYTES_A_POINT * (pad * box_px) ** 3)
