# Continues the module that codec.c begins: cobs_encode and cobs_decode are names of this same module.


def frame(message):
    """Returns the bytes to send for a message, the final zero included."""
    return cobs_encode(message) + b"\0"


class Receiver:
    """Cuts a stream of bytes, arriving in pieces of any size, into messages."""

    def __init__(self, longest=1024):
        self._pending = b""
        self._longest = longest
        self.damaged = 0

    def feed(self, piece):
        """Takes a piece; returns the messages that it completes. Damaged and overlong frames are counted and dropped."""
        *frames, self._pending = (self._pending + bytes(piece)).split(b"\0")
        messages = []
        for raw in frames:
            message = cobs_decode(raw)
            if message is not None:
                messages.append(message)
            elif raw:  # an empty frame is only two zeros in a row
                self.damaged += 1
        if len(self._pending) > self._longest:
            self._pending = b""
            self.damaged += 1
        return messages
