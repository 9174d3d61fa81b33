"""The commands, a module each: HELP, `arguments(parser)`, and `run(arguments)`, which returns the exit code.

At import a command's module needs the standard library alone; the rest is imported when it runs.
"""

from . import (
    bench,
    clips,
    compare,
    convert,
    demo,
    evaluate,
    export,
    infer,
    info,
    listen,
    merge,
    models,
    optimize,
    page,
    plot,
    search,
    status,
    tables,
    tokens,
    train,
)

COMMANDS = {
    "infer": infer,
    "listen": listen,
    "status": status,
    "merge": merge,
    "tables": tables,
    "report": page,
    "train": train,
    "evaluate": evaluate,
    "compare": compare,
    "clips": clips,
    "search": search,
    "tokens": tokens,
    "models": models,
    "convert": convert,
    "export": export,
    "optimize": optimize,
    "bench": bench,
    "info": info,
    "demo": demo,
    "plot": plot,
}
GO_ON = ("infer", "train")  # where one was stopped; the others begin anew
