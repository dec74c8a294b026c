import gc
import sys
from array import array

import glue


def same(found, expected):
    if repr(found) != repr(expected):
        raise AssertionError("{!r} is not {!r}".format(found, expected))


def raises(error, text, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except error as caught:
        same(str(caught), text)
        return
    raise AssertionError("no {}".format(error))


bits = 64 if sys.maxsize > 1 << 32 else 32
same(glue.VERSION, 123)
same(glue.ints(5), (5, -5, -(1 << bits - 1), (1 << bits) - 1, 5, True))
same(glue.ints(-1)[4], (1 << bits) - 1)
if not glue.SOFT_FLOAT_CALLS:  # the packaged ARM port passes floats in registers that these modules do not know
    same(glue.half(5), 2.5)
    same(glue.half(0.5), 0.25)
    same(glue.floats(), [0.5, -2.25, -1.75])
for thing in ("text", b"", bytearray(), (), [1], {}, None, True, 1 << 70, 3, int):
    same(glue.kind(thing), type(thing).__name__)
same(glue.kind(1.5), "other")
same(glue.upper("text"), b"TEXT")
data = bytearray(b"abc")
assert glue.upper(data) is data
same(data, bytearray(b"ABC"))
raises(TypeError, "object with buffer protocol required", glue.upper, 5)
same(
    glue.containers("k", 2, 3.0),
    (("k", 2, 3.0), [3.0, 2, 3.0], {"k": 2, "last_one": 2}, bytearray(b"\1\2\3"), (2, 3.0)),
)
same(glue.total(range(101)), 5050)
same(glue.total((1, 2), 0.5), 3.5)
same(glue.total(x for x in [1 << 80, 1]), (1 << 80) + 1)
raises(TypeError, "'int' object isn't iterable", glue.total, 5)
raises(TypeError, "function missing 1 required positional arguments", glue.total)
same(glue.apply(lambda *words: "".join(words), "ab", "c"), ("abc", True, 3, False, False, True))
same(glue.keywords(1), (1, 2, None, False))
same(glue.keywords(1, 5, d=1, c="c"), (1, 5, "c", True))
same(glue.keywords("a", b=7), ("a", 7, None, False))
for number, error, text in (
    (0, ValueError, "zero"),
    (1, TypeError, "one"),
    (2, NotImplementedError, "two"),
    (3, OSError, "[Errno 3] ESRCH"),
    (4, KeyError, "four"),
    (5, ZeroDivisionError, "five"),
    (6, EOFError, ""),
    (7, IndexError, "seven and -7"),
):
    try:
        glue.fail(number)
    except error as caught:
        if number != 3:
            same(str(caught), text)
        assert type(caught) is error
    else:
        raise AssertionError(number)
raises(MemoryError, "memory allocation failed", glue.fail, 8)
same(glue.fail(9), None)
same(glue.memory(), bytearray(b"\0\0\0\7"))
glue.say("world")
class Anything:
    pass


same(glue.imports(Anything), (sys.maxsize, sys.byteorder))
same(Anything.glue_was_here, True)
same(glue.array_sum(array("h", (1, -2, 30))), 29)
same(glue.array_sum(array("d", (1.5, 2))), 3.5)
same(glue.count_args(1, 2, 3), (3, 0))
same(glue.count_args(x=1), (0, 1))

down = glue.Countdown(count=4)
same(down, glue.Countdown(4))
same(str(down), "4 left")
same((len(down), bool(down), bool(glue.Countdown(0)), down.left, down[1]), (4, True, False, 4, 3))
raises(IndexError, "out of range", lambda: down[4])
same(down(2).left, 6)
down.left = 3
same(list(down), [3, 2, 1])
same(glue.Countdown() - 1, glue.Countdown(2))
raises(glue.CountdownError, "cannot count down from below zero", glue.Countdown, -1)
assert issubclass(glue.CountdownError, Exception)
down(5)
same(down.read(2), b"\5\4")
same(down.write(b"xy"), 2)
buffer = bytearray(9)
same((down.readinto(buffer), buffer), (5, bytearray(b"\5\4\3\2\1\0\0\0\0")))
try:
    down.write(b"12345")
    raise AssertionError("write did not fail")
except OSError as caught:
    same(caught.errno, 28)
same(len(down(7).reset()), 0)


class Derived(glue.Countdown):
    def twice(self):
        return 2 * self.left


same(Derived(4).twice(), 8)
same(Derived(4).reset().left, 0)

# What the interpreter holds only through the module has to survive a collection.
for _ in range(3):
    garbage = [bytearray(100) for _ in range(100)]
    gc.collect()
same(glue.Countdown(2).read(), b"\2\1")
print("glue: every call came back right")
