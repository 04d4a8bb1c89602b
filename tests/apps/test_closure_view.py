"""What a job needs where its project's view does not have all that the index names."""

from pathlib import Path

import pytest

from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.model.errors import MissingInputError
from tests.apps.conftest import make_job
from tests.apps.shelf import Shelf


def listed(label: str, *values: str) -> bytes:
    return f"data_\n\nloop_\n_{label} #1\n{chr(10).join(values)}\n".encode()


def needs(script: str, view: Shelf | Here) -> list[str]:
    return [need.path for need in Relion().needs(make_job(script), view)]


def test_a_list_that_only_the_index_has_is_followed_all_the_same() -> None:
    view = Shelf({}, hidden={"p.star": listed("rlnImageName", "1@a.mrcs")})
    assert needs("relion_refine --i p.star --o C/run", view) == ["p.star", "a.mrcs"]


def test_a_list_behind_a_list_too() -> None:
    optimiser = b"data_\n_rlnExperimentalDataStarFile d.star\n_rlnSolventMaskName m.mrc\n"
    hidden = {"d.star": listed("rlnImageName", "1@a.mrcs"), "m.mrc": b""}
    view = Shelf({"o.star": optimiser}, hidden=hidden)
    found = needs("relion_refine --continue o.star --o C/run", view)
    assert found == ["o.star", "d.star", "a.mrcs"]


def test_a_list_that_is_read_in_two_ways_is_followed_in_both() -> None:
    labels = b"data_\n\nloop_\n_rlnImageName\n_rlnReferenceImage\n1@a.mrcs 1@r.mrcs\n"
    found = needs("relion_refine --i x.star --ref x.star --o C/run", Shelf({"x.star": labels}))
    assert found == ["x.star", "a.mrcs", "r.mrcs"]


def test_what_a_user_deleted_is_no_optional_file_and_matches_nothing() -> None:
    hidden = {"P/M/a_p.star": listed("rlnCoordinateX", "1"), "M/b.tif": b"", "a.img": b""}
    view = Shelf({"mics.star": listed("rlnMicrographName", "M/a.mrc"), "M/a.tif": b""}, hidden)
    script = "relion_preprocess --i mics.star --coord_dir P --coord_suffix _p.star --part_dir E/"
    assert needs(script, view) == ["mics.star", "M/a.mrc"]
    assert needs('relion_import --do_movies --i "M/*.tif" --odir I/', view) == ["M/a.tif"]
    assert needs("relion_brand_new --x M/b.tif --o C/x", view) == []
    assert needs("relion_mask_create --i a.hed --o C/mask.mrc", view) == ["a.hed"]
    with pytest.raises(MissingInputError, match=r"no file matches M/b\*"):
        needs('relion_import --do_movies --i "M/b*" --odir I/', view)


def test_a_list_that_nobody_has_is_told_with_who_asks() -> None:
    view = Shelf({"o.star": b"data_\n_rlnExperimentalDataStarFile d.star\n"})
    with pytest.raises(MissingInputError, match=r"d\.star, for which o\.star line 2 asks"):
        needs("relion_refine --continue o.star --o C/run", view)


@pytest.mark.parametrize(
    ("data", "travels"),
    [(b"MAP of a share", True), (b"", True), (b"\x7fELF\x02", False), (b"#!/bin/sh\n", False)],
)
def test_a_program_outside_is_the_machines_own_and_data_travel_whatever_their_mode(
    tmp_path: Path, *, data: bytes, travels: bool
) -> None:
    file = tmp_path / "disk" / "a.mrc"
    file.parent.mkdir()
    file.write_bytes(data)
    file.chmod(0o777)
    (tmp_path / "project").mkdir()
    found = needs(f"relion_brand_new --x {file} --o C/x", Here(tmp_path / "project"))
    assert found == ([f"@abs{file}"] if travels else [])
