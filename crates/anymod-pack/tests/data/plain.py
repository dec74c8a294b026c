# Every kind of constant, closures, generators, exceptions and loops, none left by a jump out of `try`.
LIMITS = (1, 2.5, "text", b"bytes", None, True, ..., 123456789012345678901234567890, 3j)


class Counter:
    def __init__(self, start=0, *, step=1):
        self.value = start
        self.step = step

    def next(self):
        self.value += self.step
        return self.value


def adder(n):
    def add(x):
        return x + n

    return add


def pairs(items):
    for index, item in enumerate(items):
        yield index, item


def guarded(call):
    try:
        return call()
    except (ValueError, KeyError) as error:
        return str(error)
    finally:
        Counter().next()


print([a + b for a, b in pairs((1, 2, 3))], adder(2)(3), guarded(lambda: {}["missing"]))
