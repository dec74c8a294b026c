"""Builds the extension module of a package whose backend knows nothing of compilers, as `sysconfig` and `CC` say."""

import os
import shlex
import subprocess
import sysconfig

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Hook(BuildHookInterface):
    def initialize(self, version, build_data):
        compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC"))
        include = sysconfig.get_path("include")
        module = "src/hybrid/_fast" + sysconfig.get_config_var("EXT_SUFFIX")
        subprocess.check_call([*compiler, "-O2", "-fPIC", f"-I{include}", "-c", "fast.c", "-o", "fast.o"], cwd=self.root)
        subprocess.check_call([*compiler, "-shared", "fast.o", "-o", module], cwd=self.root)
        build_data["artifacts"].append(module)
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
