"""A zygote: processes of birdfast that tests start are forked from one that has imported all of it.

A suite starts thousands of commands and workers, and nine tenths of a short one's time is imports. So each
process of pytest has a zygote: it has one thread, has run nothing, and makes children (clone(2) with
CLONE_PARENT: they are their starter's own) which have the files, folder, environment, signals and arguments
that a new program would have. A command gets a zygote of its own, for its workers. What is about how one
starts is started in earnest (`Starts.real`), and so is whatever `Starts.fits` does not know.
"""

from __future__ import annotations

import array
import atexit
import ctypes
import fcntl
import gc
import json
import os
import resource
import runpy
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from birdfast import children

# Of the environment: what Python and libraries read when they start.
READ_AT_START = (
    "PYTHON",
    "LC_",
    "LANG",
    "LD_",
    "MALLOC_",
    "BIRDFAST_CPU",
    "NUMBA_",
    "COVERAGE_",
    "OPENBLAS_CORE",
)
LIMITS = (resource.RLIMIT_AS, resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC)
IMPORTED = (
    *("birdfast.__main__", "birdfast.pipeline", "birdfast.runs.run", "birdfast.runs.progress"),
    *(
        "birdfast.workers.__main__",
        "birdfast.grafting.trial",
        "birdfast.sessions.tflite",
        "birdfast.sessions.stsg",
    ),
)
# What these commands import beside: of a zygote of their own, which only begins where one is tested.
LEARN, LEARNED = (
    ("train", "evaluate", "plot"),
    (*IMPORTED, "sklearn.neural_network", "numba", "matplotlib.figure"),
)
HANDS_OVER = "main(sys.argv[1:])"  # the end of a program that changes something and then is the command
KNOWN = sys.platform == "linux" and os.uname().machine == "x86_64"  # elsewhere all is started in earnest
PYTHON = sys.executable  # which a test may put another in the place of
SCRIPT = str(Path(PYTHON).with_name("birdfast"))  # the command as people type it: of this Python, where it is
SPAWNS = "birdfast.workers.local"  # makes processes by multiprocessing, which want a Python that began
STREAMS = ("stdin", "stdout", "stderr")
CODED = [
    (one.encoding, one.errors) if one else (None, None)
    for one in (sys.__stdin__, sys.__stdout__, sys.__stderr__)
]
ROOT = Path(__file__).resolve().parents[1]
ROOM_BYTES = 1 << 14  # for the command line that others see
MOST_FDS = 200
HIGH = 500  # where descriptors wait until the places that they are meant for are free
CLONE = 0x8000 | 0x1000000 | 0x200000  # linux/sched.h: CLONE_PARENT, CLONE_CHILD_SETTID, CLONE_CHILD_CLEARTID
SYS_CLONE, PR_GET_TID_ADDRESS, PR_SET_PDEATHSIG = 56, 40, 1  # of x86-64

_fork_exec = subprocess._fork_exec  # type: ignore[attr-defined]


class Closed(NamedTuple):
    """A `preexec_fn` that is known here: the new process has no such standard stream."""

    stream: int

    def __call__(self) -> None:
        """Close it."""
        os.close(self.stream)


class Asked(NamedTuple):
    """What `subprocess` wants of the system, as in `_posixsubprocess.fork_exec`."""

    args: Sequence[str | bytes]
    executables: Sequence[bytes]
    close_fds: bool
    keep: Sequence[int]
    cwd: str | bytes | None
    env: Sequence[bytes] | None
    p2cread: int
    p2cwrite: int
    c2pread: int
    c2pwrite: int
    errread: int
    errwrite: int
    errpipe_read: int
    errpipe_write: int
    restore_signals: bool
    start_new_session: bool
    process_group: int
    gid: int | None
    gids: Sequence[int] | None
    uid: int | None
    umask: int
    preexec_fn: Any
    use_vfork: bool

    @property
    def is_plain(self) -> bool:
        """Whether nothing is wanted that is not done here."""
        ids = (self.process_group, self.gid, self.gids, self.uid, self.umask)
        closes = self.preexec_fn is None or isinstance(self.preexec_fn, Closed)
        return self.close_fds and self.restore_signals and closes and ids == (-1, None, None, None, -1)

    @property
    def is_closed(self) -> int | None:
        """The standard stream that the new process lacks, if any."""
        return self.preexec_fn.stream if self.preexec_fn else None

    @property
    def environment(self) -> dict[str, str]:
        """The new process's."""
        if self.env is None:
            return dict(os.environ)
        pairs = (os.fsdecode(one).partition("=") for one in self.env)
        return {key: value for key, _, value in pairs}


