from __future__ import annotations

import gzip
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box

from made_airspace import write_vatspy, write_vatsys
from sectorwatch.airspace.formats import read_dataset
from sectorwatch.airspace.model import DataSet, PositionRule, Sector, Volume
from sectorwatch.airspace.owners import (
    OwnerFinder,
    OwnerMatch,
    frequency_khz,
    own_name_positions,
    position_rule,
    with_positions,
)
from sectorwatch.errors import AirspaceError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Somebody:
    """A controller record, as far as it matters here."""

    callsign: str
    frequency: str = "199.998"
    is_atc: bool = True


SQUARE = (Volume(box(0, 0, 1, 1)),)


def _sector(name: str, *rules: PositionRule, dataset: str = "set") -> Sector:
    return Sector(dataset, "enroute", name, name, SQUARE, tuple(rules))


def _rule(callsign: str, frequency: str | None = None) -> PositionRule:
    prefix, _, suffix = callsign.rpartition("_")
    return PositionRule(prefix, (suffix,), frequency, f"{callsign} works it")


def _dataset(
    *sectors: Sector, prefixes: Sequence[str] = ("AA", "BB"), only: Sequence[PositionRule] = ()
) -> DataSet:
    return DataSet("set", "set:x", sectors, frozenset(prefixes), tuple(only))


def _owners(dataset: DataSet, *controllers: Somebody) -> dict[str, str | None]:
    found = OwnerFinder(dataset.sectors, [dataset]).owners(controllers)
    return {
        sector.name: None
        if match is None
        else f"{controllers[match.controller].callsign} {match.how}"
        for sector, match in zip(dataset.sectors, found, strict=True)
    }


def test_the_first_position_online_is_the_owner() -> None:
    """By the order of the list, not of the feed; nobody online is no owner."""
    dataset = _dataset(
        _sector("ONE", _rule("AA-ONE_CTR"), _rule("AA-TWO_CTR")),
        _sector("TWO", _rule("AA-TWO_CTR")),
        _sector("SIX", _rule("AA-SIX_CTR")),
    )
    two, one = Somebody("AA-TWO_CTR"), Somebody("AA-ONE_CTR")
    assert _owners(dataset, two, one) == {
        "ONE": "AA-ONE_CTR callsign",
        "TWO": "AA-TWO_CTR callsign",
        "SIX": None,
    }
    assert _owners(dataset, two)["ONE"] == "AA-TWO_CTR callsign"
    assert _owners(dataset) == {"ONE": None, "TWO": None, "SIX": None}


def test_the_answer_says_who_which_position_and_why() -> None:
    """An index into the controllers asked about, the place in the list, and a sentence."""
    dataset = _dataset(_sector("ONE", _rule("AA-ONE_CTR"), _rule("AA-TWO_CTR", "130.900")))
    finder = OwnerFinder(dataset.sectors, [dataset])
    nobody = Somebody("QFA1", is_atc=False)
    assert finder.owners([nobody, Somebody("AA-TWO_CTR")]) == [
        OwnerMatch(1, 1, "callsign", "AA-TWO_CTR works it")
    ]
    assert finder.owners([Somebody("AA-TWO__CTR")]) == [
        OwnerMatch(0, 1, "variant", "AA-TWO__CTR is a variant of AA-TWO_CTR: AA-TWO_CTR works it")
    ]
    assert finder.owners([Somebody("AA-NEW_CTR", "130.9")]) == [
        OwnerMatch(
            0, 1, "frequency", "AA-NEW_CTR is on the frequency of AA-TWO_CTR: AA-TWO_CTR works it"
        )
    ]


@pytest.mark.parametrize(
    "callsign",
    ["AA-ARL_1_CTR", "AA-ARL__CTR", "AA-ARL_A_CTR", "aa-arl_ctr ", "AA-ARL_N_2_CTR", "_AA-ARL_CTR"],
)
def test_relief_and_split_callsigns_are_variants(callsign: str) -> None:
    """Anything between prefix and suffix, a doubled underscore, another case."""
    dataset = _dataset(_sector("ARL", _rule("AA-ARL_CTR")))
    assert _owners(dataset, Somebody(callsign))["ARL"] is not None


@pytest.mark.parametrize(
    "callsign",
    ["AA-ARL_APP", "AA-AR_CTR", "AA-ARLX_CTR", "AA_CTR", "AA-ARL", "CTR", "", "_", "XAA-ARL_CTR"],
)
def test_other_callsigns_are_none(callsign: str) -> None:
    """Another suffix or another prefix is another position."""
    dataset = _dataset(_sector("ARL", _rule("AA-ARL_CTR")))
    assert _owners(dataset, Somebody(callsign)) == {"ARL": None}


