"""The files in `deploy/` are taken by the programs they are for."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import prometheus_rules
import pytest
import yaml

from sectorwatch.config import load_settings
from sectorwatch.observe import AlertType

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
DASHBOARD: dict[str, Any] = json.loads(
    (DEPLOY / "grafana" / "dashboards" / "sectorwatch.json").read_text(encoding="utf-8")
)


def checked(program: str, *arguments: str) -> str:
    """What a program says of a file; skipped where it is not installed."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run(
        [found, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_prometheus_takes_its_configuration_and_rules() -> None:
    """`promtool check config`, which reads the rules that it names, too."""
    assert "alerts.rules.yml" in checked("promtool", "check", "config", "deploy/prometheus.yml")
    assert "SUCCESS" in checked("promtool", "check", "rules", "deploy/alerts.rules.yml")


def test_prometheus_takes_a_key_as_the_file_shows_it(tmp_path: Path) -> None:
    """The lines for a bearer key, once they are no comment."""
    text = (DEPLOY / "prometheus.yml").read_text(encoding="utf-8")
    key = tmp_path / "key"
    key.write_text("secret")
    for line in ("authorization:", "  type: Bearer", "  credentials_file: "):
        assert f"    # {line}" in text
        text = text.replace(f"    # {line}", f"    {line}")
    text = text.replace("/etc/prometheus/sectorwatch.key", str(key))
    (tmp_path / "prometheus.yml").write_text(text)
    shutil.copy(DEPLOY / "alerts.rules.yml", tmp_path)
    checked("promtool", "check", "config", str(tmp_path / "prometheus.yml"))


def test_the_rules_are_our_own() -> None:
    """As `tools/prometheus_rules.py` writes them; each type of alert has one, all can be said."""
    text = prometheus_rules.FILE.read_text(encoding="utf-8")
    assert text == prometheus_rules.text(), "run tools/prometheus_rules.py"
    found, left_out = prometheus_rules.rules()
    assert left_out == {}
    assert {rule["labels"]["type"] for rule in found} == set(AlertType)


def test_the_rules_fire_when_they_should() -> None:
    """`promtool test rules`: series in, alerts out."""
    assert "SUCCESS" in checked("promtool", "test", "rules", "tests/alerts.rules.test.yml")


def test_alertmanager_takes_its_configuration() -> None:
    """`amtool check-config`."""
    assert "SUCCESS" in checked("amtool", "check-config", "deploy/alertmanager.yml")


def test_every_severity_has_a_route() -> None:
    """And the types that inhibit are types of ours."""
    config = yaml.safe_load((DEPLOY / "alertmanager.yml").read_text(encoding="utf-8"))
    matched = " ".join(text for route in config["route"]["routes"] for text in route["matchers"])
    assert all(severity in matched for severity in ("low", "medium", "high", "critical"))
    types = {
        text.split('"')[1]
        for rule in config["inhibit_rules"]
        for text in (*rule["source_matchers"], *rule["target_matchers"])
        if text.startswith("type=")
    }
    assert types <= set(AlertType)


def test_the_dashboard_is_laid_out() -> None:
    """Each panel has its own number and place, and a title; none lies over another."""
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["title"]
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_grafana_s_provisioning_names_what_there_is() -> None:
    """A data source of Prometheus, and a folder of dashboards."""
    folder = DEPLOY / "grafana" / "provisioning"
    source = yaml.safe_load((folder / "datasources" / "sectorwatch.yml").read_text())
    assert [one["type"] for one in source["datasources"]] == ["prometheus"]
    boards = yaml.safe_load((folder / "dashboards" / "sectorwatch.yml").read_text())
    assert [one["type"] for one in boards["providers"]] == ["file"]


def test_systemd_takes_its_unit(tmp_path: Path) -> None:
    """`systemd-analyze verify` says nothing; the program is another here, which is there."""
    text = (DEPLOY / "sectorwatch.service").read_text(encoding="utf-8")
    true = shutil.which("true")
    unit = tmp_path / "sectorwatch.service"
    unit.write_text(text.replace("/opt/sectorwatch/bin/sectorwatch", str(true)))
    said = checked("systemd-analyze", "verify", "--man=no", str(unit))
    assert "sectorwatch.service" not in said


def test_the_example_of_settings_is_taken() -> None:
    """Every name in it is a setting, and every value one that is allowed."""
    settings = load_settings(env={}, toml_path=DEPLOY / "sectorwatch.toml").settings
    assert settings.home_sector == "YMMM"
    assert len(settings.notify_urls) == 1


def test_the_page_names_every_file() -> None:
    """`deploy/README.md` says what each is for."""
    text = (DEPLOY / "README.md").read_text(encoding="utf-8")
    files = {str(path.relative_to(DEPLOY)) for path in DEPLOY.rglob("*") if path.is_file()}
    for name in files - {"README.md"}:
        # Grafana's provisioning is one thing, of two files.
        shown = "grafana/provisioning/" if "/provisioning/" in name else name
        assert f"`{shown}`" in text, name
