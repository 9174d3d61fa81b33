"""How sphinx builds the pages: `make docs`. Nothing is fetched, and a warning is an error."""

from birdfast import __version__

project = "birdfast"
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"birdfast {version}"
html_show_copyright = False
html_copy_source = False

# Docstrings are numpydoc's. Types are told there in words, with units and shapes, which are no links.
napoleon_google_docstring = False
napoleon_use_param = napoleon_use_rtype = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"

default_role = "code"
myst_heading_anchors = 3
