import deflate_native as m
import io

text = b"the rain in spain stays mainly in the plain; " * 4
# What zlib makes of it.
raw = bytes.fromhex("2bc94855284acccc5300a2e20210a3b824b1b2582117c8cca9048996005514e400b9d660e620500c00")
zlib = b"\x78\xda" + raw + bytes.fromhex("ec5e4089")
gzip = bytes.fromhex("1f8b0800000000000203") + raw + bytes.fromhex("0ad9b214b4000000")


def unpack(data, *options):
    with m.DeflateIO(io.BytesIO(data), *options) as stream:
        return stream.read()


assert unpack(zlib) == text and unpack(zlib, m.ZLIB) == text
assert unpack(gzip, m.GZIP) == text and unpack(gzip) == text
assert unpack(raw, m.RAW, 15) == text
stream = m.DeflateIO(io.BytesIO(zlib))
assert stream.read(8) == text[:8]
part = bytearray(5)
assert stream.readinto(part) == 5 and part == text[8:13]

data = bytes(i * i % 251 for i in range(3000)) + text
for form in (m.RAW, m.ZLIB, m.GZIP):
    packed = io.BytesIO()
    with m.DeflateIO(packed, form, 10) as stream:
        stream.write(data)
    assert len(packed.getvalue()) < len(data) and unpack(packed.getvalue(), form, 10) == data
try:
    unpack(zlib[:20])
    raise AssertionError("no error")
except (OSError, EOFError):
    pass
