/*
 * Direct I/O on a mapped DAX file against unbind of the pmem driver, in Promela.
 *
 * A model of its own: nothing of it is made from gupcore's, so that the two can contradict each
 * other.  The buffer is one page.  One action is what nobody can come between: an access to shared
 * memory, an atomic read-modify-write, or a section under a lock that the kernel holds there.  Each
 * is one d_step:
 *
 *   direct_io      iov_iter_get_pages(), bio_release_pages()
 *     FAST_...     lockless_pages_from_mm() and gup_pte_range(), mm/gup.c
 *     SLOW_...     __get_user_pages() and follow_page_pte(), mm/gup.c
 *     FAULT_...    handle_pte_fault(), mm/memory.c; dax_iomap_pte_fault(), fs/dax.c
 *     IO_...       submit_bio(), bio_endio(), put_page()
 *   unbind         unbind_store(), drivers/base/bus.c; the devm actions of drivers/nvdimm/pmem.c;
 *                  memunmap_pages(), mm/memremap.c
 *
 * The places of direct_io are a byte of their own, not Promela's: a place that Promela passes
 * between two actions would be a state that no kernel is in.
 *
 * Choose with -D:
 *   DESIGN   the name of a design, with _ for every other sign (v5_11)
 *   CALLERS  how many CPUs do direct I/O: any number up to 8
 *   ABSENT   1: the mapping has not been touched yet
 *   WRITE    1: the I/O writes its buffer
 *   CHECK    0: gup-fast does not look at the dev_pagemap, whatever the design says
 *   SECOND_LOOK  0: gup-fast does not read the PTE again after it has taken its reference
 *   TWO_STEPS  1: finding a dev_pagemap and taking a reference on it are two actions
 *   SHOWS    0: do not print states, which takes most of the time where there are many
 *
 * The assertions are the rules; a run goes on after a broken one, except that who touches a struct
 * page that is gone stops the machine (`oops`).  The rule that everyone can finish is no assertion
 * and no formula of linear time: it asks of every state what can still happen.  So each action
 * prints the state before it and the state after it, which a verifier made with -DPRINTF shows, and
 * who reads that can see what can be reached from where.
 *
 * Every variable is part of the state, also those that only print and those that nobody reads again
 * (spin -o1 -o2); so a state is the same as in gupcore when actions and what is remembered are.
 */

#ifndef DESIGN
#define DESIGN v5_11
#endif
#ifndef CALLERS
#define CALLERS 1
#endif
#ifndef ABSENT
#define ABSENT 0
#endif
#ifndef WRITE
#define WRITE 0
#endif
#ifndef SECOND_LOOK
#define SECOND_LOOK 1
#endif
#ifndef TWO_STEPS
#define TWO_STEPS 0
#endif
#ifndef SHOWS
#define SHOWS 1
#endif
#if CALLERS < 1 || CALLERS > 8
#error "CALLERS is 1 to 8: of each CPU there is a bit in a byte"
#endif

#define no_check 1
#define v5_11 2
#define cure 3
#define both 4
#define march_2021 5
#define device_dax 6
#define v6_1 7
#define xfs_v6_8 8
#define v6_15 9
#define v5_11_preemptible 10
#define cure_no_serialise 11
#define kill_first_no_serialise 12
#define kill_first_ipi 13
#define cure_no_drain 14
#define unmap_first 15
#define cure_no_wait 16
#define v5_11_clean 17
#define v6_1_clean 18
#define cure_clean 19
#define cure_clean_early 20
#define cure_ipi 21
#define cure_on_v6_1 22

#if DESIGN < 1 || DESIGN > 22
#error "there is no such design"
#endif

/* The cure and its relatives: no check in gup-fast; mostly a TLB flush that waits for nobody. */
#define CURED (DESIGN == cure || DESIGN == cure_ipi || DESIGN == cure_on_v6_1 || DESIGN == both \
  || DESIGN == cure_no_serialise || DESIGN == kill_first_no_serialise || DESIGN == kill_first_ipi \
  || DESIGN == cure_no_drain || DESIGN == unmap_first || DESIGN == cure_no_wait \
  || DESIGN == cure_clean || DESIGN == cure_clean_early)

