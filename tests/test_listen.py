"""`listen` prints of what comes what `infer` writes of a file, whoever stops first."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from threading import Event, Thread, Timer
from time import monotonic

import numpy as np
import pytest

import birdfast
from birdfast import atomicfile, models
from birdfast.__main__ import main
from birdfast.audio.pcm import Pcm
from birdfast.cli import exits
from birdfast.errors import AudioError, ConfigError
from birdfast.live import reader
from birdfast.live.device import Device
from birdfast.live.pipe import Pipe
from birdfast.live.reader import Began, Gone, Lost, Reader
from birdfast.live.ring import Ring
from birdfast.runs.linefile import LineFile

from . import networks
from .commands import LIMIT_S, started
from .recordings import noise, write

RATE_HZ = 11_025
UNTOLD = b"\xff\xff\xff\xff"


@pytest.fixture(scope="module")
def pond(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds in two channels."""
    return write(tmp_path_factory.mktemp("pond") / "pond.wav", noise(4 * RATE_HZ, 2), RATE_HZ)


@pytest.fixture(scope="module")
def rows_of(pond: Path, tiny: models.Model, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Return what `infer` writes of it, by its options."""

    def rows(**how: object) -> str:
        out = tmp_path_factory.mktemp("infer")
        birdfast.run(pond, tiny.path.parent, output=out, kinds="ndjson", min_confidence=0, workers=1, **how)
        return (out / "detections.ndjson").read_text()

    return rows


@pytest.fixture
def listen(
    pond: Path, tiny: models.Model, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Return what listens in this process: its exit code, and what it prints and says."""

    def heard(*more: object) -> tuple[int, str, str]:
        model = ["--model", tiny.path.parent, "--min-conf", "0", "--name", pond]
        code = main([*map(str, ["listen", *model, *more])])
        return code, *capsys.readouterr()

    return heard


def test_a_window_whose_scores_are_no_numbers_is_counted_and_the_next_are_heard(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    matrix = networks.weights()
    matrix[1] = 1e38  # too much for sound that is loud
    model = networks.write_folder(tmp_path, matrix, networks.weights(3, 3))
    sound = 1e-3 * noise(6 * networks.WINDOW_SAMPLES, 1)
    sound[2 * networks.WINDOW_SAMPLES : 4 * networks.WINDOW_SAMPLES] = 1
    wav = write(tmp_path / "loud.wav", sound, networks.RATE_HZ)
    code = main(["listen", "--model", str(model), "--min-conf", "0", "--name", "pond", "--input", str(wav)])
    rows, said = capsys.readouterr()
    starts_s = {json.loads(row)["start_s"] for row in rows.splitlines()}
    window_s = networks.WINDOW_SAMPLES / networks.RATE_HZ
    assert starts_s == {number * window_s for number in (0, 1, 4, 5)}
    assert code == exits.SOME_FAILED
    assert f"not finite in the window at {2 * window_s:g} s; it goes on" in said
    assert "nothing is told of 2 windows: the network's scores are not finite" in said


def untold(pond: Path, folder: Path) -> Path:
    """Write a WAV as programs do into a pipe."""
    data = pond.read_bytes()
    place = data.index(b"data") + 4
    path = folder / "untold.wav"
    path.write_bytes(data[:4] + UNTOLD + data[8:place] + UNTOLD + data[place + 4 :])
    return path


def raw(pond: Path, folder: Path) -> Path:
    data = pond.read_bytes()
    path = folder / "sound.raw"
    path.write_bytes(data[data.index(b"data") + 8 :][: 4 * RATE_HZ * 4])
    return path


RAW = ("--rate", RATE_HZ, "--channels", 2)


def test_what_comes_has_the_rows_of_a_file(pond: Path, listen, rows_of, tmp_path: Path) -> None:
    rows = rows_of()
    for given in ([pond], [untold(pond, tmp_path)], [raw(pond, tmp_path), *RAW]):
        assert listen("--input", *given)[:2] == (exits.FINE, rows)


@pytest.mark.parametrize("told", [1, 2, 4 * RATE_HZ * 2 + 2, 4 * RATE_HZ * 4 - 1])
@pytest.mark.parametrize("behind", [b"", b"LIST\4\0\0\0word"])
def test_a_length_that_is_too_small_loses_nothing(
    told: int, behind: bytes, pond: Path, listen, rows_of, tmp_path: Path
) -> None:
    data = pond.read_bytes()
    place = data.index(b"data") + 4
    path = tmp_path / "short.wav"
    path.write_bytes(data[:place] + told.to_bytes(4, "little") + data[place + 4 :])
    assert listen("--input", path)[:2] == (exits.FINE, rows_of())
    path.write_bytes(data + behind + bytes(1_000))
    assert listen("--input", path)[:2] == (exits.FINE, rows_of())


def test_another_file_behind_it_is_said(pond: Path, listen, rows_of, tmp_path: Path) -> None:
    path = tmp_path / "two.wav"
    for between in (b"", b"LIST\4\0\0\0word"):
        path.write_bytes(pond.read_bytes() + between + pond.read_bytes())
        code, printed, said = listen("--input", path)
        assert (code, printed) == (exits.SOME_FAILED, rows_of())
        assert "two.wav: another WAV file begins behind its sound, which is not read" in said


def test_the_same_is_asked_of_it(pond: Path, listen, rows_of, tmp_path: Path) -> None:
    wanted, least = tmp_path / "wanted.txt", tmp_path / "least.csv"
    wanted.write_text("Avis prima\nNoise\n")
    least.write_text("class,threshold\nNoise,0.6\n")
    question = birdfast.Question(
        species=wanted, thresholds=least, merge_consecutive=3, latitude=52.5, longitude=13.4,
        place_threshold=0, columns=("model", "lat"),
    )  # fmt: skip
    asked = ["--slist", wanted, "--thresholds", least, "--merge-consecutive", 3, "--lat", 52.5, "--lon", 13.4,
             "--sf-thresh", 0, "--additional-columns", "model", "lat"]  # fmt: skip
    how = ["--channel", "each", "--overlap", "0.2", "--top-k", "2", "--tail", "drop"]
    code, printed, _ = listen("--input", pond, *how, *asked)
    rows = rows_of(question=question, channel="each", overlap_s=0.2, top_k=2, tail="drop")
    assert (code, printed) == (exits.FINE, rows)
    assert printed.count("\n") > 5


def test_rows_have_their_time_where_it_is_told(pond: Path, listen) -> None:
    _, printed, _ = listen("--input", pond, "--began", "2026-05-01T04:00:00+02:00")
    assert '"time": "2026-05-01T04:00:00.500000+02:00"' in printed


def test_clips_are_those_that_clips_cuts(pond: Path, listen, tiny: models.Model, tmp_path: Path) -> None:
    birdfast.run(pond, tiny.path.parent, output=tmp_path / "run", min_confidence=0, workers=1)
    context = ["--context", "0.3", "-n", "100"]
    assert main(["clips", str(tmp_path / "run"), "-o", str(tmp_path / "cut"), *context]) == 0
    kept = ["--clips", tmp_path / "kept", "--clips-context", "0.3", "--clips-most", "100"]
    assert listen("--input", pond, *kept)[0] == exits.FINE
    cut, live = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.wav")}
        for folder in (tmp_path / "cut", tmp_path / "kept")
    )
    assert cut == live
    assert len(cut) == 24
    tables = [sorted((tmp_path / name / "clips.csv").read_text().splitlines()) for name in ("cut", "kept")]
    assert tables[0] == tables[1]
    assert listen("--input", pond, *kept)[0] == exits.USAGE  # it is not empty


def test_clips_are_bounded(pond: Path, listen, tmp_path: Path) -> None:
    listen("--input", pond, "--clips", tmp_path / "kept", "--clips-most", "2", "--clips-format", "flac")
    assert [len([*folder.iterdir()]) for folder in (tmp_path / "kept").glob("*/")] == [2, 2, 2]


def test_a_file_has_rows_as_they_come_and_is_not_replaced(
    pond: Path, listen, rows_of, tmp_path: Path
) -> None:
    rows = rows_of()
    for place, path in (("new/pond.ndjson", "new/pond.ndjson"), ("folder", "folder/detections.ndjson")):
        given = ["--input", pond, "-o", tmp_path / place]
        assert listen(*given)[:2] == (exits.FINE, "")
        assert (tmp_path / path).read_text() == rows
        code, _, said = listen(*given)
        assert code == exits.USAGE
        assert "has something in it; --append" in said
        assert listen(*given, "--append")[0] == exits.FINE
        assert (tmp_path / path).read_text() == rows * 2
    assert listen("--input", pond, "-o", pond / "x.ndjson")[0] == exits.USAGE


@pytest.mark.parametrize("n_lost", [0, 1, 40])
def test_rows_behind_a_torn_line_are_whole(n_lost: int, pond: Path, listen, rows_of, tmp_path: Path) -> None:
    """What a full disk cut off stays a line of its own."""
    rows, path = rows_of(), tmp_path / "pond.ndjson"
    path.write_text(torn := rows[: len(rows) - n_lost])
    code, _, said = listen("--input", pond, "-o", path, "--append")
    assert code == exits.FINE
    assert path.read_text() == torn + "\n" * (n_lost > 0) + rows
    assert ("its last line was cut off" in said) == (n_lost > 0)


def test_a_files_folders_are_made_as_those_of_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    monkeypatch.setattr(atomicfile, "_keep_names", made.append)
    with LineFile(tmp_path / "new/deep/pond.ndjson", append=False) as file:
        file.write("a\nb\n")
    assert made == [tmp_path / "new", tmp_path]
    os.mkfifo(tmp_path / "fifo.ndjson")
    for name, why in (("fifo.ndjson", "it is no regular file"), ("new", "it is a folder")):
        with pytest.raises(ConfigError, match=why):
            LineFile(tmp_path / name, append=True)


@pytest.mark.parametrize(
    ("data", "code", "why"),
    [
        (b"", exits.NONE_WORKED, "no sound came"),
        (b"RIFF\0\0\0\0WAVEfmt ", exits.NONE_WORKED, "a broken WAV header: it ends before the sound"),
        (b"fLaC".ljust(99), exits.NONE_WORKED, "that is FLAC"),
        (b"\xff\xfb\x90\xc4".ljust(417) * 99, exits.NONE_WORKED, "that is MP3, not WAV or raw samples"),
        (None, exits.SOME_FAILED, "cut short: ends at 2.00 s of the 4.00 s its header promises"),
    ],
)
def test_what_is_no_sound_is_said(
    data: bytes | None, code: int, why: str, pond: Path, listen, tmp_path: Path
) -> None:
    path = tmp_path / "given"
    head = pond.read_bytes()
    path.write_bytes(data if data is not None else head[: head.index(b"data") + 8 + 2 * RATE_HZ * 4])
    found, printed, said = listen("--input", path, "--quiet")
    assert found == code
    assert why in said
    assert printed.count("\n") == (12 if data is None else 0)


@pytest.mark.parametrize("read_bytes", [1_000, 1 << 16])
@pytest.mark.parametrize("wrong", [np.nan, -np.inf, 1e30])
def test_samples_that_are_none_are_silence_and_nothing_else_changes(
    wrong: float, read_bytes: int, listen, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """However the pipe cuts what comes."""
    monkeypatch.setattr("birdfast.live.pipe.READ_BYTES", read_bytes)
    sound, how = noise(3 * RATE_HZ)[:, 0], ("--rate", RATE_HZ, "--format", "f32")
    path = tmp_path / "sound.raw"
    sound[[17, 20_000]] = 0
    sound.tofile(path)
    code, rows, _ = listen("--input", path, *how)
    assert code == exits.FINE
    sound[[17, 20_000]] = wrong
    sound.tofile(path)
    code, printed, said = listen("--input", path, *how)
    assert (code, printed) == (exits.SOME_FAILED, rows)
    assert "the sample at 0.002 s is NaN, infinite, or louder than any sound; silence is heard" in said
    assert "2 samples are NaN" in said


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (["--input", "nowhere.wav"], "nowhere.wav: cannot be read"),
        (["--reconnect"], "--reconnect takes --input"),
        (["--device", "1", "--input", "x"], "--device and --input"),
        (["--input", "x", "--began", "noon"], "'noon' is no time"),
        (["--input", "x", "--rate", "10"], "rate_hz: 10 does not fit"),
        (["--device"], "takes the package sounddevice; "),
        (
            ["--input", "x", "-o", "heard.csv"],
            "heard.csv: rows are NDJSON, in a file .ndjson or .jsonl or in",
        ),
        (["--device", "--format", "f32"], "--format is of raw samples"),
        (["--input", "x", "--append"], "--append goes on behind a file: it goes with -o"),
        (["--input", "x", "--clips-most", "10"], "--clips-most is of clips: it goes with --clips"),
        (["--input", "x", "--clips-context", "0"], "--clips-context is of clips"),
        (["--input", "x", "--clips-format", "wav"], "--clips-format is of clips"),
    ],
)
def test_what_makes_no_sense_is_said(
    given: Sequence[str], why: str, listen, monkeypatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").write_bytes(b"\0" * 8)
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    code, _, said = listen(*given)
    assert code in (exits.USAGE, exits.NONE_WORKED)
    assert why in said


@pytest.mark.parametrize("given", ["61", "nan", "-1"])
def test_memory_holds_so_much_context(given: str, listen, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        listen("--input", "x", "--clips", "c", f"--clips-context={given}")
    assert f"'{given}' is none of 0 to 60 s" in capsys.readouterr().err


def command(tiny: models.Model, *more: object) -> list[str]:
    return [
        sys.executable,
        "-m",
        "birdfast",
        *map(str, ["listen", "--model", tiny.path.parent, "--min-conf", 0, *more]),
    ]


@pytest.mark.parametrize(("state", "code"), [("gone", exits.NOBODY_READS), ("full", exits.OUTPUT)])
def test_who_reads_no_more_ends_it(state: str, code: int, pond: Path, tiny: models.Model) -> None:
    """The pipe of sound stays open: nobody would ever come back."""
    ours, theirs = os.pipe()
    if state == "gone":
        os.close(ours)
    else:
        os.close(theirs)
        theirs = os.open("/dev/full", os.O_WRONLY)
    with started(*command(tiny), stdin=subprocess.PIPE, stdout=theirs, stderr=subprocess.DEVNULL) as process:
        os.close(theirs)
        process.stdin.write(pond.read_bytes())
        process.stdin.flush()
        assert process.wait(LIMIT_S) == code
        process.stdin.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_sound_and_what_is_left_is_told(
    number: int, pond: Path, tiny: models.Model
) -> None:
    sound = pond.read_bytes()
    sound = sound[: sound.index(b"data") + 8 + 9 * RATE_HZ]  # two seconds and a quarter
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with started(*command(tiny), **streams) as process:
        process.stdin.write(sound)
        process.stdin.flush()
        lines = [process.stdout.readline() for _ in range(3)]  # of the first window
        process.send_signal(number)
        lines += process.stdout.readlines()
        assert process.wait(LIMIT_S) == exits.BY_SIGNAL + number
        process.stdin.close()
    assert len(lines) == 15


def test_a_fifo_is_opened_again(pond: Path, tiny: models.Model, tmp_path: Path) -> None:
    """Twice somebody writes half of the pond; the second time is heard as sound of its own."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    given = command(tiny, "--input", fifo, "--reconnect", *RAW)
    with started(*given, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        found = []
        for _ in range(2):
            fifo.write_bytes(raw(pond, tmp_path).read_bytes()[: 5 * RATE_HZ])
            found += [process.stdout.readline() for _ in range(9)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == exits.TERMINATED
        said = process.stderr.read().decode()
    assert len(found) == 18
    assert all(found)
    assert said.count(f"{fifo} has ended; looking for it again in 0.5 s") >= 2


class Told:
    """A source of blocks, each when it is let go; what is an error is raised."""

    name, waits, n_overflows = "told", True, 0

    def __init__(self, *takes: Sequence[object]) -> None:
        self._takes, self.n_open = list(takes), 0

    def open(self) -> Pcm:
        if self.n_open >= len(self._takes):
            raise AudioError("told: not there")
        self._blocks: Iterator[object] = iter(self._takes[self.n_open])
        self.n_open += 1
        return Pcm(1_000)

    def read(self) -> np.ndarray | None:
        block = next(self._blocks, None)
        if isinstance(block, Exception):
            raise block
        return block

    def close(self) -> None:
        pass


def block(seconds: float) -> np.ndarray:
    return np.zeros((round(seconds * 1_000), 1), np.int16)


@pytest.mark.parametrize("sizes", [[1] * 25, [3, 9, 13], [7, 18], [25]])
@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_a_ring_has_the_last_seconds_however_they_come(sizes: list[int], kind: type) -> None:
    """Seven samples of 25 at 1 kHz; a block may be longer than that, and its end is what is kept."""
    ring, sound = Ring(Pcm(1_000, 1, "s16"), 0.007), np.arange(25, dtype=kind)[:, np.newaxis]
    for block in np.split(sound, np.cumsum(sizes)[:-1]):
        ring.push(block)
    scale = 2.0**-15 if kind == np.int16 else 1.0
    assert ring.n_taken == 25
    assert (ring.cut(0, 1_000) / scale).tolist() == [*range(18, 25)]
    assert (ring.cut(19, 21) / scale).tolist() == [19, 20]
    assert len(ring.cut(0, 18)) == len(ring.cut(25, 1_000)) == 0


def test_who_drops_tells_how_much_and_where(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve seconds come at once, of which ten may wait; what comes when they are heard tells it once."""
    monkeypatch.setattr(reader, "ROOM_S", 10.0)
    go_on = Event()

    class Slow(Told):
        def read(self) -> np.ndarray | None:
            found = super().read()
            if found is not None and len(found) == 500:
                go_on.wait(60)
            return found

    source = Slow([*[block(1)] * 12, block(0.5), block(0.25)])
    came = iter(Reader(source, drops=True, again=False))
    begin = monotonic()
    listened = next(came)
    assert listened == Began(Pcm(1_000), 0)
    every = [next(came) for _ in range(10)]
    assert sum(map(len, every)) == 10_000
    assert monotonic() - begin < 60
    go_on.set()
    rest = list(came)
    lost = [one for one in rest if isinstance(one, Lost)]
    heard = sum(len(one) for one in rest if not isinstance(one, tuple))
    assert sum(one.n_samples for one in lost) + heard == 2_750
    assert isinstance(rest[-1], np.ndarray)


def test_who_waits_loses_nothing_and_holds_no_more_than_there_is_room() -> None:
    n_read = 0

    class Counted(Told):
        def read(self) -> np.ndarray | None:
            nonlocal n_read
            n_read += 1
            return super().read()

    listener = Reader(Counted([block(1)] * 60), drops=False, again=False)
    came = iter(listener)
    next(came)
    for _ in range(5):
        next(came)
    assert n_read <= 5 + reader.ROOM_S + 2
    assert sum(map(len, came)) == 55_000
    assert listener.lost_s == 0


def test_a_source_that_comes_back_goes_on_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "WAITS_S", (0.01, 0.04))
    monkeypatch.setattr(reader, "monotonic", count(100, 7.5).__next__)
    listener = Reader(Told([block(1), AudioError("unplugged")], [block(2)]), drops=True, again=True)
    came = []
    for one in listener:
        came.append(one)
        if isinstance(one, Gone) and one.again_s == 0.04:
            listener.stop()
            break
    kinds = [type(one).__name__ for one in came]
    assert kinds[:6] == ["Began", "ndarray", "Gone", "Began", "ndarray", "Gone"]
    assert came[2] == Gone("unplugged", 0.01)
    assert came[3].start_s == 7.5
    assert came[5] == Gone("told has ended", 0.01)
    assert [one.again_s for one in came[6:]] == [0.02, 0.04]


@pytest.mark.parametrize("drops", [False, True])
def test_a_source_comes_back_however_long_its_blocks_were(
    drops: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seconds as floats, taken one by one from their sum, hardly ever leave zero: that was waited for."""
    monkeypatch.setattr(reader, "WAITS_S", (0.001, 0.001))
    lengths = np.random.default_rng(0).integers(1, 900, (12, 30))
    listener = Reader(Told(*([block(n / 1_000) for n in some] for some in lengths)), drops=drops, again=True)
    watch = Timer(LIMIT_S / 2, listener.stop)
    watch.start()
    n_began = n_samples = 0
    for one in listener:
        n_began += isinstance(one, Began)
        n_samples += 0 if isinstance(one, tuple) else len(one)
        if isinstance(one, Gone) and one.why == "told: not there":
            break
    watch.cancel()
    listener.stop()
    assert (n_began, n_samples) == (len(lengths), lengths.sum())


class Microphones(types.ModuleType):
    """What sounddevice has of it: one device, which a test unplugs."""

    class PortAudioError(Exception):
        pass

    def __init__(self) -> None:
        super().__init__("sounddevice")
        self.callback: Callable[..., None] | None = None
        self.looked = 0

    def _terminate(self) -> None:
        self.looked += 1

    def _initialize(self) -> None:
        self.looked += 1

    def query_devices(self, which: object, kind: str) -> dict[str, float]:
        if which == "none":
            raise ValueError("No input device matching 'none'")
        return {"default_samplerate": 8_000.0}

    def InputStream(
        self, *, samplerate: int, channels: int, callback: Callable[..., None], **_: object
    ) -> object:
        self.callback = callback
        return types.SimpleNamespace(start=lambda: None, close=lambda ignore_errors: None)


def test_a_device_is_heard_and_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    library = Microphones()
    monkeypatch.setitem(sys.modules, "sounddevice", library)
    monkeypatch.setattr("birdfast.live.device.SILENT_S", 0.05)
    device = Device("", None, 2)
    assert device.open() == Pcm(8_000, 2)
    sound = np.ones((3, 2), np.int16)
    library.callback(sound, 3, None, types.SimpleNamespace(input_overflow=True))
    sound[:] = 0  # it is PortAudio's
    assert (device.read() == 1).all()
    assert device.n_overflows == 1
    with pytest.raises(AudioError, match="the usual device: no sound for 0.05 s"):
        device.read()
    device.close()
    assert device.open() == Pcm(8_000, 2)
    assert library.looked == 2
    with pytest.raises(AudioError, match="device none: cannot be opened .No input device"):
        Device("none", None, 1).open()


def test_a_device_without_its_library_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(ConfigError, match="takes the package sounddevice"):
        Device("", None, 1)


def test_a_pipe_gives_whole_frames_of_any_pieces(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    sound = noise(500, 3)
    pipe = Pipe(fifo, Pcm(8_000, 3, "f32"))

    def write_pieces() -> None:
        with fifo.open("wb", buffering=0) as file:
            data = sound.tobytes()
            for start in range(0, len(data), 7):
                file.write(data[start : start + 7])

    writer = Thread(target=write_pieces)
    writer.start()
    assert pipe.open() == Pcm(8_000, 3, "f32")
    found = []
    while (some := pipe.read()) is not None:
        found.append(some)
    writer.join()
    assert (np.concatenate(found) == sound).all()
    pipe.close()


def test_how_sound_is_taken_is_said(pond: Path, listen, tmp_path: Path) -> None:
    sound = raw(pond, tmp_path)
    assert f"{sound}: raw, s16, 48,000 Hz, 1 channel\n" in listen("--input", sound)[2]
    said = listen("--input", pond, "--rate", 8_000, "--channels", 2, "--format", "f32")[2]
    assert f"{pond}: WAV, s16, 11,025 Hz, 2 channels\n" in said
    assert f"{pond}: --rate 8000, --format f32 ignored: a WAV's header tells\n" in said


def test_clips_of_standard_input_have_a_name_to_type(pond: Path, tiny: models.Model, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "birdfast", "listen", "--model", tiny.path.parent, "--min-conf", "0"]
    command += ["--clips", tmp_path / "c"]
    with pond.open("rb") as sound, started(*command, stdin=sound, stdout=subprocess.PIPE) as process:
        printed, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == exits.FINE
    assert '"file": "stdin"' in str(printed)
    assert {path.name.split("_")[1] for path in (tmp_path / "c").rglob("*.wav")} == {"stdin"}