def test_pilots_and_observers_own_nothing() -> None:
    """The feed lists them among the controllers, even under a controller's callsign."""
    dataset = _dataset(_sector("ARL", _rule("AA-ARL_CTR")))
    assert _owners(dataset, Somebody("AA-ARL_CTR", is_atc=False)) == {"ARL": None}


def test_a_callsign_that_is_known_is_no_variant() -> None:
    """EDGG_C_CTR has a sector of its own, EDGG_X_CTR has not; the nearest prefix counts."""
    dataset = _dataset(
        _sector("EDGG", _rule("EDGG_CTR")),
        _sector("EDGG-C", _rule("EDGG_C_CTR"), _rule("EDGG_CTR")),
    )
    assert _owners(dataset, Somebody("EDGG_C_CTR")) == {
        "EDGG": None,
        "EDGG-C": "EDGG_C_CTR callsign",
    }
    assert _owners(dataset, Somebody("EDGG_X_CTR")) == {
        "EDGG": "EDGG_X_CTR variant",
        "EDGG-C": "EDGG_X_CTR variant",
    }
    assert _owners(dataset, Somebody("EDGG_C_1_CTR"))["EDGG"] is None


def test_the_exact_callsign_comes_before_its_variants() -> None:
    """At a relief both are online; of two variants the first by callsign, whoever came first."""
    dataset = _dataset(_sector("ARL", _rule("AA-ARL_CTR")))
    exact, relief, split = (Somebody(c) for c in ("AA-ARL_CTR", "AA-ARL_1_CTR", "AA-ARL_2_CTR"))
    assert _owners(dataset, split, relief, exact) == {"ARL": "AA-ARL_CTR callsign"}
    assert _owners(dataset, split, relief) == {"ARL": "AA-ARL_1_CTR variant"}


def test_a_frequency_counts_only_with_a_callsign_of_the_same_data_set() -> None:
    """91 of 295 foreign centres share a frequency with an Australian sector."""
    dataset = _dataset(_sector("ARL", _rule("AA-ARL_CTR", "130.900")))
    assert _owners(dataset, Somebody("AA-NEW_CTR", "130.900")) == {"ARL": "AA-NEW_CTR frequency"}
    assert _owners(dataset, Somebody("BB_CTR", "130.900")) == {"ARL": "BB_CTR frequency"}
    assert _owners(dataset, Somebody("LFFF_CTR", "130.900")) == {"ARL": None}
    assert _owners(dataset, Somebody("AA-NEW_CTR", "130.905")) == {"ARL": None}
    assert _owners(dataset, Somebody("AA-NEW_CTR", "")) == {"ARL": None}


def test_a_frequency_of_two_positions_is_nobodys_but_ones_own_lead() -> None:
    """On a shared channel the callsign's own first letters decide, else nothing does."""
    dataset = _dataset(
        _sector("ARL", _rule("AA-ARL_CTR", "130.900")),
        _sector("BIG", _rule("BB-BIG_CTR", "130.900")),
        prefixes=("AA", "BB", "CC"),
    )
    assert _owners(dataset, Somebody("BB-NEW_CTR", "130.900")) == {
        "ARL": None,
        "BIG": "BB-NEW_CTR frequency",
    }
    assert _owners(dataset, Somebody("CC_CTR", "130.900")) == {"ARL": None, "BIG": None}


def test_a_tower_on_a_centres_channel_is_no_centre() -> None:
    """Area, approach and the rest are different work; departures and approach are one."""
    dataset = _dataset(
        _sector("ARL", _rule("AA-ARL_CTR", "130.900")), _sector("TMA", _rule("AA_APP", "124.700"))
    )
    assert _owners(dataset, Somebody("AA_TWR", "130.900"))["ARL"] is None
    assert _owners(dataset, Somebody("AA-X_FSS", "130.900"))["ARL"] == "AA-X_FSS frequency"
    assert _owners(dataset, Somebody("AA-X_DEP", "124.700"))["TMA"] == "AA-X_DEP frequency"


def test_a_position_without_airspace_makes_its_frequency_doubtful() -> None:
    """Whoever is on a channel that a tower has too may be that tower's relief."""
    dataset = _dataset(
        _sector("ARL", _rule("BB-ARL_CTR", "130.900")), only=[_rule("BB_TWR", "130.900")]
    )
    assert _owners(dataset, Somebody("AA_CTR", "130.900")) == {"ARL": None}
    assert _owners(dataset, Somebody("BB_TWR", "130.900")) == {"ARL": None}


