"""A job's inputs are asked for once no unfinished job can change them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.courier.sending.asking import Asking
from cryoem_cloud.model.errors import FormatError, MissingInputError
from tests.apps.conftest import make_job

_REFINE = "relion_refine --i {} --o Class2D/job009/run"


def unfinished(number: int, *outputs: str) -> Card:
    """What the courier looks at of a card."""
    return cast("Card", SimpleNamespace(number=number, name=outputs[0], open=True, outputs=outputs))


@dataclass
class Bench:
    """A project in which other jobs end while a job waits."""

    project: Path
    open: list[Card]
    ends: Callable[[], object] = lambda: None
    waited: list[str] = field(default_factory=list)

    def wait(self, owners: tuple[Card, ...]) -> bool:
        for card in owners:
            self.waited.append(card.name)
            self.ends()
            self.open.remove(card)
        return True

    def needs(self, script: str, **fields: object) -> set[str]:
        asking = Asking(
            application=Relion(),
            job=make_job(script, **{"number": 9, **fields}),
            view=Here(self.project),
            cards=lambda: self.open,
            wait=self.wait,
        )
        found = asking.needs()
        assert found is not None
        return {need.path for need in found}


def put(project: Path, path: str, text: str = "x") -> None:
    (project / path).parent.mkdir(parents=True, exist_ok=True)
    (project / path).write_text(text)


def particles(project: Path, path: str, *images: str) -> None:
    put(project, path, "data_\n\nloop_\n_rlnImageName #1\n" + "\n".join(images) + "\n")


def test_a_list_that_is_not_there_yet_is_waited_for_through_an_alias(tmp_path: Path) -> None:
    (tmp_path / "Extract/job005").mkdir(parents=True)
    (tmp_path / "Extract/mine").symlink_to("job005")
    bench = Bench(tmp_path, [unfinished(5, "Extract/job005/")])
    bench.ends = lambda: particles(tmp_path, "Extract/job005/p.star", "1@Extract/job005/a.mrcs")
    found = bench.needs(_REFINE.format("Extract/mine/p.star"))
    assert bench.waited == ["Extract/job005/"]
    assert found == {"Extract/mine", "Extract/job005/p.star", "Extract/job005/a.mrcs"}


def test_a_folder_that_only_a_list_names_is_waited_for(tmp_path: Path) -> None:
    particles(tmp_path, "p.star", "1@Subtract/job006/a.mrcs", "1@b.mrcs")
    bench = Bench(tmp_path, [unfinished(6, "Subtract/job006"), unfinished(7, "Other/job007")])
    assert bench.needs(_REFINE.format("p.star")) == {"p.star", "Subtract/job006/a.mrcs", "b.mrcs"}
    assert bench.waited == ["Subtract/job006"]


def test_a_list_behind_a_list_is_waited_for_and_then_followed(tmp_path: Path) -> None:
    folder = "Class3D/job004"
    put(tmp_path, "o.star", f"data_\n\n_rlnExperimentalDataStarFile {folder}/run_data.star\n")
    bench = Bench(tmp_path, [unfinished(4, folder)])
    bench.ends = lambda: particles(tmp_path, f"{folder}/run_data.star", "1@x.mrcs")
    found = bench.needs("relion_refine --continue o.star --o Class2D/job009/run")
    assert found == {"o.star", f"{folder}/run_data.star", "x.mrcs"}


def test_a_list_that_is_half_written_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "Extract/job005").mkdir(parents=True)
    (tmp_path / "elsewhere").symlink_to("Extract/job005")
    columns = "data_\n\nloop_\n_rlnImageName #1\n_rlnA #2\n_rlnB #3\n"
    put(tmp_path, "Extract/job005/p.star", columns + "1@a.mrcs 1")
    bench = Bench(tmp_path, [unfinished(5, "Extract/job005")])
    bench.ends = lambda: put(tmp_path, "Extract/job005/p.star", columns + "1@a.mrcs 1 2\n")
    assert "a.mrcs" in bench.needs(_REFINE.format("elsewhere/p.star"))
    assert bench.waited == ["Extract/job005"]


def test_an_optional_file_that_may_yet_be_made_is_waited_for(tmp_path: Path) -> None:
    put(tmp_path, "a_half1.mrc")
    (tmp_path / "maps").symlink_to("Refine3D/job008")
    (tmp_path / "Refine3D/job008").mkdir(parents=True)
    bench = Bench(tmp_path, [unfinished(8, "Refine3D/job008")])
    bench.ends = lambda: put(tmp_path, "Refine3D/job008/x.mrc")
    found = bench.needs("relion_brand_new --map maps/x.mrc --o Class2D/job009/run")
    assert found == {"maps", "Refine3D/job008/x.mrc"}


def test_what_nobody_will_make_is_told_at_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, [unfinished(5, "Extract/job005"), unfinished(10, "Extract/job010")])
    with pytest.raises(MissingInputError, match=r"Extract/job010/p\.star"):
        bench.needs(_REFINE.format("Extract/job010/p.star"))
    put(tmp_path, "p.star", "data_\nloop_\n_rlnImageName #1\n_rlnA\n_rlnB\na\n")
    with pytest.raises(FormatError, match=r"p\.star line 6"):
        bench.needs(_REFINE.format("p.star"))
    assert bench.waited == []


def test_a_failed_job_that_made_no_list_is_told_after_it_has_ended(tmp_path: Path) -> None:
    bench = Bench(tmp_path, [unfinished(5, "Extract/job005")])
    with pytest.raises(MissingInputError, match=r"Extract/job005/p\.star"):
        bench.needs(_REFINE.format("Extract/job005/p.star"))
    assert bench.waited == ["Extract/job005"]


def test_a_job_that_is_wanted_no_more_needs_nothing(tmp_path: Path) -> None:
    asking = Asking(
        application=Relion(),
        job=make_job(_REFINE.format("Extract/job005/p.star"), number=9),
        view=Here(tmp_path),
        cards=lambda: [unfinished(5, "Extract/job005")],
        wait=lambda owners: not owners,
    )
    assert asking.needs() is None


@pytest.mark.parametrize("name", ["Extract/job005", "Extract/mine"])
def test_a_folder_that_the_script_names_in_passing_is_waited_for(tmp_path: Path, name: str) -> None:
    (tmp_path / "Extract/job005").mkdir(parents=True)
    (tmp_path / "Extract/mine").symlink_to("job005")
    bench = Bench(tmp_path, [unfinished(5, "Extract/job005/")])
    bench.needs(f"export FROM={name}\nrelion_brand_new --o Class2D/job009/run")
    assert bench.waited == ["Extract/job005/"]


@pytest.mark.parametrize(
    ("script", "waits"),
    [
        ("touch Class2D/mine2/x", False),
        ("cp Class2D/mine/x y", True),
        ("ls 'Class2D/mine'", True),
        ("cat Class2D/mine.star", False),
    ],
)
def test_a_longer_name_is_not_waited_for(tmp_path: Path, script: str, *, waits: bool) -> None:
    bench = Bench(tmp_path, [unfinished(3, "Class2D/mine")])
    bench.needs(script, outputs=("Class2D/job009",))
    assert bench.waited == (["Class2D/mine"] if waits else [])
