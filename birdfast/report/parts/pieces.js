// Pieces of the page. Names of files and species come in as text alone, never as HTML.

const byId = (id) => document.getElementById(id);

function made(space, tag, facts, children) {
  const piece = space ? document.createElementNS(space, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(facts)) {
    if (name === "onclick") piece.addEventListener("click", value);
    else if (name === "share") piece.style.setProperty("--share", value); // 0 to 1, for the style to show
    else if (value !== null && value !== undefined) piece.setAttribute(name, value);
  }
  piece.append(...children);
  return piece;
}
const el = (tag, facts = {}, ...children) => made(null, tag, facts, children);
const svg = (tag, facts = {}, ...children) => made("http://www.w3.org/2000/svg", tag, facts, children);
const put = (piece, ...children) => piece.replaceChildren(...children);

const number = new Intl.NumberFormat("en");
const counted = (n, noun) => `${number.format(n)} ${noun}${n === 1 ? "" : "s"}`;
const two = (n) => String(n).padStart(2, "0");
const short = (n) => (n < 1000 ? String(n) : n < 1e5 ? `${(n / 1000).toFixed(n < 1e4 ? 1 : 0)}k` : `${Math.round(n / 1000)}k`);
const dayName = (day) => new Date(day * DAY_MS).toISOString().slice(0, 10);
const clock = (ms) => new Date(ms).toISOString().slice(11, 19);

// Seconds from a recording's start, as 1:02:03.5.
function lasting(s) {
  const tenths = Math.round(s * 10), whole = Math.floor(tenths / 10), rest = tenths % 10;
  const h = Math.floor(whole / 3600), m = Math.floor(whole / 60) % 60;
  return `${h ? `${h}:${two(m)}` : m}:${two(whole % 60)}${rest ? `.${rest}` : ""}`;
}

// Sound in the largest fitting unit.
function hours(s) {
  return s >= 3600 ? `${number.format(Math.round(s / 360) / 10)} h` : s >= 60 ? `${(s / 60).toFixed(1)} min` : `${s.toFixed(1)} s`;
}
