"""The places where gup-fast rests on an order of memory, as litmus tests.

In each, a PTE, a count or a flag is a location, and 1 in a PTE means that it maps the page.  Each
line of a test that matters says which function of the kernel it stands for, and which step of the
model takes its place there; `changes` are the same test with a barrier taken away, or another put
in its place.

An RMW without suffix is fully ordered if it succeeds; one that is conditional and fails is not
ordered at all, and one that returns nothing never is (Documentation/atomic_t.txt, Linux 6.1).
Interrupts off are an RCU section here: since 4.20 a grace period waits for them, too.  A barrier
after a PTE is cleared stands for the flush: arm64 ends it with a DSB, and x86 clears with an xchg.
"""

from __future__ import annotations

from .scene import Line, Scene

WALK = Line(
    *("rcu_read_lock();", "local_irq_save", "include/linux/irqflags.h", "v5.11"), "local_irq_save"
)
READ = Line(
    *("int r0 = READ_ONCE(*pte);", "ptep_get_lockless", "include/linux/pgtable.h", "v5.11"),
    "ptep_get_lockless",
)
GRAB = Line(
    *("int r1 = atomic_add_unless(count, 1, 0);", "try_grab_compound_head", "mm/gup.c", "v5.11"),
    "try_grab_compound_head",
)
LOOK = Line("int r2 = READ_ONCE(*pte);", "gup_pte_range", "mm/gup.c", "v5.11", "ptep_reread")
CLEAR = Line("WRITE_ONCE(*pte, 0);", "unmap_mapping_range", "mm/memory.c", "v5.11", "zap_file_ptes")
WAIT = Line(
    *("synchronize_rcu();", "synchronize_rcu", "kernel/rcu/tree.c", "v5.11"), "end_grace_period"
)
FLUSH = Line(
    *("smp_mb();", "__flush_tlb_range", "arch/arm64/include/asm/tlbflush.h", "v5.11"),
    "broadcast_flush",
)
COUNT = Line(
    *("int r0 = atomic_read(count);", "dax_layout_busy_page", "fs/dax.c", "v5.10"),
    "dax_layout_busy_page",
)
AT_ONCE = {"no grace period": (("synchronize_rcu();", ""),)}
BARRIER_INSTEAD = {"a barrier in its place": (("synchronize_rcu();", "smp_mb();"),)}

