"""What a machine lays out of a task's inputs."""

from pathlib import Path

import pytest

from cryoem_cloud.agent.fetch import lay_out
from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.file import Content, Entry, Kind
from cryoem_cloud.model.links import inner_link
from cryoem_cloud.stores.memory import MemoryStore


def laid_out(root: Path, *inputs: Entry, outputs: tuple[str, ...] = ("out",)) -> None:
    store = MemoryStore()
    store.put("p/mirror/x", b"bytes")
    lay_out(
        inputs,
        store=store,
        project="p",
        root=root,
        outputs=outputs,
    )


def file(path: str) -> Entry:
    content = Content(key="mirror/x", start=0, stored=5, size=5, digest=digest_of(b"bytes"))
    return Entry(path=path, content=content)


def test_inputs_lie_under_their_paths_and_links_lead_to_them(tmp_path: Path) -> None:
    root = tmp_path / "project"
    inputs = (
        inner_link("Class2D/run1", "Class2D/job007"),
        inner_link("top", "."),
        inner_link("deep/er/link", "stub"),
        file("Class2D/job007/x"),
        file("@abs/data/y"),
        Entry(path="stub", kind=Kind.STUB),
        Entry(path="folder", kind=Kind.FOLDER),
    )
    for _ in range(2):  # a machine may have been interrupted
        laid_out(root, *inputs)
    assert (root / "Class2D/run1/x").read_bytes() == b"bytes"
    assert (root / "Class2D/run1").readlink() == Path("job007")
    assert (root / "top/.cryoem-abs/data/y").read_bytes() == b"bytes"
    assert (root / "deep/er/link").resolve() == (root / "stub").resolve()
    assert (root / "folder").is_dir()
    assert (root / "out").is_dir()


def test_a_link_may_lead_to_what_is_not_there(tmp_path: Path) -> None:
    laid_out(tmp_path, inner_link("gone", "Class2D/job009"))
    assert (tmp_path / "gone").is_symlink()


def test_outputs_behind_a_users_link_are_made_where_it_leads(tmp_path: Path) -> None:
    laid_out(tmp_path, inner_link("Class2D", "big/Class2D"), outputs=("Class2D/job007",))
    assert (tmp_path / "big/Class2D/job007").is_dir()


@pytest.mark.parametrize(
    ("inputs", "what"),
    [
        ((Entry(path="l", kind=Kind.LINK, target="/etc"),), "l is no input but a link /etc"),
        ((Entry(path="a/l", kind=Kind.LINK, target="../../x"),), "a/l is no input"),
        ((Entry(path="l", kind=Kind.LINK, target=""),), "l is no input"),
        ((Entry(path="gone", kind=Kind.GONE),), "gone is no input"),
        ((inner_link("l", "b"), file("l/x")), "l/x would be written through the link l"),
        ((file("l/a/x"), inner_link("l", "b")), "l/a/x would be written through the link l"),
        ((inner_link("../l", "b"),), "not a path inside"),
        ((Entry(path="l", kind=Kind.LINK, target="@project/../x"),), "l is no input"),
    ],
)
def test_nothing_leads_or_lies_outside_or_behind_a_link(
    tmp_path: Path, inputs: tuple[Entry, ...], what: str
) -> None:
    with pytest.raises(RefusedError, match=what):
        laid_out(tmp_path / "project", *inputs)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
