"""Compiles what can be imported below a directory to bytecode: `compile.py DIRECTORY PROCESSES`.

Not tests, and not the sources of modules that are there as extension modules, which are imported instead.
"""

import compileall
import os
import re
import sys
from importlib.machinery import EXTENSION_SUFFIXES


def shadowed(directory):
    for parent, _, names in os.walk(directory):
        for name in names:
            suffix = next(filter(name.endswith, EXTENSION_SUFFIXES), None)
            if suffix:
                yield os.path.join(parent, name.removesuffix(suffix) + ".py")


def main():
    directory, processes = sys.argv[1], int(sys.argv[2])
    skipped = ["/[Tt]ests?/", *(re.escape(path) + "$" for path in shadowed(directory))]
    # What is no Python for this interpreter is not imported either.
    compileall.compile_dir(directory, quiet=2, rx=re.compile("|".join(skipped)), workers=processes)


if __name__ == "__main__":
    main()
