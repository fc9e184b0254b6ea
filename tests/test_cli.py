"""The command line, run as a reader runs it."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gupcore import SCENARIOS, ThreadError
from gupcore import __main__ as command_line
from gupcore.checker.verdict import FAILS, HOLDS, UNDETERMINED
from gupcore.kernel.design import DESIGNS
from gupcore.outset import EX_OSERR, EX_SOFTWARE
from gupcore.table import planned

README = (Path(__file__).parents[1] / "README.md").read_text()
PROGRAM = [sys.executable, "-m", "gupcore"]
WITH_DESIGNS = [name for name, make in SCENARIOS.items() if make.has_designs]
CODES = {
    *command_line.EXIT.values(),
    command_line.EX_USAGE,
    EX_SOFTWARE,
    EX_OSERR,
    command_line.EX_IOERR,
    128 + signal.SIGINT,
    command_line.BROKEN_PIPE,
}


def gupcore(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True)


def in_shell(command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in which `gupcore` stands for the program, which is buffered, as is usual."""
    command = command.replace("gupcore", f"env -u PYTHONUNBUFFERED {shlex.join(PROGRAM)}", 1)
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True)


def test_check_prints_a_verdict_a_rule() -> None:
    result = gupcore("check", "seed-race", "--design", "v5.11", "--callers", "2")
    assert result.returncode == 1
    assert "struct page exists          holds in every schedule" in result.stdout
    assert "no stale mapping            fails in 8 steps" in result.stdout
    assert "schedule 33333333\n" in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--design", "cure"], 0),
        (["--design", "v5.11"], 1),
        (["--design", "v5.11", "--rule", "struct page exists"], 0),
        (["--design", "v5.11", "--rule", "struct-page-exists"], 0),
        (["--design", "v5.11", "--rule", "no stale mapping"], 1),
        (["--design", "cure", "--limit", "10"], 2),
        (["--design", "no-check", "--limit", "110"], 1),
        (["--design", "cure", "--pte", "absent"], 0),
    ],
)
def test_check_exit_codes(arguments: list[str], code: int) -> None:
    assert gupcore("check", "seed-race", *arguments).returncode == code


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario_can_be_checked(scenario: str) -> None:
    result = gupcore("check", scenario)
    assert result.returncode in (0, 1)
    assert result.stdout.startswith(f"{scenario}, design ")


# --- Tables ---------------------------------------------------------------------------------------


def test_a_table_of_verdicts() -> None:
    result = gupcore("table", "--design", "v5.11", "--callers", "2")
    assert result.returncode == 0
    assert [line.split()[:2] for line in result.stdout.splitlines()[1:]] == [
        ["v5.11", "1"],
        ["v5.11", "2"],
    ]
    assert gupcore("table", "--design", "cure", "--limit", "10").returncode == 2