class Starts:
    """In the place of `subprocess._fork_exec`: asks a zygote where it may, else the system.

    Attributes
    ----------
    real : bool
        Start everything in earnest.
    """

    def __init__(self, zygote: Callable[[bool], socket.socket]) -> None:
        self._opened, self._lock, self.real = cache(zygote), threading.Lock(), False
        self._known = (_read_at_start(os.environ), [resource.getrlimit(limit) for limit in LIMITS])
        self._places = {*sys.path, *os.environ.get("PYTHONPATH", "").split(os.pathsep)}

    def __call__(self, *how: Any) -> int:
        if self.real or not KNOWN or len(how) != len(Asked._fields):
            return int(_fork_exec(*how))
        asked = Asked(*how)
        if not asked.is_plain or not self.fits(asked):
            return int(_fork_exec(*how))
        streams = [asked.p2cread, asked.c2pwrite, asked.errwrite]
        given = {
            place: fd if fd >= 0 else place for place, fd in enumerate(streams) if place != asked.is_closed
        }
        given |= {fd: fd for fd in asked.keep}
        given = {place: fd for place, fd in given.items() if _is_open(fd)}
        order = {
            "args": _seen(asked),
            "here": _here(),
            "cwd": None if asked.cwd is None else os.fsdecode(asked.cwd),
            "env": asked.environment,
            "session": asked.start_new_session,
            "places": [*given],
            "failing": asked.errpipe_write,
            "ignored": [one for one in signal.valid_signals() if signal.getsignal(one) == signal.SIG_IGN],
            "blocked": [*signal.pthread_sigmask(signal.SIG_BLOCK, ())],
            "cpus": [*os.sched_getaffinity(0)],
        }
        with self._lock:
            try:
                zygote = self._opened(any(word in LEARN for word in order["args"][1:4]))
                _send(zygote, order, [*given.values()])
                return int(_receive(zygote)[0]["pid"])
            except (OSError, EOFError):  # it was killed with others of its group
                return int(_fork_exec(*how))

    def fits(self, asked: Asked) -> bool:
        """Whether a process is birdfast's, and its Python one like this."""
        words, theirs = _seen(asked), asked.environment
        is_command = words[:3] == [PYTHON, "-m", "birdfast"] or (words[:2] == [PYTHON, SCRIPT] and _is_ours())
        is_program = words[:2] == [PYTHON, "-c"] and words[2].rstrip().endswith(HANDS_OVER)
        is_child = words[:3] == [PYTHON, "-P", str(Path(children.PACKAGE, "children.py"))]
        is_child = is_child and words[3:4] != [SPAWNS]
        places = {*theirs.get("PYTHONPATH", "").split(os.pathsep)} - {""}
        now = (_read_at_start(theirs), [resource.getrlimit(limit) for limit in LIMITS])
        return (is_command or is_program or is_child) and now == self._known and places <= self._places


@contextmanager
def forking(imported: Sequence[str] = IMPORTED, learned: Sequence[str] = LEARNED) -> Iterator[Starts]:
    """Let zygotes, which begin when they are first wanted, make the processes of birdfast in the context."""
    with ExitStack() as stack:

        def opened(learns: bool) -> socket.socket:
            ours, theirs = socket.socketpair()
            words = [
                sys.executable,
                "-m",
                "tests.zygote",
                str(theirs.fileno()),
                ",".join(learned if learns else imported),
            ]
            words.append("-" * ROOM_BYTES)
            how = {"pass_fds": [theirs.fileno()], "env": children.environment(), "cwd": ROOT}
            zygote = stack.enter_context(subprocess.Popen(words, **how))  # type: ignore[call-overload]
            stack.callback(zygote.kill)
            theirs.close()
            _receive(stack.enter_context(ours))
            return ours

        starts, before = Starts(opened), subprocess._fork_exec  # type: ignore[attr-defined]
        subprocess._fork_exec = starts  # type: ignore[attr-defined]
        try:
            yield starts
        finally:
            subprocess._fork_exec = before  # type: ignore[attr-defined]


