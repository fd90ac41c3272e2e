"""Peak memory of a fit on sparse inputs, beside the same as an array and `MLPClassifier`.

    python benchmarks/memory.py [--help]

The fits of `sparse_rows`, each in a process of its own. Counted is what is allocated beyond the
sparse matrix; an array made of it counts, as whoever needs one has to make it.
"""

from functools import partial

from harness import OURS, Case, Claim, Contender, main, missing_memory, peak_memory
from sparse_rows import ARRAY, SKLEARN, SKLEARN_ARRAY, TABLES, TINY, ours, sklearn


def cases(settings):
    """Yield a case for each table."""
    for name, (make, hidden) in TABLES.items():
        prepare = partial(make, **settings.choose({}, TINY[make]))
        fits = {
            SKLEARN: (False, partial(sklearn, hidden)),
            SKLEARN_ARRAY: (True, partial(sklearn, hidden)),
            ARRAY: (True, partial(ours, hidden, 0)),
            OURS: (False, partial(ours, hidden, 0)),
        }
        contenders = [
            Contender(name, partial(peak_memory, prepare, partial(_fit, *fit)))
            for name, fit in fits.items()
        ]
        claims = [Claim((other,)) for other in (SKLEARN, SKLEARN_ARRAY, ARRAY)]
        yield _case(f"{name}: the full network", contenders, claims)


def _case(name, contenders, claims):
    reason = missing_memory()
    if reason:
        contenders = [Contender(c.name, None, missing=reason) for c in contenders]
    return Case(name, contenders, claims, unit="kB", warm_up=0)


def _fit(as_array, fit, data):
    X, y = data
    fit(X.toarray() if as_array else X, y)


if __name__ == "__main__":
    main("memory", cases, __doc__)