def test_who_is_known_by_callsign_is_not_looked_up_by_frequency() -> None:
    """Somebody on a neighbour's channel stays who they say they are."""
    dataset = _dataset(
        _sector("ONE", _rule("AA-ONE_CTR", "130.900")),
        _sector("TWO", _rule("AA-TWO_CTR", "128.000")),
    )
    assert _owners(dataset, Somebody("AA-ONE_CTR", "128.000")) == {
        "ONE": "AA-ONE_CTR callsign",
        "TWO": None,
    }


def test_a_controller_may_own_sectors_of_several_data_sets() -> None:
    """Each data set is asked for itself; sectors of none are nobody's."""
    one = _dataset(_sector("ARL", _rule("AA-ARL_CTR")))
    two = DataSet("two", "two:x", (_sector("YARL", _rule("AA-ARL_CTR"), dataset="two"),))
    sectors = [*two.sectors, *one.sectors, _sector("LOST", _rule("AA-ARL_CTR"), dataset="three")]
    found = OwnerFinder(sectors, [one, two]).owners([Somebody("AA-ARL_CTR")])
    assert [match is not None for match in found] == [True, True, False]


def test_configured_lists_replace_those_of_the_data_set() -> None:
    """By name or partition/name in any case, with frequencies; other sectors stay as they are."""
    dataset = _dataset(_sector("ONE", _rule("AA-ONE_CTR")), _sector("TWO", _rule("AA-TWO_CTR")))
    configured = with_positions(dataset, {"one": ["zz_ctr@130.900", "AA-TWO_CTR"]})
    assert _owners(configured, Somebody("AA-ONE_CTR"), Somebody("ZZ_X_CTR")) == {
        "ONE": "ZZ_X_CTR variant",
        "TWO": None,
    }
    assert _owners(configured, Somebody("ZZ-Y_CTR", "130.900"))["ONE"] == "ZZ-Y_CTR frequency"
    assert configured.sectors[0].positions[0].why == "configured for one"
    both = with_positions(dataset, {"set:enroute/ONE": ["A_CTR"], "ONE": ["B_CTR"]})
    assert both.sectors[0].positions[0].prefix == "A"
    assert with_positions(dataset, {}) is dataset


@pytest.mark.parametrize(
    "text", ["", "AA", "AA CTR", "_CTR", "AA_CTR@", "AA_CTR@low", "AA_CTR@1309"]
)
def test_a_configured_position_that_is_none_is_refused(text: str) -> None:
    """The message names the position and the sector."""
    with pytest.raises(AirspaceError, match="position of ONE"):
        with_positions(_dataset(_sector("ONE")), {"ONE": [text]})


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("EDGG", "fir", [("EDGG", ("CTR", "FSS"))]),
        ("EGLL", "approach", [("EGLL", ("APP", "DEP"))]),
        ("yssy_ctr", "enroute", [("YSSY", ("CTR",))]),
        ("LON_S", "enroute", [("LON_S", ("CTR", "FSS"))]),
        ("Mount Isa", "enroute", []),
        ("", "enroute", []),
    ],
)
def test_a_name_may_be_a_callsign(
    name: str, kind: str, expected: list[tuple[str, tuple[str, ...]]]
) -> None:
    """Where nothing else is known of who works a sector its name is the best guess."""
    assert [(rule.prefix, rule.suffixes) for rule in own_name_positions(name, kind)] == expected


def test_a_callsign_becomes_a_rule_or_none() -> None:
    """A prefix and a suffix, in capitals."""
    rule = position_rule(" bn-arl_1_ctr ", "130.900", "why")
    assert rule == PositionRule("BN-ARL_1", ("CTR",), "130.900", "why")
    assert position_rule("QFA12", None, "") is None
    assert position_rule("A B_CTR", None, "") is None


@given(st.text(max_size=12))
def test_any_text_is_a_frequency_or_none(text: str) -> None:
    """Three digits, a point, up to three more."""
    khz = frequency_khz(text)
    assert khz is None or 0 <= khz < 1_000_000


callsigns = st.lists(st.sampled_from(["AA", "BB", "N", "1", "CTR", "APP", ""]), max_size=4).map(
    "_".join
)
people = st.builds(
    Somebody, callsigns, st.sampled_from(["130.900", "128.000", "199.998", ""]), st.booleans()
)
rules = st.builds(
    PositionRule,
    st.sampled_from(["AA", "BB", "AA_N", "BB_1"]),
    st.sampled_from([("CTR",), ("APP",), ("CTR", "APP")]),
    st.sampled_from([None, "130.900", "128.000"]),
    st.just("why"),
)


