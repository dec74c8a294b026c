# Run in MicroPython with the built module on sys.path; raises on the first mismatch.
import framing

CRC = b"\x26\x39\xf4\xcb"  # of b"123456789", the check value of CRC-32, least significant byte first

# Stuffing by itself: the runs as the paper of Cheshire and Baker has them.
assert framing.cobs_encode(b"123456789") == b"\x0e123456789" + CRC
assert framing.cobs_encode(b"") == b"\x01\x01\x01\x01\x01"
for length in (0, 1, 2, 253, 254, 255, 256, 507, 508, 509, 1000):
    for message in (bytes(length), b"\xff" * length, bytes(i & 255 for i in range(length))):
        encoded = framing.cobs_encode(message)
        assert 0 not in encoded, length
        assert framing.cobs_decode(encoded) == message, length
assert framing.cobs_decode(b"") is None
assert framing.cobs_decode(b"\x05ab") is None
assert framing.cobs_decode(b"\x0e123456780" + CRC) is None

# A stream with noise in it, in pieces of every size.
messages = [b"one", b"", b"\0\0two\0", bytes(range(256)) * 3]
stream = b"noise\0" + b"".join(framing.frame(message) for message in messages)
for size in (1, 2, 7, 100, len(stream)):
    receiver = framing.Receiver()
    received = []
    for start in range(0, len(stream), size):
        received += receiver.feed(stream[start : start + size])
    assert received == messages, size
    assert receiver.damaged == 1, size
receiver = framing.Receiver(longest=8)
receiver.feed(b"x" * 9)
assert receiver.damaged == 1
print("framing: {} messages in {} bytes".format(len(messages), len(stream)))
