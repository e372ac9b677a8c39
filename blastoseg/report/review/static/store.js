"use strict";
// What the data files bring, and what a person said of it.

/** @type {Index} */
let report;
/** @type {Map<string, Entry>} */
const entries = new Map();
/** @type {Map<string, EmbryoData>} */
const loaded = new Map();
/** @type {Map<string, TakenVerdict>} The last verdict on each embryo that was imported into the report. */
const taken = new Map();

const MOST_LOADED = 12;
const KINDS = /** @type {const} */ (["accept", "reject", "look at"]);

// eslint-disable-next-line no-unused-vars
const blastoseg = {
  /** @param {Index} data */
  index(data) {
    report = data;
    for (const entry of data.embryos) entries.set(entry.key, entry);
  },
  /** @param {string} key @param {EmbryoData} data */
  embryo(key, data) {
    loaded.set(key, data);
    const oldest = loaded.keys().next().value;
    if (loaded.size > MOST_LOADED && oldest !== undefined) loaded.delete(oldest);
  },
  /** @param {TakenVerdict[]} verdicts oldest first */
  verdicts(verdicts) {
    for (const verdict of verdicts) taken.set(verdict.embryo, verdict);
  },
};

/** All data of an embryo: loaded when it is first asked for. @param {string} key @returns {Promise<EmbryoData>} */
function loadEmbryo(key) {
  const there = loaded.get(key);
  if (there) return Promise.resolve(there);
  if (!entries.has(key)) return Promise.reject(new Error("This embryo is not in the report."));
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `data/${key}.js`;
    const failed = () => reject(new Error(`data/${key}.js cannot be loaded: was the folder copied as a whole?`));
    script.addEventListener("error", failed);
    script.addEventListener("load", () => {
      script.remove();
      const data = loaded.get(key);
      if (data) resolve(data);
      else failed();
    });
    document.head.append(script);
  });
}

// Every page opened from a disk may share one store: the path keeps reports apart.
const STORE = `blastoseg verdicts ${location.pathname}`;

/** @returns {Said} */
function readStore() {
  try {
    const found = JSON.parse(localStorage.getItem(STORE) || "{}");
    const verdicts = Object.assign(Object.create(null), found.verdicts);
    return { by: typeof found.by === "string" ? found.by : "", verdicts };
  } catch {
    return { by: "", verdicts: Object.create(null) };
  }
}

const said = readStore();

/** Keep what was said; where the browser keeps nothing, say so. */
function keepSaid() {
  try {
    localStorage.setItem(STORE, JSON.stringify(said));
  } catch {
    say("This browser keeps nothing for this page: save the verdicts as a file before closing it.");
  }
  document.dispatchEvent(new CustomEvent("said"));
}

/** The verdict on an embryo: this browser's own, else the one in the report. @param {string} key */
function verdictOn(key) {
  const own = said.verdicts[key];
  if (own) return own;
  const entry = entries.get(key);
  return entry ? taken.get(entry.name) : undefined;
}

/** @param {string} key @param {Partial<Verdict>} change */
function judge(key, change) {
  const before = said.verdicts[key] || verdictOn(key) || { verdict: "", grade: "", note: "" };
  const { verdict, grade, note } = { ...before, ...change };
  if (!verdict && !grade && !note) delete said.verdicts[key];
  else said.verdicts[key] = { verdict, grade, note, at: new Date().toISOString(), saved: false };
  keepSaid();
}

/** The verdicts of this browser that the report does not have yet. */
function notTaken() {
  return Object.entries(said.verdicts).filter(([key, one]) => {
    const entry = entries.get(key);
    const known = entry && taken.get(entry.name);
    return entry && !(known && Date.parse(known.at) >= Date.parse(one.at));
  });
}

/** What `blastoseg verdicts import` reads. */
function verdictFile() {
  return {
    format: "blastoseg verdicts",
    version: 1,
    by: said.by,
    software: report.software,
    weights: report.weights,
    weights_sha256: report.weights_sha256,
    verdicts: notTaken().map(([key, one]) => ({
      embryo: entries.get(key)?.name,
      verdict: one.verdict,
      grade: one.grade,
      note: one.note,
      at: one.at,
    })),
  };
}