#ifndef CHECK
#if DESIGN == both
#define CHECK 1
#elif CURED || DESIGN == no_check || DESIGN == march_2021
#define CHECK 0
#else
#define CHECK 1
#endif
#endif

#if CURED && DESIGN != cure_ipi && DESIGN != kill_first_ipi
#define IPI_FLUSH 0
#else
#define IPI_FLUSH 1
#endif

/* A DAX fault may be preempted between its frame and its touch of the struct page. */
#define PREEMPTIBLE (DESIGN == v5_11_preemptible)
/* A mapping holds a reference on its page, and its PTE is a normal one: not devmap. */
#define COUNTED (DESIGN == v6_15)

/* The PTE: only what is asked about it. */
#define NONE 0
#define READ_ONLY 1
#define WRITABLE 2
#define permits(entry) (entry == WRITABLE || (entry == READ_ONLY && !WRITE))

/* What the DAX device and the filesystem before it answer a fault. */
#define ANSWERS 0
#define FROZEN 1
#define REFUSES 2

/* ---- Shared by all CPUs ---- */

byte pte = (ABSENT -> NONE : WRITABLE);
byte page_count = (COUNTED -> !ABSENT : 1);  /* page->_refcount; an idle v5.11 DAX page has 1 */
bit memmap = 1;           /* is the struct page there? */
bit page_mapping = !ABSENT;  /* page->mapping: was it ever faulted in? */
byte pgmap_refs = 2;      /* its own reference, and that of its one struct page */
bit pgmap_dying = 0;
bit pgmap_listed = 1;     /* does pgmap_array find it? */
byte device = ANSWERS;
bit bound = 1;            /* has the write to `unbind` not returned yet? */
bit told_clean = 0;       /* does the device believe that nothing writes any more? */
bit oops = 0;

bit page_table_lock = 0;
bit fs_lock = 0;          /* the filesystem's lock, held to write; a fault holds it to read ... */
bit fault_in_flight = 0;  /* ... and the DAX entry of the page, so that there is one at a time */

/* ---- Of the CPUs that do direct I/O: a bit each ---- */

byte irqs_off = 0;
byte no_preempt = 0;
byte owes_rcu = 0;        /* synchronize_rcu() waits for these CPUs */
byte owes_kill = 0;       /* so does the grace period that percpu_ref_kill() began */
byte owes_flush = 0;      /* so does a TLB flush: the interrupt is pending */

byte at[CALLERS];         /* where each is */
byte saw[CALLERS];        /* the PTE it has read, for as long as it keeps it */
byte fault[CALLERS];      /* what handle_mm_fault() last answered __get_user_pages() */

/* ---- Of the CPU that unbinds ---- */

byte unbind_at = 0;       /* how many actions are behind it */
byte zapped = NONE;       /* the PTE that unmap_mapping_range() found, until the flush is over */

/* Answers of a fault. */
#define NO_FAULT 0
#define NOTHING_TO_DO 1
#define VM_FAULT_NOPAGE 2
#define VM_FAULT_SIGBUS 3

/* Places. */
#define FAST_IRQ_SAVE 0
#define FAST_PMD 1
#define FAST_PTE 2
#define FAST_XA_LOAD 3
#define FAST_TRYGET 4
#define FAST_GRAB 5
#define FAST_LOOK_AGAIN 6
#define FAST_PUT_PAGE 7
#define FAST_UNGRABBED_PUT_PGMAP 8
#define FAST_CHANGED_PUT_PGMAP 9
#define FAST_PINNED_PUT_PGMAP 10
#define FAST_IRQ_RESTORE 11
#define FAST_PINNED_IRQ_RESTORE 12
#define SLOW_MMAP_LOCK 20
#define SLOW_LOCK_PTE 21
#define SLOW_XA_LOAD 22
#define SLOW_TRYGET 23
#define SLOW_GRAB 24
#define SLOW_UNLOCK_NO_PAGE 25
#define SLOW_UNLOCK_NO_MEMORY 26
#define SLOW_UNLOCK_PAGE 27
#define SLOW_NO_MEMORY_PUT_PGMAP 28
#define SLOW_PAGE_PUT_PGMAP 29
#define SLOW_MMAP_UNLOCK_FAULTED 30
#define SLOW_MMAP_UNLOCK_NO_MEMORY 31
#define SLOW_MMAP_UNLOCK_PAGE 32
#define FAULT_LOOK 40
#define FAULT_FRAME 41
#define FAULT_ASSOCIATE 42
#define FAULT_SET_PTE 43
#define IO_SUBMIT 50
#define IO_END 51
#define IO_PUT_PAGE 52
#define DONE 60
#define EFAULT 61
#define ENOMEM 62