@pytest.mark.parametrize("scenario", WITH_DESIGNS)
def test_a_table_of_every_scenario_with_its_defaults(
    scenario: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = command_line.main(["table", scenario, "--limit", "1"])
    assert code == command_line.EXIT[UNDETERMINED]
    out, err = capsys.readouterr()
    assert err == ""
    others = planned(scenario).others
    _, *rows = out.splitlines()
    assert rows.pop().startswith("Left out: ") if others else True
    assert {row.split()[0] for row in rows} == set(DESIGNS) - set(others)


def test_jobs_change_nothing_in_a_table() -> None:
    alone = gupcore("table", "munmap", "--callers", "1")
    assert alone.stdout.count("\n") > 5
    shared = gupcore("table", "munmap", "--callers", "1", "--jobs", "3")
    assert (shared.stdout, shared.returncode) == (alone.stdout, alone.returncode)
    assert shared.stderr == ""


@pytest.mark.parametrize("jobs", ["0", "65", "two"])
def test_how_many_jobs_there_can_be(jobs: str) -> None:
    refused = gupcore("table", "munmap", "--jobs", jobs)
    assert refused.returncode == 64
    assert refused.stdout == ""


def test_a_table_says_what_it_leaves_out_and_why() -> None:
    last = gupcore("table", "block-io", "--callers", "1").stdout.splitlines()[-1]
    assert last.startswith("Left out: device-dax (in device-dax there is no filesystem and no disk")
    assert "v6.1, xfs-v6.8, v6.15, cure-on-v6.1" in last
    assert "(in v6.1 the block queue has a ref of its own" in last


def test_a_table_of_protections() -> None:
    result = gupcore("table", "--lacking", "v5.11", "--callers", "1")
    assert result.returncode == 0
    assert "check                needed in seed-race with 1 caller" in result.stdout


def test_replay_prints_the_schedule_step_by_step() -> None:
    result = gupcore("replay", "seed-race", "--design", "no-check", "2222221111")
    assert result.returncode == 0
    assert result.stdout.count("kernel: ") == 10
    assert "* struct page: refcount 0 -> removed" in result.stdout
    assert "! breaks the rule: struct page exists" in result.stdout


# --- Options --------------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_parameter_that_can_be_written_has_an_option(
    scenario: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make = SCENARIOS[scenario]
    for name, domain in make.domains.items():
        if callable(domain):
            continue
        words = {True: "yes", False: "no"}
        for value in domain if isinstance(domain, tuple) else (domain[0], domain[-1]):
            if (scenario, value) == ("patch", "half"):
                continue  # of one patch only
            text = words[value] if isinstance(value, bool) else str(value)
            command_line.main(["check", scenario, f"--{name}", text, "--limit", "1"])
            out, err = capsys.readouterr()
            assert err == ""
            assert out.splitlines()[0].endswith(f", {name} {text}")


def test_a_truth_value_is_yes_or_no() -> None:
    assert gupcore("check", "percpu-ref").returncode == 0
    result = gupcore("check", "percpu-ref", "--wait", "no", "--callers", "2")
    assert result.returncode == 1
    assert result.stdout.startswith("percpu-ref, design kill hurries, callers 2, wait no\n")


def test_a_thread_can_be_left_out() -> None:
    result = gupcore("replay", "seed-race", "--without", "direct I/O", "1")
    assert result.stdout.startswith("seed-race, design v5.11, without direct I/O\n")
    assert "thread 1 (unbind)" in result.stdout


def test_no_callers_are_a_number_of_callers() -> None:
    heading = gupcore("check", "munmap", "--callers", "0").stdout.splitlines()[0]
    assert heading == "munmap, design v5.11, callers 0"


def test_the_help_names_choices_and_scenarios() -> None:
    said = " ".join(gupcore("check", "--help").stdout.split())
    for words in (
        "present or read-only or absent (seed-race, truncate); present or hinting (munmap)",
        "1 to 8 (all but munmap-dax, munmap, munmap-truncate, patch); 0 to 5 (munmap-dax, munmap)",
        "1 or 2 (seed-race)",
        "yes or no (percpu-ref)",
        "its label (all)",
    ):
        assert words in said
    assert "if not given 1 and 2, or only 1" in " ".join(gupcore("table", "--help").stdout.split())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["check", "seed-race", "--design", "v4"], "no design 'v4'; choose no-check, v5.11"),
        (["check", "sed-race"], "no scenario 'sed-race'; choose seed-race"),
        (["check", "seed-race", "--rule", "x"], "no rule 'x'; choose struct page exists"),
        (["check", "seed-race", "--callers", "9"], "callers must be 1 to 8, not 9"),
        (["check", "seed-race", "--callers", "-1"], "Argument --callers"),
        (["check", "seed-race", "--callers", "two"], "'two' is not a whole number"),
        (
            ["check", "seed-race", "--pte", "gone"],
            "must be present or read-only or absent, not gone",
        ),
        (["check", "munmap", "--pte", "absent"], "must be present or hinting, not absent"),
        (["check", "seed-race", "--limit", "0x10"], "'0x10' is not a whole number"),
        (["check", "seed-race", "--moved", "1024"], "moved must be 0 to 1023, not 1024"),
        (["check", "seed-race", "--gup_fast", "f"], "Unrecognized arguments: --gup_fast f"),
        (["check", "seed-race", "--wait", "no"], "seed-race has no --wait; leave it out"),
        (["check", "percpu-ref", "--wait", "True"], "wait must be yes or no, not True"),
        (["check", "percpu-ref", "--design", "cure"], "percpu-ref has no --design; leave it out"),
        (["check", "seed-race", "--without", "kill"], "must be direct I/O or unbind, not kill"),
        (["check", "block-io", "--design", "v6.1"], "a ref of its own; choose v5.11"),
        (["check", "special", "--behind", "wall"], "must be zero page or registers, not wall"),
        (["table", "sed-race"], "no scenario 'sed-race'; choose seed-race"),
        (["table", "--design", "v4"], "no design 'v4'; choose no-check"),
        (["table", "block-io", "--design", "v6.1"], "a ref of its own; choose v5.11"),
        (["table", "truncate", "--design", "device-dax"], "there is no filesystem and no disk"),
        (["table", "--lacking", "v4"], "no design 'v4'; choose no-check"),
        (["table", "--lacking", "cure", "--callers", "3"], "callers must be 1 to 2, not 3"),
        (["table", "munmap", "--lacking", "cure"], "--lacking tries every scenario; with it"),
        (["table", "--lacking", "cure", "--limit", "9"], "--lacking tries every scenario; with it"),
        (["table", "percpu-ref"], "percpu-ref has no designs; use check"),
        (["table", "--callers", "9"], "callers must be 1 to 8, not 9"),
        (["table", "--callers", "any", "--limit", "9"], "leave --limit out"),
        (["table", "--lacking", "cure", "--callers", "any"], "a whole number, not the str 'any'"),
        (["table", "special", "--callers", "any"], "is another with each number of callers"),
        (["table", "--callers", "0"], "callers must be 1 to 8, not 0"),
        (["table", "munmap-dax", "--callers", "6"], "callers must be 1 to 5, not 6"),
        (["table", "munmap", "--callers", "0"], "callers must be 1 to 5, not 0"),
        (["check"], "required: scenario"),
        ([], "required: check|replay|table"),
        (["ceck", "seed-race"], "invalid choice: 'ceck'"),
        (["replay", "seed-race", "1a"], "Step 2: 'a' is no thread"),
        (["replay", "seed-race", "222222222"], "Step 9: thread 2 (unbind) has ended"),
        (["replay", "seed-race", "122222"], "Step 6: thread 2 (unbind) cannot step. Waits for"),
        (["\x1b[31mx"], r"invalid choice: '\x1b[31mx'"),
        (["check", "\x1b[31mx"], r"no scenario '\x1b[31mx'"),
        (["check", "seed-race", "\x1b[31mx"], r"Unrecognized arguments: \x1b[31mx."),
        (["check", "seed-race", "--\x1b[31mx"], r"Unrecognized arguments: --\x1b[31mx."),
        (["check", "seed-race", "--pte", "\x1b[31m\r\nx"], r"or absent, not \x1b[31m\r\nx."),
        (["check", "seed-race", "--pte", "\u202egone\x9b"], r"not \u202egone\x9b."),
        (["check", "seed-race", "--callers", "\x1b\n"], r"'\x1b\n' is not a whole number"),
        (["check", "seed-race", "--without", "\x07"], r"or unbind, not \x07."),
        (["replay", "seed-race", "1\x07"], r"Step 2: '\x07' is no thread"),
    ],
)
def test_bad_input_gets_one_line_and_64(arguments: list[str], says: str) -> None:
    result = gupcore(*arguments)
    assert result.returncode == 64
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert says in result.stderr
    assert result.stderr.removesuffix("\n").isprintable()


