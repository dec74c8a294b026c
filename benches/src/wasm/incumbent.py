"""The incumbent's way with archives and bundles: a helper in Python that every step starts anew.

    incumbent.py flags TARGET BUILD_TYPE cc|ar|cflags|ldflags|libdir
    incumbent.py bundle [--force] CACHE OUTPUT ARCHIVE…

`flags` is what makefiles call. `bundle` asks the compiler for its version, hashes that and all archives, and takes what is
in the cache under the sum; if there is nothing, it has the compiler's driver link.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys

ZIG = [sys.executable, "-m", "ziglang"]

TRIPLES = {
    "native": None,
    "native-static": "x86_64-linux-musl",
    "wasi": "wasm32-wasi",
    "emscripten": "wasm32-emscripten",
}


def flags(target, build_type):
    import ziglang  # the helper finds the compiler by it

    directory = os.path.dirname(ziglang.__file__)
    triple = TRIPLES[target]
    cc = "cc" if triple is None else "{} cc -target {}".format(" ".join(ZIG), triple)
    cflags = ["-O0", "-g"] if build_type == "debug" else ["-O2", "-DNDEBUG"]
    if target == "wasi":
        cflags.append("-fno-sanitize=undefined")
    return {
        "cc": cc,
        "ar": "ar" if triple is None else " ".join(ZIG + ["ar"]),
        "cflags": " ".join(cflags),
        "ldflags": "-static" if target == "native-static" else "",
        "libdir": os.path.join(directory, "build", target, build_type),
    }


def digest(path):
    sum_of_file = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            sum_of_file.update(block)
    return sum_of_file.hexdigest()


def bundle(force, cache, output, archives):
    version = subprocess.run(ZIG + ["version"], check=True, capture_output=True, text=True).stdout
    helper = [sys.executable, os.path.abspath(__file__), "flags", "wasi", "debug", "ldflags"]
    subprocess.run(helper, check=True, capture_output=True)
    key = hashlib.sha256((version + "".join(map(digest, archives))).encode()).hexdigest()
    kept = os.path.join(cache, key + ".wasm")
    if force or not os.path.exists(kept):
        os.makedirs(cache, exist_ok=True)
        whole = ["-Wl,--whole-archive", *archives, "-Wl,--no-whole-archive"]
        options = ["-Wl,--export-memory", "-Wl,--export-dynamic", "-Wl,-z,stack-size=16777216"]
        command = ZIG + ["cc", "-target", "wasm32-wasi", "-mexec-model=reactor", *options, "-o", kept, *whole]
        subprocess.run(command, check=True)
        with open(os.path.join(cache, "manifest.json"), "w") as file:
            json.dump({"key": key, "archives": archives}, file)
    shutil.copyfile(kept, output)


def main(arguments):
    if arguments[0] == "flags":
        print(flags(*arguments[1:3])[arguments[3]])
        return
    force = arguments[1] == "--force"
    cache, output, *archives = arguments[2 if force else 1 :]
    bundle(force, cache, output, archives)


main(sys.argv[1:])
