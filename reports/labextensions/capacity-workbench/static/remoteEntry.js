// JupyterLab's door to capacity-workbench, written by hand in the form of a module-federation container, so that
// neither installing nor starting it needs Node. It draws Vega-Lite 6, which Lab does not know, and opens the notebooks
// of capacity planning from a start page and the launcher. Whatever a notebook holds is shown as text, never as markup.
(() => {
  "use strict";
  const NAME = "capacity-workbench";
  const MIME_TYPES = ["application/vnd.vegalite.v6+json", "application/vnd.vegalite.v6.json"];
  const here = new URL(".", document.currentScript.src);
  let scope;

  // What Lab itself has loaded: there must be one copy of it, for its tokens to be the same.
  const shared = async (name) => {
    const versions = Object.values(scope[name] ?? {});
    const held = versions.find((version) => version.loaded) ?? versions[0];
    if (held === undefined) throw new Error(`JupyterLab offers no ${name}`);
    return (await held.get())();
  };

  const element = (tag, attributes = {}, ...inner) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...inner);
    return made;
  };

  const STYLE = `
    .capacity-chart { padding: 4px 8px 4px 0; overflow-x: auto; }
    .capacity-chart .canvas { width: 100%; min-height: 1px; }
    .capacity-chart svg { display: block; max-width: none; }
    .capacity-tip { position: fixed; z-index: 10000; pointer-events: none; display: none; padding: 6px 8px; max-width: 28em;
      font: 12px/1.45 var(--jp-ui-font-family); color: var(--jp-ui-font-color1); background: var(--jp-layout-color1);
      border: 1px solid var(--jp-border-color1); border-radius: 4px; box-shadow: var(--jp-elevation-z4); }
    .capacity-tip.shown { display: block; }
    .capacity-tip span { color: var(--jp-ui-font-color2); margin-right: .6em; }
    .capacity-start { overflow: auto; background: var(--jp-layout-color0); color: var(--jp-ui-font-color1); }
    .capacity-start main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 2rem 4rem; font: 15px/1.5 var(--jp-ui-font-family); }
    .capacity-start h1 { font-size: 1.7rem; font-weight: 600; margin: 0 0 .3rem; }
    .capacity-start p { margin: 0 0 1.6rem; color: var(--jp-ui-font-color1); max-width: 46rem; }
    .capacity-start ul { list-style: none; margin: 0; padding: 0; display: grid; gap: .8rem; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); }
    .capacity-start button { display: block; width: 100%; height: 100%; text-align: left; padding: .9rem 1rem; cursor: pointer; font: inherit;
      color: inherit; background: var(--jp-layout-color1); border: 1px solid var(--jp-border-color1); border-radius: 6px; }
    .capacity-start button:hover, .capacity-start button:focus-visible { border-color: var(--jp-brand-color1); outline: 2px solid var(--jp-brand-color1); outline-offset: -1px; }
    .capacity-start strong { display: block; margin-bottom: .2rem; }
    .capacity-start small { font-size: .9rem; color: var(--jp-ui-font-color1); }`;
  document.head.append(element("style", {}, STYLE));

  // ---- charts -----------------------------------------------------------------------------------------------------

  let drawing;
  const vega = () => {
    drawing ??= new Promise((resolve, reject) => {
      const script = element("script", { src: new URL("vega.js", here).href });
      script.addEventListener("load", () => resolve(globalThis.capacityVega));
      script.addEventListener("error", () => reject(new Error("the extension's vega.js cannot be loaded")));
      document.head.append(script);
    });
    return drawing;
  };

  const ink = "var(--jp-ui-font-color1)", muted = "var(--jp-ui-font-color2)", faint = "var(--jp-border-color2)";
  const CONFIG = {
    background: "transparent",
    axis: { domainColor: faint, gridColor: faint, tickColor: faint, labelColor: muted, titleColor: muted },
    legend: { labelColor: ink, titleColor: muted },
    title: { color: ink, subtitleColor: muted },
    style: { "guide-label": { fill: muted }, "guide-title": { fill: muted }, "group-title": { fill: ink }, "group-subtitle": { fill: muted } },
  };
  const PAGE = { black: ink, "#000": ink, "#000000": ink, white: "var(--jp-layout-color0)", "#fff": "var(--jp-layout-color0)" };

  // The compiler's remarks are for whoever writes charts, and were made there.
  const QUIET = { error: (...said) => { console.error(...said); return QUIET; }, level: () => QUIET };
  for (const kind of ["warn", "info", "debug"]) QUIET[kind] = () => QUIET;

  // Colours that would vanish on one of Lab's two themes take its own.
  const recolour = (part) => {
    if (Array.isArray(part)) part.forEach(recolour);
    else if (part !== null && typeof part === "object") {
      for (const channel of ["fill", "stroke", "color"]) {
        const stated = part[channel];
        if (typeof stated?.value === "string") stated.value = PAGE[stated.value.toLowerCase()] ?? stated.value;
      }
      for (const [key, inner] of Object.entries(part)) if (key !== "values") recolour(inner);
    }
  };

  const tip = element("div", { class: "capacity-tip", "aria-hidden": "true" });
  const tooltip = (_handler, event, _item, value) => {
    if (!tip.isConnected) document.body.append(tip);
    tip.replaceChildren();
    const empty = value === null || value === undefined || value === "";
    tip.classList.toggle("shown", !empty);
    if (empty) return;
    for (const [name, said] of typeof value === "object" ? Object.entries(value) : [["", value]]) {
      tip.append(element("div", {}, element("span", {}, name), String(said)));
    }
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - box.width - 8))}px`;
    tip.style.top = `${Math.max(4, Math.min(event.clientY + 14, innerHeight - box.height - 8))}px`;
  };

  const wordsOf = (spec) => {
    const title = typeof spec.title === "object" ? spec.title?.text : spec.title;
    return [spec.description, title].flat().filter((said) => typeof said === "string" && said)[0] ?? "A chart";
  };

  // A slider's handle has no name of its own: it takes that of the label beside it.
  const name = (panel) => {
    for (const handle of panel?.querySelectorAll("[role=slider]:not([aria-label])") ?? []) {
      const label = handle.closest(".widget-inline-hbox")?.querySelector(".widget-label");
      if (label) handle.setAttribute("aria-label", label.textContent);
    }
  };

  const mimeExtension = async () => {
    const { Widget } = await shared("@lumino/widgets");

    class Chart extends Widget {
      constructor(options) {
        super();
        this.mimeType = options.mimeType;
        this.addClass("capacity-chart");
        this.canvas = element("div", { class: "canvas" });
        this.node.append(this.canvas);
      }

      async renderModel(model) {
        const given = model.data[this.mimeType];
        const { View, compile, expressionInterpreter, loader, parse } = await vega();
        this.node.setAttribute("role", "img");
        this.node.setAttribute("aria-label", wordsOf(given));
        const single = "mark" in given || "layer" in given;
        const chart = structuredClone(given);
        if (single && !("width" in chart)) chart.width = "container";
        const spec = compile(chart, { logger: QUIET }).spec;
        recolour(spec);
        this.fluid = single && chart.width === "container";
        this.view?.finalize();
        this.view = new View(parse({ ...spec, background: "transparent" }, CONFIG, { ast: true }), {
          container: this.canvas, expr: expressionInterpreter, hover: true, loader: loader(), logLevel: 1, renderer: "svg", tooltip,
        });
        await this.view.runAsync();
        this.node.dataset.drawn = "yes";
        name(this.node.closest(".capacity-whatif"));
      }

      onResize() {
        if (this.fluid && this.view && this.canvas.clientWidth > 0) dispatchEvent(new Event("resize"));
      }

      dispose() {
        if (this.isDisposed) return;
        this.view?.finalize();
        super.dispose();
      }
    }

    const rendererFactory = { safe: true, mimeTypes: MIME_TYPES, createRenderer: (options) => new Chart(options) };
    // Before pictures and text, which the same output carries for whoever cannot draw it.
    return [{ id: `${NAME}:charts`, description: "Draws Vega-Lite 6.", rendererFactory, rank: 30, dataType: "json" }];
  };

  // ---- the notebooks ----------------------------------------------------------------------------------------------

  // The notebooks of the folder that declare themselves to be of capacity planning.
  const planned = async (contents) => {
    const listed = (await contents.get("", { content: true })).content ?? [];
    const read = async ({ path }) => {
      const { content } = await contents.get(path, { content: true, type: "notebook" });
      const declared = content?.metadata?.capacity;
      if (!declared) return null;
      const heading = content.cells?.find((cell) => cell.cell_type === "markdown")?.source ?? "";
      const text = Array.isArray(heading) ? heading.join("") : String(heading);
      const title = /^#\s+(.+)$/m.exec(text)?.[1] ?? path;
      return { path, title, description: String(declared.description ?? ""), order: Number(declared.order ?? 50) };
    };
    const found = await Promise.allSettled(listed.filter((item) => item.type === "notebook").map(read));
    const known = found.filter((one) => one.status === "fulfilled" && one.value !== null).map((one) => one.value);
    return known.sort((a, b) => a.order - b.order || a.path.localeCompare(b.path));
  };

  const extension = async () => {
    const [{ Widget }, { ILauncher }, { ICommandPalette }, { LabIcon }] = await Promise.all(
      ["@lumino/widgets", "@jupyterlab/launcher", "@jupyterlab/apputils", "@jupyterlab/ui-components"].map(shared));
    const CATEGORY = "Capacity planning";
    const icon = new LabIcon({
      name: `${NAME}:runway`,
      svgstr: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="16"><g class="jp-icon3" fill="none" stroke="#616161" stroke-width="2">'
        + '<path d="M3 6h18" stroke-dasharray="3 2"/><path d="M3 20c6 0 9-4 12-9l5-7"/></g></svg>',
    });

    const page = (notebooks, open) => {
      const cards = notebooks.map(({ path, title, description }) => {
        const button = element("button", { type: "button" }, element("strong", {}, title), element("small", {}, description));
        button.addEventListener("click", () => open(path));
        return element("li", {}, button);
      });
      const main = element("main", {},
        element("h1", {}, "Capacity planning"),
        element("p", {}, "Know what runs out, when, and how sure that is. Open a notebook, run all of its cells, then name your own"
          + " server and catalogue in its first one."),
        cards.length ? element("ul", {}, ...cards) : element("p", {}, "This folder holds no notebook of capacity planning."));
      const widget = new Widget({ node: element("div", { class: "capacity-start" }, main) });
      widget.id = `${NAME}-start`;
      widget.title.label = "Start";
      widget.title.caption = "Capacity planning";
      widget.title.icon = icon;
      widget.title.closable = true;
      return widget;
    };

    const activate = async (app, launcher, palette) => {
      const notebooks = await planned(app.serviceManager.contents);
      const open = (path) => app.commands.execute("docmanager:open", { path });
      let start;
      app.commands.addCommand("capacity:start", {
        label: "Capacity Planning: Start Page",
        icon,
        execute: () => {
          if (start === undefined || start.isDisposed) start = page(notebooks, open);
          if (!start.isAttached) app.shell.add(start, "main");
          app.shell.activateById(start.id);
        },
      });
      app.commands.addCommand("capacity:open", {
        label: (args) => String(args.title ?? "A notebook"),
        caption: (args) => String(args.description ?? ""),
        icon,
        execute: (args) => open(String(args.path)),
      });
      palette?.addItem({ command: "capacity:start", category: CATEGORY });
      notebooks.forEach((args, rank) => launcher?.add({ command: "capacity:open", args, category: CATEGORY, rank }));
      await app.restored;
      const open_already = [...app.shell.widgets("main")];
      if (notebooks.length && open_already.every((widget) => widget.id.startsWith("launcher"))) await app.commands.execute("capacity:start");
    };

    return [{
      id: `${NAME}:notebooks`,
      description: "A start page, and launcher cards, for the notebooks of capacity planning.",
      autoStart: true,
      optional: [ILauncher, ICommandPalette],
      // Lab waits for nobody's notebooks to be listed.
      activate: (app, launcher, palette) => { activate(app, launcher, palette).catch((error) => console.error(NAME, error)); },
    }];
  };

  const modules = { "./extension": extension, "./mimeExtension": mimeExtension };
  globalThis._JUPYTERLAB ??= {};
  globalThis._JUPYTERLAB[NAME] = {
    init: (given) => { scope = given; },
    get: async (name) => {
      const made = { __esModule: true, default: await modules[name]() };
      return () => made;
    },
  };
})();
