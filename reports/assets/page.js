// Draws the report's charts: unpacks runtime and data that the page carries, then draws one chart after the other,
// nearest to what is being looked at first. Nothing is fetched, nothing is evaluated from text except the runtime,
// whose hash the page's policy names.
(() => {
  "use strict";
  const figures = [...document.querySelectorAll("figure[data-chart]")];
  if (figures.length === 0) return;

  const unpack = async (id) => {
    const packed = atob(document.getElementById(id).textContent);
    const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
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

  const rowsOf = ({ columns, rows, length }) => {
    if (rows) return rows;
    const names = Object.keys(columns);
    return Array.from({ length }, (_, at) => {
      const row = {};
      for (const name of names) row[name] = columns[name][at];
      return row;
    });
  };

  const views = [];
  const draw = (figure, { runtime, charts, store }) => {
    figure.dataset.drawn = "started";
    const spec = charts[Number(figure.dataset.chart)];
    // Each chart gets rows of its own: Vega writes on them.
    for (const one of spec.data ?? []) if (one.stored !== undefined) { one.values = rowsOf(store[one.stored]); delete one.stored; }
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
    const { charts, store } = JSON.parse(text);
    const all = { runtime: globalThis.capacityRuntime, charts, store };
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
