import framebuf_native as m


def dark(buffer, width, height, get=None):
    get = get or buffer.pixel
    return {(x, y) for y in range(height) for x in range(width) if get(x, y)}


for form, size in ((m.MONO_VLSB, 32), (m.MONO_HLSB, 32), (m.MONO_HMSB, 32), (m.GS8, 256), (m.RGB565, 512)):
    memory = bytearray(size)
    buffer = m.FrameBuffer(memory, 16, 16, form)
    buffer.pixel(3, 5, 1)
    assert dark(buffer, 16, 16) == {(3, 5)} and buffer.pixel(3, 5) == 1
    buffer.fill(0)
    buffer.rect(2, 3, 5, 4, 1)
    frame = {(x, y) for x in range(2, 7) for y in range(3, 7) if x in (2, 6) or y in (3, 6)}
    assert dark(buffer, 16, 16) == frame
    buffer.scroll(4, 1)
    assert {(x + 4, y + 1) for x, y in frame} <= dark(buffer, 16, 16)
    buffer.fill(0)
    buffer.line(0, 0, 15, 15, 1)
    assert dark(buffer, 16, 16) == {(i, i) for i in range(16)}
    buffer.fill(0)
    buffer.hline(1, 2, 9, 1)
    buffer.vline(12, 4, 30, 1)
    assert dark(buffer, 16, 16) == {(x, 2) for x in range(1, 10)} | {(12, y) for y in range(4, 16)}
    buffer.fill(0)
    buffer.ellipse(8, 8, 5, 5, 1, True)
    count = len(dark(buffer, 16, 16))
    assert 60 < count < 100, count

# One byte a column, the topmost dot in bit 0.
memory = bytearray(8)
m.FrameBuffer(memory, 8, 8, m.MONO_VLSB).text("A", 0, 0)
assert sum(bin(column).count("1") for column in memory) == 28, memory
memory = bytearray(32)
buffer = m.FrameBuffer(memory, 4, 4, m.RGB565)
buffer.pixel(1, 0, 0xF81F)
assert memory[2:4] == b"\x1f\xf8"
other = m.FrameBuffer(bytearray(16), 4, 4, m.GS8)
other.fill(0)
other.pixel(0, 0, 7)
buffer.blit(other, 2, 2, 0)
assert buffer.pixel(2, 2) == 7 and buffer.pixel(1, 0) == 0xF81F
