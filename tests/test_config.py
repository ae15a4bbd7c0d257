"""Settings: which source wins, what is refused and in what words, what stays hidden."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.config import Settings, describe, load_settings
from sectorwatch.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings file of this machine takes part in a test."""
    monkeypatch.chdir(tmp_path)


def test_defaults_need_nothing() -> None:
    """With nothing given, every setting has its default and says so."""
    loaded = load_settings(env={})
    assert loaded.settings == Settings()
    assert set(loaded.origins) == set(Settings.model_fields)
    assert set(loaded.origins.values()) == {"default"}


def test_command_line_beats_environment_beats_file(tmp_path: Path) -> None:
    """A later source has the last word, and each setting's origin is told."""
    file = tmp_path / "mine.toml"
    file.write_text("port = 1\nhost = '10.0.0.1'\nhome_sector = 'YMMM'\n")
    loaded = load_settings(
        {"port": 3, "host": None},
        {"SECTORWATCH_PORT": "2", "SECTORWATCH_HOST": "10.0.0.2", "PATH": "/bin"},
        file,
    )
    assert loaded.settings.port == 3
    assert loaded.settings.host == "10.0.0.2"
    assert loaded.settings.home_sector == "YMMM"
    assert loaded.origins["port"] == "--port"
    assert loaded.origins["host"] == "SECTORWATCH_HOST"
    assert loaded.origins["home_sector"] == str(file)
    assert loaded.origins["log_format"] == "default"


def test_file_in_the_current_folder_is_read(tmp_path: Path) -> None:
    """`sectorwatch.toml` beside the caller counts without being named."""
    (tmp_path / "sectorwatch.toml").write_text("[capacities]\nYSSY_CTR = 20\n")
    assert load_settings(env={}).settings.capacities == {"YSSY_CTR": 20}


def test_variable_names_the_file(tmp_path: Path) -> None:
    """SECTORWATCH_CONFIG names a file, and is itself no setting."""
    file = tmp_path / "other.toml"
    file.write_text("airspace = ['vatspy:/a']\n")
    loaded = load_settings(env={"SECTORWATCH_CONFIG": str(file)})
    assert loaded.settings.airspace == ("vatspy:/a",)


