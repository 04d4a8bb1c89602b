"""What the user chose, and what of the environment travels."""

import os
from pathlib import Path

import pytest

from cryoem_cloud.model.errors import SettingsError
from cryoem_cloud.settings import Places, Settings, submitters_environment


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places.read({"HOME": str(tmp_path / "home")})


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_the_project_overrides_the_user_and_the_environment_both(
    places: Places, tmp_path: Path
) -> None:
    write(places.config / "settings.toml", 'store = "s3://lab/em"\ncount = 2\nhome = "essential"\n')
    write(tmp_path / ".cryoem" / "settings.toml", "count = 3\n")
    assert Settings.read(places, None, {}).count == 2
    chosen = Settings.read(places, tmp_path, {"CRYOEM_HOME": "all", "CRYOEM_COMMAND": "x"})
    assert (chosen.store, chosen.count, chosen.home) == ("s3://lab/em", 3, "all")
    assert Settings.read(places, tmp_path, {"CRYOEM_COUNT": "4"}).count == 4
    assert chosen.max_machines == 16
    assert Settings.read(places, None, {"CRYOEM_MAX_MACHINES": "4"}).max_machines == 4
    write(tmp_path / ".cryoem" / "settings.toml", 'home = ""\n')
    assert Settings.read(places, tmp_path, {}).home == "", "the store decides, in this project"


@pytest.mark.parametrize("line", ['local_prefix = "nice"', '[executables]\nctffind = "/x"'])
def test_programs_to_start_are_not_named_by_others(
    places: Places, tmp_path: Path, line: str
) -> None:
    file = tmp_path / ".cryoem" / "settings.toml"
    write(file, line)
    file.chmod(0o644)
    Settings.read(places, tmp_path, {})
    file.chmod(0o664)
    with pytest.raises(SettingsError, match="others than you may write it"):
        Settings.read(places, tmp_path, {})
    write(file, "count = 2\n")
    assert Settings.read(places, tmp_path, {}).count == 2


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give files away")
def test_programs_to_start_are_not_named_in_somebody_elses_file(
    places: Places, tmp_path: Path
) -> None:
    file = tmp_path / ".cryoem" / "settings.toml"
    write(file, 'local_prefix = "nice"')
    os.chown(file, 65534, 65534)
    with pytest.raises(SettingsError, match="others than you may write it"):
        Settings.read(places, tmp_path, {})


def test_the_projects_executables_stand_beside_the_users(places: Places, tmp_path: Path) -> None:
    write(places.config / "settings.toml", '[executables]\nctffind = "/c"\ntopaz = "/t"\n')
    write(tmp_path / ".cryoem" / "settings.toml", '[executables]\nctffind = "/other"\n')
    chosen = Settings.read(places, tmp_path, {})
    assert chosen.executables == {"ctffind": "/other", "topaz": "/t"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cuont = 2", "there is no setting 'cuont'"),
        ("count = 0", "count should be a whole number above 0"),
        ("max_machines = 0", "max_machines should be a whole number above 0"),
        ('count = "many"', "count should be"),
        ('home = "some"', "home should be all or essential"),
        ("store = 3", "store should be text"),
        ('executables = "/x"', "executables should be a table of names and paths"),
        ("[executables]\nctffind = 4", "executables should be a table of names and paths"),
        ('[executables]\nctfind = "/x"', "knows no 'ctfind' .known are ctffind, gctf"),
        ("store =", "is not TOML"),
    ],
)
def test_what_is_off_is_said_with_the_file(places: Places, text: str, said: str) -> None:
    write(places.config / "settings.toml", text)
    with pytest.raises(SettingsError, match=said) as caught:
        Settings.read(places, None, {})
    assert str(places.config / "settings.toml") in str(caught.value)


def test_secrets_do_not_travel_and_what_the_launcher_kept_does() -> None:
    travelled = submitters_environment(
        {
            "PATH": "/bin",
            "RELION_SCRATCH_DIR": "/scratch",
            "AWS_ACCESS_KEY_ID": "secret",
            "GITHUB_TOKEN": "secret",
            "MY_PASSWORD": "secret",
            "LICENSE_KEY": "secret",
            "PGPASS": "secret",
            "MY_PWD": "secret",
            "VAULT_AUTH": "secret",
            "PROXY": "http://me:secret@proxy:3128",
            "PWD": "/data",
            "PROXIED": "http://proxy:3128",
            "CRYOEM_COMMAND": "cryoem-qsub",
            "CRYOEM_KEPT_LD_LIBRARY_PATH": "/opt/relion/lib",
        }
    )
    assert travelled == {
        "PATH": "/bin",
        "PWD": "/data",
        "PROXIED": "http://proxy:3128",
        "RELION_SCRATCH_DIR": "/scratch",
        "LD_LIBRARY_PATH": "/opt/relion/lib",
    }


def test_places_follow_home_and_xdg(tmp_path: Path) -> None:
    places = Places.read({"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")})
    assert places.config == tmp_path / ".config" / "cryoem-cloud"
    assert places.default_store == (tmp_path / "data" / "cryoem-cloud" / "store").as_uri()
    assert places.state.parent == tmp_path / ".local" / "state" / "cryoem-cloud"


def test_a_home_that_is_no_place_is_refused_and_such_xdg_variables_count_for_nothing() -> None:
    with pytest.raises(SettingsError, match="HOME is rel"):
        Places.read({"HOME": "rel"})
    places = Places.read({"HOME": "/home/ada", "XDG_STATE_HOME": "rel"})
    assert places.state.is_relative_to("/home/ada/.local/state")
