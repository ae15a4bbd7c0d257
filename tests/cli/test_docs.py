"""The pages about commands, access and airspace say what the program does, all of it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer.main

from sectorwatch.airspace.formats import READERS
from sectorwatch.airspace.spec import OPTIONS
from sectorwatch.cli.app import app
from sectorwatch.cli.replaying import KEYS
from sectorwatch.store.keys import SCOPES
from sectorwatch.web.routers import ALL

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
AIRSPACE = ROOT / "src/sectorwatch/airspace"


def page(name: str) -> str:
    """A page of the documentation."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def commands(command: Any, path: str = "sectorwatch") -> Iterator[tuple[str, Any]]:
    """Every command by its full name; groups only where they have options of their own."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    if path == "sectorwatch":
        yield path, command
    for name, each in inner.items():
        yield from commands(each, f"{path} {name}")


def test_every_command_and_option_is_documented() -> None:
    """A section a command, each option and argument in it, and none that is not there."""
    sections = dict(
        re.findall(
            r"^## (sectorwatch[a-z ]*)\n(.*?)(?=^## |\Z)", page("cli.md"), re.MULTILINE | re.DOTALL
        )
    )
    found = dict(commands(typer.main.get_command(app)))
    assert sections.keys() == found.keys()
    for name, command in found.items():
        text = sections[name]
        known = {option for parameter in command.params for option in parameter.opts}
        options = {option for option in known if option.startswith("--")}
        said = {
            option
            for row in re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE)
            for option in re.findall(r"--[a-z-]+", row)
        }
        assert said - {"--help"} == options, name
        for parameter in command.params:
            if parameter.param_type_name == "argument":
                assert f"`{parameter.metavar}" in text, (name, parameter.name)


def test_every_endpoint_stands_in_the_table_of_tiers() -> None:
    """Each route with the tier it is held to, and no other."""
    rows = dict(
        re.findall(r"^\| `((?:GET|POST|DELETE) /[^`]*)` \| (\w+)", page("access.md"), re.MULTILINE)
    )
    routes: dict[str, str] = {}
    for router in ALL:
        for route in router.routes:
            path = re.sub(r":\w+\}", "}", route.path)  # type: ignore[attr-defined]
            [tier] = {each.dependency.tier for each in route.dependencies}  # type: ignore[attr-defined]
            for method in route.methods:  # type: ignore[attr-defined]
                routes[f"{method} {path}"] = tier.value
    assert rows == routes
    assert all(f"`{scope}`" in page("access.md") for scope in SCOPES)


def test_every_kind_of_problem_is_explained() -> None:
    """The kinds in the airspace room's code are those of the page's table."""
    table = page("airspace.md").partition("| kind |")[2].partition("\n\n")[0]
    said = set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE))
    assert said == kinds_in_code()


def kinds_in_code() -> set[str]:
    """What stands first in `.add(kind, name, words)`, `Problem(...)` and as a repair's key."""
    found = {"unknown_capacity", "unknown_positions"}
    for file in AIRSPACE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            first = None
            if isinstance(node, ast.Call):
                function = node.func
                name = (
                    function.attr
                    if isinstance(function, ast.Attribute)
                    else getattr(function, "id", "")
                )
                holder = getattr(getattr(function, "value", None), "id", "")
                if (
                    (name == "add" and holder == "findings")
                    or name == "Problem"
                    or (name == "setdefault" and holder == "repairs")
                ):
                    first = node.args[0]
            elif isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == "repairs":
                first = node.slice
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                found.add(first.value)
    return found


def test_every_format_and_option_is_documented() -> None:
    """What a SPEC can say."""
    text = page("airspace.md")
    for name in READERS:
        assert f"`{name}:" in text
    said = set(re.findall(r"^\| `(\w+)=", text, re.MULTILINE))
    assert said == set().union(*OPTIONS.values())


def test_the_counts_of_a_replay_are_documented() -> None:
    """Each key of the JSON."""
    assert all(f"`{key}`" in page("cli.md") for key in KEYS)
