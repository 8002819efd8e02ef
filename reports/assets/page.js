// Draws the report's charts: unpacks runtime and data that the page carries, then draws one chart after the other,
// nearest to what is being looked at first. Nothing is fetched, nothing is evaluated from text except the runtime,
// whose hash the page's policy names.
(() => {
  "use strict";
  const figures = [...document.querySelectorAll("figure[data-chart]")];
  if (figures.length === 0) return;

  // Base 85: five characters are four bytes. The first character of all says how many bytes at the end are too many.
  const places = new Uint8Array(128);
  [..."0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%/()*+-;,=.?@^_`{|}~"].forEach((character, at) => { places[character.charCodeAt(0)] = at; });
  const unpacked = (text) => {
    const bytes = new Uint8Array((text.length - 1) / 5 * 4), view = new DataView(bytes.buffer);
    for (let from = 1, to = 0; from < text.length; from += 5, to += 4) {
      let sum = 0;
      for (let at = 0; at < 5; at += 1) sum = sum * 85 + places[text.charCodeAt(from + at)];
      view.setUint32(to, sum);
    }
    return bytes.subarray(0, bytes.length - Number(text[0]));
  };

  const unpack = async (id) => {
    const bytes = unpacked(document.getElementById(id).textContent);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  };

  const refuse = () => Promise.reject(new Error("a report loads nothing"));
  const loader = { load: refuse, sanitize: refuse, http: refuse, file: refuse };

  // Axes, titles and legends take the page's colours, so that its theme, and paper, need no second drawing.
  const ink = "var(--ink)", muted = "var(--muted)", faint = "var(--grid)";
  const config = {
    axis: { domainColor: faint, gridColor: faint, tickColor: faint, labelColor: muted, titleColor: muted },
    legend: { labelColor: ink, titleColor: muted },
    title: { color: ink, subtitleColor: muted },
    style: { "guide-label": { fill: muted }, "guide-title": { fill: muted }, "group-title": { fill: ink }, "group-subtitle": { fill: muted } },
  };

  const tip = document.createElement("div");
  tip.className = "tip";
  tip.setAttribute("aria-hidden", "true");
  document.body.append(tip);
  const tooltip = (_handler, event, _item, value) => {
    tip.replaceChildren();
    if (value === null || value === undefined || value === "") { tip.classList.remove("shown"); return; }
    const fields = typeof value === "object" ? Object.entries(value) : [["", value]];
    for (const [name, said] of fields) {
      const row = document.createElement("div");
      const label = document.createElement("span");
      label.textContent = name;
      row.append(label, String(said));
      tip.append(row);
    }
    tip.classList.add("shown");
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - box.width - 8))}px`;
    tip.style.top = `${Math.max(4, Math.min(event.clientY + 14, innerHeight - box.height - 8))}px`;
  };

  // A column is its values, or the steps from one to the next in units of their last decimal.
  const valuesOf = (column) => {
    if (Array.isArray(column)) return column;
    let sum = 0;
    return column.steps.map((step) => { sum += step ?? 0; return step === null ? null : sum / column.by; });
  };
  const rowsOf = ({ columns, rows, length }, all) => {
    if (rows) return rows.map((row) => ({ ...row }));
    const found = Object.entries(columns).map(([name, at]) => [name, valuesOf(all[at])]);
    return Array.from({ length }, (_, at) => {
      const row = {};
      for (const [name, values] of found) row[name] = values[at];
      return row;
    });
  };

  // The chart's data as tables, made when somebody asks for them: what a chart is drawn from need not stand twice.
  const figured = (value) => (value === null || value === undefined ? "–" : typeof value === "object" ? JSON.stringify(value) : String(value));
  const tabled = (rows, names) => {
    const fields = Object.keys(rows[0]);
    const table = document.createElement("table");
    const row = (kind, cells) => {
      const line = document.createElement("tr");
      cells.forEach((text, at) => {
        const cell = document.createElement(at === 0 && kind === "td" ? "th" : kind);
        if (cell.tagName === "TH") cell.scope = kind === "th" ? "col" : "row";
        cell.textContent = text;
        line.append(cell);
      });
      return line;
    };
    const head = document.createElement("thead"), body = document.createElement("tbody");
    head.append(row("th", fields.map((field) => names[field] ?? field)));
    body.append(...rows.map((one) => row("td", fields.map((field) => figured(one[field])))));
    table.append(head, body);
    const box = document.createElement("div");
    box.className = "scroll";
    box.tabIndex = 0;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", "Data of the chart");
    box.append(table);
    return box;
  };
  const listData = ({ stored, names }, { columns, store }, details) => {
    if (details.dataset.filled) return;
    details.dataset.filled = "yes";
    const sets = stored.filter((at) => (store[at].rows ?? []).length > 1 || store[at].length > 1);
    for (const at of sets.length ? sets : stored) {
      const rows = rowsOf(store[at], columns);
      if (rows.length && typeof rows[0] === "object") details.append(tabled(rows, names));
    }
  };

  const views = [];
  const draw = (figure, { runtime, charts, columns, store }) => {
    figure.dataset.drawn = "started";
    const spec = charts[Number(figure.dataset.chart)];
    // Each chart gets rows of its own: Vega writes on them.
    for (const one of spec.data ?? []) if (one.stored !== undefined) { one.values = rowsOf(store[one.stored], columns); delete one.stored; }
    const canvas = figure.querySelector(".canvas");
    try {
      const flow = runtime.parse(spec, config, { ast: true });
      const view = new runtime.View(flow, {
        container: canvas, expr: runtime.expressionInterpreter, hover: true, loader, logLevel: 1, renderer: "svg", tooltip,
      });
      view.run();
      views.push(view);
      figure.dataset.drawn = "yes";
    } catch (error) {
      figure.dataset.drawn = "failed";
      canvas.textContent = "This chart could not be drawn.";
      console.error(error);
    }
  };

  const far = (figure) => {
    const box = figure.getBoundingClientRect();
    return box.bottom < 0 ? -box.bottom : Math.max(0, box.top - innerHeight);
  };
  const nearest = () => {
    const left = figures.filter((figure) => figure.dataset.drawn === undefined);
    return left.reduce((best, figure) => (best === null || far(figure) < far(best) ? figure : best), null);
  };

  const start = async () => {
    const [code, text] = await Promise.all([unpack("capacity-runtime"), unpack("capacity-data")]);
    const script = document.createElement("script");
    script.textContent = code;
    document.head.append(script);
    const { charts, columns, store } = JSON.parse(text);
    const all = { runtime: globalThis.capacityRuntime, charts, columns, store };
    for (const details of document.querySelectorAll("details[data-of]")) {
      const { data = [], usermeta } = charts[Number(details.dataset.of)];
      const stored = [...new Set(data.map((one) => one.stored).filter((at) => at !== undefined))];
      details.hidden = false;
      details.addEventListener("toggle", () => listData({ stored, names: usermeta?.fields ?? {} }, all, details));
    }
    let figure;
    // Paper gets every chart, those that nobody has scrolled to as well.
    addEventListener("beforeprint", () => { while ((figure = nearest())) draw(figure, all); });
    const next = () => {
      figure = nearest();
      if (figure === null) { document.documentElement.dataset.drawn = String(views.length); return; }
      draw(figure, all);
      setTimeout(next);
    };
    next();
  };
  start().catch((error) => {
    for (const figure of figures) figure.querySelector(".canvas").textContent = "The charts could not be unpacked.";
    console.error(error);
  });
})();
