"""Searches in two processes of two threads each, all at once on one folder of `memory`.

They are alike but for what does not concern the rounds, or have some rounds in common, so that they
write and read the same entries. Each must give to the bit what it gives alone without a memory, and
leave torch's generator as it was. In every third try one of the processes is killed.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import torch
from soaking import (
    Lost,
    Running,
    check_same,
    compile_all,
    draw_case,
    fit_case,
    in_process,
    left_in_memory,
    report,
    soak,
)


def attempt(rng, tally, folder):
    """Run four searches alone, and at once."""
    cases = _four_cases(rng)
    start = time.monotonic()
    expected = in_process(_one_by_one, cases)
    duration = time.monotonic() - start
    memory = str(folder / "memory")
    # Which two share a process is no matter of order.
    places = rng.permutation(4)
    pairs = [[cases[n] for n in places[:2]], [cases[n] for n in places[2:]]]
    pairs_expected = [[expected[n] for n in places[:2]], [expected[n] for n in places[2:]]]
    running = [Running(_in_threads, pair, memory) for pair in pairs]
    kills = bool(rng.random() < 1 / 3)
    if kills:
        running[0].kill(rng.uniform(0, duration))
    row = "at once, and one process killed" if kills else "at once"
    for process, pair, wanted in zip(running, pairs, pairs_expected):
        _settle(row, tally, process.result()[0], wanted, pair)
    # Once more, from what the others left.
    _settle(
        "gone on from the memory", tally, in_process(_in_threads, cases, memory), expected, cases
    )
    left = left_in_memory(memory)
    if left:
        tally.add(row, left_over=len(left))
        report(row, len(left), cases, f"left over: {left}")


def _four_cases(rng):
    first = draw_case(rng)
    variants = [
        {},
        {"rounds": int(rng.integers(0, 6))},
        {"select": ["last", "best", "winning"][rng.integers(3)]},
        {"strategy": ["magnitude", "random", "movement"][rng.integers(3)]},
        {"random_state": int(rng.integers(1000))},
    ]
    return [first, *(first | variants[rng.integers(len(variants))] for _ in range(3))]


def _one_by_one(cases):
    return [fit_case(case) for case in cases]


def _in_threads(cases, memory):
    before = torch.get_rng_state()
    with ThreadPoolExecutor(2) as executor:
        results = list(executor.map(lambda case: fit_case(case, memory=memory), cases))
    if not torch.equal(torch.get_rng_state(), before):
        raise Lost("torch's generator was changed")
    return results


def _settle(row, tally, results, expected, cases):
    for n, case in enumerate(cases):
        if results is None:
            tally.add(row, killed=1)
            continue
        tally.add(row, tried=1, refused="refused" in expected[n])
        try:
            check_same(results[n], expected[n])
        except Lost as fault:
            tally.add(row, lost=1)
            report(row, 1, case, f"lost: {fault}")
        else:
            tally.add(row, survived=1)


if __name__ == "__main__":
    soak(attempt, __doc__, prepare=compile_all)
