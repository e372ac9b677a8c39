"use strict";
// All embryos: sorted, filtered, by patient and dish. What is chosen stands in the address.

/** @type {Set<string>} */
const toCompare = new Set();
const MOST_COMPARED = 4;
/** Where the keyboard is. */
let focusedKey = "";

/** @type {Record<string, [string, (a: Entry, b: Entry) => number]>} */
const ORDERS = {
  table: ["as in the report", () => 0],
  name: ["name", (a, b) => a.name.localeCompare(b.name, "en", { numeric: true })],
  doubt: ["least sure first", (a, b) => low(a.confidence) - low(b.confidence)],
  hours: ["latest first", (a, b) => low(b.hours) - low(a.hours)],
  stage: ["expansion, highest first", (a, b) => low(b.stage) - low(a.stage)],
  area: ["largest first", (a, b) => low(b.area) - low(a.area)],
};

/** @param {number | null} value */
function low(value) {
  return value === null ? -1 : value;
}

/** The embryos that are shown, in their order. @param {URLSearchParams} state @returns {Entry[]} */
function chosenEmbryos(state) {
  const text = (state.get("text") || "").toLocaleLowerCase();
  const has = (/** @type {string} */ name, /** @type {string} */ value) => !state.get(name) || state.get(name) === value;
  const chosen = report.embryos.filter((entry) => {
    const flag = state.get("flag");
    const verdict = verdictOn(entry.key);
    return (
      has("status", entry.status) &&
      has("grade", entry.grade || "none") &&
      has("verdict", verdict?.verdict || "none") &&
      (!flag || entry.flags.includes(flag)) &&
      (!text || [entry.name, entry.patient, entry.dish, entry.fate, entry.reason, entry.lab, verdict?.note || ""].join("\n").toLocaleLowerCase().includes(text))
    );
  });
  const order = ORDERS[state.get("sort") || "table"] || ORDERS.table;
  const sorted = chosen.sort(order[1]);
  if (state.get("group") === "no") return sorted;
  // Stable: within a dish the order stays.
  return sorted.sort((a, b) => groupOf(a).localeCompare(groupOf(b), "en", { numeric: true }));
}

/** @param {Entry} entry */
function groupOf(entry) {
  return [entry.patient && `patient ${entry.patient}`, entry.dish && `dish ${entry.dish}`].filter(Boolean).join(", ");
}

/** @param {HTMLElement} main @param {URLSearchParams} state */
function showGallery(main, state) {
  document.title = "Embryos - blastoseg";
  const list = make("div", { id: "cards" });
  const count = make("p", { id: "count", role: "status" });
  const change = (/** @type {string} */ name, /** @type {string} */ value) => {
    if (value) state.set(name, value);
    else state.delete(name);
    history.replaceState(null, "", `#gallery&${state}`);
    fill(list, count, state);
  };
  const search = make("input", { type: "search", id: "search", value: state.get("text") || "", placeholder: "name, note, reason", oninput: () => change("text", search.value) });
  const choice = (/** @type {string} */ label, /** @type {string} */ name, /** @type {[string, string][]} */ options) => makeSelect(label, options, state.get(name) || "", (value) => change(name, value));
  const hasGroups = report.embryos.some((entry) => groupOf(entry));
  main.replaceChildren(
    make("h1", {}, "Embryos"),
    make(
      "div",
      { class: "filters", role: "search" },
      make("label", { class: "choice" }, "Find ", search),
      choice("Status", "status", [["", "all"], ...distinct((entry) => [entry.status])]),
      choice("Grade", "grade", [["", "all"], ...distinct((entry) => [entry.grade || "none"])]),
      choice("Flag", "flag", [["", "all"], ...distinct((entry) => entry.flags)]),
      choice("Verdict", "verdict", [["", "all"], ["none", "none"], ...KINDS.map((kind) => /** @type {[string, string]} */ ([kind, kind]))]),
      choice("Sort", "sort", Object.entries(ORDERS).map(([name, [words]]) => [name === "table" ? "" : name, words])),
      hasGroups ? choice("By patient and dish", "group", [["", "yes"], ["no", "no"]]) : null,
      makeButton("Compare", compareChosen, { id: "compare", disabled: toCompare.size < 2 }),
    ),
    count,
    list,
  );
  fill(list, count, state);
}

/** @param {(entry: Entry) => string[]} read @returns {[string, string][]} */
function distinct(read) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const entry of report.embryos) for (const value of read(entry)) counts.set(value, (counts.get(value) || 0) + 1);
  return [...counts].sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true })).map(([value, count]) => [value, `${value.replaceAll("_", " ")} (${count})`]);
}

/** @param {HTMLElement} list @param {HTMLElement} count @param {URLSearchParams} state */
function fill(list, count, state) {
  const chosen = chosenEmbryos(state);
  const isGrouped = state.get("group") !== "no" && chosen.some((entry) => groupOf(entry));
  if (!chosen.some((entry) => entry.key === focusedKey)) focusedKey = chosen[0]?.key || "";
  count.textContent = chosen.length === report.embryos.length ? `${chosen.length} embryos` : `${chosen.length} of ${report.embryos.length} embryos`;
  const parts = [];
  let cards = make("ul", { class: "cards" });
  let group = "";
  for (const entry of chosen) {
    if (isGrouped && (groupOf(entry) !== group || !parts.length)) {
      group = groupOf(entry);
      cards = make("ul", { class: "cards" });
      parts.push(make("h2", {}, group || "no patient told"), cards);
    } else if (!parts.length) parts.push(cards);
    cards.append(makeCard(entry));
  }
  list.replaceChildren(...parts);
}

