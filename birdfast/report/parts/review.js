// Review: answers by buttons and by single keys, and their export.

function showAnswer(row) {
  const one = row < 0 ? undefined : answers.of(row);
  for (const answer of Object.keys(ANSWERS)) {
    byId(answer).setAttribute("aria-pressed", Boolean(one) && one.answer === answer);
    byId(answer).disabled = row < 0;
  }
  byId("other").disabled = byId("find").disabled = row < 0;
  byId("other").value = one ? one.other : "";
}

function after() {
  showAnswer(looked);
  drawTable();
  tellAnswers();
}

function say(answer, other = "") {
  if (looked < 0) return;
  const one = answers.of(looked);
  if (one && one.answer === answer && one.other === other) answers.takeBack(looked);
  else answers.say(looked, answer, other);
  const isSaid = Boolean(answers.of(looked));
  after();
  if (isSaid && byId("go-on").checked) nextOpen();
}

// The next one that is shown and has no answer.
function nextOpen() {
  for (let at = chosen + 1; at < shown.length; at++) {
    if (!answers.of(shown[at])) return choose(at);
  }
  byId("review-told").textContent = "Nothing without an answer follows.";
}

const cell = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

// A row for each window of which it is known what is heard in it; see the words beside the button.
function exported() {
  const windows = new Map(), keyOf = (row) => `${rows.file[row]} ${rows.start[row]} ${rows.end[row]}`;
  for (const [row, one] of answers.entries()) {
    const key = keyOf(row);
    if (!windows.has(key)) windows.set(key, { row, labels: new Set(), said: [], isOpen: false });
    const window_ = windows.get(key);
    if (one.answer === "right") window_.labels.add(scientific(row));
    else if (one.other) window_.labels.add(one.other);
    if (one.answer === "unsure") window_.isOpen = true;
    window_.said.push(`${scientific(row)}=${one.answer}`);
  }
  for (let row = 0; row < N; row++) {
    const found = answers.of(row) ? undefined : windows.get(keyOf(row));
    if (found) found.isOpen = true;
  }
  const lines = ["file,label,start_s,end_s,is_window,answers"];
  for (const { row, labels, said, isOpen } of windows.values()) {
    if (!labels.size && isOpen) continue;
    lines.push([pathOf(row), [...labels].join(";"), rows.start[row], rows.end[row], 1, said.join(";")].map(String).map(cell).join(","));
  }
  return `${lines.join("\n")}\n`;
}

function save() {
  const url = URL.createObjectURL(new Blob([exported()], { type: "text/csv" }));
  const link = el("a", { href: url, download: "review.csv" });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

// What was typed as another species: a scientific name, where it is one of the run's.
function otherName(text) {
  const typed = text.trim(), i = told.species.common.findIndex((name, at) => [name, told.species.scientific[at]].some((one) => one.toLowerCase() === typed.toLowerCase()));
  return i < 0 ? typed : told.species.scientific[i];
}

for (const answer of Object.keys(ANSWERS)) byId(answer).addEventListener("click", () => say(answer));
byId("other").addEventListener("keydown", (event) => {
  if (event.key === "Escape") { showAnswer(looked); grid.focus(); }
  if (event.key !== "Enter") return;
  event.preventDefault();
  const name = otherName(event.target.value);
  grid.focus({ preventScroll: true });
  if (name && looked >= 0) say("wrong", name);
});
byId("next").addEventListener("click", () => choose(chosen + 1));
byId("previous").addEventListener("click", () => choose(chosen - 1));
byId("play").addEventListener("click", play);
byId("export").addEventListener("click", save);
byId("forget").addEventListener("click", () => {
  if (!confirm("Forget all answers to this run in this browser?")) return;
  answers.forget();
  if (looked >= 0) after();
  refresh();
});

const KEYS = {
  r: () => say("right"), w: () => say("wrong"), u: () => say("unsure"), s: () => byId("other").focus(),
  x: () => { if (looked >= 0) { answers.takeBack(looked); after(); } },
  n: () => choose(chosen + 1), p: () => choose(chosen - 1), l: play, f: find, "/": () => byId("text").focus(),
};
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input:not([type=checkbox]), select, textarea");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !byId("keys").checked) return;
  const act = KEYS[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
});
