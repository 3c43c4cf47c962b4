"""A control socket whose server plays a part."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.independent.wire import PATIENCE_S


@contextmanager
def answering(data: Path, *answers: bytes) -> Iterator[list[bytes]]:
    """Answer one command after the other while the block lasts; then there is no server. Gives what was asked."""
    asked: list[bytes] = []
    data.mkdir(exist_ok=True)
    path = data / "control.sock"
    with socket.socket(socket.AF_UNIX) as listener, ThreadPoolExecutor(1) as pool:
        listener.bind(str(path))
        listener.settimeout(PATIENCE_S)
        if answers:  # without any, it is one that a crash left behind
            listener.listen()

        def serve() -> None:
            for left, answer in enumerate(answers, start=1 - len(answers)):
                link, _ = listener.accept()
                if not left:
                    listener.close()  # before the last answer: nobody may come after it
                with link, link.makefile("rb") as received:
                    asked.append(received.readline())
                    link.sendall(answer)

        serving = pool.submit(serve)
        yield asked
        serving.result(PATIENCE_S)
    path.unlink()
