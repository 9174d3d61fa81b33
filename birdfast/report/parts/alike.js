// What sounds like a detection: windows by their embeddings, the nearest first; all were looked at when it was asked.

// The windows: of rows that are here, and, where a server looks, of any.
async function near(row) {
  if (!told.embedding[rows.model[row]]) return { error: told.silent };
  if (told.clips === "asked") return (await fetch(`near/${row}`)).json();
  const found = within.alike[row];
  if (!found) return { error: "The page knows it of the best detections of each species. birdfast report RESULTS --serve finds it for all." };
  return { near: found.map(([one, nearness]) => ({ row: one, nearness, file: pathOf(one), start_s: rows.start[one], end_s: rows.end[one], channel: rows.channel[one] })) };
}

let searches = 0;
const whose = (row) => `${common(row)}, ${nameOf(pathOf(row))} ${lasting(rows.start[row])}`;

async function find() {
  const row = looked, turn = ++searches;
  if (row < 0) return;
  byId("alike-told").textContent = told.clips === "asked" ? "Looking through all embeddings…" : "";
  put(byId("alike-list"));
  let found;
  try { found = await near(row); } catch { found = { error: GONE }; }
  if (turn !== searches) return; // another was asked for meanwhile
  if (found.error) { byId("alike-told").textContent = found.error; return; }
  byId("alike-told").textContent = found.near.length ? `Nearest to ${whose(row)}; 1.00 is the same sound:` : "There is nothing else to be compared with.";
  put(byId("alike-list"), ...found.near.map((one, i) => {
    const what = one.row < 0 ? "nothing shown" : `${common(one.row)} ${rows.confidence[one.row].toFixed(2)}`;
    return el("li", {}, el("button", { type: "button", onclick: (event) => goTo(event.currentTarget, one, row, i) },
      el("span", { class: "n" }, one.nearness.toFixed(2)), el("b", {}, clipsHere.has(one.row) ? `♪ ${what}` : what),
      el("i", { title: one.file }, `${lasting(one.start_s)} ${nameOf(one.file)}`)));
  }));
}

// Look at a window that was found: at its row, where it has one, wherever that is in the table.
function goTo(button, one, row, i) {
  for (const other of byId("alike-list").querySelectorAll("button")) other.setAttribute("aria-pressed", other === button);
  if (one.row < 0) { lookAtWindow(one, `near/${row}/${i}`); return; }
  const at = shown.indexOf(one.row);
  if (at >= 0) { choose(at); return; }
  chosen = -1; // filters hide it
  drawTable();
  lookAt(one.row);
}

// A window in which nothing is shown has no row, so nothing can be answered.
function lookAtWindow(one, address) {
  chosen = looked = -1;
  drawTable();
  byId("look-title").textContent = "Nothing is shown of this window";
  byId("look-told").textContent = [one.file, `${lasting(one.start_s)} to ${lasting(one.end_s)}`, one.channel ? `channel ${one.channel}` : ""].filter(Boolean).join(" · ");
  showAnswer(-1);
  hear(async () => (await fetch(address)).json(), one.start_s, one.end_s, byId("play-on").checked);
}

byId("find").addEventListener("click", find);
if (!told.embedding.some(Boolean)) { byId("find").hidden = true; byId("alike-told").textContent = told.silent; }
