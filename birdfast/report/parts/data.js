// What the page knows of the run: typed arrays by column, and names that stand once.

const told = JSON.parse(document.getElementById("data").textContent);
const N = told.n_rows;

function unpacked(name, Kind) {
  const text = atob(told.columns[name]);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  told.columns[name] = null;
  return new Kind(bytes.buffer);
}

const rows = {
  file: unpacked("file", Uint32Array),
  species: unpacked("species", Uint32Array),
  model: unpacked("model", Uint16Array),
  channel: unpacked("channel", Uint16Array),
  start: unpacked("start_s", Float64Array),
  end: unpacked("end_s", Float64Array),
  confidence: unpacked("confidence", Float32Array),
};

// When a row begins by the clock of its place: ms, an hour of the day and a day; -1 where nobody knows.
const HOUR_MS = 3600e3, DAY_MS = 24 * HOUR_MS, UNKNOWN = -1;
const begins = new Float64Array(N), hourOf = new Int8Array(N), dayOf = new Int32Array(N);
for (let row = 0; row < N; row++) {
  const file = told.files.begins_ms[rows.file[row]];
  const ms = file === null ? NaN : file + rows.start[row] * 1000;
  begins[row] = ms;
  hourOf[row] = file === null ? UNKNOWN : Math.floor(ms / HOUR_MS) - 24 * Math.floor(ms / DAY_MS);
  dayOf[row] = file === null ? UNKNOWN : Math.floor(ms / DAY_MS);
}
const hasTimes = told.files.begins_ms.some((ms) => ms !== null);
const hasSites = told.sites.some((site) => site !== "");

const pathOf = (row) => told.files.path[rows.file[row]];
const siteOf = (row) => told.files.site[rows.file[row]];
const scientific = (row) => told.species.scientific[rows.species[row]];
const common = (row) => told.species.common[rows.species[row]] || scientific(row);
const nameOf = (path) => path.slice(path.lastIndexOf("/") + 1);
const siteName = (site) => told.sites[site] || "no site";
const speciesName = (species) => told.species.common[species] || told.species.scientific[species];
