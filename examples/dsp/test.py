# Run in MicroPython with the built module on sys.path; raises on the first mismatch.
import math
from array import array

import dsp

# The table that the constructor filled, against the interpreter's own sine.
worst = 0
for angle in range(0, 65536, 61):
    exact = math.sin(angle * 2 * math.pi / 65536) * 32767
    worst = max(worst, abs(dsp.sin(angle) - exact))
assert worst < 12, worst
assert (dsp.sin(0), dsp.sin(0x4000), dsp.sin(0x8000), dsp.sin(0xC000)) == (0, 32767, 0, -32767)

assert dsp.mul(16384, 16384) == 8192
assert dsp.mul(-32768, -32768) == 32767
assert dsp.mul(-32768, 32767) == -32767

# The response to one full sample is the taps themselves.
taps = (8192, -4096, 2048, 1)
fir = dsp.Fir(taps)
assert len(fir) == 4 and dsp.made() == 1
response = [fir(32767)] + [fir(0) for _ in range(5)]
assert [abs(a - b) <= 1 for a, b in zip(response, taps + (0, 0))] == [True] * 6, response
samples = array("h", (32767, 32767, 0, 0, 0, 0))
fir.reset()
assert fir.process(samples) is samples
assert [abs(a - b) <= 2 for a, b in zip(samples, (8192, 4096, -2048, 2049, 1, 0))] == [True] * 6, samples
smooth = dsp.Fir(3 for _ in range(64))
assert len(smooth) == 64 and dsp.made() == 2


def raises(error, function, *args):
    try:
        function(*args)
    except error:
        return
    raise AssertionError("no {}".format(error))


raises(ValueError, dsp.mul, 32768, 0)
raises(ValueError, dsp.Fir, ())
raises(ValueError, dsp.Fir, [0] * 65)
raises(TypeError, dsp.Fir, 7)
raises(TypeError, fir.process, bytearray(4))
print("dsp: the sine is off by {:.1f} of 32767 at most".format(worst))
