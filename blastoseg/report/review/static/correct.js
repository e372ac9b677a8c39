"use strict";
// Correcting the labels of one frame: only where `blastoseg review` serves the page.

class CorrectView {
  /** @param {HTMLElement} main @param {string} key @param {EmbryoData} data @param {number} place @param {{picture: HTMLImageElement, labels: Labels}} loaded */
  constructor(main, key, data, place, { picture, labels }) {
    this.key = key;
    this.data = data;
    this.place = place;
    this.before = { ...data.measures };
    for (const [name, values] of Object.entries(data.measures)) this.before[name] = [values[place]];
    this.saved = labels.values.slice();
    this.labels = drafts.get(draftName(key, place)) || labels;
    this.canvas = new LabelCanvas(picture, this.labels);
    this.steps = new Steps(this.labels);
    /** @type {{x: number, y: number}[]} */
    this.corners = [];
    /** @type {{x: number, y: number} | null} */
    this.last = null;
    this.cursor = { x: this.labels.width / 2, y: this.labels.height / 2 };
    this.isPainting = false;
    this.isNetwork = false;
    this.told = make("p", { id: "told", role: "status" });
    this.whose = make("p", { id: "whose" });
    this.numbers = make("tbody", {});
    this.undo_ = makeButton("Undo", () => this.undo(), { title: "Ctrl+Z" });
    this.redo_ = makeButton("Redo", () => this.redo(), { title: "Ctrl+Y" });
    this.save_ = makeButton("Save", () => this.save(), { id: "save-correction", title: "Ctrl+S", class: "main" });
    this.tools = make("div", { class: "tools" });
    this.listen = (/** @type {KeyboardEvent} */ event) => this.onControl(event);
    document.addEventListener("keydown", this.listen);
    main.replaceChildren(...this.layout());
    this.takePointer();
    this.showTools();
    this.refresh();
  }

  get entry() {
    return /** @type {Entry} */ (entries.get(this.key));
  }

  layout() {
    const { frames } = this.data;
    const beside = (/** @type {number} */ step, /** @type {string} */ words) => (frames.frame_index[this.place + step] === undefined ? null : make("a", { href: `#correct=${this.key}&frame=${this.place + step}` }, words));
    const copy = (/** @type {number} */ step, /** @type {string} */ words) => makeButton(words, () => this.copyFrom(this.place + step), { disabled: frames.frame_index[this.place + step] === undefined });
    const zoom = (/** @type {number} */ factor) => () => this.canvas.setZoom(this.canvas.zoom * factor);
    return [
      make(
        "div",
        { class: "title" },
        make("h1", {}, this.entry.name),
        make("p", {}, `Correct frame ${frames.frame_index[this.place]}, ${hoursInWords(frames.time_h[this.place])}`),
        make("p", { class: "near" }, beside(-1, "Frame before"), " ", beside(1, "Frame after"), " ", make("a", { href: `#embryo=${this.key}&frame=${this.place}` }, "Back to the embryo")),
      ),
      make(
        "div",
        { class: "sides" },
        make("section", { class: "work", "aria-label": "Frame" }, this.canvas.element),
        make(
          "section",
          { class: "judged", "aria-label": "Tools" },
          make("div", { class: "panel" }, this.tools),
          make(
            "div",
            { class: "panel controls" },
            this.undo_,
            this.redo_,
            makeButton("Smooth outline", () => this.smooth(), { title: "s" }),
            copy(-1, "Copy from frame before"),
            copy(1, "Copy from frame after"),
            makeButton("Back to the network's", () => this.toNetwork(), { id: "to-network" }),
            makeButton("Paint", () => this.togglePaint(), { title: "o", "aria-pressed": true, id: "paint" }),
            makeButton("Zoom in", zoom(1.5), { title: "+" }),
            makeButton("Zoom out", zoom(1 / 1.5), { title: "-" }),
          ),
          make("div", { class: "panel" }, this.whose, make("div", { class: "controls" }, this.save_), this.told),
          make("div", { class: "panel" }, make("h2", {}, "Numbers"), make("table", {}, make("thead", {}, make("tr", {}, ...["Measure", "Before", "Saved"].map((words) => make("th", { scope: "col" }, words)))), this.numbers)),
        ),
      ),
    ];
  }

