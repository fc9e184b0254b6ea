"""Read a litmus test as the kernel writes it: the part of herd7's C that a `Litmus` can say.

That is: READ_ONCE() and WRITE_ONCE(), acquire and release, atomic_*(), xchg() and cmpxchg(), the
barriers, RCU, pointers, `if`, and arithmetic on registers.  A parameter of a thread is a location,
every other name a register.  What is left out is refused by its name: locks, SRCU, plain accesses,
loops.  See tools/memory-model/litmus-tests of the kernel for what such tests look like.
"""

from __future__ import annotations

import re
from typing import Any

from .litmus import (
    ACQUIRE,
    HIDDEN,
    LOCK,
    MB,
    NORETURN,
    ONCE,
    RELEASE,
    RMW,
    SYNC,
    UNLOCK,
    Expression,
    Fence,
    If,
    Let,
    Litmus,
    Operation,
    Place,
    Read,
    Write,
)

TOKEN = re.compile(r'\s+|(\d+:\w+|\w+|/\\|\\/|"[^"]*"|[=!<>]=|&&|\|\||[^\s\w])')
COMMENT = re.compile(r"(?<!\w)\(\*.*?\*\)|/\*.*?\*/|//[^\n]*", re.S)
BINARY: tuple[dict[str, str], ...] = (  # the loosest first
    {"||": "||", "\\/": "||"},
    {"&&": "&&", "/\\": "&&"},
    {"|": "|"},
    {"^": "^"},
    {"&": "AND"},
    {"==": "==", "!=": "!=", "=": "=="},
    {"<": "<", "<=": "<=", ">": ">", ">=": ">="},
    {"+": "+", "-": "-"},
    {"*": "*"},
)

FENCES = {
    **{"smp_mb": MB, "smp_rmb": "rmb", "smp_wmb": "wmb", "barrier": None},
    **{"smp_mb__before_atomic": "before-atomic", "smp_mb__after_atomic": "after-atomic"},
    **{"rcu_read_lock": LOCK, "rcu_read_unlock": UNLOCK},
    **{"synchronize_rcu": SYNC, "synchronize_rcu_expedited": SYNC},
}
READS = {
    **{"READ_ONCE": ONCE, "atomic_read": ONCE, "rcu_dereference": ONCE},
    **{"smp_load_acquire": ACQUIRE, "atomic_read_acquire": ACQUIRE},
}
WRITES = {
    **{"WRITE_ONCE": ONCE, "atomic_set": ONCE, "smp_store_mb": ONCE},
    **{"smp_store_release": RELEASE, "atomic_set_release": RELEASE, "rcu_assign_pointer": RELEASE},
}
ORDER = r"(?:_(relaxed|acquire|release))?"
ARITHMETIC = re.compile(rf"atomic_(fetch_)?(add|sub|inc|dec)(_return)?(_and_test)?{ORDER}")
EXCHANGE = re.compile(rf"(?:atomic_)?(xchg|cmpxchg){ORDER}")
UNLESS = re.compile(r"atomic_(?:(fetch_)?add_unless|(inc_not_zero))")


class LitmusError(ValueError):
    """A text that cannot be read as a litmus test; the message says what stands in the way."""


def litmus(text: str) -> Litmus:
    """Read a litmus test from C.

    text  as in the kernel's tools/memory-model/litmus-tests: a name, the start, the threads, and
          `exists`, `~exists` or `forall`

    Raises LitmusError for what it does not understand.
    """
    return _Reader(text).test()


