"""Children: Python processes of this package; and that nothing is run that lies in the working folder.

People work where strangers' files are: a soundfile.py among recordings is not to be imported. A child looks
for modules where its parent does, without the working folder, and has the birdfast that its parent has,
wherever that was found. What it runs first is this file: python -P children.py MODULE ARGUMENT...
"""

import gc
import os
import sys

PACKAGE = os.path.dirname(os.path.abspath(__file__))
ONE_THREAD = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM")


def command(module: str, *arguments: str) -> list[str]:
    """Return the command of a child that runs a module of this package as its program."""
    return [sys.executable, "-P", os.path.join(PACKAGE, "children.py"), module, *arguments]


def environment() -> dict[str, str]:
    """Return a child's: libraries keep to one thread, and modules are looked for as `places` says."""
    return {**os.environ, **_one_thread(), "PYTHONPATH": os.pathsep.join(places())}


def compute_nothing() -> None:
    """Let libraries that are imported from now on start no threads here: children do what is to be computed.

    Those of a library for matrices spin for a while as they begin, on the cores of children that wake up.
    """
    for name, value in _one_thread().items():
        os.environ.setdefault(name, value)


def collect_seldom() -> None:
    """Look less often for objects that point to each other: of a program, not of a package that one imports.

    What modules bring stays; at Python's own 700, looking at it again and again is a twentieth of the start.
    """
    gc.set_threshold(20_000, 10, 10)


def _one_thread() -> dict[str, str]:
    return {f"{library}_NUM_THREADS": "1" for library in ONE_THREAD}


def places() -> list[str]:
    """Return where modules are looked for, without the working folder, however it is spelt.

    Where this package lies in that folder itself, as it does in a source tree, it stays: so may what was
    installed beside it.
    """
    entries = [entry for entry in sys.path if entry]
    try:
        here = os.path.realpath(os.curdir)
    except FileNotFoundError:  # it was removed: nothing lies there
        return entries
    if here == os.path.realpath(os.path.dirname(PACKAGE)):
        return entries
    return [entry for entry in entries if os.path.realpath(entry) != here]


def leave_working_folder() -> None:
    """Look for no module in the working folder from now on; to be called before one that may lie there."""
    sys.path[:] = places()


def _become(module: str) -> None:
    """Run a module of the package that this file is in, which need not be on the path."""
    from importlib import util
    from runpy import run_module

    collect_seldom()
    where = os.path.join(PACKAGE, "__init__.py")
    spec = util.spec_from_file_location("birdfast", where, submodule_search_locations=[PACKAGE])
    assert spec is not None
    assert spec.loader is not None
    sys.modules["birdfast"] = util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["birdfast"])
    run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _become(sys.argv.pop(1))
