"use strict";
// Where `blastoseg review` serves the page: what it asks that program. Opened from a disk nothing here is used.

const TOKEN = "blastoseg-token";

/** @returns {string} */
function tokenHere() {
  if (location.protocol !== "http:" || location.hostname !== "127.0.0.1") return "";
  try {
    return sessionStorage.getItem(TOKEN) || "";
  } catch {
    return "";
  }
}

const served = { token: tokenHere(), report: "" };

/** The corrections that the page knows of, by embryo and place. @type {Map<string, Map<number, ServedFrame>>} */
const corrections = new Map();

/** Labels that were drawn and not saved, by embryo and place. @type {Map<string, Labels>} */
const drafts = new Map();

/** @param {string} key @param {number} place */
function draftName(key, place) {
  return `${key} ${place}`;
}

/**
 * An answer of the program; an Error in its own words where it refuses.
 * @param {string} path
 * @param {object} [body] what is sent, if anything is
 * @returns {Promise<Response>}
 */
async function ask(path, body) {
  const options = body === undefined ? {} : { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json", "X-Blastoseg-Token": served.token } };
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("blastoseg review does not answer: was it ended? Nothing was saved.");
  }
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({}));
  throw new Error(typeof told.problem === "string" ? told.problem : `refused (${answer.status})`);
}

/** Learn which frames of an embryo are corrected by now, and let its data say so. @param {string} key @param {EmbryoData} data */
async function learnCorrections(key, data) {
  if (!served.token) return;
  const state = await (await ask(`/api/state?embryo=${key}`)).json();
  if (served.report && state.report !== served.report) {
    // Places may be others' by now: what was drawn on one frame must not meet another.
    if (drafts.size) throw new Error("A run wrote the report anew. Load the page again: what was not saved was drawn on the report before.");
    location.reload();
    return;
  }
  applyState(key, data, state);
}

/** @param {string} key @param {EmbryoData} data @param {{report: string, frames: Record<string, ServedFrame>}} state */
function applyState(key, data, state) {
  served.report = state.report;
  corrections.set(key, new Map());
  for (const [place, frame] of Object.entries(state.frames)) applyFrame(key, data, Number(place), frame);
}

/** Let an embryo's data hold what a later report will say of a frame. @param {string} key @param {EmbryoData} data @param {number} place @param {ServedFrame} frame */
function applyFrame(key, data, place, frame) {
  const { frames, measures, film } = data;
  corrections.get(key)?.set(place, frame);
  for (const name of /** @type {const} */ (["status", "flags", "reason", "overlay", "corrected", "corrected_by"])) {
    if (frames[name]) frames[name][place] = frame.texts[name] || "";
  }
  for (const [name, values] of Object.entries(measures)) {
    if (name in frame.measures) values[place] = frame.measures[name];
  }
  film.outlines[place] = frame.outlines;
}

/** The correction of a frame, if one is saved. @param {string} key @param {number} place @returns {ServedFrame | undefined} */
function correctionOf(key, place) {
  const frame = corrections.get(key)?.get(place);
  return frame?.record ? frame : undefined;
}

/** A frame's labels as they count, or as the network gave them. @param {string} key @param {number} place @param {"now" | "network"} of @returns {Promise<Labels>} */
async function loadLabels(key, place, of) {
  const raw = await (await ask(`/api/labels?embryo=${key}&place=${place}&of=${of}`)).arrayBuffer();
  const [height, width] = new Uint32Array(raw, 0, 2);
  return { height, width, values: new Uint8Array(raw, 8) };
}

/** The frame without paint. @param {string} key @param {number} place @returns {Promise<HTMLImageElement>} */
async function loadPicture(key, place) {
  const picture = new Image();
  picture.src = `/api/picture?embryo=${key}&place=${place}`;
  await picture.decode().catch(() => Promise.reject(new Error("The picture of this frame cannot be loaded: run blastoseg with overlays.")));
  return picture;
}

/** @param {Uint8Array} values */
function inBase64(values) {
  const parts = [];
  for (let start = 0; start < values.length; start += 32768) parts.push(String.fromCharCode(...values.subarray(start, start + 32768)));
  return btoa(parts.join(""));
}

/** @param {string} key @param {number} place @param {Labels} labels @param {string} revision @returns {Promise<ServedFrame>} */
async function saveLabels(key, place, labels, revision) {
  const asked = { report: served.report, embryo: key, place, by: said.by, revision, shape: [labels.height, labels.width], labels: inBase64(labels.values) };
  return (await ask("/api/save", asked)).json();
}

/** @param {string} key @param {number} place @param {string} revision @returns {Promise<ServedFrame>} */
async function withdrawLabels(key, place, revision) {
  return (await ask("/api/withdraw", { report: served.report, embryo: key, place, revision })).json();
}

/** End the program; the page stays as it is. */
async function endProgram() {
  if (drafts.size && !confirm("There are corrections that were not saved. End all the same?")) return;
  try {
    await ask("/api/stop", {});
    drafts.clear();
    served.token = "";
    sessionStorage.removeItem(TOKEN);
    document.getElementById("main")?.replaceChildren(make("h1", {}, "Ended"), make("p", {}, "blastoseg review has ended. The next run takes what was saved into tables and workbook. This page can be closed."));
    document.getElementById("end")?.remove();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
  }
}

/** What the bar has where the page is served. */
function showServed() {
  if (!served.token) return;
  document.getElementById("notice")?.after(makeButton("End", endProgram, { id: "end", title: "End blastoseg review" }));
  addEventListener("beforeunload", (event) => {
    if (drafts.size) event.preventDefault();
  });
}
