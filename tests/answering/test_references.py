"""What an adapter can be called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answering.references import Reference, is_name, parse_reference
from knowledge_base.errors import InputError

NAMES = st.from_regex(r"[a-z0-9_客户]([a-z0-9_.客户-]){0,10}", fullmatch=True).filter(is_name)
VERSIONS = st.one_of(st.integers(1, 999_999_999), st.sampled_from(["live", "previous"]))


@given(NAMES, VERSIONS)
def test_a_reference_is_read_as_it_is_written(name: str, version: object) -> None:
    reference = Reference(name, version)  # type: ignore[arg-type]
    assert parse_reference(str(reference)) == reference


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("bank", "bank", "live"),
        ("bank@live", "bank", "live"),
        ("银行@previous", "银行", "previous"),
        ("a@12", "a", 12),
    ],
)
def test_references(text: str, name: str, version: int | str) -> None:
    assert parse_reference(text) == Reference(name, version)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["bank@", "bank@0", "bank@x", "bank@1@2", "bank@-1", "bank@ 1", "bank@١"])
def test_what_is_no_version_says_how_to_write_one(text: str) -> None:
    with pytest.raises(InputError, match="no version of an adapter") as caught:
        parse_reference(text)
    assert "bank@3" in caught.value.remedy


@pytest.mark.parametrize(
    "text", ["", "@1", ".hidden", "../up", "a/b", "base", "base@1", "a b", "x" * 65, "e\u0301"]
)
def test_what_is_no_name_says_what_is(text: str) -> None:
    with pytest.raises(InputError, match="cannot be the name") as caught:
        parse_reference(text)
    assert "64 letters" in caught.value.remedy