/* ---- Rules ---- */

#define STRUCT_PAGE_EXISTS assert(memmap)
#define DMA_LANDS assert(bound)
#define NO_STALE_MAPPING assert(pte == NONE || bound)
#define CLEAN_NO_STORE assert(!told_clean || pte != WRITABLE)
#define CLEAN_NO_DMA assert(!told_clean || !WRITE)

/* ---- Print a state: first whether the run may end there, then all of it ---- */

#if SHOWS
hidden byte cpu;          /* no part of a state */
hidden byte all_done;
#define SHOW(mark) \
  cpu = 0; all_done = !bound; \
  do :: cpu < CALLERS -> all_done = all_done && DONE <= at[cpu]; cpu++ :: else -> break od; \
  printf(mark); printf(" %d", oops || all_done); \
  printf(" %d %d %d %d %d %d %d %d", unbind_at, zapped, oops, pte, page_count, memmap, \
    page_mapping, pgmap_refs); \
  printf(" %d %d %d %d %d %d %d %d", pgmap_dying, pgmap_listed, device, bound, told_clean, \
    page_table_lock, fs_lock, fault_in_flight); \
  printf(" %d %d %d %d %d", irqs_off, no_preempt, owes_rcu, owes_kill, owes_flush); \
  cpu = 0; \
  do \
  :: cpu < CALLERS -> printf(" / %d %d %d", at[cpu], saw[cpu], fault[cpu]); cpu++ \
  :: else -> break \
  od; \
  printf("\n")
#else
#define SHOW(mark) skip
#endif

/* ---- Parts of actions ---- */

#define me _pid
#define i_am(what) what = what | (1 << me)
#define i_am_not(what) what = what & ~(1 << me)
#define forget(what) what = 0

/* An action of direct_io: at this place, when this is so. */
#define AT(place, free) d_step { !oops && at[me] == place && (free) -> SHOW("from")
#define END SHOW("to") }

/* Touch the struct page: if it is gone the machine stops and the rest does not happen. */
#define TOUCH STRUCT_PAGE_EXISTS; if :: !memmap -> oops = 1 :: else ->
#define TOUCHED fi

/* put_page(): with its last reference a v5.11 DAX page gives back the pgmap's. */
#define PUT_PAGE \
  page_count--; \
  if :: page_count == 0 && !COUNTED -> pgmap_refs-- :: else fi

/*
 * get_dev_pagemap(): find it by frame number, and take a reference unless its ref was killed.  The
 * two are in one RCU section; whether it makes a difference to take them apart can be tried.
 */
#if TWO_STEPS
#define FAST_GET_PGMAP FAST_XA_LOAD
#define SLOW_GET_PGMAP SLOW_XA_LOAD
#define GETS_PGMAP !pgmap_dying
#else
#define FAST_GET_PGMAP FAST_TRYGET
#define SLOW_GET_PGMAP SLOW_TRYGET
#define GETS_PGMAP (pgmap_listed && !pgmap_dying)
#endif

#define RETURN_FROM_FAULT(answer) fault[me] = answer; forget(saw[me])

