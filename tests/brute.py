"""A second, simpler way to find what threads can do, to hold the explorer against.

It shares nothing with it: no automaton, no numbering, no layers.  Every schedule is run from the
beginning on fresh generators, and a state is the machine with the lines and local variables of
every generator.
"""


def run(machine, functions, schedule, stopped):
    """Run fresh generators along `schedule`: (state, steps taken), or None if it cannot be."""
    running = [function() for function in functions]
    waiting, done = [_next(generator, None) for generator in running], []
    for thread in schedule:
        if waiting[thread][0] != "at" or stopped(machine):
            return None
        effect = waiting[thread][1].take(machine)
        if not hasattr(effect, "machine"):
            return None
        done.append((thread, machine, waiting[thread][1], effect.machine))
        machine = effect.machine
        if not stopped(machine):
            waiting[thread] = _next(running[thread], effect.result)
    where = tuple(
        _frames(generator) if state == "at" else (state, value)
        for generator, (state, value) in zip(running, waiting, strict=True)
    )
    return (machine, where), done


def states(machine, functions, stopped=lambda machine: False):
    """Return {state: a shortest schedule to it} and {state: the states one step later}."""
    first, _ = run(machine, functions, (), stopped)
    shortest, after, queue = {first: ()}, {}, [first]
    for state in queue:
        after[state] = []
        for thread in range(len(functions)):
            schedule = (*shortest[state], thread)
            if outcome := run(machine, functions, schedule, stopped):
                after[state].append(outcome[0])
                if outcome[0] not in shortest:
                    shortest[outcome[0]] = schedule
                    queue.append(outcome[0])
    return shortest, after


def schedules(machine, functions, stopped=lambda machine: False):
    """Yield every schedule that can be taken, short and long; only for loop-free threads."""
    queue = [()]
    for schedule in queue:
        if outcome := run(machine, functions, schedule, stopped):
            yield schedule, *outcome
            queue += [(*schedule, thread) for thread in range(len(functions))]


def _next(generator, result):
    try:
        return "at", generator.send(result)
    except StopIteration as end:
        return "ended", end.value


def _frames(generator):
    frames = []
    while generator is not None:
        frame = generator.gi_frame
        frames.append((frame.f_code.co_name, frame.f_lineno, tuple(frame.f_locals.items())))
        generator = generator.gi_yieldfrom
    return tuple(frames)
