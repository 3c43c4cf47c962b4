"""The reference and the guides as pages: `sphinx-build -W -b html docs FOLDER`, with the extra `docs` installed."""

import re
import sys
from typing import Any, Final

from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util import logging
from sphinx.util.typing import stringify_annotation

import ric0_trio
from ric0_trio.protocol import Effect

project = "ric0-trio"
project_copyright = "the authors of ric0-trio, MIT licence"
release = ric0_trio.__version__
html_title = f"ric0-trio {release}"
html_theme = "furo"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinxcontrib.mermaid"]
exclude_patterns = ["_build"]
suppress_warnings = ["ref.python"]  # `type[str]` in a signature is none of the attributes that are called `type`

myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]

default_role = "py:obj"  # what stands in backticks in a docstring: a link when it is a name, else as it is
autodoc_default_options = {"members": True, "undoc-members": True}
autodoc_member_order = "bysource"
autoclass_content = "both"  # what a constructor takes is said in its own docstring
autodoc_typehints_format = "short"

_log: Final = logging.getLogger(__name__)
_EFFECT: Final = stringify_annotation(Effect, "smart")
_BOUNDED: Final = re.compile(r"[\w.~]*Annotated\[([^\[\]]*(?:\[[^\[\]]*(?:\[[^\[\]]*\])?\])?), [\w.~]*Meta\([^()]*\)\]")


def shorten_types(
    app: Sphinx, what: str, name: str, obj: object, options: object, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Have a signature say `Effect` where Python has only kept what that stands for, and leave bounds to the fields."""
    while signature and (shorter := _BOUNDED.sub(r"\1", signature)) != signature:
        signature = shorter
    return signature, returns and returns.replace(_EFFECT, "Effect")


def describe_data(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Find what a constant's own module says of it: autodoc looks where it is exported, and finds its type's."""
    if what != "data":
        return
    room, _, constant = name.rpartition(".")
    own = [module for module in sys.modules if f"{module}.".startswith(f"{room}.")]
    said = [ModuleAnalyzer.for_module(module).find_attr_docs().get(("", constant)) for module in own]
    lines[:] = next(filter(None, said), [])
    if not lines:
        _log.warning("%s says nowhere what it is", name)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the two above."""
    app.connect("autodoc-process-signature", shorten_types)
    app.connect("autodoc-process-docstring", describe_data)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
