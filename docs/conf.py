"""How Sphinx builds these pages: `scripts/docs`."""  # noqa: INP001 (no package: Sphinx runs it)

from entrepot import __version__

project = "Entrepot"
author = "The Entrepot developers"
version = release = __version__
extensions = ["myst_parser"]
myst_heading_anchors = 3
exclude_patterns = ["reference/generated"]  # parts of pages, included where they belong
html_theme = "furo"
html_title = f"Entrepot {__version__}"
html_copy_source = False
html_show_copyright = False
nitpicky = True
