"""A tiny project of tomography, as motion correction and alignment of RELION 5 leave it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["COMMANDS", "write_tomo_project"]

_SIZE, _DEPTH, _BOX, _PIXEL = 160, 80, 32, 10
_SERIES = ("TS_01", "TS_02")
_TILTS = (-40, -20, 0, 20, 40)

_PARTICLES = "--i Set/set.star --theme classic --b 32 --j 1"
_REFERENCES = "--ref1 half1.mrc --ref2 half2.mrc --mask mask.mrc"
_TOMOGRAM = (
    "relion_tomo_reconstruct_tomogram --t Set/tomograms.star --w 160 --h 160 --d 80"
    " --binned_angpix 20 --j 1"
)

COMMANDS: Mapping[str, str] = {
    "Reconstruct tomograms": _TOMOGRAM,
    "Reconstruct tomograms by Fourier inversion": f"{_TOMOGRAM} --fourier",
    "Reconstruct halves of tomograms": f"{_TOMOGRAM} --generate_split_tomograms",
    "Import coordinates": "relion_tomo_import_coordinates --i Set/list.star",
    "Extract stacks": f"relion_tomo_subtomo {_PARTICLES} --bin 1 --stack2d",
    "Extract subtomograms": "relion_tomo_subtomo --p Set/particles.star --t Set/tomograms.star"
    " --theme classic --b 32 --bin 1 --j 1",
    "Reconstruct particle": f"relion_tomo_reconstruct_particle {_PARTICLES} --bin 1 --j_out 1"
    " --j_in 1 --sym C1",
    "Refine CTF": f"relion_tomo_refine_ctf {_PARTICLES} {_REFERENCES} --do_defocus --do_scale"
    " --per_tomogram_scale",
    "Align frames": f"relion_tomo_align {_PARTICLES} {_REFERENCES} --r 4 --shift_only"
    " --shift_only_by_particles",
    "Refine stacks": "relion_refine --ios {Extract stacks}/optimisation_set.star --ref half1.mrc"
    " --ini_high 60 --iter 1 --K 1 --particle_diameter 280 --ctf --healpix_order 1"
    " --offset_range 2 --offset_step 2 --oversampling 0 --pad 1 --random_seed 1 --j 1",
}
"""Without their --o. {Extract stacks} stands for that command's folder."""


def write_tomo_project(project: Path) -> None:
    """Two tilt series of noise, particles in them, and a pair of half maps."""
    for folder in ("Tilts", "Set/tilt_series"):
        (project / folder).mkdir(parents=True)
    _write_images(project)
    tomograms = []
    for series in _SERIES:
        path = f"Set/tilt_series/{series}.star"
        tilts = [_tilt(series, place, angle) for place, angle in enumerate(_TILTS)]
        (project / path).write_text(_table(series, tilts))
        tomograms.append(_tomogram(series, path))
        picks = [{"rlnCoordinateX": 80, "rlnCoordinateY": 80, "rlnCoordinateZ": 40}] * 2
        (project / f"Set/{series}.star").write_text(_table("", picks))
    (project / "Set/tomograms.star").write_text(_table("global", tomograms))
    lists = [
        {"rlnTomoName": series, "rlnTomoImportParticleFile": f"Set/{series}.star"}
        for series in _SERIES
    ]
    (project / "Set/list.star").write_text(_table("", lists))
    (project / "Set/particles.star").write_text(
        "data_general\n\n_rlnTomoSubTomosAre2DStacks 1\n\n"
        + _table("optics", [_OPTICS])
        + _table("particles", [_particle(s, n) for s in _SERIES for n in range(6)])
    )
    (project / "Set/set.star").write_text(
        "data_\n\n_rlnTomoParticlesFile Set/particles.star\n"
        "_rlnTomoTomogramsFile Set/tomograms.star\n"
    )


