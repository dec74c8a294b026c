"""Runs one PEP 517 hook of a build backend: `driver.py REQUEST`, a JSON file.

Started by the build environment's own interpreter in the directory of the source. The backend is imported and called as
it is; what it returns, and what setuptools knows of the extension modules afterwards, is written to the file that the
request names. Of requirements that it returns, only those are written that the environment does not meet yet.
"""

import importlib
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time


def end_with(parent):
    """Ends everything once the process that started this one is gone, so that a killed build leaves nothing running."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def load(backend):
    module, _, attributes = backend.partition(":")
    found = importlib.import_module(module)
    for attribute in filter(None, attributes.split(".")):
        found = getattr(found, attribute)
    return found


def declared():
    """The extension modules of the distribution that setuptools or distutils built last."""
    core = sys.modules.get("distutils.core") or sys.modules.get("setuptools._distutils.core")
    distribution = getattr(core, "_setup_distribution", None)
    if distribution is None:
        return []
    names = []
    package = getattr(distribution, "ext_package", None)
    for extension in getattr(distribution, "ext_modules", None) or []:
        name = getattr(extension, "name", None)
        if isinstance(name, str):
            names.append(f"{package}.{name}" if package else name)
    for extension in getattr(distribution, "rust_extensions", None) or []:
        target = getattr(extension, "target", None)
        if isinstance(target, dict):
            names.extend(str(name) for name in target.values())
        elif isinstance(getattr(extension, "name", None), str):
            names.append(extension.name)
    return names


def is_met(text):
    """True if what is installed meets a requirement; false as well if that cannot be known."""
    try:
        import site
        from importlib import metadata

        from packaging.requirements import Requirement

        def holds(requirement, extra):
            return requirement.marker is None or requirement.marker.evaluate({"extra": extra})

        def meets(requirement):
            # Not what setuptools brings for itself.
            found = next(iter(metadata.distributions(name=requirement.name, path=site.getsitepackages())))
            if requirement.url or not requirement.specifier.contains(found.version, prereleases=True):
                return False
            inner = [Requirement(text) for text in found.requires or []]
            return all(
                meets(one)
                for extra in requirement.extras
                for one in inner
                if holds(one, extra) and not holds(one, "")
            )

        requirement = Requirement(text)
        return not holds(requirement, "") or meets(requirement)
    except Exception:
        return False


def name_alike():
    """Makes temporary names the same from one build to the next: the directory that they are in is this build's own.

    Backends compile in temporary directories, and a compilation of the same file in a directory of another name is another.
    """
    names = tempfile._get_candidate_names()
    names._rng, names._rng_pid = random.Random(0), os.getpid()


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        request = json.load(file)
    if request["parent"] == os.getppid() and os.getpgrp() == os.getpid():
        threading.Thread(target=end_with, args=[request["parent"]], daemon=True).start()
    name_alike()
    # The first entry is the directory of this file.
    sys.path[:1] = request["backend_path"]
    sys.argv = [request["hook"]]
    hook = getattr(load(request["backend"]), request["hook"], None)
    if hook is None and request["optional"]:
        value = []
    elif hook is None:
        sys.exit(f"the backend {request['backend']} has no hook {request['hook']}")
    else:
        value = hook(*request["arguments"])
    if request["hook"].startswith("get_requires") and isinstance(value, list):
        value = [text for text in value if not is_met(text)]
    with open(request["result"], "w", encoding="utf-8") as file:
        json.dump({"value": value, "extensions": declared()}, file)


if __name__ == "__main__":
    main()
