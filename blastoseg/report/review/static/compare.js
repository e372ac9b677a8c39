"use strict";
// Two to four embryos side by side, at the same hour or as long after the same event.

/** Okabe and Ito's colours, told apart by their dashes too. */
const COMPARED_LINES = /** @type {[string, number[] | undefined][]} */ ([["--line-a", undefined], ["--line-c", [8, 4]], ["--line-b", [2, 4]], ["--line-d", [10, 3, 2, 3]]]);

class CompareView {
  /** @param {HTMLElement} main @param {string[]} keys @param {EmbryoData[]} all @param {URLSearchParams} state */
  constructor(main, keys, all, state) {
    this.keys = keys;
    this.all = all;
    this.align = state.get("by") || "hour";
    this.films = all.map((data, place) => new FilmView(data, this.name(place)));
    this.moments = all.map(() => make("p", { class: "moment" }));
    this.slider = make("input", { type: "range", class: "slider", step: "any", "aria-label": "Time", oninput: () => this.show(Number(this.slider.value)) });
    this.at = make("p", { id: "at" });
    this.chart_ = make("figure", { class: "curve" });
    /** @type {any} */
    this.chart = undefined;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined;
    this.play_ = makeButton("Play", () => this.play(), { title: "space" });
    this.width = 0;
    this.resize = new ResizeObserver(() => {
      if (this.width !== this.chart_.clientWidth) this.draw();
    });
    const names = new Set(all.flatMap((data) => data.events.map((event) => event.event)));
    const choices = /** @type {[string, string][]} */ ([["hour", "hour"], ...[...names].filter((name) => name !== "collapse").map((name) => [name, name])]);
    main.replaceChildren(
      make("h1", {}, "Compare"),
      make("div", { class: "filters" }, makeSelect("Align by", choices, this.align, (value) => this.setAlign(value)), this.play_, make("a", { href: "#gallery" }, "Back to all")),
      this.slider,
      this.at,
      make("div", { class: "compared" }, ...this.films.map((film, place) => make("section", { "aria-label": this.name(place) }, make("h2", {}, this.sample(place), make("a", { href: `#embryo=${keys[place]}` }, this.name(place))), film.element, this.moments[place]))),
      this.chart_,
    );
    this.setAlign(this.align);
    this.resize.observe(this.chart_);
  }

  /** @param {number} place */
  name(place) {
    return entries.get(this.keys[place])?.name || "";
  }

  /** @param {number} place */
  sample(place) {
    const drawing = makeSvg("svg", { viewBox: "0 0 40 8", class: "dash", "aria-hidden": "true" }, makeSvg("path", { d: "M0 4h40", "stroke-dasharray": (COMPARED_LINES[place][1] || []).join(" ") }));
    drawing.style.stroke = colourOf(COMPARED_LINES[place][0]);
    return drawing;
  }

  /** Each frame's time since the hour 0 or the event; empty where the embryo lacks either. @param {EmbryoData} data @returns {number[]} */
  times(data) {
    const { x } = this.isByHour() ? axisOf(data) : { x: data.frames.frame_index.map((_, place) => place) };
    if (this.align === "hour") return x;
    const event = data.events.find((one) => one.event === this.align);
    const place = event ? data.frames.frame_index.indexOf(Number(event.first_after_frame)) : -1;
    return place < 0 ? [] : x.map((one) => Math.round(1000 * (one - x[place])) / 1000);
  }

  /** Whether every embryo has hours: else frames are counted, for all alike. */
  isByHour() {
    return this.all.every((data) => axisOf(data).label === "hours");
  }

  /** @param {string} align */
  setAlign(align) {
    this.align = align;
    history.replaceState(null, "", `#compare=${this.keys.join(",")}&by=${encodeURIComponent(align)}`);
    this.x = this.all.map((data) => this.times(data));
    const every = this.x.flat();
    this.slider.min = String(every.length ? Math.min(...every) : 0);
    this.slider.max = String(every.length ? Math.max(...every) : 0);
    const start = align === "hour" ? Math.max(...this.x.filter((one) => one.length).map((one) => one[0])) : 0;
    this.now = start;
    this.draw();
    this.show(start);
  }