def test_the_real_environment_is_read_where_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without variables handed in, those of the process count."""
    monkeypatch.setenv("SECTORWATCH_PORT", "4711")
    assert load_settings().settings.port == 4711


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vatspy:/a, made:australia", ("vatspy:/a", "made:australia")),
        ('["geojson:/a,b.json"]', ("geojson:/a,b.json",)),
    ],
)
def test_lists_in_the_environment(text: str, expected: tuple[str, ...]) -> None:
    """A list is written with commas or as JSON."""
    assert load_settings(env={"SECTORWATCH_AIRSPACE": text}).settings.airspace == expected


@pytest.mark.parametrize("text", ["A=3, B=4", '{"A": 3, "B": 4}'])
def test_tables_in_the_environment(text: str) -> None:
    """A table is written NAME=NUMBER with commas or as JSON."""
    settings = load_settings(env={"SECTORWATCH_CAPACITIES": text}).settings
    assert settings.capacities == {"A": 3, "B": 4}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("australia/sydney", "Australia/Sydney"),
        ("utc", "UTC"),
        (" Europe/Berlin ", "Europe/Berlin"),
    ],
)
def test_a_time_zone_is_known_by_its_name_in_any_case(text: str, name: str) -> None:
    """It is kept as it is written in the list of all."""
    assert load_settings(env={"SECTORWATCH_TIMEZONE": text}).settings.timezone == name


def test_empty_text_unsets_what_may_be_unset() -> None:
    """An empty variable means none where none is allowed."""
    settings = load_settings(
        env={
            "SECTORWATCH_BASE_URL": "",
            "SECTORWATCH_LOG_LEVEL": "",
            "SECTORWATCH_HOME_SECTOR": " ",
        }
    ).settings
    assert (settings.base_url, settings.log_level, settings.home_sector) == (None, None, None)


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"SECTORWATCH_PRT": "1"}, ["SECTORWATCH_PRT", "SECTORWATCH_PORT"]),
        ({"SECTORWATCH_HOST_FILE": "/x"}, ["SECTORWATCH_HOST_FILE", "did you mean"]),
        ({"SECTORWATCH_": "1"}, ["unknown variable"]),
        ({"SECTORWATCH_PORT": "x"}, ["port = 'x'", "SECTORWATCH_PORT"]),
        ({"SECTORWATCH_PORT": "65536"}, ["65536", "65535"]),
        ({"SECTORWATCH_CAPACITIES": "A=0"}, ["capacities.A", "1"]),
        ({"SECTORWATCH_CAPACITIES": "{"}, ["no JSON"]),
        ({"SECTORWATCH_AIRSPACE": ""}, ["airspace", "at least 1"]),
        ({"SECTORWATCH_AIRSPACE": '[" "]'}, ["must not be empty"]),
        ({"SECTORWATCH_HOST": " "}, ["host", "must not be empty"]),
        ({"SECTORWATCH_FEED_URL": "ftp://x"}, ["feed_url", "http://"]),
        ({"SECTORWATCH_FETCH_INTERVAL_S": "5"}, ["fetch_interval_s", "[s]", "15"]),
        ({"SECTORWATCH_FETCH_INTERVAL_S": "nan"}, ["fetch_interval_s", "nan"]),
        ({"SECTORWATCH_TRUSTED_PROXIES": "a.b"}, ["a.b", "10.0.0.0/8"]),
        ({"SECTORWATCH_PUBLIC_READ": "maybe"}, ["public_read", "maybe"]),
        ({"SECTORWATCH_ENVIRONMENT": "prod"}, ["environment", "production"]),
        ({"SECTORWATCH_TIMEZONE": "Australia/Sidney"}, ["timezone", "Australia/Sydney"]),
        ({"SECTORWATCH_TIMEZONE": "new york"}, ["timezone", "America/New_York"]),
        ({"SECTORWATCH_TIMEZONE": "../../etc/passwd"}, ["timezone", "is no time zone"]),
    ],
)
def test_what_cannot_be_used_is_named(env: Mapping[str, str], words: list[str]) -> None:
    """An error names the setting, its value, its origin and what would be right."""
    with pytest.raises(ConfigError) as caught:
        load_settings(env=env)
    for word in words:
        assert word in str(caught.value)


def test_unknown_name_in_the_file(tmp_path: Path) -> None:
    """A misspelt name in the file is an error that says the nearest."""
    file = tmp_path / "a.toml"
    file.write_text("data_dri = 'x'\n")
    with pytest.raises(ConfigError, match=r"data_dri.*data_dir"):
        load_settings(env={}, toml_path=file)


def test_unknown_option() -> None:
    """An override that is no setting is refused as well."""
    with pytest.raises(ConfigError, match=r"unknown option 'prot'.*'port'"):
        load_settings({"prot": 1}, {})


@pytest.mark.parametrize("content", [b"port = ", b"\xff\xfe"])
def test_file_that_is_no_toml(tmp_path: Path, content: bytes) -> None:
    """A broken file is named with what is wrong in it."""
    file = tmp_path / "a.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match="is no TOML"):
        load_settings(env={}, toml_path=file)


def test_file_that_is_not_there(tmp_path: Path) -> None:
    """A file that was named but is missing is an error, not the defaults."""
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(env={}, toml_path=tmp_path / "none.toml")


def test_tests_own_variable_is_known() -> None:
    """SECTORWATCH_REAL_DATA is known and ignored."""
    assert load_settings(env={"SECTORWATCH_REAL_DATA": "/x"}).settings == Settings()


def test_secret_from_a_file(tmp_path: Path) -> None:
    """A secret may stand in a file that a variable names; its origin is that variable."""
    file = tmp_path / "key"
    file.write_text("a-key-of-sixteen-or-more\n")
    loaded = load_settings(env={"SECTORWATCH_OPERATOR_KEY_FILE": str(file)})
    assert loaded.settings.operator_key is not None
    assert loaded.settings.operator_key.get_secret_value() == "a-key-of-sixteen-or-more"
    assert loaded.origins["operator_key"] == "SECTORWATCH_OPERATOR_KEY_FILE"


def test_secret_file_that_is_not_there() -> None:
    """A secret's file that cannot be read is an error."""
    with pytest.raises(ConfigError, match=r"SECTORWATCH_OPERATOR_KEY_FILE.*'/none'"):
        load_settings(env={"SECTORWATCH_OPERATOR_KEY_FILE": "/none"})


def test_secret_given_twice(tmp_path: Path) -> None:
    """A secret both plain and in a file is refused: nobody could say which counts."""
    file = tmp_path / "key"
    file.write_text("x" * 20)
    with pytest.raises(ConfigError, match="mean the same"):
        load_settings(
            env={
                "SECTORWATCH_OPERATOR_KEY": "y" * 20,
                "SECTORWATCH_OPERATOR_KEY_FILE": str(file),
            }
        )


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+psycopg://me:hush@host/db", "postgresql+psycopg://me:***@host/db"),
        ("postgresql://me:hu@sh@host/db?password=hush", "postgresql://me:***@host/db?***"),
        ("sqlite:////tmp/x.db", "sqlite:////tmp/x.db"),
        ("hush", "***"),
    ],
)
def test_secrets_are_masked(url: str, shown: str) -> None:
    """What is shown of a secret never holds the secret part of it."""
    loaded = load_settings(
        env={"SECTORWATCH_DATABASE_URL": url, "SECTORWATCH_OPERATOR_KEY": "hush-hush-hush-hush"}
    )
    rows = {row.name: row.value for row in loaded.shown()}
    assert rows["database_url"] == shown
    assert rows["operator_key"] == "***"
    assert "hush" not in repr(loaded)


