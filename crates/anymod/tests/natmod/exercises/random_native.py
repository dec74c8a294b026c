import random_native as m

m.seed(7)
first = [m.getrandbits(30) for _ in range(50)]
m.seed(7)
assert first == [m.getrandbits(30) for _ in range(50)]
m.seed(8)
assert first != [m.getrandbits(30) for _ in range(50)]
# The generator, written down once more.
mask = 0xFFFFFFFF
pad, n, d, dat = 7, 69, 233, 0
for number in first:
    pad = (pad + dat + d * n) & mask
    pad = ((pad << 3) + (pad >> 29)) & mask
    n = pad | 2
    d ^= ((pad << 31) + (pad >> 1)) & mask
    dat ^= (pad ^ (d >> 8) ^ 1) & 0xFF
    word = (pad ^ (d << 5) ^ (pad >> 18) ^ (dat << 1)) & mask
    assert number == word & 0x3FFFFFFF, (number, word)
drawn = [m.randrange(3, 30, 3) for _ in range(300)]
assert set(drawn) == set(range(3, 30, 3))
assert set(m.randint(-2, 2) for _ in range(200)) == {-2, -1, 0, 1, 2}
assert set(m.choice("abc") for _ in range(100)) == set("abc")
if hasattr(m, "uniform"):
    assert all(0 <= m.random() < 1 and 5 <= m.uniform(5, 6) <= 6 for _ in range(100))
