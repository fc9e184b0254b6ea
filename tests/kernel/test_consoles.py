"""Reading consoles and traces, of either machine; and what the guest is packed in."""

from typing import Any

import record
from guest import cpio

TRACE = """\
# tracer: function
           guplab-7     [000] .....     1.000001: tracing_mark_write: FACT io begins
           guplab-7     [000] d....     1.000002: get_dev_pagemap <-internal_get_user_pages_fast
           guplab-7     [000] d....     1.000003: get_dev_pagemap_returns: \
(internal_get_user_pages_fast+0x5e5/0x13e0 <- get_dev_pagemap) found=0x0
           guplab-8     [001] .....     1.000004: tracing_mark_write: FACT unbind begins
"""


def test_events_say_who_did_what_in_which_state() -> None:
    assert record.events(TRACE) == [
        [0, 0, "thread 1", "fact io begins", "", False, 1],
        [1, 0, "thread 1", "get_dev_pagemap", "internal_get_user_pages_fast", True, 1],
        [2, 0, "thread 1", "get_dev_pagemap: none", "internal_get_user_pages_fast", True, 1],
        [3, 1, "thread 2", "fact unbind begins", "", False, 1],
    ]


def test_a_caller_that_the_probe_hides_is_told_by_the_return() -> None:
    hidden = TRACE.replace(
        "get_dev_pagemap <-internal_get_user_pages_fast", "get_dev_pagemap <-[unknown/kretprobe'd]"
    )
    assert hidden != TRACE
    assert record.events(hidden) == record.events(TRACE)


def test_what_comes_again_and_again_is_folded() -> None:
    def event(at: int, what: str) -> list[Any]:
        return [at, 0, "x", what, "", False, 1]

    made = [event(0, "a"), *(event(at, "bc"[at % 2]) for at in range(1, 9)), event(9, "d")]
    assert record.folded(made) == [
        event(0, "a"),
        event(1, "c"),
        [2, 0, "x", "b", "", False, 4, 2],
        event(9, "d"),
    ]


def test_an_initramfs_is_the_same_bytes_in_any_order() -> None:
    one = cpio({"bin/a": b"1", "b": b"22"})
    assert one == cpio({"b": b"22", "bin/a": b"1"})
    assert one.startswith(b"070701")
    assert b"TRAILER!!!" in one


def test_an_oops_is_read_in_the_words_of_either_machine() -> None:
    x86 = """\
[    4.1] BUG: unable to handle page fault for address: ffffea0000800008
[    4.1] CPU: 0 PID: 70 Comm: guplab Not tainted
[    4.1] RIP: 0010:page_cache_pipe_buf_release+0x12/0x60
[    4.1] Call Trace:
[    4.1]  <TASK>
[    4.1]  ? __die+0x20/0x70
[    4.1]  free_pipe_info+0x78/0xc8
[    4.1] RIP: 0033:0x41
"""
    arm64 = """\
[    4.1] Unable to handle kernel paging request at virtual address ffffea0000800008
[    4.1] CPU: 0 UID: 0 PID: 70 Comm: guplab Not tainted
[    4.1] pc : page_cache_pipe_buf_release+0x12/0x60
[    4.1] lr : free_pipe_info+0x78/0xc8
[    4.1] Call trace:
[    4.1]  page_cache_pipe_buf_release+0x12/0x60
[    4.1]  free_pipe_info+0x78/0xc8
[    4.1] Code: 00
"""
    (one,), (other,) = record.oopses(x86), record.oopses(arm64)
    assert one.pop("says") == "unable to handle page fault for address: ffffea0000800008"
    assert other.pop("says").startswith("Unable to handle kernel paging request")
    assert (
        one
        == other
        == {
            "address": "0xffffea0000800008",
            "instruction": "page_cache_pipe_buf_release+0x12/0x60",
            "cpu": 0,
            "calls": ["free_pipe_info+0x78/0xc8"],
        }
    )
