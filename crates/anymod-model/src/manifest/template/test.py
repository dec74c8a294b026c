# Shows and tests the module. Run it with MicroPython, told where the module is:
#
#     MICROPYPATH=dist/micropython-x64 micropython test_MODULE_NAME.py
#
# On a board, copy MODULE_NAME.mpy and this file to it, and `import test_MODULE_NAME`.

import MODULE_NAME

assert MODULE_NAME.checksum(b"") == 0
assert MODULE_NAME.checksum(b"abcde") == 0xC8F0
assert MODULE_NAME.checksum(bytearray(b"\xff" * 1000)) == 0

try:
    MODULE_NAME.checksum(1)
except TypeError:
    pass
else:
    raise AssertionError("an int has no bytes to sum")

print("ok")
