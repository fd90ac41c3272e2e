"""How Sphinx builds this site: make docs."""

import re

import skticket
from skticket.utils import HasPage

project = "skticket"
author = "skticket developers"
project_copyright = "skticket developers (BSD-3-Clause)"
version = release = skticket.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["auto_examples/**/*.ipynb", "**sg_execution_times.rst"]
# A name in backticks leads to its page, if it has one.
default_role = "py:obj"
# What is to be typed has straight quotes.
smartquotes = False
# sphinx-gallery's settings cannot be pickled, which costs a whole reading and nothing else.
suppress_warnings = ["config.cache"]

# Markdown pages
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
myst_all_links_external = False

# Prompts are not copied with the code.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .gp, .go"

# API reference
autosummary_generate = True
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

# The pictures are the examples' point: each is drawn while the site is built, without a network.
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "subsection_order": [
        f"../examples/{section}" for section in ("first_steps", "tickets", "cheaper", "tables")
    ],
    "within_subsection_order": "FileNameSortKey",
    "doc_module": ("skticket",),
    "backreferences_dir": "api/backreferences",
    "reference_url": {"skticket": None},
    "remove_config_comments": True,
    "show_memory": False,
    "download_all_examples": False,
    "plot_gallery": "True",
    "abort_on_example_error": False,
    "image_scrapers": ("matplotlib",),
    "matplotlib_animations": False,
}

html_theme = "pydata_sphinx_theme"
html_title = f"skticket {release}"
html_static_path = ["_static"]
html_css_files = ["skticket.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "skticket"},
    "header_links_before_dropdown": 5,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "show_prev_next": False,
    "secondary_sidebar_items": {"**": ["page-toc"]},
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
}
# Pages that stand alone need no list of their section's.
_ALONE = ["index", "getting_started", "studies", "benchmarks", "CHANGELOG", "CONTRIBUTING", "cite"]
html_sidebars = {page: [] for page in _ALONE}


def plain_docstrings(app, what, name, obj, options, lines):
    """Make text of references that inherited docstrings make to scikit-learn's pages.

    And of their formulas, which no page then needs the network for; and of an author's initial at
    the beginning of a reference, which is no item of a list.
    """
    text = "\n".join(lines)
    text = re.sub(r"\s+and :ref:`sphx_glr_[^`]*`\s+for\s+an\s+example[^.]*", "", text)
    text = re.sub(r"(?:the )?:ref:`[Uu]ser [Gg]uide <[^`]*>`", "scikit-learn's user guide", text)
    text = re.sub(r":(?:ref|term):`([^`<]*?)(?: <[^`]*>)?`", r"\1", text)
    text = re.sub(r"\\frac\{(\w+)\}\{(\w+)\}", r"\1 / \2", text)
    text = re.sub(r":math:`([^`]*)`", r"\1", text)
    text = re.sub(r"^(\s*\.\. \[\S+\] )(?=[A-Z]\. )", r"\1\\", text, flags=re.M)
    lines[:] = text.split("\n")


def short_defaults(app, what, name, obj, options, signature, returned):
    """Leave out of a signature what is no value to be typed, or a long text."""
    if signature:
        signature = re.sub(r"=(<[^>]*>|'[^']{30,}'|\"[^\"]{30,}\")", "=...", signature)
    return signature, returned


def by_its_last_name(app, env, node, contnode):
    """Find the page of what a docstring of another module calls by its name alone."""
    target = node.get("reftarget", "")
    # A single word may as well be a parameter or a column.
    if node.get("refdomain") != "py" or re.fullmatch("[a-z]*", target):
        return None
    # Each is known by the name of its file, too.
    found = {
        (entry.docname, entry.node_id)
        for name, entry in env.get_domain("py").objects.items()
        if name.endswith(f".{target}") and entry.objtype in ("class", "function")
    }
    if len(found) != 1:
        return None
    # Tests read this file where there is no Sphinx.
    from sphinx.util.nodes import make_refnode

    return make_refnode(app.builder, node["refdoc"], *found.pop(), contnode)


def without_last_line(app, docname, content):
    """Take the empty line from the end of a code block, which doctest needs and readers do not."""
    content[0] = re.sub(r"\n\n```$", "\n```", content[0], flags=re.M)


def setup(app):
    """Register what this site does by itself."""
    # In the gallery, displays of estimators lead to pages of this very site.
    HasPage._doc_link_template = "../../api/{module}.{name}.html"
    app.connect("autodoc-process-docstring", plain_docstrings)
    app.connect("autodoc-process-signature", short_defaults)
    app.connect("missing-reference", by_its_last_name)
    app.connect("source-read", without_last_line)
