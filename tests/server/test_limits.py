"""Limits that depend on the machine."""

import resource

import pytest

from ric0_trio.server.limits import fit_to_descriptors

FILE_LIMITS = {(64, 10_000): 51, (1024, 10_000): 819, (12_500, 10_000): 10_000, (1024, 10): 10, (1, 10): 1}


@pytest.mark.parametrize(("given", "fits"), FILE_LIMITS.items())
def test_connections_fit_into_the_files_that_may_be_open(
    given: tuple[int, int], fits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, wanted = given
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, resource.RLIM_INFINITY))
    assert fit_to_descriptors(wanted) == fits


def test_without_a_limit_on_files_all_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert fit_to_descriptors(10_000) == 10_000
