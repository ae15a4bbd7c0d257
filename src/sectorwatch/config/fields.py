"""What settings are made of: texts read as lists and tables, limits, and how one is declared."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from sectorwatch.clock import time_zone

__all__ = [
    "SHORTEST_KEY",
    "Addresses",
    "Capacity",
    "OptionalAddress",
    "OptionalSecret",
    "OptionalText",
    "OptionalUrl",
    "SecretAddress",
    "Url",
    "Words",
    "empty_is_none",
    "iana_zone",
    "lists",
    "long_enough",
    "not_blank",
    "proxy",
    "seconds",
    "setting",
    "split",
    "table",
    "tables",
    "url",
    "without_password",
]

SHORTEST_KEY = 16


def split(value: object) -> object:
    """Text from the environment or the command line as a list: JSON, or parts between commas."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return _from_json(value)
    return [part.strip() for part in value.split(",") if part.strip()]


def table(value: object) -> object:
    """Text as a table: a JSON object, or `NAME=NUMBER` between commas."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("{"):
        return _from_json(value)
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    return {name.strip(): number.strip() for name, _, number in pairs}


def tables(value: object) -> object:
    """Text as a list of tables, in JSON."""
    return _from_json(value) if isinstance(value, str) and value.strip() else value or ()


def seconds(value: object) -> object:
    """Text such as 90s, 5m, 1h or 2d as seconds. Raises ValueError."""
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,6})?)\s*([smhd]?)\s*", value)
    if found is None:
        raise ValueError(f"{value[:50]!r} is no duration: write it like 90s, 5m, 1h or 2d")
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}[found[2]]


def lists(value: object) -> object:
    """Text as a table of lists: a JSON object, or `NAME=ONE+OTHER` between commas."""
    given = table(value)
    if not isinstance(given, dict):
        return given
    return {
        name: [part.strip() for part in names.split("+") if part.strip()]
        if isinstance(names, str)
        else names
        for name, names in given.items()
    }


def _from_json(text: str) -> object:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"is no JSON: {error}") from error


def addresses(value: object) -> object:
    """Text as a list of addresses: JSON, or one a line, or with commas or blanks before each.

    An address may have a comma in it, so only one before `SCHEME://` divides.
    """
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return _from_json(value)
    return re.split(r"[,\s]+(?=[A-Za-z][A-Za-z0-9+.-]*://)", value.strip()) if value.strip() else []


def empty_is_none(value: object) -> object:
    """Nothing, where only blanks are given: so a variable can be unset in a file of them."""
    return None if isinstance(value, str) and not value.strip() else value


def url(value: str) -> str:
    """An address that begins with http:// or https://, without a slash at its end."""
    if not re.match(r"https?://[^/\s]+", value):
        raise ValueError("must begin with http:// or https:// and name a host")
    return value.rstrip("/")


class SecretAddress(SecretStr):
    """An address that is a secret, token and all: only how and where it leads may be shown."""


def without_password(url: str) -> str:
    """An address as it may be shown."""
    return re.sub(r"(://[^:/@]*):[^/]*@", r"\1:***@", url)


def not_blank(value: str) -> str:
    """A text with something in it. Raises ValueError."""
    if not value.strip():
        raise ValueError("must not be empty")
    return value.strip()


def proxy(value: str) -> str:
    """An address or a network of them. Raises ValueError."""
    try:
        return str(ipaddress.ip_network(value.strip(), strict=False))
    except ValueError:
        raise ValueError(f"{value!r} is no address such as 10.0.0.1 or 10.0.0.0/8") from None


def iana_zone(value: str) -> str:
    """The name of a time zone, as the table of zones spells it. Raises ValueError."""
    zone = time_zone(value)
    return getattr(zone, "key", "UTC")


def long_enough(value: SecretStr) -> SecretStr:
    """A secret that cannot be guessed by trying. Raises ValueError."""
    if len(value.get_secret_value()) < SHORTEST_KEY:
        raise ValueError(f"must have at least {SHORTEST_KEY} characters")
    return value


Words = Annotated[tuple[Annotated[str, AfterValidator(not_blank)], ...], NoDecode]
Url = Annotated[str, AfterValidator(url)]
OptionalUrl = Annotated[Url | None, BeforeValidator(empty_is_none)]
OptionalText = Annotated[str | None, BeforeValidator(empty_is_none)]
OptionalSecret = Annotated[SecretStr | None, BeforeValidator(empty_is_none)]
OptionalAddress = Annotated[SecretAddress | None, BeforeValidator(empty_is_none)]
Addresses = Annotated[
    tuple[SecretAddress, ...], NoDecode, BeforeValidator(addresses), Field(max_length=20)
]
Capacity = Annotated[int, Field(ge=1, le=10_000)]


def setting(default: Any, unit: str, description: str, **limits: Any) -> Any:
    """A setting: its default, its unit, what it does, its limits."""
    return Field(default, description=description, json_schema_extra={"unit": unit}, **limits)
