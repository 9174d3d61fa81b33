"""A question asked again: the tables of another question are those of a new run, byte for byte, unheard."""

from __future__ import annotations

import itertools
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import birdfast
from birdfast import journal, models, outcomes
from birdfast.config import Options
from birdfast.deployments import sites
from birdfast.errors import ConfigError
from birdfast.journal import MERGED, NAME, Journal, Record
from birdfast.outcomes import Outcome, Part
from birdfast.runs import Follower, How, Question, Results, Run
from birdfast.runs.answers import Answers
from birdfast.runs.retelling import retell, retell_shares
from birdfast.runs.submission import Submission
from birdfast.scores import keeping
from birdfast.tables import AboutModel, Names

from . import commands, networks
from .commands import contents
from .journals import FACTS, hear, outcome
from .recordings import noise, write

KINDS = ("csv", "parquet", "raven", "scores")
THRESHOLDS = (0.01, 0.1, 0.25, 0.5, 0.9)
SENSITIVITIES = (0.5, 0.8, 1.0, 1.25, 1.5)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> models.Model:
    """A network of 50 classes, whose scores go far up and down."""
    folder = tmp_path_factory.mktemp("many")
    networks.write_folder(folder, 3 * networks.weights(50))
    (folder / "labels.txt").write_text("\n".join(f"Avis {n}_Bird {n}" for n in range(50)) + "\n")
    return models.find(folder)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings, and one that is none."""
    folder = tmp_path_factory.mktemp("sound")
    for number in range(2):
        write(folder / f"{number}.wav", noise(8_000 * (number + 2), seed=number), 8_000)
    (folder / "bad.wav").write_text("no sound")
    return folder


def run(
    many: models.Model, sound: Path, out: Path, question: Question | None = None, **options: object
) -> Results:
    """Hear the recordings with `kinds`, `keep_scores` and options."""
    how = {name: options.pop(name) for name in ("kinds", "keep_scores", "force") if name in options}
    paths = [str(path) for path in sorted(sound.iterdir())]
    return Run(paths, [many], Options(**options), out, How(n_workers=1, **how), question).work()


@pytest.fixture(scope="module")
def kept(many: models.Model, sound: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run's folder by what it keeps of scores."""
    every = {kind: tmp_path_factory.mktemp(kind) for kind in ("best", "all", "none")}
    for kind, out in every.items():
        run(many, sound, out, kinds=("csv",), keep_scores=kind, min_confidence=0.25)
    return every


QUESTIONS = [
    *({"min_confidence": least, "sensitivity": 1.0} for least in THRESHOLDS),
    *(
        {"min_confidence": 0.3, "sensitivity": s, "top_k": k}
        for s, k in itertools.product(SENSITIVITIES, (1, None))
    ),
    {"min_confidence": 0.0, "sensitivity": 1.0, "top_k": 20},
    {"min_confidence": 0.0001, "sensitivity": 1.0, "top_k": 3},
]


