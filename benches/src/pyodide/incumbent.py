"""Builds a wheel as the incumbent does, without its cross-build environment: what that would say is said here.

One argument, JSON: `source`, `out`, `work`, `tools`, `install`, `include`, `python`, `abi`, `emscripten`, `sysconfig`.
"""

import json
import os
import sys
from pathlib import Path

request = json.loads(sys.argv[1])
os.environ["PATH"] = request["tools"] + os.pathsep + os.environ["PATH"]

from pyodide_build import build_env, pypabuild

flags = {
    "SYSCONFIG_NAME": request["sysconfig"],
    "TARGETINSTALLDIR": request["install"],
    "PYTHONINCLUDE": request["include"],
    "PYODIDE_ABI_VERSION": request["abi"],
    "_F2C_FIXES_WRAPPER": "",
}
for module in (build_env, pypabuild):
    module.get_build_flag = flags.__getitem__
    module.get_host_build_flag = lambda name: ""
    module.get_unisolated_packages = dict
    module.in_xbuildenv = lambda: False
    module.platform = lambda: "emscripten_{}_wasm32".format(request["emscripten"].replace(".", "_"))
pypabuild.get_pyversion = lambda: "python" + request["python"]

environment = pypabuild.get_build_env(
    dict(os.environ, PYODIDE="1"),
    pkgname="",
    cflags="-O2 -g0 -fPIC -I" + request["include"],
    cxxflags="-O2 -g0 -fPIC",
    ldflags="-O2 -s SIDE_MODULE=1",
    target_install_dir=request["install"],
    exports="pyinit",
    build_dir=Path(request["work"]),
)
with environment as variables:
    pypabuild.build(Path(request["source"]), Path(request["out"]), variables, {})
