"""Programs that RELION's call and that are not RELION's.

Options, variables and defaults are those of the sources of 3.1.3, 4.0.1 and 5.0.1
(ctffind_runner.cpp, motioncorr_runner.cpp, autopicker.cpp, align_tiltseries_runner.cpp,
backprojector.cpp), fields those of the GUI (pipeline_jobs.cpp).
"""

from cryoem_cloud.apps.relion.row import Executable

__all__ = [
    "ARETOMO",
    "BATCHTOMO",
    "CTFFIND",
    "EXTERNAL_RECONSTRUCT",
    "GCTF",
    "MOTIONCOR2",
    "RESMAP",
    "TOPAZ",
]

CTFFIND = Executable(
    name="ctffind",
    title="CTFFIND 4.1",
    option="--ctffind_exe",
    variable="RELION_CTFFIND_EXECUTABLE",
    field="CTFFIND-4.1 executable",
    source="https://grigoriefflab.umassmed.edu/ctffind4",
    unless="--use_gctf",
)
GCTF = Executable(
    name="gctf",
    title="Gctf",
    option="--gctf_exe",
    variable="RELION_GCTF_EXECUTABLE",
    field="Gctf executable",
    source="the MRC Laboratory of Molecular Biology",
    when=("--use_gctf",),
)
MOTIONCOR2 = Executable(
    name="motioncor2",
    title="MotionCor2",
    option="--motioncor2_exe",
    variable="RELION_MOTIONCOR2_EXECUTABLE",
    field="MOTIONCOR2 executable",
    source="the University of California, San Francisco; RELION's own motion correction needs none",
    when=("--use_motioncor2",),
)
_TOPAZ_RUNS = ("--topaz_train", "--topaz_extract")
TOPAZ = tuple(
    Executable(
        name="topaz",
        title="Topaz",
        option=option,
        field="Topaz executable",
        default="relion_python_topaz",
        source="https://github.com/tbepler/topaz",
        when=_TOPAZ_RUNS,
        unless=other,
    )
    for option, other in (("--topaz_exe", "--fn_topaz_exe"), ("--fn_topaz_exe", "--topaz_exe"))
)
"""4.0 and 5.0. 4.0 has another default, but its GUI gives the option always."""
BATCHTOMO = Executable(
    name="batchruntomo",
    title="IMOD's batchruntomo",
    option="--batchtomo_exe",
    variable="RELION_BATCHTOMO_EXECUTABLE",
    field="Batchruntomo executable",
    default="batchruntomo",
    source="https://bio3d.colorado.edu/imod",
    when=("--imod_fiducials", "--imod_patchtrack"),
)
ARETOMO = Executable(
    name="aretomo2",
    title="AreTomo2",
    option="--aretomo_exe",
    variable="RELION_ARETOMO_EXECUTABLE",
    field="AreTomo2 executable",
    default="AreTomo2",
    source="https://github.com/czimaginginstitute/AreTomo2",
    when=("--aretomo2",),
)
EXTERNAL_RECONSTRUCT = Executable(
    name="external_reconstruct",
    title="a program for reconstruction",
    variable="RELION_EXTERNAL_RECONSTRUCT_EXECUTABLE",
    default="relion_external_reconstruct",
    when=("--external_reconstruct",),
)
RESMAP = Executable(
    name="resmap",
    title="ResMap",
    variable="RELION_RESMAP_EXECUTABLE",
    field="ResMap executable",
    source="https://resmap.sourceforge.net",
)
"""No program calls it: it is a command of the script itself."""
