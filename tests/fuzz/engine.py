"""One process of libFuzzer (by way of atheris), fuzzing one target until it ends the process itself.

`python -m tests.fuzz.engine TARGET [libFuzzer's options and folders]`; `tests.fuzz.run` is what people call.
"""

import sys
from contextlib import redirect_stderr
from importlib import import_module
from io import StringIO
from typing import Any

from tests.fuzz.targets import load

INSTRUMENTED = ["ric0_trio", "tests.fuzz.rules", "tests.fuzz.readers"]
"""What is watched for new ways through it. The last two stand for msgspec and bson, which are no Python."""


def main(name: str, options: list[str]) -> None:
    atheris: Any = import_module("atheris")
    with redirect_stderr(StringIO()), atheris.instrument_imports(include=INSTRUMENTED):  # it names each module
        target = load(name)
    # libFuzzer starts itself again when it merges, by a shell and by this name.
    myself = f"{sys.executable} -m tests.fuzz.engine {name}"
    atheris.Setup([myself, *options], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
