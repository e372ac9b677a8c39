"use strict";
// One embryo's frames: a picture from the sheet, and the outlines over it as lines.

/**
 * The outlines of one frame as a drawing; which tissues are seen is the page's business (classes on its root).
 * @param {Record<string, string>} paths
 * @param {number} side of the drawing, in steps
 */
function makeOutlines(paths, side) {
  const drawing = makeSvg("svg", { viewBox: `0 0 ${side} ${side}`, class: "outlines", "aria-hidden": "true" });
  drawOutlines(drawing, paths);
  return drawing;
}

/**
 * A tissue's outlines as path data: two signs each for a line's first x and y, then two a step.
 * @param {string} lines with spaces between
 */
function pathOf(lines) {
  const { alphabet } = report;
  const base = alphabet.length;
  const zero = (base - 1) >> 1;
  return lines
    .split(" ")
    .map((line) => {
      const codes = [...line].map((sign) => alphabet.indexOf(sign));
      const steps = codes.slice(4).map((code) => code - zero);
      return `M${codes[0] * base + codes[1]} ${codes[2] * base + codes[3]}l${steps.join(" ")}z`;
    })
    .join("");
}

/** @param {Element} drawing @param {Record<string, string>} paths */
function drawOutlines(drawing, paths) {
  const lines = [];
  for (const tissue of [...report.tissues].reverse()) {
    const own = paths[tissue.key];
    if (!own) continue;
    const path = pathOf(own);
    lines.push(makeSvg("path", { d: path, class: "under", "data-tissue": tissue.key }));
    lines.push(makeSvg("path", { d: path, stroke: tissue.colour, "data-tissue": tissue.key }));
  }
  drawing.replaceChildren(...lines);
}

class FilmView {
  /** @param {EmbryoData} data @param {string} name */
  constructor(data, name) {
    this.data = data;
    this.frame = -1;
    this.zoom = 1;
    this.canvas = make("canvas", { width: 3 * data.film.side, height: 3 * data.film.side, role: "img" });
    this.canvas.setAttribute("aria-label", `Frame of ${name}`);
    this.drawing = makeOutlines({}, data.film.side * data.film.fineness);
    this.nothing = make("p", { class: "nothing" });
    this.plane = make("img", { class: "plane", alt: "", hidden: true });
    this.inner = make("div", { class: "film-inner" }, this.canvas, this.drawing, this.plane, this.nothing);
    this.element = make("div", { class: "film", tabindex: 0, role: "group", "aria-label": "Film; arrows move while it is zoomed" }, this.inner);
    /** @type {Map<number, HTMLImageElement>} */
    this.sheets = new Map();
  }

  /** Show a frame, by its place. @param {number} frame */
  show(frame) {
    const { film } = this.data;
    this.frame = frame;
    drawOutlines(this.drawing, film.outlines[frame] || {});
    this.nothing.textContent = film.seen[frame] ? "" : "no picture was written for this frame";
    const perSheet = film.across * film.across;
    const number = Math.floor(frame / perSheet);
    const sheet = this.sheet(number);
    const draw = () => {
      if (this.frame !== frame) return;
      const across = Math.min(film.across, this.data.frames.frame_index.length - number * perSheet);
      const place = frame % perSheet;
      const context = this.canvas.getContext("2d");
      const { side } = film;
      context.imageSmoothingQuality = "high";
      context.drawImage(sheet, (place % across) * side, Math.floor(place / across) * side, side, side, 0, 0, 3 * side, 3 * side);
      this.element.dataset.shown = String(frame);
    };
    if (sheet.complete && sheet.naturalWidth) draw();
    else {
      sheet.addEventListener("load", draw, { once: true });
      sheet.addEventListener("error", () => { this.nothing.textContent = "the film cannot be loaded"; }, { once: true });
    }
  }

  /** Show another focal plane of the moment, by its overlay, in the film's own cut; null takes it away. @param {string | null} address */
  showPlane(address) {
    const [left, top, side] = this.data.film.window || [0, 0, 1];
    this.plane.hidden = address === null;
    if (address === null) return;
    if (this.plane.getAttribute("src") !== address) this.plane.src = address;
    this.plane.style.width = `${100 / side}%`;
    this.plane.style.left = `${(-100 * left) / side}%`;
    this.plane.style.top = `${(-100 * top) / side}%`;
  }

  /** @param {number} number @returns {HTMLImageElement} */
  sheet(number) {
    let sheet = this.sheets.get(number);
    if (!sheet) {
      sheet = new Image();
      sheet.src = this.data.film.sheets[number];
      this.sheets.set(number, sheet);
    }
    return sheet;
  }

  /** @param {number} zoom 1 to 8 */
  setZoom(zoom) {
    this.zoom = Math.min(8, Math.max(1, zoom));
    const { element } = this;
    const middle = [(element.scrollLeft + element.clientWidth / 2) / element.scrollWidth, (element.scrollTop + element.clientHeight / 2) / element.scrollHeight];
    this.inner.style.width = `${100 * this.zoom}%`;
    element.scrollLeft = middle[0] * element.scrollWidth - element.clientWidth / 2;
    element.scrollTop = middle[1] * element.scrollHeight - element.clientHeight / 2;
  }
}

/** The switches for outlines in the page's bar: classes on the root, obeyed by every drawing. */
function showOutlineSwitches() {
  const root = document.documentElement;
  const place = document.getElementById("outlines");
  if (!place) return;
  const toggle = (/** @type {string} */ name) => {
    root.classList.toggle(name);
    showOutlineSwitches();
  };
  place.replaceChildren(
    makeButton("Outlines", () => toggle("no-outlines"), { "aria-pressed": !root.classList.contains("no-outlines"), title: "o", id: "all-outlines" }),
    ...report.tissues.map((tissue, number) => {
      const swatch = make("span", { class: "swatch", "aria-hidden": "true" });
      swatch.style.background = tissue.colour;
      const button = makeButton("", () => toggle(`no-${tissue.key}`), {
        "aria-pressed": !root.classList.contains(`no-${tissue.key}`),
        title: String(number + 1),
        "data-switch": tissue.key,
      });
      button.append(swatch, tissue.name);
      return button;
    }),
  );
}
