import pytest
from hypothesis import settings

from ric0_trio.protocol import Codec
from tests.protocol.pair import CODECS

settings.register_profile("core", deadline=None)  # a busy machine is no failure
settings.load_profile("core")


@pytest.fixture(params=list(CODECS.values()), ids=list(CODECS))
def codec(request: pytest.FixtureRequest) -> Codec:
    """Each codec that is installed."""
    chosen = request.param
    assert isinstance(chosen, Codec)
    return chosen
