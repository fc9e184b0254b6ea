"""The kernel: page tables, struct pages, a device, and those who use, unmap and remove them.

It knows steps and rules, and nothing of searching.  `pte`, `objects`, `tables`, `machine` and
`start` are the machine, and `steps` what can be done to it; `gup`, `fault`, `users`, `unmap` and
`device` are threads, and so are `huge`, where page tables and huge pages change under a walk, and
`fork`.  `design` says which protections are on and in which order things are done, `rules` what
must be so, `things` how objects are put into words, `picture` how it all is drawn and `own` what
in a machine is a CPU's own.  `percpu_ref` is a small model of its own.
"""

from . import lines, own, picture, rules

# With them come the kernel's lines, what is a CPU's own, pictures, and rules.
__all__ = ["lines", "own", "picture", "rules"]
