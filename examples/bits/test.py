# Run in MicroPython with the built module on sys.path; raises on the first mismatch.
import bits


def slowly(value):
    result = 0
    for place in range(32):
        result |= (value >> place & 1) << (31 - place)
    return result


values = [1 << place for place in range(32)] + [0, 0xFFFFFFFF, 0x12345678, 0xDEADBEEF, 0x80000001, 0x0F0F0F0F]
for value in values:
    assert bits.reverse(value) == slowly(value), hex(value)
    assert bits.reverse(bits.reverse(value)) == value, hex(value)
assert bits.reverse(-1) == 0xFFFFFFFF

data = bytearray(range(256))
assert bits.reverse_bytes(data) is data
assert data[1] == 0x80 and data[2] == 0x40 and data[0xF0] == 0x0F
assert bits.reverse_bytes(data) == bytearray(range(256))
try:
    bits.reverse_bytes(b"constant")
    raise AssertionError("a constant was changed")
except TypeError:
    pass

calls, by_bit = bits.statistics()
assert calls == 3 * len(values) + 1, calls
assert sum(by_bit) == calls - 3, by_bit  # zero has no highest bit
assert by_bit[31] > by_bit[7]
assert bits.statistics(calls)[0] == calls
bits.reverse(1)  # over the limit now
assert bits.statistics()[0] == calls
print("bits: {} values reversed".format(calls))
