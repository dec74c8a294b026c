"""A package whose build does what the variable TINY says."""

import os
import pathlib
import subprocess
import sysconfig
import tempfile

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

MODE = os.environ.get("TINY", "")

# What `setup.py` asks for besides what `pyproject.toml` says: nothing that is not there, and something.
ASKED = {
    "asks": ["setuptools>=40", "wheel; python_version < '3'"],
    "asks-more": ["setuptools>=40", "wheel"],
}


class Build(build_ext):
    def build_extension(self, extension):
        path = pathlib.Path(self.get_ext_fullpath(extension.name))
        if MODE == "hang":
            pathlib.Path(os.environ["TINY_MARK"]).touch()
            subprocess.call(["sleep", "100"])
        elif MODE == "absolute":
            path.parent.mkdir(parents=True, exist_ok=True)
            subprocess.check_call(["/usr/bin/gcc", "-shared", "-fPIC", "-o", path, "plain.c"])
            return
        elif MODE == "probe":
            self.probe()
        elif MODE == "swallow":
            try:
                extension.define_macros.append(("BROKEN", "1"))
                super().build_extension(extension)
            except Exception as error:
                print(f"going on without: {error}")
            return
        super().build_extension(extension)

    def probe(self):
        """Asks what packages ask: all answers are the target's."""
        assert sysconfig.get_platform().startswith("emscripten"), sysconfig.get_platform()
        assert sysconfig.get_config_var("SIZEOF_LONG") == 4
        assert sysconfig.get_config_var("EXT_SUFFIX").endswith("wasm32-emscripten.so")
        assert self.tries("int a[sizeof(long) == 4 && sizeof(void *) == 4 ? 1 : -1];")
        assert self.tries("#ifndef __EMSCRIPTEN__\n#error\n#endif")
        assert not self.tries("#ifndef __SSE2__\n#error\n#endif")
        assert not self.tries("#ifndef __EMSCRIPTEN_PTHREADS__\n#error\n#endif", "-pthread")
        assert not self.tries("int a;", "-fopenmp")
        assert not self.tries("#include <immintrin.h>\n__m256i a;", "-mavx2")
        assert not self.tries("#include <no-such-header.h>")

    def tries(self, text, *options):
        with tempfile.TemporaryDirectory() as directory:
            source = pathlib.Path(directory, "try.c")
            source.write_text(text + "\nint main(void) { return 0; }\n")
            try:
                self.compiler.compile([str(source)], output_dir=directory, extra_postargs=list(options))
                return True
            except Exception:
                return False


setup(
    packages=["tiny"],
    ext_modules=[Extension("tiny._spam", ["spam.c"])],
    cmdclass={"build_ext": Build},
    setup_requires=ASKED.get(MODE, []),
)
