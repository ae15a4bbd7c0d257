"""Who may read what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from sectorwatch.observe import Telemetry
from sectorwatch.web.access import Gate, Tier, implied_scopes
from sectorwatch.web.problems import ApiError


class Keys:
    """Two keys, as a key store would know them."""

    def verify(self, key: str) -> frozenset[str] | None:
        return {
            "staff-key": frozenset({"staff"}),
            "operator-key": frozenset({"operator"}),
            "alerts-key": frozenset({"alerts"}),
        }.get(key)


def request(
    *,
    client: str = "127.0.0.1",
    method: str = "GET",
    host: str = "127.0.0.1:8001",
    headers: dict[str, str] | None = None,
) -> Request:
    """A request as the server hands it over."""
    lines = {"host": host, **(headers or {})}
    return Request(
        {
            "type": "http",
            "method": method,
            "path": "/",
            "query_string": b"",
            "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in lines.items()],
            "client": (client, 40_000),
        }
    )


def gate(*, base_url: str | None = None, public_read: bool = False) -> Gate:
    """A gate with those settings."""
    return Gate(keys=Keys(), base_url=base_url, public_read=public_read)


def refused(the_gate: Gate, the_request: Request, tier: Tier) -> int:
    """The status a request is refused with."""
    with pytest.raises(ApiError) as caught:
        the_gate.check(the_request, tier)
    return caught.value.status


@pytest.mark.parametrize("tier", list(Tier))
@pytest.mark.parametrize(
    ("client", "host"),
    [("127.0.0.1", "localhost:8001"), ("::1", "[::1]:8001"), ("127.0.0.9", "127.0.0.1")],
)
def test_on_this_machine_every_get_is_open(tier: Tier, client: str, host: str) -> None:
    """On loopback, by a loopback name, nothing needs a key to be read."""
    gate().check(request(client=client, host=host), tier)


@pytest.mark.parametrize(
    "header", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"]
)
def test_a_forwarding_header_ends_being_local(header: str) -> None:
    """Behind a proxy on the same machine everybody seems local; nobody is."""
    assert refused(gate(), request(headers={header: "203.0.113.9"}), Tier.PUBLIC) == 401


def test_with_a_base_url_nobody_is_local() -> None:
    """An instance that is reached from elsewhere opens nothing because of an address."""
    assert refused(gate(base_url="https://x.example"), request(), Tier.PUBLIC) == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8001", "localhost.evil.example", ""]
)
def test_a_page_that_rebinds_a_name_is_not_local(host: str) -> None:
    """A browser led here under another name brings that name in its Host header."""
    assert refused(gate(), request(host=host), Tier.PUBLIC) == 401


def test_public_read_opens_the_public_tier_alone() -> None:
    """What staff and operators read still needs a key."""
    from_elsewhere = request(client="203.0.113.9")
    gate(public_read=True).check(from_elsewhere, Tier.PUBLIC)
    assert refused(gate(public_read=True), from_elsewhere, Tier.STAFF) == 401
    assert refused(gate(public_read=True), from_elsewhere, Tier.OPERATOR) == 401


@pytest.mark.parametrize(
    ("key", "tier", "status"),
    [
        ("staff-key", Tier.PUBLIC, None),
        ("staff-key", Tier.STAFF, None),
        ("staff-key", Tier.OPERATOR, 403),
        ("alerts-key", Tier.STAFF, 403),
        ("operator-key", Tier.OPERATOR, None),
        ("operator-key", Tier.ALERTS, None),
        ("nobody's", Tier.PUBLIC, 401),
        ("", Tier.PUBLIC, 401),
    ],
)
def test_a_key_opens_what_its_scopes_imply(key: str, tier: Tier, status: int | None) -> None:
    """A wrong key is 401, a key without the scope 403."""
    asked = request(client="203.0.113.9", headers={"Authorization": f"Bearer {key}"})
    if status is None:
        gate().check(asked, tier)
    else:
        assert refused(gate(), asked, tier) == status


def test_what_changes_state_needs_a_key_even_here() -> None:
    """A page in a browser on this machine can POST to loopback; without a key it changes nothing."""
    assert refused(gate(), request(method="POST"), Tier.OPERATOR) == 401
    keyed = request(method="POST", headers={"Authorization": "Bearer operator-key"})
    gate().check(keyed, Tier.OPERATOR)


def test_an_unknown_scope_opens_nothing() -> None:
    """A scope of a newer version is not taken for one we know."""
    assert implied_scopes({"emperor"}) == frozenset()


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_header_text_breaks_the_gate(authorization: str, host: str) -> None:
    """Whatever stands in the headers, the answer is 401, never an exception of another kind."""
    wild = {"Authorization": authorization.encode("utf-8").decode("latin-1")}
    asked = request(client="203.0.113.9", host=host.encode().decode("latin-1"), headers=wild)
    assert refused(gate(), asked, Tier.PUBLIC) == 401


def test_who_is_not_let_in_is_counted_by_reason() -> None:
    """Without a key, with one that is unknown, with one that opens something else."""
    telemetry = Telemetry.open(sinks=[])
    the_gate = Gate(
        keys=Keys(), base_url="https://x.example", public_read=False, metrics=telemetry.metrics
    )
    for key in ("", "Bearer wrong", "Bearer alerts-key"):
        refused(the_gate, request(headers={"authorization": key}), Tier.OPERATOR)
    the_gate.check(request(headers={"authorization": "Bearer operator-key"}), Tier.OPERATOR)
    counted = {
        one.tags["reason"]: one.value
        for one in telemetry.metrics.exposed()
        if one.name == "api_requests_refused_total"
    }
    assert counted == {"no_key": 1, "unknown_key": 1, "missing_scope": 1}
    telemetry.close()
