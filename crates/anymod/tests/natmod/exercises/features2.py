# Importing it runs the module's own test.py, which is merged into it.
import features2 as m
from array import array

assert m.isclose(1, 1.0001) and not m.isclose(1, 2)
assert m.add(1.5, 2.25) == 3.75 and m.add_f(0.5, -2) == -1.5
assert m.round(2.5) == 3 and m.round(-7.25) == -7 and m.round(1e6) == 1e6
values = array("f", [1.5, 2, -4])
m.productf(values)
assert values[0] == -12
try:
    m.productf(array("i", [1]))
    raise AssertionError("no error")
except ValueError:
    pass
