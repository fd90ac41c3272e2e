"""Where `--cluster` has trainings done."""

from contextlib import contextmanager

from ..utils import extra

# Seconds to wait for a scheduler, and for its first worker.
_CONNECT, _WORKERS = 10, 30


@contextmanager
def on_cluster(address, *shared):
    """Run joblib's parallel parts on a Dask cluster, if there is an address.

    Parameters
    ----------
    address : str or None
        A scheduler's, such as tcp://host:8786; None to use this machine.
    *shared : object
        What many tasks take: it is sent to every worker once, beforehand, and so outlives any.

    Raises
    ------
    OSError
        If no scheduler answers at the address, or has no workers.
    ImportError
        If the package distributed is missing.
    """
    if address is None:
        yield
        return
    with extra("cluster", "clusters"):
        from distributed import Client
    from joblib import parallel_config

    with _connected(Client, address) as client:
        # It would leave one copy of what is shared, to be lost with its worker.
        client.amm.stop()
        with parallel_config(backend="dask", client=client, scatter=list(shared)):
            yield


def _connected(Client, address):
    try:
        client = Client(address, timeout=_CONNECT)
    except (OSError, ValueError) as error:
        raise OSError(f"--cluster: no Dask scheduler answers at {address!r}: {error}") from error
    try:
        client.wait_for_workers(1, timeout=_WORKERS)
    except TimeoutError as error:
        client.close()
        raise OSError(
            f"--cluster: the scheduler at {address!r} has no workers; start some by "
            f"`dask worker {address}`"
        ) from error
    return client