/** @param {Entry} entry */
function makeCard(entry) {
  const verdict = verdictOn(entry.key);
  const box = make("input", { type: "checkbox", "aria-label": `Compare ${entry.name}`, checked: toCompare.has(entry.key), tabindex: entry.key === focusedKey ? 0 : -1, onchange: () => mark(entry.key, box.checked) });
  const place = make("span", { class: "picture" });
  const outline = () => place.append(makeOutlines(entry.outlines, report.still_side));
  // Only pictures in sight are loaded, and outlined then: a thousand drawings would take a second.
  if (entry.still) place.append(make("img", { src: `still/${entry.key}.webp`, alt: "", loading: "lazy", width: 192, height: 192, onload: outline }));
  else {
    place.append(make("span", { class: "nothing" }, "no picture"));
    outline();
  }
  return make(
    "li",
    { class: `card status-${entry.status}`, "data-key": entry.key },
    make(
      "a",
      { href: `#embryo=${entry.key}`, tabindex: entry.key === focusedKey ? 0 : -1, onfocus: () => { focusedKey = entry.key; } },
      place,
      make("span", { class: "card-name" }, entry.name),
    ),
    make("p", { class: "card-facts" }, make("span", { class: "status" }, entry.status), ` ${hoursInWords(entry.hours)}`, entry.grade ? `, stage ${entry.grade}` : "", entry.lab ? `, lab ${entry.lab}` : ""),
    entry.corrected ? make("p", { class: "card-facts" }, `${entry.corrected} ${entry.corrected === 1 ? "frame" : "frames"} corrected`) : null,
    entry.flags.length ? make("p", { class: "card-flags" }, entry.flags.join(", ").replaceAll("_", " ")) : null,
    verdict?.verdict || verdict?.grade ? make("p", { class: "card-verdict" }, `Verdict: ${verdictInWords({ ...verdict, note: "" })}`) : null,
    make("label", { class: "card-compare" }, box, " compare"),
  );
}

/** Mark an embryo for comparing; a fifth takes no place. @param {string} key @param {boolean} wanted */
function mark(key, wanted) {
  if (wanted && toCompare.size >= MOST_COMPARED) say(`At most ${MOST_COMPARED} embryos are compared.`);
  else if (wanted) toCompare.add(key);
  else toCompare.delete(key);
  const box = document.querySelector(`[data-key="${key}"] input`);
  if (box instanceof HTMLInputElement) box.checked = toCompare.has(key);
  const button = document.getElementById("compare");
  if (button instanceof HTMLButtonElement) {
    button.disabled = toCompare.size < 2;
    button.textContent = toCompare.size ? `Compare ${toCompare.size}` : "Compare";
  }
}

function compareChosen() {
  location.hash = `compare=${[...toCompare].join(",")}`;
}

/** Keys of the gallery: arrows, Home and End from card to card, c to mark, / to search. @param {KeyboardEvent} event */
function galleryKey(event) {
  const cards = [...document.querySelectorAll(".card")];
  if (event.key === "/") {
    document.getElementById("search")?.focus();
    event.preventDefault();
    return;
  }
  const place = cards.findIndex((card) => card instanceof HTMLElement && card.dataset.key === focusedKey);
  if (event.key === "c" && place >= 0) return mark(focusedKey, !toCompare.has(focusedKey));
  if (event.key === "C" && toCompare.size > 1) return compareChosen();
  const across = cards.filter((card) => card instanceof HTMLElement && card.offsetTop === /** @type {HTMLElement} */ (cards[Math.max(place, 0)]).offsetTop).length;
  /** @type {Record<string, number>} */
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across, Home: -cards.length, End: cards.length };
  const step = steps[event.key];
  if (step === undefined || !cards.length || event.target instanceof HTMLInputElement && event.target.type === "search") return;
  const next = cards[Math.min(cards.length - 1, Math.max(0, place + step))];
  for (const one of document.querySelectorAll('.card [tabindex="0"]')) one.setAttribute("tabindex", "-1");
  for (const one of next.querySelectorAll("[tabindex]")) one.setAttribute("tabindex", "0");
  next.querySelector("a")?.focus();
  event.preventDefault();
}

/** On paper every embryo has a page of its own, with its numbers. */
function printGallery() {
  for (const card of document.querySelectorAll(".card")) {
    const entry = card instanceof HTMLElement ? entries.get(card.dataset.key || "") : undefined;
    if (!entry || card.querySelector(".on-paper")) continue;
    const verdict = verdictOn(entry.key);
    card.append(
      make(
        "div",
        { class: "on-paper" },
        make("p", {}, [groupOf(entry), entry.reason, `${entry.frames} frames, ${entry.doubtful} of them not ok`].filter(Boolean).join("; ")),
        make("table", {}, make("tbody", {}, ...report.headlines.map((headline, place) => make("tr", {}, make("th", { scope: "row" }, headline.words), make("td", {}, entry.numbers[place]))))),
        verdict ? make("p", {}, `Verdict: ${verdictInWords(verdict)}`) : null,
        make("p", {}, `${report.notice} ${report.software}, weights ${report.weights}.`),
      ),
    );
  }
}