active [CALLERS] proctype direct_io() {
end:
  do
  /* lockless_pages_from_mm(): with interrupts off nobody's grace period ends under the walk. */
  :: AT(FAST_IRQ_SAVE, true);
       i_am(irqs_off); at[me] = FAST_PMD;
     END
  :: AT(FAST_PMD, true);
       at[me] = FAST_PTE;
     END
  :: AT(FAST_PTE, true);
       if
       :: !permits(pte) -> at[me] = FAST_IRQ_RESTORE
       :: else ->
            saw[me] = pte;
            at[me] = (CHECK && !COUNTED -> FAST_GET_PGMAP : FAST_GRAB)
       fi;
     END
  :: AT(FAST_XA_LOAD, true);
       if
       :: pgmap_listed -> at[me] = FAST_TRYGET
       :: else -> forget(saw[me]); at[me] = FAST_IRQ_RESTORE
       fi;
     END
  :: AT(FAST_TRYGET, true);
       if
       :: GETS_PGMAP -> pgmap_refs++; at[me] = FAST_GRAB
       :: else -> forget(saw[me]); at[me] = FAST_IRQ_RESTORE
       fi;
     END
  :: AT(FAST_GRAB, true);
       TOUCH
         if
         :: page_count > 0 ->
              page_count++;
              if
              :: SECOND_LOOK -> at[me] = FAST_LOOK_AGAIN
              :: !SECOND_LOOK && CHECK && !COUNTED -> at[me] = FAST_PINNED_PUT_PGMAP
              :: else -> forget(saw[me]); at[me] = FAST_PINNED_IRQ_RESTORE
              fi
         :: page_count == 0 && CHECK && !COUNTED -> at[me] = FAST_UNGRABBED_PUT_PGMAP
         :: else -> forget(saw[me]); at[me] = FAST_IRQ_RESTORE
         fi
       TOUCHED;
     END
  :: AT(FAST_LOOK_AGAIN, true);
       if
       :: pte != saw[me] -> at[me] = FAST_PUT_PAGE
       :: pte == saw[me] && CHECK && !COUNTED -> at[me] = FAST_PINNED_PUT_PGMAP
       :: else -> forget(saw[me]); at[me] = FAST_PINNED_IRQ_RESTORE
       fi;
     END
  :: AT(FAST_PUT_PAGE, true);
       TOUCH
         PUT_PAGE;
         if
         :: CHECK && !COUNTED -> at[me] = FAST_CHANGED_PUT_PGMAP
         :: else -> forget(saw[me]); at[me] = FAST_IRQ_RESTORE
         fi
       TOUCHED;
     END
  :: AT(FAST_UNGRABBED_PUT_PGMAP, true);
       pgmap_refs--; forget(saw[me]); at[me] = FAST_IRQ_RESTORE;
     END
  :: AT(FAST_CHANGED_PUT_PGMAP, true);
       pgmap_refs--; forget(saw[me]); at[me] = FAST_IRQ_RESTORE;
     END
  :: AT(FAST_PINNED_PUT_PGMAP, true);
       pgmap_refs--; forget(saw[me]); at[me] = FAST_PINNED_IRQ_RESTORE;
     END
  /* Grace periods go on, and a pending flush is answered. */
  :: AT(FAST_IRQ_RESTORE, true);
       i_am_not(irqs_off); i_am_not(owes_rcu); i_am_not(owes_kill); i_am_not(owes_flush);
       at[me] = SLOW_MMAP_LOCK;
     END
  :: AT(FAST_PINNED_IRQ_RESTORE, true);
       i_am_not(irqs_off); i_am_not(owes_rcu); i_am_not(owes_kill); i_am_not(owes_flush);
       at[me] = IO_SUBMIT;
     END

  /* __get_user_pages(): nobody takes mmap_lock to write here, so nobody waits for it. */
  :: AT(SLOW_MMAP_LOCK, true);
       at[me] = SLOW_LOCK_PTE;
     END
  :: AT(SLOW_LOCK_PTE, !page_table_lock);
       page_table_lock = 1;
       saw[me] = pte;
       if
       :: !permits(pte) -> at[me] = SLOW_UNLOCK_NO_PAGE
       :: else -> at[me] = (COUNTED -> SLOW_GRAB : SLOW_GET_PGMAP)
       fi;
     END
  :: AT(SLOW_XA_LOAD, true);
       at[me] = (pgmap_listed -> SLOW_TRYGET : SLOW_UNLOCK_NO_PAGE);
     END
  :: AT(SLOW_TRYGET, true);
       if
       :: GETS_PGMAP -> pgmap_refs++; at[me] = SLOW_GRAB
       :: else -> at[me] = SLOW_UNLOCK_NO_PAGE
       fi;
     END
  :: AT(SLOW_GRAB, true);
       TOUCH
         if
         :: page_count > 0 -> page_count++; at[me] = SLOW_UNLOCK_PAGE
         :: else -> at[me] = SLOW_UNLOCK_NO_MEMORY
         fi
       TOUCHED;
     END
  /* No page: fault it in and ask again, as often as it takes. */
  :: AT(SLOW_UNLOCK_NO_PAGE, true);
       page_table_lock = 0; forget(saw[me]); at[me] = FAULT_LOOK;
     END
  :: AT(SLOW_UNLOCK_NO_MEMORY, true);
       page_table_lock = 0; forget(saw[me]);
       at[me] = (COUNTED -> SLOW_MMAP_UNLOCK_NO_MEMORY : SLOW_NO_MEMORY_PUT_PGMAP);
     END
  :: AT(SLOW_UNLOCK_PAGE, true);
       page_table_lock = 0; forget(saw[me]);
       at[me] = (COUNTED -> SLOW_MMAP_UNLOCK_PAGE : SLOW_PAGE_PUT_PGMAP);
     END
  :: AT(SLOW_NO_MEMORY_PUT_PGMAP, true);
       pgmap_refs--; at[me] = SLOW_MMAP_UNLOCK_NO_MEMORY;
     END
  :: AT(SLOW_PAGE_PUT_PGMAP, true);
       pgmap_refs--; at[me] = SLOW_MMAP_UNLOCK_PAGE;
     END
  :: AT(SLOW_MMAP_UNLOCK_FAULTED, true);
       forget(fault[me]); at[me] = EFAULT;
     END
  :: AT(SLOW_MMAP_UNLOCK_NO_MEMORY, true);
       forget(fault[me]); at[me] = ENOMEM;
     END
  :: AT(SLOW_MMAP_UNLOCK_PAGE, true);
       forget(fault[me]); at[me] = IO_SUBMIT;
     END

  /* handle_pte_fault(): with a PTE that permits the access nothing is wrong. */
  :: AT(FAULT_LOOK, true);
       if
       :: permits(pte) -> RETURN_FROM_FAULT(NOTHING_TO_DO); at[me] = SLOW_LOCK_PTE
       :: else -> saw[me] = pte; at[me] = FAULT_FRAME
       fi;
     END
  /* dax_direct_access(): a fault that is let in holds the filesystem's lock and the DAX entry. */
  :: AT(FAULT_FRAME,
        !fs_lock && !fault_in_flight && !(device == FROZEN && WRITE));
       if
       :: device == REFUSES ->
            RETURN_FROM_FAULT(VM_FAULT_SIGBUS); at[me] = SLOW_MMAP_UNLOCK_FAULTED
       :: else ->
            fault_in_flight = 1;
            if :: !PREEMPTIBLE -> i_am(no_preempt) :: else fi;
            at[me] = FAULT_ASSOCIATE
       fi;
     END
  /* dax_associate_entry(): the first fault of a page writes to its struct page. */
  :: AT(FAULT_ASSOCIATE, page_mapping);
       i_am_not(no_preempt); i_am_not(owes_rcu); i_am_not(owes_kill); at[me] = FAULT_SET_PTE;
     END
  :: AT(FAULT_ASSOCIATE, !page_mapping);
       TOUCH
         page_mapping = 1;
         i_am_not(no_preempt); i_am_not(owes_rcu); i_am_not(owes_kill); at[me] = FAULT_SET_PTE
       TOUCHED;
     END
  /* vmf_insert_mixed(): no reference is taken, unless mappings are counted. */
  :: AT(FAULT_SET_PTE, !page_table_lock && COUNTED && pte == NONE);
       TOUCH
         page_count++;
         pte = (WRITE -> WRITABLE : READ_ONLY);
         NO_STALE_MAPPING; CLEAN_NO_STORE;
         fault_in_flight = 0; RETURN_FROM_FAULT(VM_FAULT_NOPAGE); at[me] = SLOW_LOCK_PTE
       TOUCHED;
     END
  :: AT(FAULT_SET_PTE, !page_table_lock && !(COUNTED && pte == NONE));
       if
       :: pte == NONE ->
            pte = (WRITE -> WRITABLE : READ_ONLY);
            NO_STALE_MAPPING; CLEAN_NO_STORE
       :: pte == READ_ONLY && WRITE -> pte = WRITABLE; CLEAN_NO_STORE
       :: else
       fi;
       fault_in_flight = 0; RETURN_FROM_FAULT(VM_FAULT_NOPAGE); at[me] = SLOW_LOCK_PTE;
     END

  /* submit_bio(), bio_endio(), bio_release_pages(). */
  :: AT(IO_SUBMIT, true);
       DMA_LANDS; CLEAN_NO_DMA;
       at[me] = IO_END;
     END
  :: AT(IO_END, true);
       DMA_LANDS; CLEAN_NO_DMA;
       at[me] = IO_PUT_PAGE;
     END
  :: AT(IO_PUT_PAGE, true);
       TOUCH
         PUT_PAGE;
         at[me] = DONE
       TOUCHED;
     END
  od
}

