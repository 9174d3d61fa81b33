// Which rows are shown, and in which order.

const wanted = { text: "", species: -1, site: -1, model: -1, least: 0, answer: "", clip: "", hour: -1, day: -1 };
const order = { by: "confidence", falls: true };
let shown = new Uint32Array(0); // rows, in order
let fit = null; // those rows as they come, so long as nobody wants others

// Whether names have all words that are searched for; each name is looked at once, not each row.
function having(names, words) {
  return names.map((name) => words.map((word) => name.toLowerCase().includes(word)));
}

function matching() {
  const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return () => true;
  const inSpecies = having(told.species.scientific.map((name, i) => `${name} ${told.species.common[i]}`), words);
  const inFile = having(told.files.path.map((path, i) => `${path} ${told.sites[told.files.site[i]]}`), words);
  return (row) => {
    const a = inSpecies[rows.species[row]], b = inFile[rows.file[row]];
    return words.every((_, i) => a[i] || b[i]);
  };
}

// Rows that fit all that is wanted, but for one thing: a chart of species shows those that are not chosen, too.
function fitting(but = "") {
  if (fit && (!but || wanted[but] < 0)) return fit;
  const matches = matching(), want = { ...wanted };
  if (but) want[but] = { species: -1, site: -1, hour: -1, day: -1 }[but];
  const found = new Uint32Array(N);
  let n = 0;
  for (let row = 0; row < N; row++) {
    if (rows.confidence[row] < want.least) continue;
    if (want.species >= 0 && rows.species[row] !== want.species) continue;
    if (want.site >= 0 && siteOf(row) !== want.site) continue;
    if (want.model >= 0 && rows.model[row] !== want.model) continue;
    if (want.hour >= 0 && hourOf[row] !== want.hour) continue;
    if (want.day >= 0 && dayOf[row] !== want.day) continue;
    if (want.answer && !answers.fits(row, want.answer)) continue;
    if (want.clip && !isHere(row)) continue;
    if (!matches(row)) continue;
    found[n++] = row;
  }
  if (!but) fit = found.subarray(0, n);
  return found.subarray(0, n);
}

// The place of each name among all names, so that rows are sorted by numbers.
function ranks(names) {
  const sorted = names.map((name, i) => [name, i]).sort((a, b) => a[0].localeCompare(b[0]));
  const found = new Float64Array(names.length);
  sorted.forEach(([, i], rank) => { found[i] = rank; });
  return found;
}
const speciesRank = ranks(told.species.scientific.map((_, i) => speciesName(i)));
const fileRank = ranks(told.files.path);
const sortKeys = {
  species: (row) => speciesRank[rows.species[row]],
  confidence: (row) => rows.confidence[row],
  file: (row) => fileRank[rows.file[row]],
  when: (row) => (hasTimes ? begins[row] || 0 : rows.start[row]),
  answer: (row) => answers.rank(row),
};

function sorted(found) {
  const keys = new Float64Array(N), sign = order.falls ? -1 : 1;
  for (const row of found) keys[row] = sign * sortKeys[order.by](row);
  return Uint32Array.from(found).sort((a, b) => keys[a] - keys[b] || a - b);
}