# --- What can go wrong with the process -----------------------------------------------------------


def test_all_exit_codes_are_documented() -> None:
    for shown in (gupcore("--help").stdout, gupcore("table", "--help").stdout):
        assert {int(code) for code in re.findall(r"^ {1,4}(\d+)  \S", shown, re.M)} == CODES
    _, _, run = README.partition("## Run it")
    section = run.partition("\n## ")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", section, re.M)} == CODES
    assert set(command_line.EXIT) == {HOLDS, FAILS, UNDETERMINED}


def test_nobody_reads_the_output() -> None:
    result = in_shell("gupcore replay seed-race 2211 | true; exit ${PIPESTATUS[0]}")
    assert result.stderr == ""
    assert result.returncode in (0, 141)  # 0 if all was written before the reader had gone


COMMANDS = ("check seed-race", "replay seed-race 2211", "table --callers 1", "check --help")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk(command: str) -> None:
    result = in_shell(f"gupcore {command} >/dev/full")
    assert result.returncode == 74
    assert result.stderr == "gupcore: The output cannot be written: No space left on device.\n"
    assert in_shell(f"gupcore {command} >/dev/full 2>/dev/full").returncode == 74


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk_behind_standard_error() -> None:
    for command, code in (("ceck", 64), ("check seed-race", 1)):
        assert in_shell(f"gupcore {command} 2>/dev/full").returncode == code