def main(fd: int, imported: Sequence[str]) -> None:
    """Be a zygote: import, then make processes until the other side hangs up."""
    for name in imported:
        with suppress(ModuleNotFoundError):  # who needs it says so
            import_module(name)
    sys.path[:] = [place for place in sys.path if place != str(ROOT)]
    gc.collect()
    gc.freeze()  # what is never looked at is never copied
    parent = socket.socket(fileno=fd)
    _send(parent, {})
    _serve(parent)


def _serve(parent: socket.socket) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(EOFError, ConnectionError):
        while True:
            order, fds = _receive(parent)
            pid = _cloned()
            if pid == 0:
                parent.close()
                _become(order, fds)
            for fd in fds:
                os.close(fd)
            _send(parent, {"pid": pid})
    os._exit(0)


def _cloned() -> int:
    """Fork, as a child of this process's own parent; return 0 in the child."""
    address, calls = ctypes.c_void_p(), ctypes.PyDLL(None)
    calls.prctl(PR_GET_TID_ADDRESS, ctypes.byref(address))
    ctypes.pythonapi.PyOS_BeforeFork()
    how = [
        ctypes.c_long(CLONE | signal.SIGCHLD),
        ctypes.c_long(0),
        ctypes.c_long(0),
        address,
        ctypes.c_long(0),
    ]
    pid = int(calls.syscall(SYS_CLONE, *how))
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
    else:
        ctypes.pythonapi.PyOS_AfterFork_Parent()
    return pid


def _become(order: dict[str, Any], fds: Sequence[int]) -> None:
    """Be the process that is wanted, to its end."""
    code = 1
    try:
        _put(dict(zip(order["places"], fds, strict=True)))
        if not _moved(order):
            os._exit(255)
        if order["session"]:
            os.setsid()
        os.close(order["failing"])
        _take(order)
        code = _ran(order["args"])
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _put(given: dict[int, int]) -> None:
    """Let descriptors have the numbers that are meant, and close all others."""
    high = {place: fcntl.fcntl(fd, fcntl.F_DUPFD, HIGH) for place, fd in given.items()}
    os.closerange(0, HIGH)
    for place, fd in high.items():
        os.dup2(fd, place)
    os.closerange(HIGH, HIGH + 2 * MOST_FDS)


def _moved(order: dict[str, Any]) -> bool:
    """Go to the folder that is meant; where it is not there, say so as `subprocess` reads it."""
    try:
        os.chdir(order["here"])
        if order["cwd"] is not None:
            os.chdir(order["cwd"])
    except OSError as error:
        os.write(order["failing"], f"OSError:{error.errno:x}:noexec".encode())
        return False
    return True


def _take(order: dict[str, Any]) -> None:
    """Take over what a process has from its starter."""
    os.sched_setaffinity(0, order["cpus"])
    for one in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if callable(signal.getsignal(one)) and one != signal.SIGINT:
            continue  # coverage's: who is told to end writes down first what was run
        with suppress(OSError):
            signal.signal(one, signal.SIG_IGN if one in order["ignored"] else signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # as Python does when it starts
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if signal.SIGINT not in order["ignored"]:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, order["blocked"])
    for key in os.environ.keys() - order["env"].keys():
        del os.environ[key]
    os.environ.update(order["env"])
    for number, name in enumerate(STREAMS):
        setattr(sys, name, _stream(number))
        setattr(sys, f"__{name}__", getattr(sys, name))
    sys.orig_argv = order["args"]
    _show(order["args"])


def _stream(number: int) -> Any:
    """Return a standard stream as Python opens it; None where it is closed."""
    if not _is_open(number):
        return None
    how = {"encoding": CODED[number][0], "errors": CODED[number][1], "closefd": False}
    if number == 0:
        return open(number, **how)
    return open(number, "w", buffering=1 if number == 2 or os.isatty(number) else -1, **how)


