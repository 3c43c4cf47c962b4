"""What the core takes and gives is plain data, which nobody can change afterwards."""

import inspect

import msgspec
import pytest

from ric0_trio import protocol

STRUCTURES = [kind for kind in vars(protocol).values() if isinstance(kind, type) and issubclass(kind, msgspec.Struct)]
MADE_BY_NAMES = [
    protocol.AppInfo,
    protocol.ClientProfile,
    protocol.ConnectRequest,
    protocol.ServerInfo,
    protocol.ServerProfile,
    protocol.SessionLimits,
    protocol.UserIdentity,
]
"""Structures of so many fields, or of fields so alike, that one could be taken for another by its place."""


@pytest.mark.parametrize("kind", STRUCTURES)
def test_nobody_can_change_it(kind: type[msgspec.Struct]) -> None:
    assert kind.__struct_config__.frozen


@pytest.mark.parametrize("kind", STRUCTURES)
def test_a_structure_of_much_is_made_by_names(kind: type[msgspec.Struct]) -> None:
    places = [field.name for field in inspect.signature(kind).parameters.values() if field.kind != field.KEYWORD_ONLY]
    assert (places == []) == (kind in MADE_BY_NAMES or not kind.__struct_fields__)
