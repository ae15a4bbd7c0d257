from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.config import Settings

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from cli.calling import Command


def test_good_settings_are_called_good(sectorwatch: Command, tmp_path: Path) -> None:
    """It says how many were given, without starting anything."""
    (tmp_path / "sectorwatch.toml").write_text("port = 9000\npublic_read = true\n")
    result = sectorwatch("config", "check")
    assert result.code == 0
    assert "2 given" in result.out
    assert not (tmp_path / "data").exists()


def test_a_misspelt_variable_is_an_error_that_names_the_nearest(
    sectorwatch: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A setting that nobody knows is never ignored."""
    monkeypatch.setenv("SECTORWATCH_PROT", "9000")
    result = sectorwatch("config", "check")
    assert result.code == 1
    assert "'SECTORWATCH_PROT'" in result.err
    assert "'SECTORWATCH_PORT'" in result.err


def test_an_airspace_that_is_no_spec_is_found(sectorwatch: Command, tmp_path: Path) -> None:
    """The check reads SPECs too, and says where this one stands."""
    (tmp_path / "other.toml").write_text('airspace = ["vatspi:somewhere"]\n')
    result = sectorwatch("config", "check", "--config", "other.toml")
    assert result.code == 1
    assert "other.toml" in result.err
    assert "did you mean vatspy?" in result.err


def test_each_setting_is_shown_with_its_origin_and_secrets_are_not(
    sectorwatch: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File, environment and default are told apart; a secret is a row of stars."""
    (tmp_path / "sectorwatch.toml").write_text("port = 9000\n")
    monkeypatch.setenv("SECTORWATCH_OPERATOR_KEY", "correct-horse-battery")
    result = sectorwatch("config", "show", "--json")
    shown = {each["name"]: each for each in result.json()}
    assert set(shown) == set(Settings.model_fields)
    assert (shown["port"]["value"], shown["port"]["origin"]) == ("9000", "sectorwatch.toml")
    assert shown["operator_key"]["origin"] == "SECTORWATCH_OPERATOR_KEY"
    assert shown["operator_key"]["value"] == "***"
    assert shown["host"]["origin"] == "default"
    table = sectorwatch("config", "show").out
    assert "correct-horse-battery" not in table + result.out
    assert all(name in table for name in Settings.model_fields)


def test_the_given_ones_can_be_shown_alone(sectorwatch: Command, tmp_path: Path) -> None:
    """What is as by default is left out."""
    (tmp_path / "sectorwatch.toml").write_text("port = 9000\n")
    assert [each["name"] for each in sectorwatch("config", "show", "--given", "--json").json()] == [
        "port"
    ]


def test_an_alert_rule_that_cannot_be_read_is_found(sectorwatch: Command, tmp_path: Path) -> None:
    """The check reads expressions too, and says where this one is at fault."""
    (tmp_path / "sectorwatch.toml").write_text(
        '[[alert_rules]]\nname = "mine"\nexpression = "newest(x) > 1"\n'
    )
    result = sectorwatch("config", "check")
    assert result.code == 1
    assert "alert rule mine: at 0: expected one of the functions" in result.err
