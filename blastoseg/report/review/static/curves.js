"use strict";
// Curves over time, with events and doubtful stretches marked, and linked to the film both ways.

/** What is drawn: measure, the course's own value of it, words. Of the unit of length that the report has. */
function quantities() {
  const unit = report.unit;
  /** @type {{title: string, lines: [string, string, string][]}[]} name, words, CSS variable of the colour */
  const all = [
    { title: "Blastocyst area", lines: [[`blastocyst_area_${unit}2`, "measured", "--line-a"], [`steady_blastocyst_area_${unit}2`, "course", "--line-b"]] },
    { title: "Blastocoel, share of area", lines: [["blastocoel_area_frac", "measured", "--line-a"], ["steady_blastocoel_area_frac", "course", "--line-b"]] },
    { title: "Thickness", lines: [[`zp_thickness_mean_${unit}`, "zona", "--line-a"], [`te_thickness_mean_${unit}`, "TE", "--line-c"]] },
    { title: "ICM area", lines: [[`icm_area_${unit}2`, "measured", "--line-a"]] },
  ];
  return all;
}

const SHORT_EVENT = 14;

/** @param {string} name */
function colourOf(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Hours where every frame has them, else the frames' numbers. @param {EmbryoData} data */
function axisOf(data) {
  const hours = data.frames.time_h;
  const isRising = hours.every((one, place) => one !== null && (place === 0 || one > Number(hours[place - 1])));
  return isRising ? { label: "hours", x: /** @type {number[]} */ (hours) } : { label: "frame", x: data.frames.frame_index.map((_, place) => place) };
}

class Curves {
  /** @param {EmbryoData} data @param {(frame: number) => void} onFrame */
  constructor(data, onFrame) {
    this.data = data;
    this.frame = 0;
    this.onFrame = onFrame;
    this.axis = axisOf(data);
    this.element = make("div", { class: "curves" });
    /** @type {any[]} */
    this.charts = [];
  }

  /** Draw the charts at the width that there is: once at first, again where that changes. */
  draw() {
    for (const chart of this.charts) chart.destroy();
    this.charts = [];
    const width = Math.max(240, this.element.clientWidth);
    const units = new Map(report.frame_columns.map((column) => [column.name, column.unit]));
    this.element.replaceChildren();
    for (const { title, lines } of quantities()) {
      const unit = units.get(lines[0][0]) || "";
      const isShare = unit === "fraction";
      const place = make("figure", { class: "curve" }, make("figcaption", {}, make("span", { class: "curve-title" }, `${title}, ${isShare ? "%" : unit}`), ...this.legend(lines)));
      this.element.append(place);
      const scale = isShare ? 100 : 1;
      const values = lines.map(([name]) => (this.data.measures[name] || []).map((one) => (one === null ? null : one * scale)));
      this.charts.push(new uPlot(this.options(width, lines), [this.axis.x, ...values], place));
    }
    // A picture for the eye: what it shows is in the table of numbers, frame by frame.
    for (const canvas of this.element.querySelectorAll("canvas")) canvas.setAttribute("aria-hidden", "true");
  }

  /** @param {[string, string, string][]} lines */
  legend(lines) {
    if (lines.length < 2) return [];
    const hasCourse = lines.some(([name]) => name.startsWith("steady"));
    return lines.map(([, words, colour], number) => {
      const kind = hasCourse ? ["dots", "solid"] : ["solid", "dashes"];
      const sample = make("span", { class: `sample ${kind[number]}`, "aria-hidden": "true" });
      sample.style.color = colourOf(colour);
      return make("span", { class: "curve-key" }, sample, words);
    });
  }

  /** @param {number} width @param {[string, string, string][]} lines */
  options(width, lines) {
    const ink = colourOf("--ink-soft");
    const grid = { stroke: colourOf("--grid"), width: 1 };
    const axis = { stroke: ink, grid, ticks: grid, font: "12px system-ui, sans-serif" };
    return {
      width,
      height: 140,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, sync: { key: "film" }, points: { size: 7 } },
      scales: { x: { time: false }, y: { range: (/** @type {any} */ _, /** @type {number} */ low, /** @type {number} */ high) => [Math.min(0, low ?? 0), (high ?? 1) * 1.08 || 1] } },
      axes: [{ ...axis, size: 26 }, { ...axis, size: 58 }],
      series: [
        {},
        ...lines.map(([name, , colour], number) => ({
          stroke: colourOf(colour),
          width: name.startsWith("steady") ? 2 : 1.4,
          dash: lines.length > 1 && number === 1 && !name.startsWith("steady") ? [6, 3] : undefined,
          points: { show: !name.startsWith("steady"), size: 4 },
          spanGaps: false,
        })),
      ],
      hooks: {
        drawClear: [(/** @type {any} */ chart) => this.markDoubt(chart)],
        draw: [(/** @type {any} */ chart) => this.markEvents(chart)],
        ready: [(/** @type {any} */ chart) => this.listen(chart)],
      },
    };
  }

  /** @param {any} chart */
  listen(chart) {
    const choose = () => {
      if (chart.cursor.idx !== null && chart.cursor.idx !== undefined) this.onFrame(chart.cursor.idx);
    };
    let isDown = false;
    chart.over.addEventListener("pointerdown", () => { isDown = true; choose(); });
    chart.over.addEventListener("pointermove", () => { if (isDown) setTimeout(choose); });
    window.addEventListener("pointerup", () => { isDown = false; });
  }

  /** Doubtful stretches as bands. @param {any} chart */
  markDoubt(chart) {
    if (this.axis.label !== "hours") return;
    const { ctx, bbox } = chart;
    ctx.save();
    ctx.fillStyle = colourOf("--doubt");
    for (const episode of this.data.episodes) {
      if (episode.episode_from_h === null || episode.episode_to_h === null) continue;
      const from = chart.valToPos(episode.episode_from_h, "x", true);
      const to = chart.valToPos(episode.episode_to_h, "x", true);
      ctx.fillRect(from - 1, bbox.top, Math.max(3, to - from + 2), bbox.height);
    }
    ctx.restore();
  }

  /** Events as dashed lines with their names, the frame shown as a solid one. @param {any} chart */
  markEvents(chart) {
    const { ctx, bbox } = chart;
    const line = (/** @type {number} */ at, /** @type {string} */ colour, /** @type {number[]} */ dash, /** @type {number} */ width) => {
      const x = Math.round(chart.valToPos(at, "x", true));
      ctx.strokeStyle = colour;
      ctx.lineWidth = width * devicePixelRatio;
      ctx.setLineDash(dash);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      return x;
    };
    ctx.save();
    ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.fillStyle = colourOf("--ink");
    let row = 0;
    for (const event of this.data.events) {
      const place = this.placeOf(event.first_after_frame);
      if (place < 0) continue;
      const x = line(this.axis.x[place], colourOf("--ink-soft"), [4, 4], 1);
      if (chart === this.charts[0] || this.charts.length === 0) {
        const words = event.event.slice(0, SHORT_EVENT);
        const beyond = x + ctx.measureText(words).width + 4 > bbox.left + bbox.width;
        ctx.textAlign = beyond ? "right" : "left";
        ctx.fillText(words, x + (beyond ? -3 : 3), bbox.top + (11 + 12 * (row++ % 3)) * devicePixelRatio);
      }
    }
    line(this.axis.x[this.frame], colourOf("--accent"), [], 2);
    ctx.restore();
  }

  /** @param {number | null} frameIndex */
  placeOf(frameIndex) {
    return frameIndex === null ? -1 : this.data.frames.frame_index.indexOf(frameIndex);
  }

  /** The film shows another frame. @param {number} frame */
  show(frame) {
    this.frame = frame;
    for (const chart of this.charts) chart.redraw(false);
  }

  destroy() {
    for (const chart of this.charts) chart.destroy();
    this.charts = [];
  }
}
