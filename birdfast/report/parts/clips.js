// A detection's sound and picture: in the page, in a folder beside it, or asked of the server that served it.

const clipsHere = new Map(), within = JSON.parse(byId("clips").textContent);
if (told.clips !== "asked") {
  for (const clip of within.clips) clipsHere.set(clip.row, clip);
}
const GONE = "The server is no longer there: it ended, or this machine is too busy.";
const player = byId("player");
let looked = -1; // the row that is looked at
let turns = 0; // how often something was looked at
let isComing = false, playsSoon = false; // whether its clip is on the way, and is to be played when it is there

// The frequency that a mel stands for, and back: Slaney's, as the picture's rows are.
const MEL_HZ = 200 / 3, LOG_FROM = 15, LOG_STEP = Math.log(6.4) / 27;
const melOf = (hz) => (hz < 1000 ? hz / MEL_HZ : LOG_FROM + Math.log(hz / 1000) / LOG_STEP);

const isHere = (row) => told.clips === "asked" || clipsHere.has(row); // whether its sound can be had

async function clipOf(row) {
  if (told.clips !== "asked") return clipsHere.get(row) || { error: why(row) };
  const answer = await fetch(`clip/${row}`);
  return answer.json();
}

function why(row) {
  const best = [...clipsHere.keys()].filter((one) => rows.species[one] === rows.species[row]).length;
  const has = best ? `The page has ${counted(best, "clip")} of this species, its best.` : "The page has no clip of this species.";
  return `${has} birdfast report RESULTS --serve has the sound of all detections.`;
}

// Marks are placed in the picture by percent, so that they stay where they are whatever its size.
function place(piece, left, width) {
  piece.style.left = `${100 * left}%`;
  if (width !== undefined) piece.style.width = `${100 * width}%`;
}

function ticks(clip) {
  const top = melOf(clip.top_hz), length = clip.to_s - clip.from_s;
  put(byId("tops"), ...[500, 1000, 2000, 4000, 8000, 16000, 32000, 64000, 128000].filter((hz) => hz < clip.top_hz * 0.95).map((hz) => {
    const tick = el("span", {}, hz < 1000 ? "0.5" : String(hz / 1000));
    tick.style.bottom = `${100 * melOf(hz) / top}%`;
    return tick;
  }));
  const step = length <= 6 ? 1 : length <= 15 ? 2 : 10, marks = [];
  for (let s = Math.ceil(clip.from_s / step) * step; s <= clip.to_s; s += step) {
    const at = (s - clip.from_s) / length, tick = el("span", {}, lasting(s));
    place(tick, at);
    if (at < 0.97) marks.push(tick); // the last one would stick out
  }
  put(byId("times"), ...marks);
}

function lookAt(row, plays = byId("play-on").checked) {
  looked = row;
  byId("look-title").textContent = common(row);
  const [time, inFile] = when(row), confidence = rows.confidence[row].toFixed(3);
  const more = [
    scientific(row) === common(row) ? "" : scientific(row), `confidence ${confidence}`, pathOf(row), `${lasting(rows.start[row])} to ${lasting(rows.end[row])}`,
    inFile ? time : "", told.sites[siteOf(row)], told.models.length > 1 ? told.models[rows.model[row]] : "", rows.channel[row] ? `channel ${rows.channel[row]}` : "",
  ];
  byId("look-told").textContent = more.filter(Boolean).join(" · ");
  showAnswer(row);
  return hear(() => clipOf(row), rows.start[row], rows.end[row], plays);
}

// Show and play the clip that `get` brings, with what lies from begin_s to end_s marked.
async function hear(get, begin_s, end_s, plays) {
  const turn = ++turns;
  isComing = true;
  playsSoon = plays;
  player.pause();
  let clip;
  byId("no-clip").textContent = told.clips === "asked" ? "Reading the recording…" : "";
  try { clip = await get(); } catch { clip = { error: GONE }; }
  if (turn !== turns) return; // another was chosen meanwhile
  isComing = false;
  const has = !clip.error;
  byId("figure").hidden = player.hidden = !has;
  byId("no-clip").textContent = clip.error || clip.doubt || "";
  byId("play").disabled = !has;
  if (!has) { player.removeAttribute("src"); return; }
  const length = clip.to_s - clip.from_s, start = begin_s - clip.from_s, lasts = Math.min(end_s, clip.to_s) - begin_s;
  byId("image").src = clip.picture;
  byId("image").alt = `Log-mel spectrogram, ${lasting(clip.from_s)} to ${lasting(clip.to_s)}; the detection is marked from ${start.toFixed(1)} s to ${(start + lasts).toFixed(1)} s of it`;
  byId("caption").textContent = `kHz (mel) by time in the recording; between the dashed lines is the detection`;
  place(byId("mark"), start / length, lasts / length);
  ticks(clip);
  player.src = clip.sound;
  playhead();
  if (playsSoon) play();
}

function play() {
  if (isComing) { playsSoon = true; return; }
  if (!player.src) return;
  if (!player.paused) player.pause();
  else player.play().catch(() => { byId("no-clip").textContent = "This browser does not play the clip (Ogg Vorbis)."; });
}

function playhead() {
  const is = Number.isFinite(player.duration) && player.duration > 0;
  place(byId("playhead"), is ? player.currentTime / player.duration : 0);
  byId("playhead").hidden = !is;
  if (!player.paused) requestAnimationFrame(playhead);
}
for (const event of ["play", "seeked", "ended", "loadedmetadata"]) player.addEventListener(event, playhead);
byId("picture").addEventListener("click", (event) => {
  const box = byId("picture").getBoundingClientRect();
  if (Number.isFinite(player.duration)) { player.currentTime = player.duration * (event.clientX - box.left) / box.width; player.play(); }
});
