"""The command line, run as a reader runs it."""

import shlex
import subprocess
import sys

import pytest

from gupcore import SCENARIOS
from gupcore import __main__ as command_line
from gupcore.checker.verdict import UNDETERMINED
from gupcore.kernel.design import DESIGNS
from gupcore.table import planned

PROGRAM = [sys.executable, "-m", "gupcore"]
WITH_DESIGNS = [name for name, make in SCENARIOS.items() if make.has_designs]


def gupcore(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True)


def in_shell(command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in which `gupcore` stands for the program."""
    command = command.replace("gupcore", shlex.join(PROGRAM), 1)
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
        "1 to 8 (all but munmap-dax, munmap, munmap-truncate); 0 to 5 (munmap-dax, munmap)",
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
        (["table", "--callers", "0"], "callers must be 1 to 8, not 0"),
        (["table", "munmap-dax", "--callers", "6"], "callers must be 1 to 5, not 6"),
        (["table", "munmap", "--callers", "0"], "callers must be 1 to 5, not 0"),
        (["check"], "required: scenario"),
        ([], "required: check|replay|table"),
        (["ceck", "seed-race"], "invalid choice: 'ceck'"),
        (["replay", "seed-race", "1a"], "Step 2: 'a' is no thread"),
        (["replay", "seed-race", "222222222"], "Step 9: thread 2 (unbind) has ended"),
        (["replay", "seed-race", "122222"], "Step 6: thread 2 (unbind) cannot step. Waits for"),
    ],
)
def test_bad_input_gets_one_line_and_64(arguments: list[str], says: str) -> None:
    result = gupcore(*arguments)
    assert result.returncode == 64
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert says in result.stderr


def test_nobody_reads_the_output() -> None:
    result = in_shell("gupcore replay seed-race 2211 | true; exit ${PIPESTATUS[0]}")
    assert result.stderr == ""
    assert result.returncode in (0, 141)  # 0 if all was written before the reader had gone
