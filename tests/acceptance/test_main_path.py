"""A job goes out and comes home."""

from cryoem_cloud.model.job import Outcome

from .conftest import FAILURES, SUCCESS, World


def test_a_job_comes_home(world: World) -> None:
    (world.project / "in.txt").write_text("hello\n")
    number = world.submit(
        "cat in.txt > Shell/job001/out.txt\necho said\necho wrong >&2\n", inputs=("in.txt",)
    )
    card = world.wait_for_end(number)
    folder = world.project / "Shell/job001"
    assert card.outcome is Outcome.SUCCESS
    assert (folder / "out.txt").read_text() == "hello\n"
    assert (folder / "run.out").read_text() == "said\n"
    assert (folder / "run.err").read_text() == "wrong\n"
    assert (folder / SUCCESS).exists()
    assert not any((folder / name).exists() for name in FAILURES)


def test_a_command_that_fails_leaves_both_failure_markers_and_the_reason(world: World) -> None:
    number = world.submit("echo begun\nexit 3\n")
    card = world.wait_for_end(number)
    folder = world.project / "Shell/job001"
    assert (card.outcome, card.code) == (Outcome.FAILURE, 3)
    assert all((folder / name).exists() for name in FAILURES)
    assert not (folder / SUCCESS).exists()
    assert "exit code 3" in (folder / "run.err").read_text()