@pytest.mark.parametrize("command", COMMANDS)
def test_standard_output_is_closed(command: str) -> None:
    result = in_shell(f"gupcore {command} >&-")
    assert result.returncode == 74
    assert result.stderr == "gupcore: The output cannot be written: standard output is closed.\n"
    assert in_shell(f"gupcore {command} >&- 2>&-").returncode == 74


def test_nothing_is_searched_if_standard_output_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_line, "check", lambda *_: pytest.fail("a search was begun"))
    monkeypatch.setattr(sys, "stdout", None)
    assert command_line.main(["check", "seed-race"]) == 74


def test_standard_error_is_closed() -> None:
    result = in_shell("gupcore check seed-race 2>&-")
    assert result.returncode == 1
    assert result.stdout == gupcore("check", "seed-race").stdout
    result = in_shell("gupcore check sed-race 2>&-")
    assert result.returncode == 64
    assert result.stdout == ""


class Odd(Exception):
    """What no part of gupcore raises."""


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (Odd("one\ntwo"), 70, r"test_cli.py, line \d+, Odd: one\\ntwo"),
        (OSError("no such device"), 70, r"test_cli.py, line \d+, OSError: no such device"),
        (MemoryError(), 71, "Out of memory; fewer callers or a lower --limit need less."),
        (ThreadError("A step cannot be taken."), 64, "A step cannot be taken."),
    ],
)
def test_an_error_inside(
    error: Exception,
    code: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def check(*_: object) -> None:
        raise error

    monkeypatch.setattr(command_line, "check", check)
    assert command_line.main(["check", "seed-race"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(f"gupcore: .*{says}\n", err)


def test_a_thread_that_finds_no_memory(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def check(*_: object) -> None:
        raise ThreadError("A step cannot be taken.") from MemoryError()

    monkeypatch.setattr(command_line, "check", check)
    assert command_line.main(["check", "seed-race"]) == 71
    assert "Out of memory" in capsys.readouterr().err


def memory(code: str) -> int:
    """Return how many kB a piece of Python takes at the most."""
    code = f"{code}; print(open('/proc/self/status').read())"
    status = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    return int(re.findall(r"VmPeak:\s+(\d+) kB", status)[0])


SEARCH = "check seed-race --design no-check --pte absent --callers 3"  # needs hundreds of MB


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="no /proc")
def test_out_of_memory_during_the_search() -> None:
    needed = memory("import gupcore.__main__")
    for more in (10_000, 20_000):
        result = in_shell(f"ulimit -v {needed + more}; exec gupcore {SEARCH}")
        assert result.returncode == 71
        assert result.stdout == ""
        says = "gupcore: Out of memory; fewer callers or a lower --limit need less.\n"
        assert result.stderr == says


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="no /proc")
def test_out_of_memory_while_modules_are_imported() -> None:
    limit = (memory("import runpy") + memory("import gupcore.__main__")) // 2
    result = in_shell(f"ulimit -v {limit}; exec gupcore {SEARCH}")
    assert result.returncode == 71
    assert result.stderr == "gupcore: Out of memory.\n"


# --- An interrupt ---------------------------------------------------------------------------------


@pytest.fixture
def heard() -> Iterator[None]:
    """See to it that a child hears SIGINT, even where these tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_an_interrupt_of_a_search() -> None:
    table = [*PROGRAM, "table", "--callers", "4"]
    with subprocess.Popen(table, stdout=-1, stderr=-1, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("design")
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert running.returncode == -signal.SIGINT
    assert said == "gupcore: Interrupted before the end.\n"


@pytest.mark.usefixtures("heard")
def test_an_interrupt_ends_all_jobs() -> None:
    table = [*PROGRAM, "table", "--callers", "4", "--jobs", "2"]
    with subprocess.Popen(table, stdout=-1, stderr=-1, text=True, process_group=0) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("design")
        time.sleep(1)  # by then they are at work
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert running.returncode == -signal.SIGINT
    assert said == "gupcore: Interrupted before the end.\n"
    for _ in range(100):
        try:
            os.killpg(running.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("a job goes on")


@pytest.mark.usefixtures("heard")
def test_a_shell_sees_130() -> None:
    search = f"{shlex.join(PROGRAM)} check seed-race --callers 4 & sleep 1; kill -INT $!; wait $!"
    result = subprocess.run(["bash", "-c", f"set -m; {search}"], capture_output=True, text=True)
    assert result.returncode == 130


def test_who_ignores_interrupts_goes_on_doing_so() -> None:
    kill = "for _ in {1..10}; do sleep 0.05; kill -INT $! 2>/dev/null; done; wait $!"
    result = in_shell(f"trap '' INT; gupcore check seed-race --design cure & {kill}")
    assert result.returncode == 0
    assert result.stderr == ""


INTERRUPT_AT_IMPORT = """
import os, signal, sys

def interrupt(event, arguments):
    if event == "import" and arguments[0] == {module!r}:
        os.kill(os.getpid(), signal.SIGINT)

sys.addaudithook(interrupt)
"""


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("module", ["gupcore.catalogue", "gupcore.kernel.pte", "argparse"])
def test_an_interrupt_while_modules_are_imported(module: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(INTERRUPT_AT_IMPORT.format(module=module))
    result = subprocess.run(
        [*PROGRAM, "check", "seed-race", "--design", "cure"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert result.returncode == -signal.SIGINT
    assert result.stderr == "gupcore: Interrupted before the end.\n"


@pytest.mark.usefixtures("heard")
def test_an_interrupt_at_any_time() -> None:
    search = [*PROGRAM, "check", "seed-race", "--design", "cure", "--callers", "2"]
    done = gupcore(*search[3:]).stdout
    for wait in range(0, 620, 20):
        with subprocess.Popen(search, stdout=-1, stderr=-1, text=True) as running:
            time.sleep(wait / 1000)
            running.send_signal(signal.SIGINT)
            printed, said = running.communicate(timeout=60)
        if "Traceback" in said:  # only Python itself, before the package has begun
            assert "catalogue" not in said
        elif running.returncode == 0:
            assert (printed, said) == (done, "")
        else:
            assert running.returncode == -signal.SIGINT
            assert said in ("", "gupcore: Interrupted before the end.\n")
