// Answers: what was said of detections, kept in this browser by the run and by what the detection is.

const PREFIX = `birdfast:${told.key}:`;
const RANK = { right: 0, unsure: 1, wrong: 2 };

const answers = (() => {
  const byRow = new Map();
  let isKept = true;
  const key = (row) => PREFIX + JSON.stringify([pathOf(row), rows.start[row], rows.end[row], rows.channel[row], told.models[rows.model[row]], scientific(row), common(row)]);

  function load() {
    const kept = new Map();
    try {
      for (let i = 0; i < localStorage.length; i++) {
        const name = localStorage.key(i);
        if (name.startsWith(PREFIX)) kept.set(name, localStorage.getItem(name));
      }
    } catch { isKept = false; }
    for (let row = 0; kept.size && row < N; row++) {
      const text = kept.get(key(row));
      if (text === undefined) continue;
      try {
        const one = JSON.parse(text);
        if (one.answer in RANK) byRow.set(row, { answer: one.answer, other: String(one.other || "") });
      } catch { /* not ours */ }
    }
  }

  function keep(row) {
    try {
      if (byRow.has(row)) localStorage.setItem(key(row), JSON.stringify(byRow.get(row)));
      else localStorage.removeItem(key(row));
    } catch { isKept = false; }
  }

  load();
  return {
    of: (row) => byRow.get(row),
    entries: () => [...byRow].sort((a, b) => a[0] - b[0]),
    rank: (row) => (byRow.has(row) ? RANK[byRow.get(row).answer] : 3),
    isKept: () => isKept,
    fits(row, wish) {
      const one = byRow.get(row);
      return wish === "open" ? !one : wish === "answered" ? Boolean(one) : Boolean(one) && one.answer === wish;
    },
    say(row, answer, other = "") { byRow.set(row, { answer, other }); keep(row); },
    takeBack(row) { byRow.delete(row); keep(row); },
    forget() { for (const row of [...byRow.keys()]) this.takeBack(row); },
  };
})();