  showTools() {
    fillTools(this.tools, (kind) => this.take(kind));
  }

  /** @param {string} kind */
  take(kind) {
    tool.kind = kind;
    this.corners = [];
    this.markTool();
  }

  takePointer() {
    const paper = this.canvas.front;
    paper.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      if (event.button !== 0) return;
      paper.setPointerCapture(event.pointerId);
      this.cursor = this.canvas.pointAt(event);
      if (tool.kind === "polygon") this.corners.push(this.cursor);
      else this.start(this.cursor);
      this.markTool();
    });
    paper.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
      const events = event.getCoalescedEvents?.() || [];
      for (const one of events.length ? events : [event]) {
        this.cursor = this.canvas.pointAt(one);
        if (this.isPainting) this.stroke(this.cursor);
      }
      this.markTool();
    });
    for (const name of ["pointerup", "pointercancel"]) paper.addEventListener(name, () => { this.isPainting = false; });
    paper.addEventListener("dblclick", () => this.closePolygon());
    paper.addEventListener("pointerleave", () => this.canvas.mark(null, 0, this.corners));
  }

  markTool() {
    this.canvas.mark(this.cursor, tool.kind === "brush" || tool.kind === "eraser" ? tool.radius : 1.5, this.corners);
  }

  /** @param {{x: number, y: number}} point */
  start(point) {
    this.steps.remember();
    if (tool.kind === "fill") return this.changed(paintRegion(this.labels, point.x, point.y, labelOfTool()));
    this.isPainting = true;
    this.last = point;
    this.stroke(point);
  }

  /** @param {{x: number, y: number}} point */
  stroke(point) {
    const changed = paintLine(this.labels, this.last || point, point, tool.radius, ruleOfTool());
    this.last = point;
    this.changed(changed);
  }

  closePolygon() {
    if (tool.kind !== "polygon" || this.corners.length < 3) return;
    this.steps.remember();
    const changed = paintPolygon(this.labels, this.corners, ruleOfTool());
    this.corners = [];
    this.changed(changed);
    this.markTool();
  }

  /** @param {Rectangle | null} changed */
  changed(changed) {
    if (changed) this.canvas.draw(changed);
    this.isNetwork = false;
    drafts.set(draftName(this.key, this.place), this.labels);
    this.refreshButtons();
  }

  undo() {
    if (this.steps.undo()) this.changed(wholeOf(this.labels));
  }

  redo() {
    if (this.steps.redo()) this.changed(wholeOf(this.labels));
  }

  smooth() {
    this.steps.remember();
    this.changed(smoothTissue(this.labels, labelOfTool(), Math.max(1, Math.round(this.labels.width / 250))));
  }

  /** @param {number} place */
  async copyFrom(place) {
    await this.trying(async () => this.replace(await loadLabels(this.key, place, "now"), "the labels of the other frame"));
  }

  async toNetwork() {
    await this.trying(async () => {
      this.replace(await loadLabels(this.key, this.place, "network"), "what the network said: save it to withdraw the correction");
      this.isNetwork = true;
    });
  }

  /** @param {Labels} other @param {string} words */
  replace(other, words) {
    if (other.width !== this.labels.width || other.height !== this.labels.height) throw new Error("That frame has another size.");
    this.steps.remember();
    this.labels.values.set(other.values);
    this.changed(wholeOf(this.labels));
    this.tell(`Now ${words}.`);
  }

  async save() {
    if (!said.by) {
      this.tell("Write your name, or your initials, at the top first: a correction says whose it is.");
      document.getElementById("by")?.classList.add("missing");
      document.getElementById("by")?.focus();
      return;
    }
    const sent = this.labels.values.slice();
    await this.trying(async () => {
      const known = corrections.get(this.key)?.get(this.place);
      const revision = known?.revision || "";
      if (this.isNetwork && !revision) throw new Error("Nothing to save: these are the network's labels.");
      const frame = this.isNetwork ? await withdrawLabels(this.key, this.place, revision) : await saveLabels(this.key, this.place, { ...this.labels, values: sent }, revision);
      applyFrame(this.key, this.data, this.place, frame);
      this.saved = sent;
      if (sent.every((value, place) => value === this.labels.values[place])) drafts.delete(draftName(this.key, this.place));
      this.tell(this.isNetwork ? "The correction is withdrawn: the network's labels count." : "Saved, and measured anew. The next run takes it into tables and workbook.");
      this.refresh();
    });
  }

  /** @param {() => Promise<void>} work */
  async trying(work) {
    this.save_.disabled = true;
    try {
      await work();
    } catch (error) {
      this.tell(error instanceof Error ? error.message : String(error), true);
    }
    this.refreshButtons();
  }

  /** @param {string} words @param {boolean} [isWrong] */
  tell(words, isWrong = false) {
    this.told.textContent = words;
    this.told.className = isWrong ? "wrong" : "";
  }

  refreshButtons() {
    this.undo_.disabled = !this.steps.before.length;
    this.redo_.disabled = !this.steps.undone.length;
    this.save_.disabled = !drafts.has(draftName(this.key, this.place));
  }

  refresh() {
    this.refreshButtons();
    this.whose.textContent = whoseInWords(correctionOf(this.key, this.place), this.data.frames.status[this.place]);
    const rows = report.frame_columns
      .filter((column) => report.correction_columns.includes(column.name))
      .map((column) => {
        const [before, now] = [this.before[column.name]?.[0], this.data.measures[column.name]?.[this.place]];
        return make("tr", {}, make("th", { scope: "row" }, column.words), make("td", { class: "number" }, inWords(before, column.unit)), make("td", { class: "number" }, inWords(now, column.unit)));
      });
    this.numbers.replaceChildren(...rows);
  }

  togglePaint() {
    const button = document.getElementById("paint");
    const isOn = button?.getAttribute("aria-pressed") !== "true";
    button?.setAttribute("aria-pressed", String(isOn));
    this.canvas.showPaint(isOn);
  }

  print() {}

  destroy() {
    document.removeEventListener("keydown", this.listen);
  }

  /** Undo, redo and save by Ctrl. @param {KeyboardEvent} event */
  onControl(event) {
    if (!(event.ctrlKey || event.metaKey)) return;
    const key = event.key.toLowerCase();
    if (key === "z" && !event.shiftKey) this.undo();
    else if (key === "y" || key === "z") this.redo();
    else if (key === "s") this.save();
    else return;
    event.preventDefault();
  }

  /** @param {KeyboardEvent} event */
  key_(event) {
    const chosen = TOOLS.find(([, , key]) => key === event.key);
    const onPaper = event.target === this.canvas.element;
    /** @type {Record<string, [number, number]>} */
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const way = ways[event.key];
    if (chosen) this.take(chosen[0]);
    else if (takeByKey(event.key)) this.markTool();
    else if (event.key === "s") this.smooth();
    else if (event.key === "o") this.togglePaint();
    else if (event.key === "+") this.canvas.setZoom(this.canvas.zoom * 1.5);
    else if (event.key === "-") this.canvas.setZoom(this.canvas.zoom / 1.5);
    else if (event.key === "Enter" && this.corners.length) this.closePolygon();
    else if (event.key === "Escape" && this.corners.length) this.corners = [];
    else if (event.key === "Escape") location.hash = `embryo=${this.key}&frame=${this.place}`;
    else if (way && onPaper) this.cursor = { x: this.cursor.x + 2 * way[0], y: this.cursor.y + 2 * way[1] };
    else if (event.key === " " && onPaper) {
      if (tool.kind === "polygon") this.corners.push(this.cursor);
      else this.start(this.cursor);
      this.isPainting = false;
    } else return;
    this.showTools();
    this.markTool();
    event.preventDefault();
  }
}
