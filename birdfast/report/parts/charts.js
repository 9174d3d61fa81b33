// Species, hours, days and sites: numbers in tables, shaded by their share of the largest, and bars.

const MOST_ROWS = 12, MOST_DAYS = 31; // of a table; more days become months

function toggle(key, value) {
  wanted[key] = wanted[key] === value ? -1 : value;
  refresh();
}

function tally(found, of, size) {
  const n = new Uint32Array(size);
  for (const row of found) { const i = of(row); if (i >= 0) n[i]++; }
  return n;
}

function speciesChart() {
  const n = tally(fitting("species"), (row) => rows.species[row], told.species.scientific.length);
  const listed = [...n.keys()].filter((i) => n[i] || i === wanted.species).sort((a, b) => n[b] - n[a] || speciesRank[a] - speciesRank[b]);
  const most = Math.max(1, ...n);
  byId("species-title").textContent = `Species (${number.format(listed.length)})`;
  put(byId("species-chart"), el("ul", { class: "bars" }, ...listed.map((i) => el("li", {},
    el("button", { type: "button", "aria-pressed": wanted.species === i, onclick: () => toggle("species", i), title: told.species.scientific[i] },
      el("span", { class: "name" }, speciesName(i)), el("span", { class: "n" }, number.format(n[i])), el("span", { class: "fill", share: n[i] / most, "aria-hidden": "true" }))))));
}

// A table of numbers, shaded; `pick` makes the headings of rows or columns buttons.
function shaded(caption, columns, lines, onColumn, onLine) {
  const heading = (one, on, scope) => el("th", { scope, class: one.is ? "is" : null },
    on && one.value !== undefined ? el("button", { type: "button", "aria-pressed": Boolean(one.is), title: one.title, onclick: () => on(one.value) }, one.name) : one.name);
  return el("table", { class: "shaded" }, el("caption", { class: "unseen" }, caption),
    el("thead", {}, el("tr", {}, el("td"), ...columns.map((one) => heading(one, onColumn, "col")))),
    el("tbody", {}, ...lines.map((one) => el("tr", { class: one.kind }, heading(one, onLine, "row"),
      ...one.cells.map((n, i) => {
        const most = Math.max(1e-9, ...one.of || one.cells);
        return el("td", { share: one.kind === "effort" ? 0 : n / most,
          title: `${one.name}, ${columns[i].name}: ${one.kind === "effort" ? hours(n) : number.format(n)}` },
        n ? (one.kind === "effort" ? (n / 3600).toFixed(n < 360 ? 2 : n < 36000 ? 1 : 0) : short(n)) : "");
      })))));
}

const nothing = (text) => el("p", { class: "hint" }, text);

// Species by hour of the day, the most frequent first.
function hoursChart() {
  if (!hasTimes) return put(byId("hours-chart"), nothing("No recording tells when it was made: neither its name nor its header."));
  const found = fitting("hour"), n = new Map(), all = new Uint32Array(24);
  for (const row of found) {
    if (hourOf[row] < 0) continue;
    if (!n.has(rows.species[row])) n.set(rows.species[row], new Uint32Array(24));
    n.get(rows.species[row])[hourOf[row]]++;
    all[hourOf[row]]++;
  }
  const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
  const most = [...n].sort((a, b) => sum(b[1]) - sum(a[1])).slice(0, MOST_ROWS);
  const columns = [...all.keys()].map((hour) => ({ name: two(hour), value: hour, is: wanted.hour === hour, title: `${two(hour)}:00 to ${two(hour)}:59` }));
  const lines = [{ name: "All", cells: [...all], kind: "all" },
    ...most.map(([i, cells]) => ({ name: speciesName(i), value: i, is: wanted.species === i, cells: [...cells] })),
    { name: "Hours listened", cells: told.effort.by_hour_s, kind: "effort" }];
  put(byId("hours-chart"), shaded("Detections by species and hour of the day", columns, lines, (hour) => toggle("hour", hour), (i) => toggle("species", i)));
}