@given(st.lists(st.lists(rules, max_size=4), min_size=1, max_size=5), st.lists(people, max_size=6))
def test_the_order_of_the_feed_decides_nothing(
    lists: list[list[PositionRule]], controllers: list[Somebody]
) -> None:
    """The same people online give the same owners, and no earlier position of a list is online."""
    dataset = _dataset(*(_sector(f"S{number}", *listed) for number, listed in enumerate(lists)))
    finder = OwnerFinder(dataset.sectors, [dataset])
    forward, backward = finder.owners(controllers), finder.owners(controllers[::-1])
    for listed, one, two in zip(lists, forward, backward, strict=True):
        if one is None or two is None:
            assert one is two
            continue
        owner, other = controllers[one.controller], controllers[::-1][two.controller]
        assert (owner.callsign, one.position, one.how) == (other.callsign, two.position, two.how)
        assert owner.is_atc
        online = {person.callsign for person in controllers if person.is_atc}
        earlier = listed[: one.position]
        assert not online & {
            f"{rule.prefix}_{suffix}" for rule in earlier for suffix in rule.suffixes
        }


def test_made_data_sets_find_their_owners(tmp_path: Path) -> None:
    """What the readers list is what is matched, through both at once."""
    datasets = [
        read_dataset(f"vatspy:{write_vatspy(tmp_path / 'a')}"),
        read_dataset(f"vatsys:{write_vatsys(tmp_path / 'b')}"),
    ]
    sectors = [sector for dataset in datasets for sector in dataset.sectors]
    controllers = [Somebody("ALF_1_CTR"), Somebody("EURX_FSS"), Somebody("AA-WST_CTR")]
    found = OwnerFinder(sectors, datasets).owners(controllers)
    named = {
        f"{sector.partition}/{sector.name}": controllers[match.controller].callsign
        for sector, match in zip(sectors, found, strict=True)
        if match is not None
    }
    assert named == {
        "vatspy:fir/AAAA": "ALF_1_CTR",
        "vatspy:fir/BBBB": "EURX_FSS",
        "vatspy:enroute/AAAA": "ALF_1_CTR",
        "vatspy:enroute/AAAA-E": "ALF_1_CTR",
        "vatspy:enroute/BBBB": "EURX_FSS",
        "vatsys:enroute/WST": "AA-WST_CTR",
        "vatsys:enroute/EST": "AA-WST_CTR",
        "vatsys:enroute/STH": "AA-WST_CTR",
        "vatsys:approach/T": "AA-WST_CTR",
    }


def _real_controllers(path: Path) -> list[Somebody]:
    document = msgspec.json.decode(gzip.decompress(path.read_bytes()))
    return [
        Somebody(
            record["callsign"],
            record["frequency"],
            record["facility"] > 0
            and record["frequency"] != "199.998"
            and not record["callsign"].endswith(("_OBS", "_SUP")),
        )
        for record in document["controllers"]
    ]


def test_real_centres_own_real_airspace(real_data: Path) -> None:
    """Over 68 feeds nine of ten centres of the VATSpy set own something, and pilots nothing."""
    datasets = [
        read_dataset(f"vatspy:{real_data / 'airspace/vatspy'}"),
        read_dataset(f"vatsys:{real_data / 'airspace/vatsys-australia'}"),
    ]
    sectors = [sector for dataset in datasets for sector in dataset.sectors]
    finder = OwnerFinder(sectors, datasets)
    seen, owning = Counter[str](), Counter[str]()
    by_frequency = set()
    for path in sorted((real_data / "feed").glob("*.json.gz")):
        controllers = _real_controllers(path)
        found = [match for match in finder.owners(controllers) if match is not None]
        owners = {controllers[match.controller].callsign for match in found}
        centres = {
            c.callsign for c in controllers if c.is_atc and c.callsign.endswith(("_CTR", "_FSS"))
        }
        seen.update(centres)
        owning.update(centres & owners)
        assert all(controllers[match.controller].is_atc for match in found)
        by_frequency |= {
            controllers[match.controller].callsign for match in found if match.how == "frequency"
        }
    assert owning.total() / seen.total() > 0.8
    # The Mudgee sector moved from Melbourne to Brisbane since; its frequency did not.
    assert by_frequency == {"ML-MDE_CTR"}