def _show(words: Sequence[str]) -> None:
    """Write the command line that others see over this process's own."""
    numbers = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
    first, end = int(numbers[45]), int(numbers[46])
    line = b"".join(os.fsencode(word) + b"\0" for word in words)[: end - first]
    ctypes.memmove(first, line.ljust(end - first, b"\0"), end - first)


def _ran(words: Sequence[str]) -> int:
    """Run a command or a child of the package as a new Python does; return the exit code."""
    if words[1] == SCRIPT:
        sys.path.insert(0, str(Path(SCRIPT).parent))
        sys.argv = words[1:]
        with _breeding():
            return _ended(SCRIPT)
    if words[1] in ("-m", "-c"):
        sys.path.insert(0, str(Path.cwd()) if words[1] == "-m" else "")
        sys.argv = [words[1], *words[3:]]
        with _breeding():
            return _ended("birdfast" if words[1] == "-m" else words[2])
    sys.argv = [words[2], *words[4:]]
    return _ended(words[3])


@contextmanager
def _breeding() -> Iterator[None]:
    """Have a zygote for the workers of this process, as it is now, which has no number of a closed stream."""
    ours, theirs = (_high(end) for end in socket.socketpair())
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        said = {number: number for number in (1, 2) if _is_open(number)}
        _put({**said, 0: os.open(os.devnull, os.O_RDONLY), 3: theirs.fileno()})
        _serve(socket.socket(fileno=3))
    theirs.close()
    subprocess._fork_exec = Starts(lambda _: ours)  # type: ignore[attr-defined]
    yield


def _high(end: socket.socket) -> socket.socket:
    with end:
        return socket.socket(fileno=fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, HIGH))


def _ended(program: str) -> int:
    """Run a program and do what Python does at the end; return the exit code.

    It is the script, a program's text, or the name of a module or a package.
    """
    code: Any = 0
    try:
        if program == SCRIPT:
            runpy.run_path(program, run_name="__main__")
        elif program.rstrip().endswith(HANDS_OVER):
            exec(compile(program, "<string>", "exec"), {"__name__": "__main__"})
        else:
            package = f"{program}.__main__"  # what runs as the program is a copy
            sys.modules.pop(package if package in sys.modules else program, None)
            runpy.run_module(program, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code
        if code is not None and not isinstance(code, int):
            print(code, file=sys.stderr)
            code = 1
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            code = code or 120
    return (code or 0) & 0xFF


def _seen(asked: Asked) -> list[str]:
    """Return a process's command line: of a script its Python comes first, as the system puts it there."""
    words = [os.fsdecode(arg) for arg in asked.args]
    return [PYTHON, *words] if words[:1] == [SCRIPT] else words


@cache
def _is_ours() -> bool:
    """Whether the script is there, and of this Python."""
    with suppress(OSError), Path(SCRIPT).open("rb") as file:
        return file.readline() == b"#!%b\n" % os.fsencode(PYTHON)
    return False


def _read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what Python and libraries read when they start, but where modules lie."""
    its = {key: value for key, value in environment.items() if key.startswith(READ_AT_START)}
    its.pop("PYTHONPATH", None)
    return its


def _here() -> str:
    return str(Path("/proc/self/cwd").readlink())


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def _send(to: socket.socket, told: dict[str, Any], fds: Sequence[int] = ()) -> None:
    data = json.dumps(told).encode("utf-8", "surrogatepass")
    to.sendall(len(data).to_bytes(4, "little"))
    socket.send_fds(to, [data[:1] or b" "], [*fds])
    to.sendall(data[1:])


def _receive(source: socket.socket) -> tuple[dict[str, Any], list[int]]:
    size = int.from_bytes(_exactly(source, 4), "little")
    data, fds, *_ = socket.recv_fds(source, 1, MOST_FDS)
    data += _exactly(source, size - 1)
    return json.loads(data), list(array.array("i", fds))


def _exactly(source: socket.socket, n: int) -> bytes:
    data = b""
    while len(data) < n:
        piece = source.recv(n - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2].split(","))
