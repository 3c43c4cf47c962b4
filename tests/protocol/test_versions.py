"""Versions: how they compare, and how they are written."""

import pytest

from ric0_trio.protocol import SoftwareVersion

ASCENDING = [
    "0.9.9",
    "1.0.0-dev",
    "1.0.0-alpha",
    "1.0.0-beta",
    "1.0.0",
    "1.0.1-dev",
    "1.2.0",
    "1.10.0",
    "999999999.0.0",
]


def compared(one: SoftwareVersion, other: SoftwareVersion) -> tuple[bool, bool, bool, bool]:
    return one < other, one <= other, one > other, one >= other


def test_versions_are_ordered_by_their_numbers_and_then_their_type() -> None:
    versions = [SoftwareVersion.parse(text) for text in ASCENDING]
    assert [str(version) for version in versions] == ASCENDING
    for index, version in enumerate(versions):
        assert compared(version, version) == (False, True, False, True)
        for other in versions[index + 1 :]:
            assert compared(version, other) == (True, True, False, False)
            assert compared(other, version) == (False, False, True, True)


def test_the_key_to_sort_by() -> None:
    assert SoftwareVersion.parse("1.2-dev").order == SoftwareVersion("dev", 1, 2, None).order == (1, 2, 0, 0)
    assert SoftwareVersion.parse("1.2.3").order == (1, 2, 3, 3)


def test_what_a_version_is_called_does_not_order_it() -> None:
    one, other = SoftwareVersion("beta", 1, 0, None, "abc"), SoftwareVersion("beta", 1, 0, 0, "def", "1.0b")
    assert compared(one, other) == (False, True, False, True)
    assert (str(one), str(other)) == ("1.0.0-beta", "1.0.0-beta")


def test_the_third_number_and_the_type_may_be_left_out() -> None:
    assert SoftwareVersion.parse("1.2") == SoftwareVersion("release", 1, 2) == SoftwareVersion("release", 1, 2, 0)
    assert SoftwareVersion.parse("1.2-dev") == SoftwareVersion("dev", 1, 2, 0)
    assert SoftwareVersion.parse("01.2-release") == SoftwareVersion("release", 1, 2, 0)


@pytest.mark.parametrize(
    "text", ["", "1", "1.", "1.2.3.4", "v1.2", "1.2-rc", "1.2 ", "1.2\n", "-1.2", "1.٢", "1.2-", "1000000000.0"]
)
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(ValueError, match=r"such as 1\.2"):
        SoftwareVersion.parse(text)
