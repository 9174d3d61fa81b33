// The table: of all rows that are shown those are in the page that can be seen.

const MORE = 6; // rows above and below what is seen
const root = getComputedStyle(document.documentElement);
const rowPx = () => parseFloat(root.getPropertyValue("--row")); // more where the page is narrow
const ANSWERS = { right: "✓ right", wrong: "✗ wrong", unsure: "? unsure" };
const COLUMNS = [
  ["species", "Species"], ["confidence", "Confidence"], ["when", hasTimes ? "When" : "Time in file"],
  ["file", "Recording"], ["answer", "Answer"],
];
const grid = byId("grid"), scroller = byId("scroller"), sizer = byId("sizer");
let chosen = -1; // a place among the rows shown

function head() {
  put(byId("head"), ...COLUMNS.map(([key, name], i) => {
    const is = order.by === key;
    const told = is ? (order.falls ? "descending" : "ascending") : "none";
    const button = el("button", { type: "button", tabindex: 0, "data-sort": key, onclick: () => sortBy(key) }, name,
      el("span", { "aria-hidden": "true" }, is ? (order.falls ? " ▼" : " ▲") : ""));
    return el("div", { role: "columnheader", "aria-sort": told, "aria-colindex": i + 1, class: `cell ${key}` }, button);
  }));
}

function sortBy(key) {
  order.falls = order.by === key ? !order.falls : key === "confidence";
  order.by = key;
  showRows();
  scroller.scrollTop = 0;
  drawTable();
  byId("head").querySelector(`[data-sort=${key}]`).focus();
}

function when(row) {
  const inFile = lasting(rows.start[row]);
  return Number.isNaN(begins[row]) ? [inFile, ""] : [`${dayName(dayOf[row])} ${clock(begins[row])}`, inFile];
}

function answered(row) {
  const one = answers.of(row);
  if (!one) return el("span", { class: "none" }, "–");
  return el("span", { class: `said ${one.answer}` }, one.other ? `✗ ${one.other}` : ANSWERS[one.answer]);
}

function line(place, px) {
  const row = shown[place], [time, inFile] = when(row), confidence = rows.confidence[row];
  const cells = [
    [el("b", {}, ...clipsHere.has(row) ? [el("span", { class: "note", title: "with sound" }, "♪ ")] : [], common(row)), el("i", {}, scientific(row) === common(row) ? "" : scientific(row))],
    [el("span", { class: "bar", share: confidence }, confidence.toFixed(2))],
    [el("span", {}, time), el("i", {}, inFile)],
    [el("span", {}, nameOf(pathOf(row))), el("i", {}, told.sites[siteOf(row)])],
    [answered(row)],
  ];
  const is = place === chosen;
  const piece = el("div", {
    role: "row", id: `row-${place}`, class: is ? "line chosen" : "line", "aria-rowindex": place + 2,
    "aria-selected": is, "data-place": place, "data-row": row,
  }, ...cells.map((parts, i) => el("div", { role: "gridcell", "aria-colindex": i + 1, class: `cell ${COLUMNS[i][0]}` }, ...parts)));
  piece.style.top = `${place * px}px`;
  return piece;
}

function drawTable() {
  const px = rowPx();
  const first = Math.max(0, Math.floor(scroller.scrollTop / px) - MORE);
  const last = Math.min(shown.length, Math.ceil((scroller.scrollTop + scroller.clientHeight) / px) + MORE);
  const lines = [];
  for (let place = first; place < last; place++) lines.push(line(place, px));
  put(sizer, ...lines);
  sizer.style.height = `${shown.length * px}px`;
  grid.setAttribute("aria-rowcount", shown.length + 1);
  const is = chosen >= first && chosen < last;
  if (is) grid.setAttribute("aria-activedescendant", `row-${chosen}`);
  else grid.removeAttribute("aria-activedescendant");
}

// Show what is wanted anew; the detection that is looked at stays so if it is still shown.
function showRows() {
  const row = chosen >= 0 ? shown[chosen] : -1;
  fit = null;
  shown = sorted(fitting());
  chosen = row < 0 ? -1 : shown.indexOf(row);
  head();
  if (chosen < 0) scroller.scrollTop = 0;
  else keepSeen();
  drawTable();
}

function keepSeen() {
  const px = rowPx();
  const top = chosen * px, bottom = top + px;
  sizer.style.height = `${shown.length * px}px`;
  if (top < scroller.scrollTop) scroller.scrollTop = top;
  else if (bottom > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = bottom - scroller.clientHeight;
}

function choose(place) {
  if (!shown.length) return;
  chosen = Math.min(Math.max(0, place), shown.length - 1);
  keepSeen();
  drawTable();
  lookAt(shown[chosen]);
}

scroller.addEventListener("scroll", () => requestAnimationFrame(drawTable), { passive: true });
matchMedia("(max-width: 600px)").addEventListener("change", drawTable);
sizer.addEventListener("click", (event) => {
  const piece = event.target.closest("[data-place]");
  if (!piece) return;
  grid.focus({ preventScroll: true });
  choose(Number(piece.dataset.place));
  if (matchMedia("(max-width: 1000px)").matches) byId("look").scrollIntoView(); // it is above the table there
});
grid.addEventListener("keydown", (event) => {
  if (event.target !== grid) return;
  const page = Math.max(1, Math.floor(scroller.clientHeight / rowPx()) - 1);
  const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
  if (event.key === " ") { event.preventDefault(); play(); }
  if (!(event.key in steps)) return;
  event.preventDefault();
  choose(chosen < 0 ? 0 : chosen + steps[event.key]);
});