// Days as bars, from the first to the last; where there are many, a bar is thinner, not another time.
function daysChart() {
  if (!hasTimes) return put(byId("days-chart"), nothing("No recording tells when it was made."));
  const n = new Map();
  for (const row of fitting("day")) if (dayOf[row] >= 0) n.set(dayOf[row], (n.get(dayOf[row]) || 0) + 1);
  if (!n.size) return put(byId("days-chart"), nothing("Nothing is shown of any day."));
  const days = [...n.keys(), ...told.effort.by_site_and_day.map(([, day]) => day)];
  const first = Math.min(...days), count = Math.max(...days) - first + 1, most = Math.max(...n.values());
  const [W, H, left, below] = [Math.max(240, byId("days-chart").clientWidth), 190, 40, 24], step = (W - left) / count;
  const bars = [...n].map(([day, k]) => {
    const height = (H - below - 12) * k / most;
    return svg("rect", { x: left + (day - first) * step, y: H - below - height, width: Math.max(0.8, step * 0.85), height, class: wanted.day === day ? "is" : null,
      onclick: () => toggle("day", day) }, svg("title", {}, `${dayName(day)}: ${counted(k, "detection")}`));
  });
  const label = (x, y, text, anchor) => svg("text", { x, y, "text-anchor": anchor }, text);
  const axis = [svg("line", { x1: left, x2: W, y1: H - below + 0.5, y2: H - below + 0.5 }), label(left - 6, 16, short(most), "end"), label(left - 6, H - below, "0", "end"),
    label(left, H - 6, dayName(first), "start"), ...(count > 1 ? [label(W, H - 6, dayName(first + count - 1), "end")] : [])];
  const about = `Detections by day, ${dayName(first)} to ${dayName(first + count - 1)}; the most on a day: ${number.format(most)}`;
  const choice = el("label", {}, "Day ", el("select", { id: "day" }, el("option", { value: -1 }, "any"),
    ...[...n].sort((a, b) => a[0] - b[0]).map(([day, k]) => el("option", { value: day, selected: wanted.day === day ? "" : null }, `${dayName(day)} (${number.format(k)})`))));
  choice.querySelector("select").addEventListener("change", (event) => { wanted.day = Number(event.target.value); refresh(); });
  put(byId("days-chart"), svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": about }, ...axis, ...bars), choice);
}

// Sites by day; by month where there are many days.
function sitesChart() {
  if (!hasSites) return put(byId("sites-chart"), nothing("No recording tells its site: a table of deployments (infer --deployments) can."));
  const found = fitting("site"), spans = new Set();
  const days = new Set(found.length < 1 ? [] : Array.from(found, (row) => dayOf[row]));
  const byMonth = days.size > MOST_DAYS;
  const spanOf = (day) => (day < 0 ? "no date" : byMonth ? dayName(day).slice(0, 7) : dayName(day));
  const n = new Map();
  for (const day of days) spans.add(spanOf(day));
  const names = [...spans].sort(), isOneYear = !byMonth && new Set(names.map((name) => name.slice(0, 4))).size === 1;
  const columns = names.map((name) => ({ name: isOneYear ? name.slice(5) : name }));
  const placeOf = new Map(names.map((name, i) => [name, i])), spanByDay = new Map([...days].map((day) => [day, placeOf.get(spanOf(day))]));
  for (const row of found) {
    const site = siteOf(row);
    if (!n.has(site)) n.set(site, new Array(columns.length).fill(0));
    n.get(site)[spanByDay.get(dayOf[row])]++;
  }
  const every = [...n.values()].flat();
  const most = [0, every.reduce((a, b) => Math.max(a, b), 0)];
  const lines = [...n].sort((a, b) => siteName(a[0]).localeCompare(siteName(b[0]))).map(([site, cells]) => ({ name: siteName(site), value: site, is: wanted.site === site, cells, of: most }));
  put(byId("sites-chart"), lines.length ? shaded(isOneYear ? `Detections by site and date in ${names[0].slice(0, 4)}` : "Detections by site and date", columns, lines, null, (site) => toggle("site", site)) : nothing("Nothing is shown of any site."));
}

function drawCharts() {
  speciesChart();
  hoursChart();
  daysChart();
  sitesChart();
}
