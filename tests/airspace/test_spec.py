from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.airspace.spec import OPTIONS, Spec, parse_spec
from sectorwatch.errors import AirspaceError


@pytest.mark.parametrize(
    ("text", "format_", "target", "options"),
    [
        ("vatspy:/data/vatspy", "vatspy", "/data/vatspy", {}),
        ("vatsys:./a folder", "vatsys", "./a folder", {}),
        ("  made:australia\n", "made", "australia", {}),
        ("geojson:C:/x.json?name=id", "geojson", "C:/x.json", {"name": "id"}),
        (
            "geojson:high.json?name=label&floor=min_fl&ceiling=FL%20660&unit=fl&as=high",
            "geojson",
            "high.json",
            {"name": "label", "floor": "min_fl", "ceiling": "FL 660", "unit": "fl", "as": "high"},
        ),
        ("vatspy:dir?as=world-2", "vatspy", "dir", {"as": "world-2"}),
    ],
)
def test_a_spec_is_a_format_a_path_and_options(
    text: str, format_: str, target: str, options: dict[str, str]
) -> None:
    """FORMAT:PATH?OPTION=VALUE comes apart into its pieces."""
    spec = parse_spec(text)
    assert (spec.format, spec.target, dict(spec.options)) == (format_, target, options)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no colon"),
        ("vatspy", "no colon"),
        ("vatspy:", "names nothing"),
        ("vatspi:dir", "did you mean vatspy?"),
        ("shapefile:dir", "no airspace format: Known are geojson, made, vatspy, vatsys"),
        ("simaware:file", "cannot be read yet"),
        ("geojson:f.json?", "f.json?"),
        ("geojson:f.json?name", "no list of options"),
        ("geojson:f.json?nam=x", "'nam' in"),
        ("geojson:f.json?name=a&name=b", "stands twice"),
        ("geojson:f.json?name=", "is empty"),
        ("made:australia?as=a b", "cannot be a data set's name"),
        ("vatspy:a\x00b", "unprintable"),
        ("vatspy:" + "a" * 5_000, "over 4096 characters"),
        ("geojson:f?" + "&".join(f"x{i}=1" for i in range(60)), "no list of options"),
    ],
)
def test_a_bad_spec_is_refused_with_what_to_do(text: str, said: str) -> None:
    """The message names what is wrong; a lone question mark is no option and no error."""
    if said == "f.json?":
        assert parse_spec(text) == Spec("geojson", "f.json")
        return
    with pytest.raises(AirspaceError) as error:
        parse_spec(text)
    assert said in str(error.value)


def test_a_tilde_is_the_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """`vatspy:~/x` is in the home of who runs the program."""
    monkeypatch.setenv("HOME", "/home/somebody")
    assert parse_spec("vatspy:~/x").path == Path("/home/somebody/x")


def test_a_spec_is_written_as_it_was_read() -> None:
    """The text of a Spec is the SPEC, so that a report can quote it."""
    text = "geojson:high.json?name=label&floor=FL240"
    assert str(parse_spec(text)) == text


def test_as_names_the_data_set() -> None:
    """Two data sets of one format stand side by side under names of their own."""
    assert parse_spec("vatsys:dir?as=pacific").dataset_name("vatsys") == "pacific"
    assert parse_spec("vatsys:dir").dataset_name("vatsys") == "vatsys"


@given(st.text(max_size=60))
def test_any_text_is_a_spec_or_an_airspace_error(text: str) -> None:
    """No text makes the parser fail otherwise."""
    for candidate in (text, f"geojson:{text}", f"geojson:x?{text}"):
        try:
            spec = parse_spec(candidate)
        except AirspaceError:
            continue
        assert spec.format in OPTIONS
        assert spec.target
        assert spec.options.keys() <= OPTIONS[spec.format]
