# Run in MicroPython with the built module on sys.path; raises on the first mismatch.
import qrcode

# Data, level, mask, least version, side, FNV-1a of the bitmap: as an independent encoder makes them.
KNOWN = (
    ("01234567", "M", -1, 1, 21, 0xBE3A1D34),
    ("ABCDE123", "Q", 2, 1, 21, 0x42911B8F),
    ("Hello, world!", "L", -1, 1, 21, 0xC9DC07C7),
    ("https://micropython.org/", "H", -1, 1, 29, 0x95241CBC),
    ("", "L", 0, 1, 21, 0x6BBAA5DA),
    ("3.14159" * 40, "M", 5, 1, 57, 0xA60E243F),
    ("x" * 400, "Q", -1, 1, 93, 0x529D8D1F),
    ("tiny", "H", 7, 32, 145, 0x37B1A1F6),
    ("0123456789" * 100, "L", -1, 1, 69, 0x629B8333),
)


def fnv1a(data):
    value = 0x811C9DC5
    for byte in data:
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def show(size, bitmap):
    stride = (size + 7) // 8

    def dark(x, y):
        inside = 0 <= x < size and 0 <= y < size
        return inside and bitmap[y * stride + x // 8] >> (7 - x % 8) & 1

    for y in range(-2, size + 2, 2):  # two rows of modules in one line of text
        print("".join("█▀▄ "[dark(x, y) * 2 + dark(x, y + 1)] for x in range(-2, size + 2)))


def raises(error, *args, **kwargs):
    try:
        qrcode.encode(*args, **kwargs)
    except error:
        return
    raise AssertionError("no {} for {}".format(error, kwargs))


for data, level, mask, least, size, checksum in KNOWN:
    result = qrcode.encode(data, level=level, mask=mask, min_version=least)
    found = (result[0], fnv1a(result[1]))
    if found != (size, checksum):
        raise AssertionError("{}: {} is not {}".format(data[:20], found, (size, checksum)))
assert qrcode.encode(b"bytes") == qrcode.encode("bytes", "M")
raises(ValueError, "x" * 2954, level="L")
raises(ValueError, "x", level="X")
raises(ValueError, "x", mask=8)
raises(ValueError, "x", min_version=0)
raises(TypeError, 7)

show(*qrcode.encode("https://micropython.org/"))
print("qrcode: {} known answers".format(len(KNOWN)))
