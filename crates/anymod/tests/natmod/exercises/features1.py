import features1 as m

assert m.add(40, 2) == 42 and m.add(-5, 3) == -2
a, b = 0, 1
for n in range(24):
    # The table in rodata answers the first eight.
    assert m.fibonacci(n) == a, n
    a, b = b, a + b
try:
    m.fibonacci(-1)
    raise AssertionError("no error")
except ValueError as error:
    assert str(error) == "can't compute negative Fibonacci number"
assert m.access() == [0, 0, 0, 0]
for i in range(4):
    m.access(i, 1000 + i)
assert m.access() == [1000, 1001, 1002, 1003] and m.access(2) == 1002
assert m.make_array() == bytearray(b"\x00\x10\x00\x20")
assert m.VAL == 42 and m.MSG == "HELLO_MICROPYTHON"
