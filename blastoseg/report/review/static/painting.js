"use strict";
// What tools do to labels: no page, no browser. Every one returns the rectangle that changed, or null.

/** @typedef {{left: number, top: number, right: number, bottom: number}} Rectangle right and bottom beyond the last pixel */

/** @param {Labels} labels @returns {Rectangle} */
function wholeOf(labels) {
  return { left: 0, top: 0, right: labels.width, bottom: labels.height };
}

/** @param {Rectangle | null} a @param {Rectangle | null} b @returns {Rectangle | null} */
function around(a, b) {
  if (!a || !b) return a || b;
  return { left: Math.min(a.left, b.left), top: Math.min(a.top, b.top), right: Math.max(a.right, b.right), bottom: Math.max(a.bottom, b.bottom) };
}

/**
 * Set every pixel whose centre lies within a radius of the line between two points.
 * @param {Labels} labels
 * @param {{x: number, y: number}} from @param {{x: number, y: number}} to in pixels, a pixel's centre at .5
 * @param {number} radius
 * @param {(before: number) => number} rule what becomes of a label
 */
function paintLine(labels, from, to, radius, rule) {
  const { width, height, values } = labels;
  const changed = {
    left: Math.max(0, Math.floor(Math.min(from.x, to.x) - radius)),
    top: Math.max(0, Math.floor(Math.min(from.y, to.y) - radius)),
    right: Math.min(width, Math.ceil(Math.max(from.x, to.x) + radius) + 1),
    bottom: Math.min(height, Math.ceil(Math.max(from.y, to.y) + radius) + 1),
  };
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length2 = dx * dx + dy * dy;
  for (let y = changed.top; y < changed.bottom; y++) {
    for (let x = changed.left; x < changed.right; x++) {
      const [px, py] = [x + 0.5 - from.x, y + 0.5 - from.y];
      const along = length2 ? Math.min(1, Math.max(0, (px * dx + py * dy) / length2)) : 0;
      if (Math.hypot(px - along * dx, py - along * dy) <= radius) values[y * width + x] = rule(values[y * width + x]);
    }
  }
  return changed;
}

/**
 * Set every pixel whose centre lies inside a closed line.
 * @param {Labels} labels @param {{x: number, y: number}[]} points @param {(before: number) => number} rule
 * @returns {Rectangle | null}
 */
function paintPolygon(labels, points, rule) {
  const { width, height, values } = labels;
  for (let y = 0; y < height; y++) {
    const crossings = [];
    for (let place = 0; place < points.length; place++) {
      const [a, b] = [points[place], points[(place + 1) % points.length]];
      if (a.y > y + 0.5 !== b.y > y + 0.5) crossings.push(a.x + ((y + 0.5 - a.y) / (b.y - a.y)) * (b.x - a.x));
    }
    crossings.sort((a, b) => a - b);
    for (let pair = 0; pair + 1 < crossings.length; pair += 2) {
      const end = Math.min(width, Math.ceil(crossings[pair + 1] - 0.5));
      for (let x = Math.max(0, Math.ceil(crossings[pair] - 0.5)); x < end; x++) values[y * width + x] = rule(values[y * width + x]);
    }
  }
  return points.length > 2 ? wholeOf(labels) : null;
}

/** Give a whole region of one label another one. @param {Labels} labels @param {number} x @param {number} y @param {number} label @returns {Rectangle | null} */
function paintRegion(labels, x, y, label) {
  const { width, height, values } = labels;
  const start = Math.floor(y) * width + Math.floor(x);
  const before = values[start];
  if (before === undefined || before === label) return null;
  const waiting = [start];
  values[start] = label;
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    const column = place % width;
    const beside = [column > 0 ? place - 1 : -1, column < width - 1 ? place + 1 : -1, place - width, place + width];
    for (const next of beside) {
      if (next >= 0 && next < width * height && values[next] === before) {
        values[next] = label;
        waiting.push(next);
      }
    }
  }
  return wholeOf(labels);
}

/**
 * Round the corners of a tissue: a pixel belongs to it where it does in most of the pixels around.
 * What it gives up goes to the nearest other label.
 * @param {Labels} labels @param {number} label @param {number} radius
 * @returns {Rectangle | null}
 */
function smoothTissue(labels, label, radius) {
  const { width, height, values } = labels;
  const own = Float32Array.from(values, (value) => (value === label ? 1 : 0));
  // Two box blurs, which are nearly a Gaussian one.
  const share = blurred(blurred(own, width, height, radius), width, height, radius);
  /** @type {number[]} */
  let left = [];
  for (let place = 0; place < values.length; place++) {
    if (share[place] > 0.5) values[place] = label;
    else if (values[place] === label) left.push(place);
  }
  for (const place of left) values[place] = 255;
  while (left.length) {
    const filled = left.map((place) => [place, commonBeside(labels, place)]).filter(([, found]) => found !== 255);
    if (!filled.length) for (const place of left) values[place] = 0;
    for (const [place, found] of filled) values[place] = found;
    left = left.filter((place) => values[place] === 255);
  }
  return wholeOf(labels);
}

/** The most frequent label beside a pixel; 255 where none is known yet. @param {Labels} labels @param {number} place */
function commonBeside({ width, height, values }, place) {
  const counts = new Map();
  const [x, y] = [place % width, Math.floor(place / width)];
  for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++) {
    for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++) {
      const found = values[row * width + column];
      if (found !== 255) counts.set(found, (counts.get(found) || 0) + 1);
    }
  }
  let [best, most] = [255, 0];
  for (const [found, count] of counts) if (count > most) [best, most] = [found, count];
  return best;
}

/** @param {Float32Array} values @param {number} width @param {number} height @param {number} radius */
function blurred(values, width, height, radius) {
  return alongRows(alongRows(values, width, height, radius, false), width, height, radius, true);
}

/** Mean over a window along each row, or each column. @param {Float32Array} values @param {number} width @param {number} height @param {number} radius @param {boolean} isColumn */
function alongRows(values, width, height, radius, isColumn) {
  const result = new Float32Array(values.length);
  const [lines, length, step, next] = isColumn ? [width, height, width, 1] : [height, width, 1, width];
  for (let line = 0; line < lines; line++) {
    let sum = 0;
    const at = (/** @type {number} */ place) => (place >= 0 && place < length ? values[line * next + place * step] : 0);
    for (let place = -radius; place < radius; place++) sum += at(place);
    for (let place = 0; place < length; place++) {
      sum += at(place + radius);
      result[line * next + place * step] = sum / (2 * radius + 1);
      sum -= at(place - radius);
    }
  }
  return result;
}