class _Reader:
    """Reads tokens one after another; operations gather in `done` as they are met."""

    def __init__(self, text: str) -> None:
        self.text = text
        plain = COMMENT.sub(" ", text)
        self.tokens = [t for t in (m[1] for m in TOKEN.finditer(plain)) if t]
        self.at = 0
        self.locations: set[str] = set()
        self.done: list[Operation] = []
        self.fresh = 0

    def peek(self, ahead: int = 0) -> str:
        at = self.at + ahead
        return self.tokens[at] if at < len(self.tokens) else ""

    def take(self, *expected: str) -> str:
        """Return the next token, which is one of those expected, if any are named."""
        token = self.peek()
        if not token or (expected and token not in expected):
            near = " ".join(self.tokens[max(0, self.at - 5) : self.at + 3])
            wanted = " or ".join(expected) or "something"
            raise LitmusError(f"Expected {wanted} and found {token or 'the end'}, near: {near}")
        self.at += 1
        return token

    def test(self) -> Litmus:
        self.take("C")
        name = ""
        while self.peek() not in ("{", ""):  # a name may have any sign in it; a remark is in quotes
            name += "" if self.peek().startswith('"') else self.peek()
            self.take()
        start = self.start()
        threads = []
        while re.fullmatch(r"P\d+", self.peek()):
            threads.append(self.thread())
        if self.peek() in ("locations", "filter"):
            if self.take() == "filter":
                raise LitmusError("A filter is not understood.")
            while self.take() != "]":
                pass
        asked, way = None, "exists"
        if self.peek():
            negated = self.peek() == "~"
            self.at += negated
            way = ("~" if negated else "") + self.take("exists", "forall")
            asked = self.expression(condition=True)
        if self.peek():
            raise LitmusError(f"Expected the end and found {self.peek()}.")
        first = re.search(r"^C\s+(\S+)", COMMENT.sub(" ", self.text), re.M)
        return Litmus(first[1] if first else name, threads, start, asked, way, self.text)

    def start(self) -> dict[str, Any]:
        """Read what the locations hold at the start."""
        found: dict[str, Any] = {}
        self.take("{")
        while self.peek() != "}":
            words = []
            while self.peek() not in (";", "}"):
                words.append(self.take())
            if self.peek() == ";":
                self.take()
            if "=" in words:
                at = words.index("=")
                name = next(w for w in reversed(words[:at]) if re.fullmatch(r"\w+|\d+:\w+", w))
                value = next(w for w in reversed(words[at:]) if re.fullmatch(r"\w+", w))
                number = re.fullmatch(r"\d+", value)
                found[name] = int(value) if number else f"&{value}"
                found[name] = -found[name] if number and "-" in words[at:] else found[name]
        self.take("}")
        return found

    def thread(self) -> tuple[Operation, ...]:
        self.take()
        self.take("(")
        self.locations = set()
        while (token := self.take()) != ")":
            if self.peek() in (",", ")"):
                self.locations.add(token)
        return self.block()

    def block(self) -> tuple[Operation, ...]:
        """Read a statement, or those in braces, and return its operations."""
        outer, self.done = self.done, []
        if self.peek() == "{":
            self.take()
            while self.peek() != "}":
                self.statement()
            self.take("}")
        else:
            self.statement()
        found, self.done = tuple(self.done), outer
        return found

    def statement(self) -> None:
        if self.peek() == "if":
            self.take()
            if self.peek() != "(":
                self.take("(")
            test = self.operand(condition=False)
            then = self.block()
            other: tuple[Operation, ...] = ()
            if self.peek() == "else":
                self.take()
                other = self.block()
            self.done.append(If(test, then, other))
            return
        if self.peek() in ("while", "for", "do", "goto", "return"):
            raise LitmusError(f"{self.peek()} is not understood: a thread goes straight on.")
        typed = False
        while re.fullmatch(r"\w+", self.peek()) and re.fullmatch(r"\w+|\*", self.peek(1)):
            typed = True
            self.take()
        while typed and self.peek() == "*":
            self.take()
        if self.peek() == "*":
            raise LitmusError(
                "A plain access is not understood: write READ_ONCE() or WRITE_ONCE()."
            )
        if self.peek(1) == "=":
            register = self.take()
            self.take("=")
            self.let(register, self.expression())
        elif typed:
            while self.take() != ";":
                pass
            return
        elif self.peek() != ";":
            self.expression()
        self.take(";")

    def let(self, register: str, value: Expression) -> None:
        """Give a register a value; if that is what was read last, let it be read there."""
        last = self.done[-1] if self.done else None
        if isinstance(last, (Read, RMW)) and last.register == value != "":
            self.done[-1] = last._replace(register=register)
        else:
            self.done.append(Let(register, value))

    def expression(self, level: int = 0, condition: bool = False) -> Expression:
        if level == len(BINARY):
            return self.operand(condition)
        left = self.expression(level + 1, condition)
        while self.peek() in BINARY[level]:
            sign = BINARY[level][self.take()]
            left = (sign, left, self.expression(level + 1, condition))
        return left

    def operand(self, condition: bool) -> Expression:
        token = self.take()
        if token == "(":
            if self.is_type():  # a cast
                while self.take() != ")":
                    pass
                return self.operand(condition)
            inside = self.expression(0, condition)
            self.take(")")
            return inside
        if token in ("!", "~"):
            return ("!", self.operand(condition))
        if token == "-":
            return ("-", 0, self.operand(condition))
        if token == "&":
            return ("&", self.take())
        if token == "[" and condition:
            name = self.take()
            self.take("]")
            return name
        if token == "*":
            raise LitmusError(
                "A plain access is not understood: write READ_ONCE() or WRITE_ONCE()."
            )
        if token.isdigit():
            return int(token)
        if self.peek() == "(" and not condition:
            return self.call(token)
        if condition:  # on the right of "=" a location is its address
            right = self.tokens[self.at - 2] in ("=", "!=", "==") and ":" not in token
            return ("&", token) if right else token
        return ("&", token) if token in self.locations else token

    def is_type(self) -> bool:
        """Does the name of a type come next?"""
        return bool(re.fullmatch(r"int|long|unsigned|struct|void|\w+_t", self.peek()))

    def call(self, name: str) -> Expression:
        self.take("(")
        given: list[Any] = []
        while self.peek() != ")":
            given.append(self.place() if self.is_place(name, len(given)) else self.expression())
            if self.peek() == ",":
                self.take()
        self.take(")")
        if name in FENCES:
            self.done += [Fence(kind)] if (kind := FENCES[name]) else []
            return 0
        if name in READS:
            return self.receives(lambda register: Read(register, given[0], READS[name]))
        if name in WRITES:
            self.done.append(Write(given[0], given[1], WRITES[name]))
            self.done += [Fence(MB)] if name == "smp_store_mb" else []
            return 0
        return self.receives(lambda register: _rmw(name, register, given))

    def is_place(self, name: str, number: int) -> bool:
        """Is that argument of a function where it reads or writes?"""
        if name in READS or name in WRITES or EXCHANGE.fullmatch(name) or UNLESS.fullmatch(name):
            return number == 0
        kind = ARITHMETIC.fullmatch(name)
        return bool(kind) and number == (1 if kind and kind[2] in ("add", "sub") else 0)

    def place(self) -> Place:
        """Read where something is read or written: *x, x or &x, perhaps with a cast."""
        while self.peek() in ("*", "&", "("):
            if self.take() == "(":
                if not self.is_type():
                    place = self.place()
                    self.take(")")
                    return place
                while self.take() != ")":
                    pass
        name = self.take()
        return name if name in self.locations else ("*", name)

    def receives(self, make: Any) -> Expression:
        """Add an operation whose result goes to a register of its own, and return that."""
        self.fresh += 1
        register = f"{HIDDEN}{self.fresh}"
        operation = make(register)
        self.done.append(operation)
        return operation.register


def _rmw(name: str, register: str, given: list[Any]) -> RMW:
    """Return the read-modify-write that a function of the kernel stands for."""
    if kind := UNLESS.fullmatch(name):
        more, unless = (1, 0) if kind[2] else given[1:]
        test = ("!=", "old", unless)
        return RMW(register, given[0], ("+", "old", more), MB, test, "old" if kind[1] else test)
    if kind := EXCHANGE.fullmatch(name):
        order = {"relaxed": ONCE, None: MB}.get(kind[2], kind[2])
        if kind[1] == "xchg":
            return RMW(register, given[0], given[1], order)
        return RMW(register, given[0], given[2], order, ("==", "old", given[1]))
    kind = ARITHMETIC.fullmatch(name)
    if not kind:
        raise LitmusError(f"{name}() is not understood.")
    fetch, does, returns, tests, order = kind.groups()
    *more, place = given if does in ("add", "sub") else (1, *given)
    new = ("+" if does in ("add", "inc") else "-", "old", *more)
    if not (fetch or returns or tests):
        return RMW("", place, new, NORETURN)
    gives = "old" if fetch else ("==", new, 0) if tests else new
    return RMW(register, place, new, {"relaxed": ONCE, None: MB}.get(order, order), 1, gives)
