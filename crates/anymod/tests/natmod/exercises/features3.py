import features3 as m

assert m.get_types() == (type, type(None), bool, int, str, bytes, tuple, list, dict)
assert m.get_const_objects() == (None, False, True, b"", ())
assert m.make_dict() == {} and m.make_dict("a", 1, (2,), [3]) == {"a": 1, (2,): [3]}
