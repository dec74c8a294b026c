import features4 as m

assert m.Factorial(4).calculate() == 24 and m.Factorial(0).calculate() == 1
assert isinstance(m.Factorial(1), m.Factorial)
try:
    m.Factorial(-1)
    raise AssertionError("no error")
except m.FactorialError as error:
    assert str(error) == "argument must be zero or above"
assert issubclass(m.FactorialError, Exception)