def test_a_password_in_a_feeds_address_is_masked() -> None:
    """An address is no secret but for the password in it."""
    loaded = load_settings(env={"SECTORWATCH_FEED_URL": "https://we:hush@mirror.example:81/a:b@c"})
    rows = {row.name: row.value for row in loaded.shown()}
    assert rows["feed_url"] == "https://we:***@mirror.example:81/a:b@c"
    assert rows["status_url"] == "https://status.vatsim.net/status.json"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=15))
def test_a_refused_secret_is_not_repeated(secret: str) -> None:
    """The error about a secret that is too short does not hold it."""
    marked = f"§{secret}§"[:15]
    if not marked.strip():
        return
    with pytest.raises(ConfigError, match="at least 16") as caught:
        load_settings(env={"SECTORWATCH_OPERATOR_KEY": marked})
    assert marked not in str(caught.value)


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=12), max_size=4))
def test_any_environment_gives_settings_or_a_reason(names: dict[str, str]) -> None:
    """Whatever stands in the environment, the answer is settings or a ConfigError."""
    env = {f"SECTORWATCH_{name}": value for name, value in names.items()}
    try:
        load_settings(env=env)
    except ConfigError as error:
        assert str(error)  # noqa: PT017 - only what is raised on purpose may get here


@given(st.sampled_from(sorted(Settings.model_fields)), st.text(max_size=20))
def test_any_value_gives_settings_or_a_reason(name: str, value: str) -> None:
    """Whatever value a setting is given, the answer is settings or a ConfigError."""
    try:
        load_settings(env={f"SECTORWATCH_{name.upper()}": value})
    except ConfigError as error:
        assert name in str(error)  # noqa: PT017 - as above


@pytest.mark.parametrize(
    ("environment", "level"),
    [("development", "DEBUG"), ("testing", "WARNING"), ("production", "INFO")],
)
def test_environment_sets_the_level(environment: str, level: str) -> None:
    """The environment sets the log's level unless `log_level` does."""
    assert load_settings({"environment": environment}, {}).settings.level == level
    assert load_settings({"environment": environment, "log_level": "ERROR"}, {}).settings.level == (
        "ERROR"
    )


def test_every_setting_is_described() -> None:
    """Each setting has a sentence, and each number a unit."""
    for row in describe():
        assert row.description.endswith("."), row.name
        if isinstance(Settings.model_fields[row.name].default, float):
            assert row.unit, row.name


def test_every_setting_is_documented() -> None:
    """docs/settings.md is exactly what the settings say."""
    spec = importlib.util.spec_from_file_location("page", ROOT / "tools" / "settings_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == module.page()
    for row in describe():
        assert f"`{row.variable}`" in page


def test_who_works_a_sector_can_be_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table of lists in the file, or on one line in the environment; an empty list is refused."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sectorwatch.toml").write_text(
        '[positions]\n"a:fir/YMMM" = ["X_CTR@128.850", "Y_CTR"]\n'
    )
    wanted = {"a:fir/YMMM": ("X_CTR@128.850", "Y_CTR")}
    assert load_settings(env={}).settings.positions == wanted
    line = {"SECTORWATCH_POSITIONS": "a:fir/YMMM=X_CTR@128.850+Y_CTR"}
    loaded = load_settings(env=line)
    assert loaded.settings.positions == wanted
    (shown,) = [each for each in loaded.shown() if each.name == "positions"]
    assert shown.value == line["SECTORWATCH_POSITIONS"]
    with pytest.raises(ConfigError, match=r"positions\.A"):
        load_settings(env={"SECTORWATCH_POSITIONS": "A="})


@pytest.mark.parametrize("name", ["fetch_interval_s", "transceivers_interval_s"])
@pytest.mark.parametrize(
    "addresses",
    [
        {},
        {"status_url": "https://status.vatsim.net/status.json"},
        {"feed_url": "http://192.168.1.4/feed.json"},
        {"feed_url": "http://127.0.0.1.example.org/feed.json"},
        {"feed_url": "http://127.0.0.1/feed.json", "transceivers_url": "http://example.org/t"},
    ],
)
def test_nobody_elsewhere_is_asked_more_often_than_every_15_s(
    name: str, addresses: dict[str, str]
) -> None:
    """The limit guards others' servers, whatever else is set."""
    assert getattr(load_settings({name: 15, **addresses}, env={}).settings, name) == 15
    with pytest.raises(ConfigError, match="not on this machine"):
        load_settings({name: 14.9, **addresses}, env={})


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8080/status.json", "http://localhost/s", "http://[::1]:9/s"]
)
def test_a_network_on_this_machine_may_be_asked_at_will(address: str) -> None:
    """Down to no pause at all."""
    for name in ("feed_url", "status_url"):
        settings = load_settings({"fetch_interval_s": 0, name: address}, env={}).settings
        assert settings.fetch_interval_s == 0
