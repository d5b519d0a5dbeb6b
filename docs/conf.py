"""How the documentation is built: `nox -s docs`, or sphinx-build with warnings as errors."""

import re
from importlib.metadata import version as installed

from sphinx.application import Sphinx

project = "bide"
version = release = installed("bide")
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"bide {release}"
myst_heading_anchors = 3

default_role = "code"  # docstrings say `name`, as Markdown does
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True  # Patience(), not all of its fields
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True

_FACE = ("Job", "Waiting", "Finished", "Reply", "Pace")
_OTHERS = ("JSON", "Document", "Exchange", "Into", "Kind", "Deed", "Wire")
autodoc_type_aliases = {name: name for name in (*_FACE, *_OTHERS, *(f"bide.{alias}" for alias in _FACE))}


def spell(
    _app: Sphinx, _what: str, _name: str, _object: object, _options: object, *parts: str | None
) -> tuple[str | None, ...]:
    """Write an alias as its name where autodoc would show its own stand-in for it."""
    return tuple(part and re.sub(r"TypeAliasForwardRef\('(?:\w+\.)?(\w+)'\)", r"\1", part) for part in parts)


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-signature", spell)