FAMILY: dict[str, Scene] = {
    "walker": Scene(
        "A walker has read the PTE, and touches a struct page that is gone.",
        r"""C walker
{ pte=1; }
P0(int *pte, int *gone)
{
    rcu_read_lock();
    int r0 = READ_ONCE(*pte);
    int r1 = READ_ONCE(*gone);
    rcu_read_unlock();
}
P1(int *pte, int *gone)
{
    WRITE_ONCE(*pte, 0);
    synchronize_rcu();
    WRITE_ONCE(*gone, 1);
}
exists (0:r0=1 /\ 0:r1=1)
""",
        (
            *(WALK, READ, CLEAR, WAIT),
            GRAB._replace(code="int r1 = READ_ONCE(*gone);"),
            Line(
                *("WRITE_ONCE(*gone, 1);", "arch_remove_memory", "arch/x86/mm/init_64.c", "v5.11"),
                "remove_struct_pages",
            ),
        ),
        {**AT_ONCE, **BARRIER_INSTEAD},
    ),
    "second look": Scene(
        "gup-fast keeps its reference, and who cleared the PTE has not seen it in the count.",
        r"""C second-look
{ pte=1; count=1; }
P0(int *pte, atomic_t *count)
{
    int r1 = atomic_add_unless(count, 1, 0);
    int r2 = READ_ONCE(*pte);
}
P1(int *pte, atomic_t *count)
{
    WRITE_ONCE(*pte, 0);
    smp_mb();
    int r0 = atomic_read(count);
}
exists (0:r1=1 /\ 0:r2=1 /\ 1:r0=1)
""",
        (
            *(GRAB, LOOK, CLEAR, FLUSH, COUNT),
            *(
                Line(code, "try_to_unmap_one", "mm/rmap.c", "v6.1")
                for code in ("WRITE_ONCE(*pte, 0);", "smp_mb();", "int r0 = atomic_read(count);")
            ),
        ),
        {
            "relaxed grab": (
                ("atomic_add_unless(count, 1, 0)", "atomic_fetch_inc_relaxed(count)"),
            ),
            "no barrier after the clear": (("smp_mb();", ""),),
            "no second look": (("int r2 = READ_ONCE(*pte);", ""), (r" /\ 0:r2=1", "")),
            "arm64": (("WRITE_ONCE(*pte, 0);", "xchg_relaxed(pte, 0);"),),
            "arm64, counted before the flush": (
                ("WRITE_ONCE(*pte, 0);", "xchg_relaxed(pte, 0);"),
                ("smp_mb();", ""),
            ),
            "x86, counted before the flush": (
                ("WRITE_ONCE(*pte, 0);", "xchg(pte, 0);"),
                ("smp_mb();", ""),
            ),
        },
    ),
    "failed grab": Scene(
        "gup-fast finds a count of zero, and afterwards still the PTE that was cleared before.",
        r"""C failed-grab
{ pte=1; count=1; }
P0(int *pte, atomic_t *count)
{
    int r1 = atomic_add_unless(count, 1, 0);
    int r2 = READ_ONCE(*pte);
}
P1(int *pte, atomic_t *count)
{
    WRITE_ONCE(*pte, 0);
    smp_mb();
    int r0 = atomic_dec_and_test(count);
}
exists (0:r1=0 /\ 0:r2=1)
""",
        (
            *(GRAB, LOOK, CLEAR, FLUSH),
            Line(
                *(
                    "int r0 = atomic_dec_and_test(count);",
                    "put_page",
                    "include/linux/mm.h",
                    "v5.11",
                ),
                "put_page",
            ),
        ),
        {"a barrier after it": (("count, 1, 0);", "count, 1, 0);\n    smp_mb();"),)},
    ),
    "freeze": Scene(
        "gup-fast has its reference, and reclaim has frozen the count as if there were none.",
        r"""C freeze
{ pte=1; count=1; }
P0(int *pte, atomic_t *count)
{
    int r1 = atomic_add_unless(count, 1, 0);
    int r2 = READ_ONCE(*pte);
}
P1(int *pte, atomic_t *count)
{
    WRITE_ONCE(*pte, 0);
    int r0 = atomic_cmpxchg(count, 1, 0);
}
exists (0:r1=1 /\ 0:r2=1 /\ 1:r0=1)
""",
        (
            *(GRAB, LOOK),
            Line("WRITE_ONCE(*pte, 0);", "try_to_unmap_one", "mm/rmap.c", "v6.1"),
            Line(
                *("int r0 = atomic_cmpxchg(count, 1, 0);", "page_ref_freeze"),
                *("include/linux/page_ref.h", "v6.1"),
            ),
        ),
        {"relaxed grab": (("atomic_add_unless(count, 1, 0)", "atomic_fetch_inc_relaxed(count)"),)},
    ),
    "serialise": Scene(
        "A walk comes out with a pin, and who waited for walks and then counted has not seen it.",
        r"""C serialise
{ pte=1; count=1; }
P0(int *pte, atomic_t *count)
{
    int r1;

    rcu_read_lock();
    int r0 = READ_ONCE(*pte);
    if (r0)
        r1 = atomic_fetch_inc_relaxed(count);
    rcu_read_unlock();
}
P1(int *pte, atomic_t *count)
{
    WRITE_ONCE(*pte, 0);
    synchronize_rcu();
    int r0 = atomic_read(count);
}
exists (0:r0=1 /\ 1:r0=1)
""",
        (
            *(WALK, READ, CLEAR, WAIT),
            GRAB._replace(code="r1 = atomic_fetch_inc_relaxed(count);"),
            Line(
                *("int r0 = atomic_read(count);", "___wait_var_event"),
                *("include/linux/wait_bit.h", "v5.11", "wait_until_idle"),
            ),
        ),
        {**AT_ONCE, **BARRIER_INSTEAD},
    ),
    "kill": Scene(
        "A live reference on a dev_pagemap is taken, and the sum over all CPUs misses it.",
        r"""C kill
{}
P0(int *dead, int *local)
{
    rcu_read_lock();
    int r0 = READ_ONCE(*dead);
    if (r0 == 0)
        WRITE_ONCE(*local, 1);
    rcu_read_unlock();
}
P1(int *dead, int *local)
{
    WRITE_ONCE(*dead, 1);
    synchronize_rcu();
    int r0 = READ_ONCE(*local);
}
exists (0:r0=0 /\ 1:r0=0)
""",
        (
            Line(
                *("int r0 = READ_ONCE(*dead);", "__ref_is_percpu"),
                *("include/linux/percpu-refcount.h", "v6.1", "read_percpu_count_ptr"),
            ),
            Line(
                *("WRITE_ONCE(*local, 1);", "this_cpu_add", "include/linux/percpu-defs.h", "v6.1"),
                "this_cpu_add",
            ),
            Line(
                *("WRITE_ONCE(*dead, 1);", "percpu_ref_kill_and_confirm"),
                *("lib/percpu-refcount.c", "v6.1", "set_dead"),
            ),
            Line(
                *("int r0 = READ_ONCE(*local);", "percpu_ref_switch_to_atomic_rcu"),
                *("lib/percpu-refcount.c", "v6.1", "sum_up"),
            ),
        ),
        {**AT_ONCE, **BARRIER_INSTEAD},
    ),
    "pin": Scene(
        "gup-fast keeps its pin, and page_try_share_anon_rmap() has found the page not pinned.",
        r"""C pin
{ pte=1; count=1; }
P0(int *pte, atomic_t *count)
{
    int r1 = atomic_add_unless(count, 1, 0);
    atomic_add(1023, count);
    smp_mb__after_atomic();
    int r2 = READ_ONCE(*pte);
}
P1(int *pte, atomic_t *count)
{
    WRITE_ONCE(*pte, 0);
    smp_mb();
    int r0 = atomic_read(count);
}
exists (0:r1=1 /\ 0:r2=1 /\ 1:r0<1024)
""",
        (
            Line("atomic_add(1023, count);", "try_grab_folio", "mm/gup.c", "v6.1"),
            Line("smp_mb__after_atomic();", "try_grab_folio", "mm/gup.c", "v6.1"),
            LOOK._replace(version="v6.1", step=""),
            *(
                Line(code, "page_try_share_anon_rmap", "include/linux/rmap.h", "v6.1")
                for code in ("smp_mb();", "int r0 = atomic_read(count);")
            ),
        ),
        {"before 088b8aa537c2": (("smp_mb__after_atomic();", ""),)},
    ),
    "dirty": Scene(
        "A reader of the disk has written to a page, and reclaim throws it away as clean.",
        r"""C dirty
{ count=2; }
P0(int *dirty, atomic_t *count)
{
    WRITE_ONCE(*dirty, 1);
    int r0 = atomic_dec_and_test(count);
}
P1(int *dirty, atomic_t *count)
{
    int r0 = atomic_read(count);
    smp_rmb();
    int r1 = READ_ONCE(*dirty);
}
exists (1:r0=1 /\ 1:r1=0)
""",
        (
            Line("WRITE_ONCE(*dirty, 1);", "bio_set_pages_dirty", "block/bio.c", "v6.1"),
            Line("int r0 = atomic_dec_and_test(count);", "put_page", "include/linux/mm.h", "v6.1"),
            *(
                Line(code, "try_to_unmap_one", "mm/rmap.c", "v6.1")
                for code in ("int r0 = atomic_read(count);", "smp_rmb();")
            ),
        ),
        {"no smp_rmb()": (("smp_rmb();", ""),)},
    ),
    "exclusive": Scene(
        "The PTE is as it was, restored, and gup-fast still sees the page as one process's own.",
        r"""C exclusive
{ pte=1; count=1; own=1; }
P0(int *pte, atomic_t *count, atomic_t *own)
{
    int r0 = atomic_fetch_add(1024, count);
    int r1 = READ_ONCE(*pte);
    smp_rmb();
    int r2 = atomic_read(own);
}
P1(int *pte, atomic_t *count, atomic_t *own)
{
    WRITE_ONCE(*pte, 0);
    smp_mb();
    int r0 = atomic_read(count);
    if (r0 < 1024) {
        atomic_dec(own);
        smp_mb__after_atomic();
        WRITE_ONCE(*pte, 1);
    }
}
exists (0:r1=1 /\ 0:r2=1 /\ 1:r0=1)
""",
        (
            Line("smp_rmb();", "gup_must_unshare", "include/linux/mm.h", "v6.1"),
            Line("int r2 = atomic_read(own);", "gup_must_unshare", "include/linux/mm.h", "v6.1"),
            *(
                Line(code, "page_try_share_anon_rmap", "include/linux/rmap.h", "v6.1")
                for code in ("smp_mb();", "atomic_dec(own);", "smp_mb__after_atomic();")
            ),
        ),
        {
            "no smp_rmb()": (("smp_rmb();", ""),),
            "no smp_mb__after_atomic()": (("smp_mb__after_atomic();", ""),),
        },
    ),
    "collapse": Scene(
        "gup-fast pins a page through a page table that khugepaged has taken out of the tree.",
        r"""C collapse
{ pmd=1; pte=1; count=1; }
P0(int *pmd, int *pte, atomic_t *count)
{
    int r0 = READ_ONCE(*pmd);
    int r1 = atomic_add_unless(count, 1, 0);
    int r2 = READ_ONCE(*pmd);
    int r3 = READ_ONCE(*pte);
}
P1(int *pmd, atomic_t *count)
{
    WRITE_ONCE(*pmd, 0);
    smp_mb();
    int r0 = atomic_read(count);
}
exists (0:r0=1 /\ 0:r1=1 /\ 0:r2=1 /\ 0:r3=1 /\ 1:r0=1)
""",
        (
            Line("int r0 = READ_ONCE(*pmd);", "gup_pmd_range", "mm/gup.c", "v6.1"),
            Line("int r2 = READ_ONCE(*pmd);", "gup_pte_range", "mm/gup.c", "v6.1"),
            Line("WRITE_ONCE(*pmd, 0);", "collapse_huge_page", "mm/khugepaged.c", "v6.1"),
            Line("smp_mb();", "pmdp_collapse_flush", "mm/pgtable-generic.c", "v6.1"),
            Line("int r0 = atomic_read(count);", "is_refcount_suitable", "mm/khugepaged.c", "v6.1"),
        ),
        {
            "before 70cbc3cc78a9": (
                ("    int r2 = READ_ONCE(*pmd);\n", ""),
                (r"0:r2=1 /\ ", ""),
            )
        },
    ),
}
