// The whole: numbers, filters, the theme, and the first drawing.

function refresh() {
  showRows();
  drawCharts();
  tellAnswers();
  byId("species").value = wanted.species;
  byId("site").value = wanted.site;
  byId("shown").textContent = `${number.format(shown.length)} of ${counted(N, "detection")}`;
  const more = [
    wanted.hour >= 0 ? [`hour ${two(wanted.hour)}`, "hour"] : null, wanted.day >= 0 ? [dayName(wanted.day), "day"] : null,
  ].filter(Boolean);
  put(byId("narrowed"), ...more.map(([name, key]) => el("button", { type: "button", onclick: () => toggle(key, wanted[key]) }, `${name} ✕`)));
}

function options(select, all, names) {
  put(select, el("option", { value: -1 }, all), ...names.map(([value, name]) => el("option", { value }, name)));
  if (names.length < 2) select.parentElement.hidden = true;
}

function numbers() {
  const { run } = told, files = run.done + run.failed + run.waiting;
  const failed = Object.values(told.n_failures).reduce((a, b) => a + b, 0);
  const facts = [
    [hours(run.audio_s), "of sound"], [number.format(files), files === 1 ? "recording" : "recordings"], [number.format(told.n_detections), "detections"],
    [number.format(told.species.n.filter(Boolean).length), "species"], [number.format(run.failed), "failed"],
  ];
  if (run.waiting) facts.push([number.format(run.waiting), "still to do"]);
  put(byId("numbers"), ...facts.map(([value, name]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
  byId("summary").textContent = [told.models.join(", "), N < told.n_detections ? `the ${number.format(N)} most confident of ${counted(told.n_detections, "detection")}` : ""].filter(Boolean).join(" · ");
  byId("failures").hidden = !failed;
  const kinds = Object.entries(told.n_failures).map(([kind, n]) => `${kind} ${number.format(n)}`).join(", ");
  byId("failures").querySelector("summary").textContent = `${counted(failed, "failure")}: ${kinds}`;
  put(byId("failures").querySelector("ul"), ...told.failures.map(([path, stage, kind, message, model]) => el("li", {},
    el("b", {}, path), ` ${message.replace(`${path}: `, "")} `, el("i", {}, [kind, stage, model].filter(Boolean).join(", ")))),
  ...(failed > told.failures.length ? [el("li", {}, `and ${number.format(failed - told.failures.length)} more: see failures.csv`)] : []));
  put(byId("settings").querySelector("dl"), ...Object.entries(run.settings).flatMap(settings).map(
    ([name, value]) => el("div", {}, el("dt", {}, name.replaceAll("_", " ")), el("dd", {}, String(value)))));
}

// A setting as rows: options, which are JSON, one by one, without those that say nothing.
function settings([name, text]) {
  if (!text.startsWith("{")) return [[name, text]];
  try { return Object.entries(JSON.parse(text)).filter(([, value]) => value !== null && String(value) !== ""); } catch { return [[name, text]]; }
}

function themes() {
  const dark = matchMedia("(prefers-color-scheme: dark)"), button = byId("theme");
  let own = null;
  try { own = localStorage.getItem("birdfast:theme"); } catch { /* as the system has it */ }
  const show = () => {
    const is = own ? own === "dark" : dark.matches;
    if (own) document.documentElement.dataset.theme = own;
    button.setAttribute("aria-pressed", is);
  };
  button.addEventListener("click", () => {
    own = button.getAttribute("aria-pressed") === "true" ? "light" : "dark";
    try { localStorage.setItem("birdfast:theme", own); } catch { /* for this time only */ }
    show();
  });
  dark.addEventListener("change", show);
  show();
}

function listen() {
  const form = byId("filters");
  form.addEventListener("submit", (event) => event.preventDefault());
  let soon = 0;
  form.addEventListener("input", () => {
    Object.assign(wanted, {
      text: byId("text").value, species: Number(byId("species").value), site: Number(byId("site").value), model: Number(byId("model").value),
      least: Number(byId("least").value), answer: byId("answer").value, clip: byId("clip").value,
    });
    byId("least-told").textContent = wanted.least.toFixed(2);
    clearTimeout(soon);
    soon = setTimeout(refresh, 80); // whoever types on need not wait
  });
  form.addEventListener("reset", () => {
    Object.assign(wanted, { text: "", species: -1, site: -1, model: -1, least: 0, answer: "", clip: "", hour: -1, day: -1 });
    byId("least-told").textContent = "0.00";
    setTimeout(refresh); // when the form is as it was
  });
  addEventListener("resize", () => { drawTable(); daysChart(); precisionChart(); });
}

themes();
numbers();
const byName = [...told.species.scientific.keys()].sort((a, b) => speciesRank[a] - speciesRank[b]);
options(byId("species"), "all", byName.map((i) => [i, speciesName(i)]));
options(byId("site"), "all", hasSites ? told.sites.map((_, i) => [i, siteName(i)]) : []);
options(byId("model"), "all", told.models.map((name, i) => [i, name]));
put(byId("names"), ...byName.map((i) => el("option", { value: told.species.scientific[i] }, speciesName(i))));
if (!clipsHere.size) byId("clip").parentElement.hidden = true;
listen();
refresh();
choose(0);
requestAnimationFrame(() => setTimeout(() => performance.mark("drawn"))); // once the first picture is on the screen
