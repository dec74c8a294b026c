# Machine code of all three kinds that the compiler makes.
import micropython


@micropython.native
def native(a, b):
    return [a, b, "native"]


@micropython.viper
def viper(a: int) -> int:
    return a * 3


@micropython.asm_thumb
def assembler(r0, r1):
    add(r0, r0, r1)


print(native(1, 2), viper(3), assembler(4, 5))