_MICROSCOPE = {"rlnVoltage": 300, "rlnSphericalAberration": 2.7, "rlnAmplitudeContrast": 0.1}
_OPTICS = _MICROSCOPE | {
    "rlnOpticsGroup": 1,
    "rlnOpticsGroupName": "optics1",
    "rlnTomoTiltSeriesPixelSize": _PIXEL,
}


def _table(name: str, rows: Sequence[Mapping[str, object]]) -> str:
    labels = "".join(f"_{label} #{at}\n" for at, label in enumerate(rows[0], start=1))
    lines = "".join(" ".join(map(str, row.values())) + "\n" for row in rows)
    return f"data_{name}\n\nloop_\n{labels}{lines}\n"


def _tilt(series: str, place: int, angle: int) -> Mapping[str, object]:
    root = f"Tilts/{series}_{place}"
    return {
        "rlnMicrographName": f"{root}.mrc",
        "rlnMicrographNameEven": f"{root}_EVN.mrc",
        "rlnMicrographNameOdd": f"{root}_ODD.mrc",
        "rlnMicrographPreExposure": place * 3,
        "rlnTomoNominalStageTiltAngle": angle,
        "rlnTomoXTilt": 0,
        "rlnTomoYTilt": angle,
        "rlnTomoZRot": 85,
        "rlnTomoXShiftAngst": 0,
        "rlnTomoYShiftAngst": 0,
        "rlnDefocusU": 30000,
        "rlnDefocusV": 29000,
        "rlnDefocusAngle": 10,
        "rlnCtfScalefactor": 1,
    }


def _tomogram(series: str, path: str) -> Mapping[str, object]:
    return _MICROSCOPE | {
        "rlnTomoName": series,
        "rlnMicrographOriginalPixelSize": _PIXEL,
        "rlnTomoHand": 1,
        "rlnOpticsGroupName": "optics1",
        "rlnTomoTiltSeriesPixelSize": _PIXEL,
        "rlnTomoTiltSeriesStarFile": path,
        "rlnTomoSizeX": _SIZE,
        "rlnTomoSizeY": _SIZE,
        "rlnTomoSizeZ": _DEPTH,
        "rlnTomoTomogramBinning": 1,
    }


def _particle(series: str, number: int) -> Mapping[str, object]:
    return {
        "rlnTomoName": series,
        "rlnCenteredCoordinateXAngst": 60 * number - 150,
        "rlnCenteredCoordinateYAngst": 150 - 60 * number,
        "rlnCenteredCoordinateZAngst": 20 * number - 50,
        "rlnAngleRot": 0,
        "rlnAngleTilt": 0,
        "rlnAnglePsi": 0,
        "rlnOpticsGroup": 1,
        "rlnTomoParticleName": f"{series}/{number + 1}",
        "rlnRandomSubset": number % 2 + 1,
        "rlnOriginXAngst": 0,
        "rlnOriginYAngst": 0,
        "rlnOriginZAngst": 0,
        "rlnGroupNumber": 1,
        "rlnClassNumber": 1,
    }


def _write_images(project: Path) -> None:
    import mrcfile  # noqa: PLC0415  (only with the demo group)
    import numpy as np  # noqa: PLC0415

    rng = np.random.default_rng(1)
    axis = np.arange(_BOX) - _BOX // 2
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    ball = np.exp(-(x**2 + y**2 + z**2) / 50)
    images = {"mask": ball}
    images |= {half: ball + rng.normal(0, 0.01, ball.shape) for half in ("half1", "half2")}
    for series in _SERIES:
        for place in range(len(_TILTS)):
            for kind in ("", "_EVN", "_ODD"):
                noise = rng.normal(0, 1, (_SIZE, _SIZE))
                images[f"Tilts/{series}_{place}{kind}"] = noise
    for name, values in images.items():
        with mrcfile.new(project / f"{name}.mrc") as file:
            file.set_data(values.astype(np.float32))
            file.voxel_size = _PIXEL
