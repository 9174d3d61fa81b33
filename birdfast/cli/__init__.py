"""The commands, a module each: HELP, `arguments(parser)`, and `run(arguments)`, which returns the exit code.

At import a command's module needs the standard library alone; the rest is imported when it runs. Which
commands there are is known without importing any.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from types import ModuleType

MODULES = {
    "infer": "infer",
    "listen": "listen",
    "status": "status",
    "merge": "merge",
    "tables": "tables",
    "report": "page",
    "train": "train",
    "evaluate": "evaluate",
    "compare": "compare",
    "clips": "clips",
    "search": "search",
    "tokens": "tokens",
    "models": "models",
    "convert": "convert",
    "export": "export",
    "optimize": "optimize",
    "bench": "bench",
    "info": "info",
    "demo": "demo",
    "plot": "plot",
}


class Commands(Mapping[str, ModuleType]):
    """The commands' modules by their names, each imported when it is first asked for."""

    def __getitem__(self, name: str) -> ModuleType:
        return import_module(f"{__name__}.{MODULES[name]}")

    def __contains__(self, name: object) -> bool:
        return name in MODULES

    def __iter__(self) -> Iterator[str]:
        return iter(MODULES)

    def __len__(self) -> int:
        return len(MODULES)


COMMANDS = Commands()
GO_ON = ("infer", "train")  # where one was stopped; the others begin anew
