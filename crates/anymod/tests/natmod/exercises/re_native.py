import re_native as m

found = m.match("([a-z]+)@([a-z]+)\\.org", "someone@example.org, other")
assert found.group(0) == "someone@example.org" and found.groups() == ("someone", "example")
assert found.span(2) == (8, 15) and found.start(1) == 0 and found.end(1) == 7
assert m.match("b+", "abbb") is None
assert m.search("b+", "abbbc").group(0) == "bbb"
assert m.search("^a?c|\\d\\d$", "x42").group(0) == "42"
assert m.compile("[,;] *").split("a, b;c,d") == ["a", "b", "c", "d"]
assert m.match(b"(.)(.*?)z", b"xyyz").group(2) == b"yy"
try:
    m.compile("(a")
    raise AssertionError("no error")
except ValueError:
    pass
try:
    m.match("(x*)*y", "x" * 4000)
except RuntimeError as error:
    assert str(error) == "maximum recursion depth exceeded"