@pytest.mark.parametrize("asked", QUESTIONS, ids=str)
def test_tables_asked_again_are_those_of_a_new_run(
    many: models.Model, sound: Path, kept: dict[str, Path], tmp_path: Path, asked: dict[str, float]
) -> None:
    kinds = KINDS[:3]
    run(many, sound, tmp_path / "new", kinds=kinds, **asked)
    for kind in ("best", "all"):
        written, _ = retell(kept[kind], tmp_path / kind, How(kinds=kinds), asked, {})
        assert contents(tmp_path / kind) == contents(tmp_path / "new")
        assert {path.name for path in written} == contents(tmp_path / "new").keys()


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ({"min_confidence": 0.0001}, "best"),
        ({"min_confidence": 0.01, "sensitivity": 1.5}, "best"),
        ({"min_confidence": 0.0001, "top_k": 21}, "best"),
        ({"min_confidence": 0.2}, "none"),
        ({"min_confidence": 0.0, "top_k": 1}, "none"),
    ],
)
def test_a_question_that_is_not_answered_is_refused_with_both_numbers(
    many: models.Model, sound: Path, kept: dict[str, Path], tmp_path: Path, asked: dict[str, float], kind: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        retell(kept[kind], tmp_path / "other", How(), asked, {})
    said = str(refused.value)
    assert f"asked is a least confidence of {asked['min_confidence']:g}" in said
    assert f"{many.name}'s scores are kept those from" in said
    assert "--keep-scores all" in said
    assert list((tmp_path / "other").iterdir()) == []
    whole = {"min_confidence": 0.25, "top_k": None, "sensitivity": 1.0}
    with pytest.raises(ConfigError, match="--keep-scores all"):
        run(many, sound, kept[kind], **{**whole, **asked})
    with Record(kept[kind]) as record:
        asked_last = record.facts().asked
        assert {name: asked_last[name] for name in whole} == whole  # as before


def test_all_scores_answer_any_question_and_are_a_table(
    many: models.Model, sound: Path, kept: dict[str, Path], tmp_path: Path
) -> None:
    asked = {"min_confidence": 0.0, "sensitivity": 0.7}
    run(many, sound, tmp_path / "new", kinds=KINDS, **asked)
    retell(kept["all"], tmp_path / "again", How(kinds=KINDS), asked, {})
    assert contents(tmp_path / "again") == contents(tmp_path / "new")
    with pytest.raises(ConfigError, match="kept no scores of all windows"):
        retell(kept["best"], tmp_path / "less", How(kinds=("scores",)), {}, {})


def test_infer_asked_again_hears_nothing_and_its_journal_knows_the_question(
    many: models.Model, sound: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    how = [sound, "-o", out, "--workers", "1", "--rtype", "csv,parquet", "--min-conf"]
    assert commands.infer(many, *how, "0.25").returncode == 2
    again = commands.infer(many, *how, "0.6", "--sensitivity", "0.9", "--top-k", "2")
    assert "asked again: nothing to hear\n" in again.stderr
    run(many, sound, tmp_path / "new", kinds=("csv", "parquet"), min_confidence=0.6, sensitivity=0.9, top_k=2)
    assert contents(out) == contents(tmp_path / "new")
    new, results = Results(tmp_path / "new"), Results(out)
    assert results.standing == new.standing
    assert list(results) == list(new)
    assert results.standing.detections == len(list(new)) > 0
    third = commands.infer(many, *how, "0.6", "--sensitivity", "0.9", "--top-k", "2")
    assert "asked again" not in third.stderr
    assert contents(out) == contents(tmp_path / "new")


def test_the_folder_itself_is_asked_and_what_is_not_asked_anew_stays(
    many: models.Model, sound: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run(many, sound, out, kinds=("csv",), min_confidence=0.25)
    assert commands.birdfast("tables", out, "--min-conf", "0.5").returncode == 2
    assert commands.birdfast("tables", out, "--top-k", "1", "--rtype", "parquet").returncode == 2
    run(many, sound, tmp_path / "new", kinds=("csv", "parquet"), min_confidence=0.5, top_k=1)
    assert contents(out) == contents(tmp_path / "new")
    assert Results(out).standing == Results(tmp_path / "new").standing
    assert not (out / MERGED).exists()


def test_tables_elsewhere_say_whose_they_are_and_replace_no_strangers(
    kept: dict[str, Path], tmp_path: Path
) -> None:
    there = tmp_path / "there"
    there.mkdir()
    (there / "detections.csv").write_text("mine")
    refused = commands.birdfast("tables", kept["best"], "-o", there)
    assert (refused.returncode, "nothing here tells that birdfast wrote it" in refused.stderr) == (64, True)
    for _ in range(2):
        assert commands.birdfast("tables", kept["best"], "-o", there, "--force").returncode == 2
        assert commands.birdfast("tables", kept["best"], "-o", there).returncode == 2
    assert str(kept["best"]) in (there / MERGED).read_text()
    refused = commands.birdfast("tables", kept["best"], "-o", kept["all"])
    assert (refused.returncode, "holds a run of `birdfast infer`" in refused.stderr) == (64, True)
    empty = commands.birdfast("tables", there)
    assert (empty.returncode, "birdfast tables" in empty.stderr) == (64, True)


def test_of_a_run_that_is_not_at_its_end_it_is_what_is_done(
    many: models.Model, sound: Path, tmp_path: Path
) -> None:
    class Impatient(Follower):
        def add(self, path: str, outcome: Outcome) -> None:
            if path.endswith("1.wav"):
                raise KeyboardInterrupt

    paths = [str(path) for path in sorted(sound.iterdir())]
    with pytest.raises(KeyboardInterrupt):
        Run(paths, [many], Options(), tmp_path / "out", How(n_workers=1)).work(Impatient())
    database = sqlite3.connect(tmp_path / "out" / NAME)
    with database:  # as if the last file had not come
        last = "(SELECT id FROM file ORDER BY number DESC LIMIT 1)"
        nothing = "n_detections = NULL, failure = NULL, kept = NULL, digest = NULL"
        database.execute(f"UPDATE hearing SET state = 'waiting', {nothing} WHERE file = {last}")
        nothing = "digest = NULL, head = NULL, told = NULL, decoder = NULL"
        database.execute(f"UPDATE file SET audio_s = 0, {nothing} WHERE id = {last}")
    database.close()
    said = commands.birdfast("tables", tmp_path / "out", "-o", tmp_path / "so-far", "--min-conf", "0.4")
    assert (said.returncode, "1 file still to do" in said.stderr) == (1, True)
    some = tmp_path / "some"
    some.mkdir()
    for path in paths[:-1]:
        shutil.copy(path, some)
    run(many, some, tmp_path / "new", min_confidence=0.4)
    new = (tmp_path / "new" / "detections.csv").read_text().replace(str(some), str(sound))
    assert (tmp_path / "so-far" / "detections.csv").read_text() == new


def test_a_list_of_species_asked_again_is_that_of_a_new_run(
    many: models.Model, sound: Path, kept: dict[str, Path], tmp_path: Path
) -> None:
    names = tmp_path / "list.txt"
    names.write_text("".join(f"Avis {n}_Bird {n}\n" for n in range(0, 50, 7)))
    heard = Heard()
    paths = [str(path) for path in sorted(sound.iterdir())]
    question, how = Question(species=names), How(n_workers=1, kinds=KINDS[:3])
    results = Run(paths, [many], Options(top_k=2), tmp_path / "new", how, question).work(heard)
    assert results.standing.detections == heard.n == len(list(results)) > 0
    retell(kept["best"], tmp_path / "again", How(kinds=KINDS[:3]), {"top_k": 2}, {"species": str(names)})
    assert contents(tmp_path / "again") == contents(tmp_path / "new")
    before = list(results)
    names.write_text("Avis 1_Bird 1\n")
    assert list(results) == before  # as it was asked
    Run(paths, [many], Options(top_k=2), tmp_path / "new", how, question).work()
    assert {found.common_name for found in results} == {"Avis 1_Bird 1"}


class Heard(Follower):
    """Counts the detections of which a run tells."""

    n = 0

    def add(self, path: str, outcome: Outcome) -> None:
        self.n += outcome.n_detections


def test_windows_merged_are_counted_as_the_tables_have_them(
    many: models.Model, sound: Path, tmp_path: Path
) -> None:
    results = run(many, sound, tmp_path / "out", Question(merge_consecutive=3), kinds=("csv",))
    rows = commands.table(tmp_path / "out" / "detections.csv")
    plain = run(many, sound, tmp_path / "plain", kinds=("csv",))
    assert results.standing.detections == len(rows) < plain.standing.detections


def test_the_highest_of_some_species_are_kept_however_low(
    many: models.Model, sound: Path, tmp_path: Path
) -> None:
    names = tmp_path / "list.txt"
    names.write_text("Avis 1_Bird 1\n")
    question = Question(species=names)
    results = run(many, sound, tmp_path / "out", question, min_confidence=0.0, top_k=1)
    assert {found.common_name for found in results} == {"Avis 1_Bird 1"}
    assert len(list(results)) == 4 + 6


def test_a_table_of_scores_is_not_lost_when_files_come(
    many: models.Model, sound: Path, tmp_path: Path
) -> None:
    out, paths = tmp_path / "out", [str(path) for path in sorted(sound.iterdir())]
    Run(paths[:1], [many], Options(), out, How(n_workers=1, kinds=("scores",))).work()
    Run(paths, [many], Options(), out, How(n_workers=1, kinds=("csv",))).work()
    run(many, sound, tmp_path / "new", kinds=("csv", "scores"))
    assert contents(out) == contents(tmp_path / "new")


def test_shards_of_one_question_are_merged_and_of_two_refused(
    many: models.Model, sound: Path, tmp_path: Path
) -> None:
    parts = [tmp_path / f"part{number}" for number in (1, 2)]
    for number, part in enumerate(parts, 1):
        commands.infer(many, sound, "-o", part, "--shard", f"{number}/2", "--workers", "1")
    assert commands.birdfast("tables", parts[0], "--min-conf", "0.6").returncode in (0, 2)
    merging = ["merge", *parts, "-o", tmp_path / "merged", "--rtype", "csv,parquet"]
    refused = commands.birdfast(*merging)
    assert refused.returncode == 64
    assert f"{parts[1] / NAME}: not as {parts[0]} (min_confidence: 0.25, there 0.6); ask" in refused.stderr
    assert "--force" not in refused.stderr
    assert commands.birdfast("tables", parts[1], "--min-conf", "0.6").returncode in (0, 2)
    assert commands.birdfast(*merging).returncode == 2
    run(many, sound, tmp_path / "new", kinds=("csv", "parquet"), min_confidence=0.6)
    assert contents(tmp_path / "merged") == contents(tmp_path / "new")


def test_all_shares_of_an_array_are_asked_at_once(
    many: models.Model, sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What one cannot answer replaces no table of another."""
    out, merged = tmp_path / "out", tmp_path / "merged"
    parts = [out / f"shard-{number}-of-2" for number in (1, 2)]
    for number, part in enumerate(parts, 1):
        keep = ["--keep-scores", "all" if number == 1 else "none", "--workers", "1"]
        commands.infer(many, sound, "-o", part, "--shard", f"{number}/2", *keep)

    def asked() -> list[float]:
        found = list[float]()
        for part in parts:
            with Record(part) as record:
                found.append(record.facts().asked["min_confidence"])
        return found

    assert commands.ended("tables", out, "--min-conf", "0.1") == 64
    assert f"{parts[1] / NAME}: asked is a least confidence of 0.1" in capsys.readouterr().err
    assert asked() == [0.25, 0.25]
    assert commands.ended("tables", out, "--min-conf", "0.6", "-o", merged) == 64
    assert "without -o, and then birdfast merge" in capsys.readouterr().err
    assert commands.ended("tables", out, "--min-conf", "0.6", "--rtype", "csv,parquet") == 2
    assert asked() == [0.6, 0.6]
    said = capsys.readouterr().err
    assert all(f"written: {part / 'detections.csv'}" in said for part in parts)
    assert f"birdfast merge {out} -o {out / 'whole'}" in said
    assert commands.ended("merge", out, "-o", merged, "--rtype", "csv,parquet") == 2
    run(many, sound, tmp_path / "new", kinds=("csv", "parquet"), min_confidence=0.6)
    assert contents(merged) == contents(tmp_path / "new")
    assert commands.ended("report", out) == 64
    said = capsys.readouterr().err
    assert f"{out}: no journal of a run ({NAME}) in it; it holds the shares of a run" in said
    assert f"give one, as {parts[0]}; birdfast merge joins" in said


@pytest.mark.parametrize("what", ["is locked", "has a table of a stranger", "is not known to the sample"])
def test_a_share_that_takes_no_tables_keeps_all_shares_as_they_are(tmp_path: Path, what: str) -> None:
    parts, how, of = [tmp_path / f"shard-{number}-of-3" for number in (1, 2, 3)], How(kinds=("csv",)), FACTS
    with ExitStack() as stack:
        for number, part in enumerate(parts, 1):
            part.mkdir()
            if what == "is not known to the sample" and number == 2:
                of = FACTS._replace(about=FACTS.about._replace(models=(_renamed(FACTS.about.models[0]),)))
            with Journal(part, of._replace(shard=f"{number}/3", inputs="3 files, x")) as of_part:
                of_part.plan([f"{number}.wav"], [number - 1])
                hear(of_part, f"{number}.wav", outcome(1))
        if what == "is locked":
            stack.enter_context(journal.Folder(parts[1]))
        elif what == "has a table of a stranger":
            (parts[1] / "detections.csv").mkdir()
        else:
            (tmp_path / "sample.csv").write_text("row_id,Bird\n1_5,0\n")
            how = How(kinds=("submission",), submission=Submission(sample=str(tmp_path / "sample.csv")))
        with pytest.raises(ConfigError):
            retell_shares(parts, how, {"min_confidence": 0.9}, {})
    for part in parts:
        with Record(part) as record:
            assert "min_confidence" not in record.facts().asked
        journal.Folder(part).release()


def _renamed(model: AboutModel) -> AboutModel:
    return model._replace(label_spaces=(Names(("Other", "Engine"), ("Other", "Engine")),))


def test_tables_of_each_file_lie_where_a_new_run_has_them(
    many: models.Model, sound: Path, tmp_path: Path
) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for path in sound.glob("*.wav"):
        shutil.copy(path, tmp_path / "in" / "deep")
    how = [tmp_path / "in", "--workers", "1", "--quiet", "-o"]
    assert commands.infer(many, *how, tmp_path / "out").returncode == 2
    asked = ["--per-file", "--rtype", "csv,raven", "--min-conf", "0.6"]
    assert commands.birdfast("tables", tmp_path / "out", "-o", tmp_path / "again", *asked).returncode == 2
    assert commands.infer(many, *how, tmp_path / "new", *asked).returncode == 2
    found = [
        {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*.*")) if path.is_file()}
        for out in (tmp_path / "again", tmp_path / "new")
    ]
    for each in found:
        each.pop(NAME, None)
        each.pop(MERGED, None)
    assert found[0] == found[1]
    assert any(name.startswith("deep/") for name in found[0])


def test_a_program_asks_again(many: models.Model, sound: Path, tmp_path: Path) -> None:
    how = {"output": tmp_path / "out", "workers": 1}
    every = birdfast.run(sound, many.path.parent, **how, keep_scores="all", min_confidence=0.0)
    n = len(list(every))
    asked = birdfast.run(sound, many.path.parent, **how, min_confidence=0.7)
    assert [one for one in asked if one.confidence < 0.7] == []
    assert 0 < len(list(asked)) < n
    with pytest.raises(ConfigError, match="keep_scores: 'some' does not fit; it takes None, best, all, none"):
        birdfast.run(sound, many.path.parent, **how, keep_scores="some")


class Interrupted:
    """A database in whose `number`th statement from now a signal ends the program."""

    def __init__(self, database: sqlite3.Connection, number: int) -> None:
        self._database, self.left = database, number

    def execute(self, *statement: object) -> sqlite3.Cursor:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return self._database.execute(*statement)

    def __getattr__(self, name: str) -> object:
        return getattr(self._database, name)


@pytest.mark.long
def test_asked_again_and_killed_at_any_moment_it_ends_in_the_same_bytes(
    many: models.Model, sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from birdfast.journal import Journal

    run(many, sound, tmp_path / "before", kinds=("csv",), min_confidence=0.25)
    run(many, sound, tmp_path / "new", kinds=("csv",), min_confidence=0.6, top_k=2)
    opened = Journal.__init__

    def opening(number: int) -> Iterator[None]:
        def open_and_end(journal: Journal, *told: object, **how: object) -> None:
            opened(journal, *told, **how)
            journal.database = Interrupted(journal.database, number)

        with monkeypatch.context() as patch:
            patch.setattr(Journal, "__init__", open_and_end)
            yield

    for number in itertools.count(1):
        out = tmp_path / str(number)
        shutil.copytree(tmp_path / "before", out)
        context = opening(number)
        next(context)
        try:
            run(many, sound, out, kinds=("csv",), min_confidence=0.6, top_k=2)
            break
        except KeyboardInterrupt:
            pass
        finally:
            next(context, None)
        retell(out, None, How(kinds=("csv",)), {"min_confidence": 0.6, "top_k": 2}, {})
        assert contents(out) == contents(tmp_path / "new")
        assert Results(out).standing == Results(tmp_path / "new").standing
        shutil.rmtree(out)
    assert number > 10


def test_the_files_of_a_question_need_not_be_there_any_more(
    many: models.Model, sound: Path, tmp_path: Path
) -> None:
    (tmp_path / "asked").mkdir()
    told = {
        "species": "".join(f"Avis {n}_Bird {n}\n" for n in range(0, 50, 3)),
        "exclude": "Avis 3_Bird 3\n",
        "thresholds": "class,threshold\nAvis 6_Bird 6,0.9\n",
        "deployments": "folder,site\nsound,Caf\u00e9\n",
        "language": "Avis 9_Neuntes\n",
    }
    for name, text in told.items():
        (tmp_path / "asked" / name).write_bytes(text.encode())
    question = Question(**{name: tmp_path / "asked" / name for name in told}, columns=("site",))
    results = run(many, sound, tmp_path / "out", question, kinds=("csv", "parquet"), min_confidence=0.1)
    heard = list(results)
    retell(tmp_path / "out", tmp_path / "there", How(kinds=KINDS[:3]), {"min_confidence": 0.2}, {})
    shutil.move(tmp_path / "asked", tmp_path / "elsewhere")
    assert list(results) == heard != []
    retell(tmp_path / "out", tmp_path / "gone", How(kinds=KINDS[:3]), {"min_confidence": 0.2}, {})
    assert contents(tmp_path / "gone") == contents(tmp_path / "there")
    with Record(tmp_path / "out") as record:
        assert "Neuntes" not in str(record.facts().about.metadata)  # tables tell of names and digests
    again = {"species": str(tmp_path / "elsewhere" / "exclude"), "exclude": None}
    retell(tmp_path / "out", tmp_path / "other", How(kinds=("csv",)), {"min_confidence": 0.01}, again)
    assert {row["Common name"] for row in commands.table(tmp_path / "other" / "detections.csv")} == {
        "Avis 3_Bird 3"
    }


def test_a_file_too_large_to_be_kept_is_asked_for_by_its_flag(
    many: models.Model, sound: Path, tmp_path: Path
) -> None:
    names = tmp_path / "list.txt"
    names.write_text("Avis 1_Bird 1\n" + "#" * (1 << 20))
    results = run(many, sound, tmp_path / "out", Question(species=names), kinds=("csv",), min_confidence=0.1)
    heard = list(results)
    names.rename(tmp_path / "moved.txt")
    said = r"list\.txt: cannot be read .* as --slist FILE"
    with pytest.raises(ConfigError, match=said):
        list(results)
    with pytest.raises(ConfigError, match=said):
        retell(tmp_path / "out", None, How(), {"min_confidence": 0.2}, {})
    moved = {"species": str(tmp_path / "moved.txt")}
    retell(tmp_path / "out", None, How(), {}, moved)
    assert list(results) == heard


def test_what_was_heard_just_now_is_read_once_and_sites_are_read_once_a_run(
    many: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("sound", "new"):
        (tmp_path / name).mkdir()
    path = write(tmp_path / "sound" / "a.wav", noise(80_000), 8_000)
    (tmp_path / "sites.csv").write_text("folder,site\nx,y\n")
    run(many, tmp_path / "sound", tmp_path / "out", kinds=("csv",))
    n_digests, n_sites = list[object](), list[object]()
    with Record(tmp_path / "out") as record:
        ((_, entry),) = record.entries()
        known = record.facts()
        (part,) = [rows for _, rows in record.parts(keeping.KIND, file=entry.id, model=0)]
    digest, read = journal.record.new_digest, sites.Sites.__init__
    monkeypatch.setattr(journal.record, "new_digest", lambda *of: n_digests.append(of) or digest(*of))
    monkeypatch.setattr(sites.Sites, "__init__", lambda *of: n_sites.append(of) or read(*of))
    asked = {"min_confidence": 0.1, "question": Question(deployments=tmp_path / "sites.csv").facts()}
    with Journal(tmp_path / "new", known.asking(asked)) as going:
        going.plan([str(path)], [0])
        answers, n_before = Answers(going, asked), len(n_sites)
        for stretch in range(8):
            going.keep(str(path), Part(0, stretch, 0, keeping.KIND, part))
            n_digests.clear()
            assert len([*going.kept_just_now(str(path), stretch, 50)]) == len(n_digests) == 1
            answers.correct(going, str(path), Outcome(stretch, 8, told="", heard=[outcomes.Heard()]))
    assert len(n_sites) == n_before