/* ---- Unbind ---- */

/* An action of unbind: when this is so. */
#define WHEN(free) d_step { !oops && (free) -> SHOW("from")
#define NEXT unbind_at++; SHOW("to") }

/* kill_dax() */
inline kill_dax() {
  WHEN(true); device = REFUSES; NEXT
}

/* del_gendisk(): syncs the filesystem, which write-protects what is mapped. */
inline del_gendisk() {
  WHEN(!page_table_lock); if :: pte == WRITABLE -> pte = READ_ONLY :: else fi; NEXT
}

/* XFS, when it is told that its device goes: freeze first, and shut down in the end. */
inline freeze_fs() {
  WHEN(true); if :: device == ANSWERS -> device = FROZEN :: else fi; NEXT
}
inline shut_down_fs() {
  WHEN(true); device = REFUSES; NEXT
}

/* Take the filesystem's lock to write and let it go: who was in a fault is out of it. */
inline drain_faults() {
  WHEN(!fault_in_flight); fs_lock = 1; NEXT;
  WHEN(true); fs_lock = 0; NEXT
}

/* flush_tlb_mm_range() by interrupts; or a broadcast, which waits for no software walker. */
#if IPI_FLUSH
#define FLUSH_STEPS 2
inline flush_tlb() {
  WHEN(true); owes_flush = irqs_off; NEXT;
  WHEN(!owes_flush); forget(zapped); NEXT
}
#else
#define FLUSH_STEPS 1
inline flush_tlb() {
  WHEN(true); forget(zapped); NEXT
}
#endif

