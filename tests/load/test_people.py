"""Users: who they are, run after run."""

from dataclasses import replace

from ric0_trio.load.people import Phrasebook, make_identity
from ric0_trio.load.wire import split_frame
from ric0_trio.protocol import ConnectRequest, JsonCodec, PrivateKey, Request
from ric0_trio.protocol.keys import decode_base64
from tests.load.test_verdict import PLAN


def test_a_seed_makes_the_same_users() -> None:
    users = [make_identity(replace(PLAN, seed=seed), number).key.public for seed in (1, 2) for number in (0, 1)]
    assert len(set(users)) == 4
    assert users == [make_identity(replace(PLAN, seed=seed), number).key.public for seed in (1, 2) for number in (0, 1)]


def test_a_user_proves_their_key_to_that_server() -> None:
    server = PrivateKey.generate().public
    data = Phrasebook(replace(PLAN, join_token="T"), server).user(3)  # noqa: S106
    found = split_frame(data.replace(bytes([data[1]]), bytes([data[1] & 0x7F]), 1).replace(bytes(4), b"", 1))
    assert found is not None
    match JsonCodec().decode(found[1].decode()):
        case Request(data=ConnectRequest() as request, name="connect"):
            proof = decode_base64(request.challenge)
            assert proof is not None
            assert request.user.pubkey == make_identity(PLAN, 3).key.public
            assert request.user.pubkey.verify(bytes(server), proof)
            assert request.join_token == "T"  # noqa: S105
        case other:
            raise AssertionError(other)
