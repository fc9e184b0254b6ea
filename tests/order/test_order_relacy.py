"""Random litmus tests against Relacy, which plays C++11 and knows no axioms.

C++ and the kernel do not promise the same; on what is compared here they do:

* where every access is sequentially consistent, or full fences stand between all, there is one
  order, and the outcomes are the same;
* where every read acquires and every write releases, what Relacy can do LKMM allows.  (Not the
  other way round: Relacy's reads see no write that is yet to come, and its writes of a place come
  in the order in which they are taken.)
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from random import Random

import pytest

from gupcore.order import LKMM, RMW, SC, TSO, Fence, Litmus, Read, Write, outcomes
from gupcore.order.litmus import ACQUIRE, MB, ONCE, RELEASE, Operation

SOURCE = Path(__file__).parents[1] / "oracles" / "litmus.cpp"
HEADER = Path("/usr/include/relacy/relacy.hpp")
PLACES = "xyz"
TESTS = 250  # of each kind, at most

Access = tuple[str, int, int]  # R, W, X (exchange) or A (add), a place, and a value


def programs(seed: int) -> Iterator[list[list[Access]]]:
    """Yield two or three threads of one to three accesses, again and again; some access reads.

    In every second one each thread goes from a place of its own to the next one's: there orders
    make a difference most often.
    """
    random = Random(seed)
    for number in range(TESTS):
        sizes = random.choice([(2, 2), (3, 2), (3, 3), (1, 2, 2), (2, 2, 2), (1, 1, 2), (1, 3, 1)])
        places = random.choice([2, 2, 3])
        at = [[random.randrange(places) for _ in range(size)] for size in sizes]
        if number % 2:
            at = [[n, (n + 1) % places] for n in range(places)]
        found = [
            [(random.choice("RRRRWWWWXA"), place, random.choice([1, 2])) for place in thread]
            for thread in at
        ]
        if any(access[0] != "W" for thread in found for access in thread):
            yield found


def kernel(program: Sequence[Sequence[Access]], kinds: dict[str, str], fenced: bool) -> Litmus:
    """Write a program with the kernel's primitives."""
    threads = []
    for thread in program:
        operations: list[Operation] = []
        registers = (f"r{n}" for n in count())
        for does, place, value in thread:
            if fenced and operations:
                operations.append(Fence(MB))
            if does == "W":
                operations.append(Write(PLACES[place], value, kinds[does]))
            elif does == "R":
                operations.append(Read(next(registers), PLACES[place], kinds[does]))
            else:
                new = value if does == "X" else ("+", "old", value)
                operations.append(RMW(next(registers), PLACES[place], new, kinds[does]))
        threads.append(operations)
    return Litmus("random", threads)


def cxx(program: Sequence[Sequence[Access]], orders: dict[str, str], fenced: bool) -> str:
    """Write it as a line for Relacy."""
    fence = ",F00s," if fenced else ","
    threads = [fence.join(f"{a[0]}{a[1]}{a[2]}{orders[a[0]]}" for a in t) for t in program]
    return " ".join([str(len(program)), *threads])


@pytest.fixture(scope="module")
def relacy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the player of litmus tests; a reader's run goes on without, a run in CI fails."""
    if not HEADER.exists() or not shutil.which("c++"):
        says = "There is no Relacy: install it and C++ (Debian: apt install relacy-dev g++)."
        if os.environ.get("CI") == "true":
            pytest.fail(says, pytrace=False)
        pytest.skip(says)
    program = tmp_path_factory.mktemp("relacy") / "litmus"
    subprocess.run(["c++", "-std=c++11", "-w", "-O1", "-o", program, SOURCE], check=True)
    return program


def found_by(relacy: Path, lines: list[str]) -> list[set[str]]:
    done = subprocess.run(
        relacy, input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    found = [set(line.split()) for line in done.stdout.splitlines()]
    assert len(found) == len(lines)
    return found


def digits(test: Litmus, allowed: frozenset[tuple[tuple[str, int], ...]]) -> set[str]:
    names = test.observed()
    return {"".join(str(dict(outcome)[name]) for name in names) for outcome in allowed}


ALL_ONCE = dict.fromkeys("RWXA", ONCE)
ALL_MB = ALL_ONCE | {"X": MB, "A": MB}
PAIRED = {"R": ACQUIRE, "W": RELEASE, "X": ACQUIRE, "A": RELEASE}


def test_one_order_is_what_relacy_finds(relacy: Path) -> None:
    tests = list(programs(1))
    found = found_by(relacy, [cxx(test, dict.fromkeys("RWXA", "s"), False) for test in tests])
    for program, seen in zip(tests, found, strict=True):
        test = kernel(program, ALL_MB, fenced=False)
        assert digits(test, outcomes(test, SC)) == seen, program


def test_full_fences_between_all_make_one_order(relacy: Path) -> None:
    tests = list(programs(2))
    found = found_by(relacy, [cxx(test, dict.fromkeys("RWXA", "r"), True) for test in tests])
    for program, seen in zip(tests, found, strict=True):
        test = kernel(program, ALL_ONCE, fenced=True)
        for model in (SC, TSO, LKMM):
            assert digits(test, outcomes(test, model)) == seen, (program, model)


def test_what_relacy_does_with_acquire_and_release_the_kernel_allows(relacy: Path) -> None:
    tests, weak = list(programs(3)), 0
    orders = {"R": "a", "W": "l", "X": "a", "A": "l"}
    found = found_by(relacy, [cxx(test, orders, False) for test in tests])
    for program, seen in zip(tests, found, strict=True):
        test = kernel(program, PAIRED, fenced=False)
        assert seen <= digits(test, outcomes(test, LKMM)), program
        weak += not seen <= digits(test, outcomes(test, SC))
    assert weak > 10, "nothing is compared but tests that have one order anyway"
