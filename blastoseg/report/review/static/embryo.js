"use strict";
// One embryo: film, curves, numbers, flags, events, verdict.

const PLAY_MS = 120;

class EmbryoView {
  /** @param {HTMLElement} main @param {string} key @param {EmbryoData} data @param {number} frame */
  constructor(main, key, data, frame) {
    this.key = key;
    this.data = data;
    this.entry = /** @type {Entry} */ (entries.get(key));
    this.count = data.frames.frame_index.length;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined;
    this.film = new FilmView(data, this.entry.name);
    this.curves = new Curves(data, (place) => this.show(place));
    this.slider = make("input", { type: "range", min: 0, max: this.count - 1, "aria-label": "Frame", class: "slider", oninput: () => this.show(Number(this.slider.value)) });
    this.play_ = makeButton("Play", () => this.play(), { id: "play", title: "space" });
    this.moment = make("p", { class: "moment", id: "moment" });
    this.doubt = make("p", { class: "doubt", id: "doubt" });
    this.full = make("a", { target: "_blank", rel: "noopener" }, "Open this frame's overlay, full size");
    this.planes = make("p", { id: "planes" });
    /** @type {number | null} The focal plane that is looked at, where the moment has it. */
    this.plane = null;
    this.numbers = make("tbody", {});
    this.width = 0;
    this.resize = new ResizeObserver(() => this.fit());
    main.replaceChildren(...this.layout());
    this.fit();
    this.resize.observe(this.curves.element);
    this.show(frame);
  }

  /** Draw the curves as wide as there is room. */
  fit() {
    const width = this.curves.element.clientWidth;
    if (width === this.width) return;
    this.width = width;
    this.curves.draw();
  }

  layout() {
    const { entry } = this;
    const around = report.embryos.findIndex((one) => one.key === this.key);
    const near = (/** @type {string} */ words, /** @type {Entry | undefined} */ other, /** @type {string} */ key) => (other ? make("a", { href: `#embryo=${other.key}`, title: key }, words) : null);
    const zoom = (/** @type {number} */ factor) => () => this.film.setZoom(this.film.zoom * factor);
    return [
      make(
        "div",
        { class: "title" },
        make("h1", {}, entry.name),
        make("p", {}, make("span", { class: "status" }, entry.status), " ", [groupOf(entry), entry.fate, entry.lab && `lab grade ${entry.lab}`, entry.grade && `expansion, suggested: ${entry.grade}`].filter(Boolean).join("; ")),
        make("p", { class: "on-paper", id: "paper-verdict" }),
        make("p", { class: "near" }, near("Previous", report.embryos[around - 1], "p"), " ", near("Next", report.embryos[around + 1], "n")),
      ),
      make(
        "div",
        { class: "sides" },
        make(
          "section",
          { class: "watch", "aria-label": "Film" },
          this.film.element,
          this.slider,
          make("div", { class: "controls" }, makeButton("◀", () => this.show(this.film.frame - 1), { "aria-label": "Frame before", title: "left arrow" }), this.play_, makeButton("▶", () => this.show(this.film.frame + 1), { "aria-label": "Frame after", title: "right arrow" }), makeButton("Zoom in", zoom(1.5), { title: "+" }), makeButton("Zoom out", zoom(1 / 1.5), { title: "-" })),
          this.moment,
          this.doubt,
          make("p", {}, this.full),
          this.planes,
          make("p", { class: "small" }, "The film is made from the overlays: under the lines of the outlines the picture is filled in from beside them."),
        ),
        make("section", { class: "charts", "aria-label": "Curves" }, this.curves.element),
        make("div", { class: "judged" }, makeVerdictForm(this.key), makeCorrectionsPanel(this.key, this.data, () => this.film.frame, (place) => this.showAnew(place)), this.eventList(), this.episodeList()),
      ),
      this.numbersTable(),
      this.wholeTable(),
    ];
  }

