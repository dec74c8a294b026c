# Run in MicroPython, CPython or Pyodide with the built module to be found; raises on the first mismatch.
from distance import distance


def slowly(a, b):
    if not a or not b:
        return len(a) + len(b)
    if a[-1] == b[-1]:
        return slowly(a[:-1], b[:-1])
    return 1 + min(slowly(a[:-1], b), slowly(a, b[:-1]), slowly(a[:-1], b[:-1]))


for a, b in ((b"", b""), (b"kitten", b"sitting"), (b"flaw", b"lawn"), (b"", b"abc"), (b"same", b"same")):
    assert distance(a, b) == slowly(a, b) == distance(b, a), (a, b)
assert distance(bytearray(255), b"") == 255
assert distance(b"a" * 255, b"b" * 255) == 255
try:
    distance(bytes(256), b"")
    raise AssertionError("a string too long was taken")
except ValueError:
    pass
try:
    distance(1, b"")
    raise AssertionError("a number was taken")
except TypeError:
    pass
print("distance: ok")
