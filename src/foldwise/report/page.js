"use strict";
// What happens on a click. Names from the data only ever become text (textContent), never markup.
window.foldwise = (function () {
  const data = JSON.parse(document.getElementById("foldwise-data").textContent);
  const TYPES = { f4: Float32Array, f8: Float64Array, u2: Uint16Array, i4: Int32Array };
  const opened = {};
  let shared = null;
  let running = false;

  function unpack(packed) {
    const text = atob(packed.data);
    const bytes = new Uint8Array(text.length);
    for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
    return new TYPES[packed.type](bytes.buffer);
  }

  function model(name) {
    for (const doc of Bokeh.documents) {
      const found = doc.get_model_by_name(name);
      if (found !== null) return found;
    }
    return null;
  }

  function open(key) {
    if (shared === null) {
      const s = data.shared;
      shared = { counts: unpack(s.counts), slot: unpack(s.slot), low: s.low, step: s.step, n: s.n_samples };
    }
    if (!(key in opened)) {
      const c = data.comparisons[key];
      const e = c.explain;
      opened[key] = {
        key, name: c.name, alpha: c.alpha, threshold: c.threshold, reasons: c.reasons, rows: unpack(c.rows),
        explain: e === null ? null : { ...e, raw: unpack(e.raw), adjusted: unpack(e.adjusted), parts: unpack(e.parts) },
        genes: model(key + "-genes"), ring: model(key + "-ring"), live: model(key + "-live"),
        counts: model(key + "-counts"), shown: model(key + "-shown"),
        dots: model(key + "-dots"), table: model(key + "-table"), ma: model(key + "-ma"), volcano: model(key + "-volcano"), current: -1, lower: null,
      };
    }
    return opened[key];
  }

  // Text that Bokeh does not read as TeX.
  function plain(text) {
    return text.replaceAll("$$", "$\u200b$").replaceAll("\\", "\\\u200b");
  }

  // ------------------------------------------------------------------------------------------------ choosing a gene
  function choose(key, index) {
    const c = open(key);
    const start = performance.now();
    if (index === c.current || index < 0) return;
    c.current = index;
    const g = c.genes.data;
    const name = g.gene[index];
    const [mdx, mdy, mside] = beside(c.ma, g.mx[index], g.my[index]);
    const [vdx, vdy, vside] = beside(c.volcano, g.vx[index], g.vy[index]);
    c.ring.data = {
      mx: [g.mx[index]], my: [g.my[index]], vx: [g.vx[index]], vy: [g.vy[index]], gene: [plain(name)],
      mdx: [mdx], mdy: [mdy], mside: [mside], vdx: [vdx], vdy: [vdy], vside: [vside],
    };
    const counts = countsOf(c, index);
    const nothing = Array(shared.n).fill(NaN);
    c.dots.visible = true;
    c.counts.data = { ...c.counts.data, y: counts === null ? nothing : counts.map((v) => v + 0.5) };
    tell(c, index, counts);
    if (c.genes.selected.indices[0] !== index || c.genes.selected.indices.length !== 1) {
      running = true;
      c.genes.selected.indices = [index];
      running = false;
    }
    requestAnimationFrame(() => requestAnimationFrame(() => { api.last_ms = performance.now() - start; }));
  }

  // Where a name goes beside its point: to the left in the right half, below near the top.
  function beside(figure, x, y) {
    const right = (x - figure.x_range.start) / (figure.x_range.end - figure.x_range.start) > 0.5;
    const top = (y - figure.y_range.start) / (figure.y_range.end - figure.y_range.start) > 0.85;
    return [right ? -10 : 10, top ? 20 : -8, right ? "right" : "left"];
  }

  function countsOf(c, index) {
    const slot = shared.slot[c.rows[index]];
    if (slot < 0) return null;
    const values = [];
    for (let k = 0; k < shared.n; k++) {
      values.push(Math.max(Math.pow(2, shared.counts[slot * shared.n + k] * shared.step + shared.low) - 0.5, 0));
    }
    return values;
  }

  function number(value, digits) {
    return Number.isFinite(value) ? value.toFixed(digits) : "NA";
  }

  function signed(value) {
    if (Math.abs(value) === Infinity) return value > 0 ? "+∞" : "-∞";
    return (value >= 0 ? "+" : "") + number(value, 2);
  }

  function element(tag, text, parent) {
    const made = document.createElement(tag);
    made.textContent = text;
    parent.appendChild(made);
    return made;
  }

  function tell(c, index, counts) {
    const box = document.getElementById(c.key + "-gene");
    const g = c.genes.data;
    box.replaceChildren();
    element("h3", g.gene[index], box);
    const p = (v) => (Number.isFinite(v) ? v.toExponential(2) : "NA");
    element("p", `log2 fold change ${number(g.lfc[index], 3)} (standard error ${number(g.lfcSE[index], 3)}), ` +
      `p ${p(g.pvalue[index])}, adjusted p ${p(g.padj[index])}, mean count ${number(g.baseMean[index], 1)}.`, box);
    const reason = reasonOf(c, index);
    if (reason) element("p", reason, box);
    if (counts === null) element("p", "The counts of this gene are not in the page, to keep it small.", box);
    if (c.explain !== null && Number.isFinite(g.lfc[index])) explain(c, index, counts, box);
  }

  function reasonOf(c, index) {
    const status = c.genes.data.status[index];
    if (String(index) in c.reasons) return c.reasons[String(index)];
    if (status === "low mean") {
      const where = c.threshold === null ? "" : ` of ${c.threshold.toPrecision(3)}`;
      return `No adjusted p-value: the mean count lies below the threshold${where} of independent filtering.`;
    }
    return {
      "all zero": "Every count is zero: nothing can be said about this gene.",
      "filtered": "No adjusted p-value: the filter that was given left this gene out.",
      "weights fail": "The samples that have weight do not determine the model: nothing can be said about this gene.",
      "no degrees of freedom": "No p-value: Student's t has no degrees of freedom for this gene.",
      "no p-value": "No p-value: its statistic could not be computed.",
      "outlier": "No p-value: one sample's count decides this gene (Cook's distance over the cutoff).",
      "not converged": "The coefficients did not converge: take these numbers with care.",
    }[status] || "";
  }

  function mean(values, where) {
    return where.reduce((sum, k) => sum + values[k], 0) / where.length;
  }

  function explain(c, index, counts, box) {
    const e = c.explain;
    const raw = e.raw[index], adjusted = e.adjusted[index];
    if (!e.slope && Number.isNaN(raw)) {
      const set = c.genes.data.lfc[index] === 0 && c.genes.data.pvalue[index] === 1;
      element("p", set ? "Neither side has counts, so the fold change is set to 0 and p to 1." :
        "Neither side has counts: the fold change comes from the other samples alone and says nothing.", box);
      return;
    }
    const parts = e.terms.map((term, k) => [term, e.parts[index * e.terms.length + k]]);
    const rest = raw - adjusted - parts.reduce((sum, part) => sum + part[1], 0);
    if (e.slope) {
      element("p", `The slope of the log2 counts over ${e.words[1]} alone is ${signed(raw)}.`, box);
    } else if (counts !== null) {
      element("p", `Mean normalized counts: ${number(mean(counts, e.numerator), 1)} in ${e.words[0]}, ` +
        `${number(mean(counts, e.denominator), 1)} in ${e.words[1]}.`, box);
    }
    if (!e.slope && !Number.isFinite(raw)) {
      element("p", "One side has no counts at all, so the ratio of the means is not a finite number.", box);
    }
    if (raw * adjusted < 0) {
      element("p", "Fold change and mean counts differ in sign; the table says through what.", box);
    }
    const table = document.createElement("table");
    const rows = [["model's log2 fold change", adjusted], ...parts, ["left over by the fit", rest],
      [e.slope ? "slope of the log2 counts" : "log2 ratio of the mean counts", raw]];
    for (const [words, value] of rows) {
      const row = document.createElement("tr");
      element("td", words, row);
      element("td", signed(value), row);
      table.appendChild(row);
    }
    box.appendChild(table);
  }

  // ------------------------------------------------------------------------------------------------ events of the models
  function selected(key) {
    if (running) return;
    const indices = open(key).genes.selected.indices;
    if (indices.length) choose(key, indices[indices.length - 1]);
  }

  function columns(c, which) {
    const g = c.genes.data;
    return which === "ma" ? [g.mx, g.my] : [g.vx, g.vy];
  }

  function tapped(key, which, event) {
    const c = open(key);
    const figure = c[which];
    const [xs, ys] = columns(c, which);
    const across = figure.inner_width / (figure.x_range.end - figure.x_range.start);
    const up = figure.inner_height / (figure.y_range.end - figure.y_range.start);
    let best = -1, least = 14 * 14;
    for (let k = 0; k < xs.length; k++) {
      const dx = (xs[k] - event.x) * across, dy = (ys[k] - event.y) * up;
      const far = dx * dx + dy * dy;
      if (far < least) { least = far; best = k; }
    }
    if (best >= 0) {
      if (c.shown.indices !== null && !c.shown.indices.includes(best)) show(c, null);
      choose(key, best);
    }
  }

  function boxed(key, which, event) {
    const box = event.geometry;
    if (!event.final || box.type !== "rect") return;
    const c = open(key);
    const [xs, ys] = columns(c, which);
    const inside = [];
    for (let k = 0; k < xs.length; k++) {
      if (xs[k] >= box.x0 && xs[k] <= box.x1 && ys[k] >= box.y0 && ys[k] <= box.y1) inside.push(k);
    }
    show(c, inside);
  }

  // ------------------------------------------------------------------------------------------------ what the table shows
  // As high as its rows, up to what it was at first: no hole under a few genes.
  function fit(c, indices) {
    if (c.table === null) return;
    if (c.highest === undefined) c.highest = c.table.height;
    const n = indices === null ? c.rows.length : indices.length;
    c.table.height = Math.min(c.highest, 25 * (Math.max(n, 1) + 1) + 18);
  }

  function show(c, indices) {
    c.shown.indices = indices;
    fit(c, indices);
    const n = indices === null ? c.rows.length : indices.length;
    document.getElementById(c.key + "-shown").textContent = n.toLocaleString("en") + (n === 1 ? " gene" : " genes");
  }

  function search(key) {
    const c = open(key);
    const text = document.getElementById(key + "-search").value.trim().toLowerCase();
    if (text === "") return show(c, null);
    if (c.lower === null) c.lower = Array.from(c.genes.data.gene, (name) => name.toLowerCase());
    const found = [];
    for (let k = 0; k < c.lower.length; k++) if (c.lower[k].includes(text)) found.push(k);
    show(c, found);
  }

  function significant(key) {
    const c = open(key);
    const found = [];
    const padj = c.genes.data.padj;
    for (let k = 0; k < padj.length; k++) if (padj[k] < c.alpha) found.push(k);
    show(c, found);
  }

  function step(key, by) {
    const c = open(key);
    const shown = c.shown.indices;
    const n = shown === null ? c.rows.length : shown.length;
    if (n === 0) return;
    const at = shown === null ? c.current : shown.indexOf(c.current);
    const next = Math.min(Math.max(at + by, 0), n - 1);
    choose(key, shown === null ? next : shown[next]);
  }

  // ------------------------------------------------------------------------------------------------ export
  function csv(key) {
    const c = open(key);
    const g = c.genes.data;
    const quoted = (text) => '"' + text.replaceAll('"', '""') + '"';
    const short = (v) => (Number.isFinite(v) ? String(Number(v.toPrecision(7))) : "NA");
    const whole = (v) => (Number.isFinite(v) ? String(v) : "NA");
    const lines = ["gene,baseMean,log2FoldChange,lfcSE,pvalue,padj,status"];
    const n = c.rows.length;
    for (const k of c.shown.indices === null ? Array.from({ length: n }, (_, i) => i) : c.shown.indices) {
      lines.push([quoted(g.gene[k]), short(g.baseMean[k]), short(g.lfc[k]), short(g.lfcSE[k]), whole(g.pvalue[k]),
        whole(g.padj[k]), g.status[k]].join(","));
    }
    return lines.join("\n") + "\n";
  }

  function save(key) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv(key)], { type: "text/csv" }));
    link.download = open(key).name.replace(/[^A-Za-z0-9._-]+/g, "_") + ".csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  const DO = {
    previous: (key) => step(key, -1), next: (key) => step(key, 1), significant, export: save,
    all: (key) => { document.getElementById(key + "-search").value = ""; show(open(key), null); },
  };
  for (const button of document.querySelectorAll("button[data-do]")) {
    button.addEventListener("click", () => DO[button.dataset.do](button.dataset.key));
  }
  for (const field of document.querySelectorAll("input[type=search][data-key]")) {
    const key = field.dataset.key;
    field.addEventListener("input", () => search(key));
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === "ArrowDown") step(key, event.key === "Enter" ? 0 : 1);
      if (event.key === "ArrowUp") step(key, -1);
    });
  }

  const api = { choose, selected, tapped, boxed, search, csv, open, last_ms: null };
  return api;
})();