  eventList() {
    const jump = (/** @type {EventRow} */ event) => this.show(this.curves.placeOf(event.first_after_frame));
    const items = this.data.events.map((event) => make("li", {}, makeButton(event.event, () => jump(event)), event.first_after_h === null ? "" : ` ${hoursInWords(event.first_after_h)}`, event.note ? `, ${event.note}` : ""));
    return make("section", { class: "panel" }, make("h2", {}, "Events"), items.length ? make("ul", { class: "plain" }, ...items) : make("p", {}, "none seen"));
  }

  episodeList() {
    const items = this.data.episodes.map((one) =>
      make("li", {}, makeButton(one.episode_from_h === null ? `frame ${one.worst_frame}` : `${one.episode_from_h.toFixed(1)} to ${Number(one.episode_to_h).toFixed(1)} h`, () => this.show(this.curves.placeOf(one.worst_frame))), ` ${one.episode_kind}, ${one.episode_frames} ${one.episode_frames === 1 ? "frame" : "frames"}: ${one.doubt}`),
    );
    return make("section", { class: "panel" }, make("h2", {}, "To look at"), items.length ? make("ul", { class: "plain" }, ...items) : make("p", {}, "nothing"));
  }

  numbersTable() {
    return make(
      "details",
      { class: "panel", open: true },
      make("summary", {}, make("h2", {}, "Numbers of this frame")),
      make("table", {}, make("thead", {}, make("tr", {}, ...["Measure", "Value", "Confidence", "Definition"].map((words) => make("th", { scope: "col" }, words)))), this.numbers),
    );
  }

  wholeTable() {
    const rows = report.embryo_columns.filter((column) => inWords(this.data.whole[column.name], column.unit) !== "").map((column) => make("tr", {}, make("th", { scope: "row" }, column.words), make("td", { class: "number" }, inWords(this.data.whole[column.name], column.unit)), make("td", {}, column.definition)));
    return make("details", { class: "panel" }, make("summary", {}, make("h2", {}, "The embryo's course")), make("table", {}, make("thead", {}, make("tr", {}, ...["What", "Value", "Definition"].map((words) => make("th", { scope: "col" }, words)))), make("tbody", {}, ...rows)));
  }

  /** Show a frame whose numbers may be others by now. @param {number} place */
  showAnew(place) {
    this.curves.draw();
    this.show(place);
  }

  /** Show a frame, by its place. @param {number} place */
  show(place) {
    const frame = Math.min(this.count - 1, Math.max(0, place));
    const { frames } = this.data;
    this.film.show(frame);
    this.curves.show(frame);
    this.slider.value = String(frame);
    const plane = frames.focal_plane[frame];
    const words = `Frame ${frames.frame_index[frame]} (${frame + 1} of ${this.count}), ${hoursInWords(frames.time_h[frame])}${plane === null ? "" : `, focal plane ${plane}`}: ${frames.status[frame]}${frames.corrected?.[frame] ? `, corrected (${frames.corrected[frame]})` : ""}`;
    this.moment.textContent = words;
    this.slider.setAttribute("aria-valuetext", words);
    this.doubt.textContent = [frames.reason[frame], frames.flags[frame], frames.course_flags[frame]].filter(Boolean).join("; ");
    this.full.hidden = !frames.overlay[frame];
    if (frames.overlay[frame]) this.full.href = addressOf(frames.overlay[frame]);
    this.showPlanes(frames.frame_index[frame]);
    if (!this.timer) this.showNumbers(frame);
    history.replaceState(null, "", `#embryo=${this.key}&frame=${frame}`);
  }

  /** The moment's other focal planes, where there are some: in the film, and full size. @param {number} moment */
  showPlanes(moment) {
    const there = this.data.planes.filter((plane) => plane.frame_index === moment && plane.overlay);
    const own = this.data.frames.focal_plane[this.film.frame];
    const chosen = there.find((plane) => plane.focal_plane === this.plane && plane.focal_plane !== own);
    this.film.showPlane(chosen ? addressOf(String(chosen.overlay)) : null);
    if (!there.length) return this.planes.replaceChildren();
    const choices = there.map((plane) => /** @type {[string, string]} */ ([String(plane.focal_plane), `${plane.focal_plane} (${plane.status})`]));
    const select = makeSelect("Focal plane", choices, String(chosen ? chosen.focal_plane : own), (value) => {
      this.plane = Number(value);
      this.showPlanes(moment);
    });
    const full = chosen ? [" ", make("a", { href: addressOf(String(chosen.overlay)), target: "_blank", rel: "noopener" }, "full size")] : [];
    this.planes.replaceChildren(select, ...full, make("span", { class: "small" }, chosen ? " As its overlay shows it; numbers and curves are the film's." : ""));
  }