/* unmap_mapping_range() */
inline unmap_all_files() {
  WHEN(!page_table_lock); zapped = pte; pte = NONE; NEXT;
  flush_tlb()
}

/* memory_failure_dev_pagemap(): unmaps a page if its struct page knows its file. */
inline memory_failure() {
  if
  :: WHEN(!page_mapping); unbind_at = unbind_at + FLUSH_STEPS; NEXT
  :: WHEN(page_mapping && !fault_in_flight && !page_table_lock); zapped = pte; pte = NONE; NEXT;
     flush_tlb()
  fi
}

/* synchronize_rcu(): for those who are inside now, and for nobody who comes later. */
inline serialise_walkers() {
  WHEN(true); owes_rcu = irqs_off | no_preempt; NEXT;
  WHEN(!owes_rcu); NEXT
}

/* dev_pagemap_kill(): percpu_ref_kill() begins a grace period and drops the initial reference. */
inline dev_pagemap_kill() {
  WHEN(true); pgmap_dying = 1; pgmap_refs--; owes_kill = irqs_off | no_preempt; NEXT
}

/* Drop the reference each struct page was born with; or, from v6.1 on, theirs on the pgmap. */
inline put_pages() {
  WHEN(true); TOUCH PUT_PAGE TOUCHED; NEXT
}
inline drop_pages_in_bulk() {
  WHEN(true); pgmap_refs--; NEXT
}

