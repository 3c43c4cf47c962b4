"""The operator of all servers here."""

from collections.abc import Iterator

import pytest

from tests.independent.operating import Operator, standing_by


@pytest.fixture(scope="session")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    with standing_by(tmp_path_factory.mktemp("operator")) as operator:
        yield operator