  draw() {
    this.chart?.destroy();
    const name = `blastocyst_area_${report.unit}2`;
    const unit = report.frame_columns.find((column) => column.name === name)?.unit || "";
    const tables = this.all.map((data, place) => [this.x?.[place] || [], (data.measures[name] || []).slice(0, (this.x?.[place] || []).length)]);
    this.width = this.chart_.clientWidth;
    const width = Math.max(240, this.width);
    const grid = { stroke: colourOf("--grid"), width: 1 };
    const axis = { stroke: colourOf("--ink-soft"), grid, ticks: grid, font: "12px system-ui, sans-serif" };
    this.chart_.replaceChildren(make("figcaption", {}, make("span", { class: "curve-title" }, `Blastocyst area, ${unit}`)));
    this.chart = new uPlot(
      {
        width,
        height: 220,
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false } },
        scales: { x: { time: false } },
        axes: [{ ...axis, size: 30 }, { ...axis, size: 62 }],
        series: [{}, ...this.all.map((_, place) => ({ stroke: colourOf(COMPARED_LINES[place][0]), width: 2, dash: COMPARED_LINES[place][1], spanGaps: true, points: { show: false } }))],
        hooks: {
          draw: [(/** @type {any} */ chart) => this.markNow(chart)],
          ready: [(/** @type {any} */ chart) => chart.over.addEventListener("pointerdown", () => this.show(chart.posToVal(chart.cursor.left, "x")))],
        },
      },
      uPlot.join(tables),
      this.chart_,
    );
  }

  /** @param {any} chart */
  markNow(chart) {
    const x = Math.round(chart.valToPos(this.now, "x", true));
    chart.ctx.save();
    chart.ctx.strokeStyle = colourOf("--accent");
    chart.ctx.setLineDash([]);
    chart.ctx.lineWidth = 2 * devicePixelRatio;
    chart.ctx.beginPath();
    chart.ctx.moveTo(x, chart.bbox.top);
    chart.ctx.lineTo(x, chart.bbox.top + chart.bbox.height);
    chart.ctx.stroke();
    chart.ctx.restore();
  }

  /** Every embryo's frame that is nearest to a time. @param {number} now */
  show(now) {
    this.now = now;
    this.slider.value = String(now);
    const unit = this.isByHour() ? "h" : "frames";
    const words = this.align === "hour" ? `${now.toFixed(1)} ${unit}` : `${now >= 0 ? "+" : ""}${now.toFixed(1)} ${unit} from ${this.align}`;
    this.at.textContent = words;
    this.slider.setAttribute("aria-valuetext", words);
    this.all.forEach((data, place) => {
      const x = this.x?.[place] || [];
      if (!x.length) {
        this.moments[place].textContent = `${this.align} is not known in this embryo`;
        this.films[place].element.hidden = true;
        return;
      }
      this.films[place].element.hidden = false;
      let best = 0;
      for (let one = 1; one < x.length; one++) if (Math.abs(x[one] - now) < Math.abs(x[best] - now)) best = one;
      this.films[place].show(best);
      this.moments[place].textContent = `${hoursInWords(data.frames.time_h[best])}, frame ${data.frames.frame_index[best]}: ${data.frames.status[best]}${data.frames.flags[best] ? `, ${data.frames.flags[best]}` : ""}`;
    });
    this.chart?.redraw(false);
  }

  /** @param {number} steps of a 144th of the whole time */
  step(steps) {
    const [low, high] = [Number(this.slider.min), Number(this.slider.max)];
    this.show(Math.min(high, Math.max(low, Number(this.now) + (steps * (high - low)) / 144)));
  }

  play() {
    if (this.timer) return this.stop();
    if (Number(this.now) >= Number(this.slider.max)) this.show(Number(this.slider.min));
    this.play_.textContent = "Pause";
    this.timer = setInterval(() => {
      if (Number(this.now) >= Number(this.slider.max)) this.stop();
      else this.step(1);
    }, PLAY_MS);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = undefined;
    this.play_.textContent = "Play";
  }

  destroy() {
    this.stop();
    this.resize.disconnect();
    this.chart?.destroy();
    this.chart = undefined;
  }

  /** @param {KeyboardEvent} event */
  key_(event) {
    const onSlider = event.target === this.slider;
    if (event.key === " " && !(event.target instanceof HTMLButtonElement)) this.play();
    else if (event.key === "ArrowRight" && !onSlider) this.step(1);
    else if (event.key === "ArrowLeft" && !onSlider) this.step(-1);
    else if (event.key === "Escape") location.hash = "gallery";
    else return;
    event.preventDefault();
  }
}
