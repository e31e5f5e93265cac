"""How Sphinx builds the site: `make docs` writes it to build/docs."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "src")]

import reference  # noqa: E402  # next to this file

import whyset  # noqa: E402

project = "whyset"
author = project_copyright = "whyset developers"
version = release = whyset.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]

myst_heading_anchors = 4
myst_enable_extensions = ["dollarmath"]

autosummary_generate = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
default_role = "code"
smartquotes_action = "D"  # dashes only: quotes are part of values such as "auto"
napoleon_google_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False

nitpicky = True

html_theme = "furo"
html_title = "whyset"
html_copy_source = False

for _name, _text in reference.write_pages().items():
    _path = HERE / "generated" / _name
    _path.parent.mkdir(exist_ok=True)
    if not _path.exists() or _path.read_text(encoding="utf-8") != _text:  # an unchanged page is not built again
        _path.write_text(_text, encoding="utf-8")


def setup(app: object) -> None:
    app.connect("source-read", reference.link_files)  # type: ignore[attr-defined]
    app.connect("autodoc-process-docstring", reference.escape_docstring, priority=100)  # type: ignore[attr-defined]
    app.connect("missing-reference", reference.resolve_error)  # type: ignore[attr-defined]