  /** @param {number} frame */
  showNumbers(frame) {
    const rows = [];
    for (const column of report.frame_columns) {
      const value = this.data.measures[column.name]?.[frame];
      if (value === null || value === undefined || column.name.startsWith("confidence_")) continue;
      const sure = this.data.measures[`confidence_${column.name.split("_")[0]}_frac`]?.[frame];
      rows.push(make("tr", {}, make("th", { scope: "row" }, column.words), make("td", { class: "number" }, inWords(value, column.unit)), make("td", { class: "number" }, inWords(sure, "fraction")), make("td", {}, column.definition)));
    }
    this.numbers.replaceChildren(...(rows.length ? rows : [make("tr", {}, make("td", { colspan: 4 }, "nothing was measured in this frame"))]));
  }

  play() {
    if (this.timer) return this.stop();
    if (this.film.frame === this.count - 1) this.show(0);
    this.play_.textContent = "Pause";
    this.timer = setInterval(() => {
      if (this.film.frame >= this.count - 1) this.stop();
      else this.show(this.film.frame + 1);
    }, PLAY_MS);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = undefined;
    this.play_.textContent = "Play";
    this.showNumbers(this.film.frame);
  }

  /** On paper the verdict is said in words, in place of its form. */
  print() {
    const verdict = verdictOn(this.key);
    const place = document.getElementById("paper-verdict");
    if (place) place.textContent = verdict ? `Verdict: ${verdictInWords(verdict)}` : "";
  }

  destroy() {
    clearInterval(this.timer);
    this.resize.disconnect();
    this.curves.destroy();
  }

  /** @param {KeyboardEvent} event */
  key_(event) {
    const around = report.embryos.findIndex((one) => one.key === this.key);
    const go = (/** @type {number} */ step) => {
      const other = report.embryos[around + step];
      if (other) location.hash = `embryo=${other.key}`;
    };
    const verdict = (/** @type {typeof KINDS[number]} */ kind) => {
      judge(this.key, { verdict: kind });
      const choice = document.querySelector(`.verdict input[value="${kind}"]`);
      if (choice instanceof HTMLInputElement) choice.checked = true;
      say(`Verdict: ${kind}`);
    };
    const onSlider = event.target === this.slider;
    const onButton = event.target instanceof HTMLButtonElement || event.target instanceof HTMLAnchorElement || (event.target instanceof HTMLElement && event.target.tagName === "SUMMARY");
    const isZoomed = event.target === this.film.element && this.film.zoom > 1;
    if (event.key === " " && !onButton) this.play();
    else if (event.key === "ArrowRight" && !onSlider && !isZoomed) this.show(this.film.frame + 1);
    else if (event.key === "ArrowLeft" && !onSlider && !isZoomed) this.show(this.film.frame - 1);
    else if (event.key === "Home" && !onSlider) this.show(0);
    else if (event.key === "End" && !onSlider) this.show(this.count - 1);
    else if (event.key === "+") this.film.setZoom(this.film.zoom * 1.5);
    else if (event.key === "-") this.film.setZoom(this.film.zoom / 1.5);
    else if (event.key === "e" && served.token) location.hash = `correct=${this.key}&frame=${this.film.frame}`;
    else if (event.key === "n") go(1);
    else if (event.key === "p") go(-1);
    else if (event.key === "a") verdict("accept");
    else if (event.key === "r") verdict("reject");
    else if (event.key === "l") verdict("look at");
    else if (event.key === "Escape") location.hash = "gallery";
    else return;
    event.preventDefault();
  }
}
