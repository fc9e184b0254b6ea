"""The checker: threads become automata, every schedule is tried, rules are judged.

It knows nothing of pages.  `thread` makes an automaton of a generator, written as `source`
allows; `step` and `machine` say what steps and machines are; `explore` finds every state, `paths`
and `outcomes` read schedules off them; `rule`, `scenario` and `verdict` ask and answer; `replay`
plays one schedule.
"""
