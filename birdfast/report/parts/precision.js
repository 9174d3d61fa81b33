// Precision: of those answered, what share is right from each confidence on, with Wilson's interval of 95 %.

const Z = 1.96;

function wilson(right, n) {
  const p = right / n, middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n);
  const half = Z * Math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n);
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

function precisions() {
  const judged = answers.entries().filter(([row, one]) => one.answer !== "unsure" && (wanted.species < 0 || rows.species[row] === wanted.species));
  const found = [];
  for (let k = 0; k < 20; k++) {
    const least = k / 20, some = judged.filter(([row]) => rows.confidence[row] >= least);
    if (!some.length) break;
    const right = some.filter(([, one]) => one.answer === "right").length;
    found.push({ least, right, n: some.length, share: right / some.length, bounds: wilson(right, some.length) });
  }
  return found;
}

function tellAnswers() {
  const n = { right: 0, wrong: 0, unsure: 0 };
  for (const [, one] of answers.entries()) n[one.answer]++;
  const sum = n.right + n.wrong + n.unsure;
  byId("review-told").textContent = (sum ? `${number.format(sum)} answered: ${n.right} right, ${n.wrong} wrong, ${n.unsure} unsure.` : "Nothing is answered yet.")
    + (answers.isKept() ? "" : " This browser does not keep answers here: export them before you leave.");
  byId("export").disabled = byId("forget").disabled = !sum;
  precisionChart();
}

function precisionChart() {
  const found = precisions();
  if (!found.length) return put(byId("precision-chart"));
  const whose = wanted.species < 0 ? "of all species" : `of ${speciesName(wanted.species)}`;
  const [W, H, left, below] = [Math.max(240, Math.min(720, byId("precision-chart").clientWidth)), 220, 52, 34], x = (least) => left + (W - left - 10) * least, y = (share) => 8 + (H - below - 8) * (1 - share);
  const path = (points) => points.map(([a, b], i) => `${i ? "L" : "M"}${a.toFixed(1)} ${b.toFixed(1)}`).join("");
  const band = [...found.map((one) => [x(one.least), y(one.bounds[1])]), ...[...found].reverse().map((one) => [x(one.least), y(one.bounds[0])])];
  const text = (at, to, words, anchor) => svg("text", { x: at, y: to, "text-anchor": anchor }, words);
  const lines = [0, 0.5, 1].flatMap((share) => [svg("line", { x1: left, x2: W - 10, y1: y(share), y2: y(share) }), text(left - 6, y(share) + 4, `${share * 100} %`, "end")]);
  const marks = [0, 0.25, 0.5, 0.75, 1].map((least) => text(x(least), H - 14, String(least), "middle"));
  const picture = svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `Precision ${whose} by least confidence; the table below has the numbers` },
    svg("path", { d: `${path(band)}Z`, class: "band" }), ...lines, ...marks, text((W + left) / 2, H, "least confidence", "middle"),
    svg("path", { d: path(found.map((one) => [x(one.least), y(one.share)])), class: "curve" }),
    ...found.map((one) => svg("circle", { cx: x(one.least), cy: y(one.share), r: 3 })));
  const percent = (share) => `${(100 * share).toFixed(0)} %`;
  const table = el("table", { class: "plain" }, el("thead", {}, el("tr", {}, ...["Least confidence", "Right", "Of", "Precision", "95 % interval"].map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, ...found.filter((one, i) => !i || one.n !== found[i - 1].n).map((one) => el("tr", {}, el("th", { scope: "row" }, one.least.toFixed(2)),
      ...[one.right, one.n, percent(one.share), one.bounds.map(percent).join(" to ")].map((value) => el("td", {}, String(value)))))));
  put(byId("precision-chart"), el("h3", {}, `Precision ${whose}, of what was answered`), picture, el("details", {}, el("summary", {}, "In numbers"), table));
}
