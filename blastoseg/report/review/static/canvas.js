"use strict";
// A frame with its labels as paint over it: drawn at once, and only where something changed.

const FILL_ALPHA = 70;

class LabelCanvas {
  /** @param {HTMLImageElement} picture @param {Labels} labels */
  constructor(picture, labels) {
    const { width, height } = labels;
    this.labels = labels;
    this.zoom = 1;
    this.colours = [[0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]];
    for (const tissue of report.tissues) this.colours[tissue.label] = [1, 3, 5].map((at) => parseInt(tissue.colour.slice(at, at + 2), 16));
    this.back = make("canvas", { width, height, class: "layer" });
    this.front = make("canvas", { width, height, class: "layer", role: "img", "aria-label": "Labels over the frame" });
    const back = this.back.getContext("2d");
    back.imageSmoothingQuality = "high";
    back.drawImage(picture, 0, 0, width, height);
    this.marks = makeSvg("svg", { viewBox: `0 0 ${width} ${height}`, class: "marks", "aria-hidden": "true" });
    this.inner = make("div", { class: "paper-inner" }, this.back, this.front, this.marks);
    this.inner.style.aspectRatio = `${width} / ${height}`;
    this.element = make("div", { class: "paper", tabindex: 0, role: "application", "aria-label": "Frame: arrows move the tool, space uses it" }, this.inner);
    this.draw(wholeOf(labels));
  }

  /** Draw the paint anew within a rectangle. @param {Rectangle} changed */
  draw(changed) {
    const { width, height, values } = this.labels;
    // An outline's pixel depends on its neighbours.
    const left = Math.max(0, changed.left - 1);
    const top = Math.max(0, changed.top - 1);
    const right = Math.min(width, changed.right + 1);
    const bottom = Math.min(height, changed.bottom + 1);
    if (right <= left || bottom <= top) return;
    const context = this.front.getContext("2d");
    const image = context.createImageData(right - left, bottom - top);
    let at = 0;
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++, at += 4) {
        const place = y * width + x;
        const label = values[place];
        if (!label) continue;
        const isEdge = (x > 0 && values[place - 1] !== label) || (x < width - 1 && values[place + 1] !== label) || (y > 0 && values[place - width] !== label) || (y < height - 1 && values[place + width] !== label);
        const colour = this.colours[label] || this.colours[0];
        image.data[at] = colour[0];
        image.data[at + 1] = colour[1];
        image.data[at + 2] = colour[2];
        image.data[at + 3] = isEdge ? 255 : FILL_ALPHA;
      }
    }
    context.putImageData(image, left, top);
  }

  /** Where in the frame a pointer is, in pixels. @param {PointerEvent} event */
  pointAt(event) {
    const box = this.front.getBoundingClientRect();
    return { x: ((event.clientX - box.left) / box.width) * this.labels.width, y: ((event.clientY - box.top) / box.height) * this.labels.height };
  }

  /** The tool as a ring, and the corners of a polygon that is not closed. @param {{x: number, y: number} | null} tool @param {number} radius @param {{x: number, y: number}[]} corners */
  mark(tool, radius, corners) {
    const marks = [];
    const line = corners.map((one) => `${one.x},${one.y}`).join(" ");
    const kinds = ["under", "over"];
    if (corners.length) marks.push(...kinds.map((kind) => makeSvg("polyline", { points: tool ? `${line} ${tool.x},${tool.y}` : line, class: kind })));
    if (tool) marks.push(...kinds.map((kind) => makeSvg("circle", { cx: tool.x, cy: tool.y, r: radius, class: kind })));
    this.marks.replaceChildren(...marks);
  }

  /** @param {number} zoom 1 to 8 */
  setZoom(zoom) {
    this.zoom = Math.min(8, Math.max(1, zoom));
    this.inner.style.width = `${100 * this.zoom}%`;
  }

  /** @param {boolean} wanted */
  showPaint(wanted) {
    this.front.style.visibility = wanted ? "visible" : "hidden";
  }
}