/* dev_pagemap_cleanup(): the kill's grace period, then the last reference. */
inline dev_pagemap_cleanup() {
  WHEN(!owes_kill && pgmap_refs == 0); NEXT
}

inline arch_remove_memory() {
  WHEN(true); memmap = 0; page_count = 0; NEXT
}
inline pgmap_array_delete() {
  WHEN(true); pgmap_listed = 0; NEXT
}
inline mark_clean() {
  WHEN(true); told_clean = 1; CLEAN_NO_STORE; NEXT
}
inline detach_driver() {
  WHEN(true); bound = 0; NO_STALE_MAPPING; NEXT
}

active proctype unbind() {
#if DESIGN == no_check || DESIGN == v5_11 || DESIGN == v5_11_preemptible || DESIGN == v5_11_clean
  kill_dax(); del_gendisk();
  dev_pagemap_kill(); put_pages(); dev_pagemap_cleanup();
#elif DESIGN == v6_1 || DESIGN == v6_15 || DESIGN == v6_1_clean
  kill_dax(); del_gendisk();
  dev_pagemap_kill(); drop_pages_in_bulk(); dev_pagemap_cleanup();
#elif DESIGN == device_dax
  kill_dax(); drain_faults(); unmap_all_files();
  dev_pagemap_kill(); put_pages(); dev_pagemap_cleanup();
#elif DESIGN == xfs_v6_8
  freeze_fs(); drain_faults(); unmap_all_files(); shut_down_fs(); kill_dax(); del_gendisk();
  dev_pagemap_kill(); drop_pages_in_bulk(); dev_pagemap_cleanup();
#elif DESIGN == march_2021
  del_gendisk(); dev_pagemap_kill(); kill_dax(); memory_failure();
  put_pages(); dev_pagemap_cleanup();
#elif DESIGN == cure || DESIGN == cure_ipi || DESIGN == both || DESIGN == cure_clean
  kill_dax(); drain_faults(); unmap_all_files(); serialise_walkers(); del_gendisk();
  dev_pagemap_kill(); put_pages(); dev_pagemap_cleanup();
#elif DESIGN == cure_on_v6_1
  kill_dax(); drain_faults(); unmap_all_files(); serialise_walkers(); del_gendisk();
  dev_pagemap_kill(); drop_pages_in_bulk(); dev_pagemap_cleanup();
#elif DESIGN == cure_clean_early
  kill_dax(); drain_faults(); unmap_all_files(); serialise_walkers(); mark_clean(); del_gendisk();
  dev_pagemap_kill(); put_pages(); dev_pagemap_cleanup();
#elif DESIGN == cure_no_serialise
  kill_dax(); drain_faults(); unmap_all_files(); del_gendisk();
  dev_pagemap_kill(); put_pages(); dev_pagemap_cleanup();
#elif DESIGN == cure_no_drain
  kill_dax(); unmap_all_files(); serialise_walkers(); del_gendisk();
  dev_pagemap_kill(); put_pages(); dev_pagemap_cleanup();
#elif DESIGN == cure_no_wait
  kill_dax(); drain_faults(); unmap_all_files(); serialise_walkers(); del_gendisk();
  dev_pagemap_kill(); put_pages();
#elif DESIGN == kill_first_no_serialise || DESIGN == kill_first_ipi
  del_gendisk(); dev_pagemap_kill(); kill_dax(); drain_faults(); unmap_all_files();
  put_pages(); dev_pagemap_cleanup();
#elif DESIGN == unmap_first
  drain_faults(); unmap_all_files(); serialise_walkers(); kill_dax(); del_gendisk();
  dev_pagemap_kill(); put_pages(); dev_pagemap_cleanup();
#endif
  arch_remove_memory(); pgmap_array_delete();
#if DESIGN == v5_11_clean || DESIGN == v6_1_clean || DESIGN == cure_clean
  mark_clean();
#endif
  detach_driver();
end:
  false  /* a process that is gone would be one state more */
}
