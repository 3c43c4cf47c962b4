"""Where a client comes from: an address of 127.0.0.0/8 for each task, whichever client it runs."""

import socket
from contextvars import ContextVar

import trio

_BIND_ADDRESS_NO_PORT = getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24)  # Linux; a port is chosen when it connects
_own: ContextVar[str | None] = ContextVar("own address", default=None)


def good_address(number: int) -> str:
    """One of the network of those who behave well."""
    return f"127.1.{number // 250}.{number % 250 + 1}"


def newcomers_address(number: int) -> str:
    """One of a network in which nobody has been before, unless there were very many."""
    return f"127.{3 + number // 62_500 % 200}.{number // 250 % 250}.{number % 250 + 1}"


def bad_address(number: int) -> str:
    """One of the few from which all attacks come."""
    return f"127.2.0.{number + 1}"


def come_from(address: str) -> None:
    """Have all that this task opens from now on come from there."""
    _own.set(address)


class FromOwnAddress(trio.abc.SocketFactory):
    """Makes the sockets of a Trio run, each bound to the address of the task that asks for it."""

    def socket(
        self,
        family: socket.AddressFamily | int = socket.AF_INET,
        type: socket.SocketKind | int = socket.SOCK_STREAM,  # noqa: A002 - Trio's name
        proto: int = 0,
    ) -> trio.socket.SocketType:
        made = socket.socket(family, type, proto)
        try:
            address = _own.get()
            if address is not None and family == socket.AF_INET:
                made.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
                made.bind((address, 0))
            return trio.socket.from_stdlib_socket(made)
        except BaseException:
            made.close()
            raise
