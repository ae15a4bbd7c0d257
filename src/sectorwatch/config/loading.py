"""Reading settings from file, environment and command line, and saying where each came from."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from pydantic import SecretStr, ValidationError
from pydantic_settings import EnvSettingsSource

from sectorwatch.config.fields import SecretAddress, without_password
from sectorwatch.config.settings import PREFIX, Settings
from sectorwatch.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo

__all__ = ["Described", "Loaded", "describe", "load_settings"]

DEFAULT_FILE = "sectorwatch.toml"
_TABLES = frozenset({"alert_thresholds", "capacities", "positions"})
# The tests' own, and the one that says where the file is: known, and no settings.
_NOT_SETTINGS = frozenset({"SECTORWATCH_REAL_DATA", "SECTORWATCH_CONFIG"})


@dataclass(frozen=True, slots=True)
class Described:
    """One setting as a page or a command shows it; a secret's `value` is masked."""

    name: str
    value: str
    origin: str
    default: str
    unit: str
    description: str

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return f"{PREFIX}{self.name.upper()}"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings in force, and for each its origin: `default`, a file, a variable, `--option`."""

    settings: Settings
    origins: Mapping[str, str]

    def shown(self) -> list[Described]:
        """Every setting in the order of `Settings`, secrets masked."""
        return describe(self.settings, self.origins)


def describe(
    settings: Settings | None = None, origins: Mapping[str, str] | None = None
) -> list[Described]:
    """Every setting with value, default, unit and meaning; of the defaults where none are given."""
    values = settings or Settings()
    return [
        Described(
            name=name,
            value=_shown(getattr(values, name)),
            origin=(origins or {}).get(name, "default"),
            default=_shown(field.default),
            unit=_unit(field),
            description=field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]


def _unit(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


def _is_secret(name: str) -> bool:
    annotation = repr(Settings.model_fields[name].annotation)
    return "SecretStr" in annotation or SecretAddress.__name__ in annotation


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return _masked(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(each if isinstance(each, str) else _shown(each) for each in value)
    if isinstance(value, dict):
        return ",".join(
            f"{name}={'+'.join(item) if isinstance(item, tuple) else item}"
            for name, item in value.items()
        )
    # A feed's address, too, may have somebody's password in it.
    return without_password(str(value))


def _masked(secret: SecretStr) -> str:
    text = secret.get_secret_value()
    if isinstance(secret, SecretAddress):
        return re.sub(r"^([A-Za-z][A-Za-z0-9+.-]{0,40}://)?.*", r"\1***", text, flags=re.DOTALL)
    # A database's address stays readable, its password does not.
    masked, count = re.subn(r"(://[^:/@]*):.*@", r"\1:***@", text)
    has_address = re.match(r"[a-z0-9+]+://", masked)
    masked = re.sub(r"\?.*", "?***", masked)
    return masked if has_address or count else "***"


class _GivenEnvironment(EnvSettingsSource):
    """The library's reading of the environment, over the variables that were handed in."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        super().__init__(Settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._given.items()}


def load_settings(
    overrides: Mapping[str, object] | None = None,
    env: Mapping[str, str] | None = None,
    toml_path: Path | None = None,
) -> Loaded:
    """Settings from defaults, file, environment and `overrides` (those not None), later first.

    The file is `toml_path`, else the one `SECTORWATCH_CONFIG` names, else `sectorwatch.toml` in
    the current folder where there is one. Raises ConfigError, which names what was wrong and what
    to do: an unknown name, a file that cannot be read, a value out of range.
    """
    variables = {
        name: value
        for name, value in (os.environ if env is None else env).items()
        if name.upper().startswith(PREFIX)
    }
    file = _chosen_file(toml_path, variables.get("SECTORWATCH_CONFIG"))
    merged: dict[str, object] = {}
    origins: dict[str, str] = {}
    if file is not None:
        merged |= _read_file(file)
        origins |= dict.fromkeys(merged, str(file))
    given, given_origins = _read_environment(variables)
    merged |= given
    origins |= given_origins
    for name, value in (overrides or {}).items():
        if value is not None:
            _known(name, "option")
            merged[name] = value
            origins[name] = f"--{name.replace('_', '-')}"
    try:
        settings = Settings(**merged)  # type: ignore[arg-type]
    except ValidationError as error:
        _explain(error, merged, origins)
    return Loaded(settings, {name: origins.get(name, "default") for name in Settings.model_fields})


def _chosen_file(given: Path | None, named: str | None) -> Path | None:
    if given is not None:
        return given
    if named:
        return Path(named)
    standard = Path(DEFAULT_FILE)
    return standard if standard.is_file() else None


def _read_file(file: Path) -> dict[str, object]:
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"the settings file {file} cannot be read ({error.strerror}): name another with "
            "--config or SECTORWATCH_CONFIG"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the settings file {file} is no TOML ({error}): correct it") from error
    for name in content:
        _known(name, f"setting in {file}")
    return content


def _read_environment(variables: Mapping[str, str]) -> tuple[dict[str, object], dict[str, str]]:
    plain: dict[str, str] = {}
    origins: dict[str, str] = {}
    for variable, value in variables.items():
        if variable.upper() in _NOT_SETTINGS:
            continue
        name = variable[len(PREFIX) :].lower()
        text = value
        secret = name.removesuffix("_file")
        if name.endswith("_file") and secret in Settings.model_fields and _is_secret(secret):
            name, text = secret, _read_secret(variable, value)
        _known(name, "variable", shown=variable)
        if name in origins:
            raise ConfigError(
                f"both {origins[name]} and {variable} are set, and they mean the same: unset one"
            )
        plain[PREFIX + name.upper()] = text
        origins[name] = variable
    return dict(_GivenEnvironment(plain)()), origins


def _read_secret(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{variable} names {path!r}, which cannot be read ({error}): name a readable text file"
        ) from error


def _known(name: str, what: str, *, shown: str | None = None) -> None:
    if name in Settings.model_fields:
        return
    nearest = difflib.get_close_matches(name.lower(), Settings.model_fields, n=1, cutoff=0.0)[0]
    named = f"{PREFIX}{nearest.upper()}" if what == "variable" else nearest
    raise ConfigError(
        f"unknown {what} {shown or name!r}: did you mean {named!r}? "
        "`sectorwatch config show` lists all settings"
    )


def _explain(
    error: ValidationError, merged: Mapping[str, object], origins: Mapping[str, str]
) -> NoReturn:
    problems = []
    for part in error.errors(include_url=False, include_context=False):
        name = str(part["loc"][0])
        field = Settings.model_fields[name]
        steps = part["loc"][1:2] if name in _TABLES else part["loc"][1:3]
        inside = ".".join(str(step) for step in steps if name in _TABLES | {"alert_rules"})
        value = "(a secret)" if _is_secret(name) else repr(merged.get(name))[:80]
        unit = f" [{_unit(field)}]" if _unit(field) else ""
        reason = part["msg"].removeprefix("Value error, ")
        problems.append(
            f"{name}{'.' + inside if inside else ''} = {value} (from {origins.get(name)}): "
            f"{reason}. {name}{unit}: {field.description}"
        )
    raise ConfigError("; ".join(dict.fromkeys(problems))) from None
