"""The kernel: page tables, struct pages, a device, and those who use, unmap and remove them.

It knows steps and rules, and nothing of searching.  `pte`, `machine` and `start` are the machine,
and `steps` what can be done to it; `gup`, `fault`, `users`, `unmap` and `device` are threads;
`design` says which protections are on, `rules` what must be so, and `picture` how it all is drawn.
`percpu_ref` is a small model of its own.
"""

from . import picture, rules

__all__ = ["picture", "rules"]  # with them come the rules of a machine, and how it is drawn
