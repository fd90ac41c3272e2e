"""torch's global state, borrowed and given back."""

import signal
import threading
import time

import pytest

from skticket.utils import isolated


def test_an_interrupt_while_waiting_for_the_generator_leaves_it_to_others():
    entered = threading.Event()

    def borrow():
        with isolated(0, "cpu"):
            entered.set()
            time.sleep(0.5)  # now the main thread waits; the signal does not wake it
            signal.raise_signal(signal.SIGINT)

    def borrow_again():
        with isolated(0, "cpu"):
            pass

    first = threading.Thread(target=borrow)
    second = threading.Thread(target=borrow_again, daemon=True)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            first.start()
            entered.wait()
            with isolated(1, "cpu"):
                pass
    finally:
        signal.signal(signal.SIGINT, before)
    first.join()
    second.start()
    second.join(60)
    assert not second.is_alive()
