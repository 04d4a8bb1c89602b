"""Where links of entries lead, and which names they give to others."""

import pytest

from cryoem_cloud.model.file import Entry, Kind
from cryoem_cloud.model.links import Named, inner_link, leads_to


def link(path: str, target: str) -> Entry:
    return Entry(path=path, kind=Kind.LINK, target=target)


@pytest.mark.parametrize(
    ("path", "target", "leads"),
    [
        ("Class2D/run1", "@project/Class2D/job007", "Class2D/job007"),
        ("Class2D/run1", "job007/", "Class2D/job007"),
        ("Class2D/run1", "../Class2D/job007", "Class2D/job007"),
        ("a", ".", "."),
        ("a", "", ""),
        ("a", "..", ""),
        ("a/b", "../../etc", ""),
        ("a", "/etc/passwd", ""),
        ("a", "@project/../x", ""),
        ("a", "@project//etc", ""),
    ],
)
def test_a_link_leads_to_a_path_of_the_project_or_nowhere(
    path: str, target: str, leads: str
) -> None:
    assert leads_to(link(path, target)) == leads


def test_the_entry_of_an_inner_link_leads_where_it_should() -> None:
    entry = inner_link("Class2D/run1", "Class2D/job007")
    assert leads_to(entry) == "Class2D/job007"
    assert Entry.from_json(entry.to_json()) == entry


def test_links_give_other_names_to_entries() -> None:
    named = Named(
        (
            Entry(path="Class2D/job007/x", kind=Kind.STUB),
            inner_link("Class2D/run1", "Class2D/job007"),
            inner_link("short", "Class2D"),
            inner_link("round", "about"),
            inner_link("about", "round"),
            link("out", "/etc"),
        )
    )
    inside = (
        "Class2D/job007/x",
        "Class2D/run1/x",
        "short/run1/x",
        "short/job007/x",
        "Class2D/run1",
    )
    outside = (
        "Class2D/run1/y",
        "Class2D/run",
        "Class2D/job007",
        "round/x",
        "out/passwd",
        "",
        "x",
        7,
    )
    assert all(path in named for path in inside)
    assert not any(path in named for path in outside)
