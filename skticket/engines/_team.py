"""A second thread that shares the work of a compiled function, if it comes."""

import threading


def with_helper(function, signals, over):
    """Call a function in this thread for its first part, and in another one for its second.

    The first does all work that the second, which the system may start late or never, does not
    take part in. When it returns, the second has nothing more to do, and is not waited for.

    Parameters
    ----------
    function : callable
        Takes the number of the part, 0 or 1; it does without Python's lock meanwhile.
    signals : ndarray of int
        What the two tell each other.
    over : int
        A signal that ends every wait. The function itself gives it in the end.
    """
    try:
        _start(threading.Thread(target=function, args=(1,), daemon=True))
        function(0)
    except BaseException:  # such as Ctrl-C, before the first has begun
        signals[:] = over
        raise


def _start(thread):
    try:
        thread.start()
    except RuntimeError:  # the system has none to give
        return
