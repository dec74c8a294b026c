# The runtime passes floats in registers of the floating point unit, the module expects them elsewhere: only what takes
# no float as an argument can be called. It computes with the compiler's routines for processors without a unit.
import features2 as m
from array import array

for numbers, product in (([1.5, 2, -4], -12), ([0.1] * 3, 0.001), ([3] * 20, 3486784401)):
    values = array("f", numbers)
    m.productf(values)
    assert abs(values[0] - product) <= abs(product) * 1e-6, values[0]
