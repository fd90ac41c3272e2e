"""Where the page of an estimator is."""

import sys
from importlib.metadata import PackageNotFoundError, metadata


class HasPage:
    """An estimator of this package, whose HTML display links to its page of the API reference.

    The documentation's address is what the installed package says of itself. Where it says
    none, there is no link.

    Examples
    --------
    >>> from skticket import Prune
    >>> Prune()._doc_link_url_param_generator()
    {'module': 'skticket', 'name': 'Prune'}
    """

    # What scikit-learn's own estimators set, and its documentation asks others to.
    _doc_link_module = __name__.partition(".")[0]

    @property
    def _doc_link_template(self):
        site = _documentation()
        return f"{site}api/{{module}}.{{name}}.html" if site else ""

    def _doc_link_url_param_generator(self):
        # A page is called as the shortest import is.
        cls, top = type(self), sys.modules[self._doc_link_module]
        rooms = cls.__module__.split("._")[0]
        is_at_top = getattr(top, cls.__name__, None) is cls
        return {"module": top.__name__ if is_at_top else rooms, "name": cls.__name__}


def _documentation():
    try:
        said = metadata(HasPage._doc_link_module).get_all("Project-URL") or []
    except PackageNotFoundError:
        return None
    return dict(line.split(", ", 1) for line in said).get("Documentation")
