// A variant of MicroPython's unix port for RISC-V: everything that a test script may want, and the native loader.
#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)
#include "ports/unix/variants/mpconfigvariant_common.h"

// The port chooses its emitter by processor and does not know this one. The loader takes modules for the emitter's.
#define MICROPY_EMIT_RV32 (1)
