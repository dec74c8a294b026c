"""Builds a wheel with a PEP 517 backend: `driver.py REQUEST`, a JSON file.

Started by the build environment's own interpreter in the directory of the source. The backend is imported and called as
it is. If the request says so, it is first asked what else it needs, in a process of its own that shares the import and in a
copy of the source; what the environment does not meet yet ends the build. What comes of it, and what setuptools knows of the extension modules
afterwards, is written to the file that the request names.
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
import traceback

# Statuses of the process that asks the backend what it needs.
NOTHING_NEEDED, FAILED, MORE_NEEDED = 0, 1, 3


def end_with(parent, begun):
    """Ends everything once the process that started this one is gone, so that a killed build leaves nothing running."""
    begun.set()
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


def ask(request, backend):
    """Asks the backend what it needs that is not there; the status that tells what came of it."""
    hook = getattr(backend, "get_requires_for_build_wheel", None)
    if hook is None:
        return NOTHING_NEEDED
    # What it leaves behind would be among the files of the build.
    os.chdir(request["asked"]["root"])
    os.environ["TMPDIR"] = tempfile.tempdir = request["asked"]["temporary"]
    name_alike()
    sys.argv = ["get_requires_for_build_wheel"]
    needed = [text for text in hook(request["settings"]) if not is_met(text)]
    if not needed:
        return NOTHING_NEEDED
    write(request, requirements=needed)
    return MORE_NEEDED


def ask_apart(request, backend):
    """The same in a process of its own: hooks may change whatever they like.

    There is one even if nothing is to be asked, so that this process comes to the build with the same memory either way: the
    addresses of objects reach what generators such as Cython write.
    """
    child = os.fork()
    if child:
        watch(request)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = FAILED
    try:
        status = ask(request, backend) if request["asked"] else NOTHING_NEEDED
    except SystemExit as end:
        print(end, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def write(request, requirements=(), wheel=None, extensions=()):
    answer = {"requirements": list(requirements), "wheel": wheel, "extensions": list(extensions)}
    with open(request["result"], "w", encoding="utf-8") as file:
        json.dump(answer, file)


def watch(request):
    if request["parent"] == os.getppid() and os.getpgrp() == os.getpid():
        # What a thread takes of the memory while it begins would come between what the backend takes: the addresses of its
        # objects would be others each time.
        begun = threading.Event()
        threading.Thread(target=end_with, args=[request["parent"], begun], daemon=True).start()
        begun.wait()


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        request = json.load(file)
    name_alike()
    # The first entry is the directory of this file.
    sys.path[:1] = request["backend_path"]
    sys.argv = ["build_wheel"]
    backend = load(request["backend"])
    status = ask_apart(request, backend)
    if status == MORE_NEEDED:
        return
    if status != NOTHING_NEEDED:
        sys.exit("`get_requires_for_build_wheel` failed")
    wheel = backend.build_wheel(request["into"], request["settings"], None)
    write(request, wheel=wheel, extensions=declared())


if __name__ == "__main__":
    main()
