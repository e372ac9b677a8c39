"use strict";
// Which frames of an embryo are corrected, and carrying a tissue from some to those between.

/** Whose a correction is. @param {ServedFrame | undefined} correction @param {string} status */
function whoseInWords(correction, status) {
  if (!correction?.record) return `Status ${status}. The labels are the network's.`;
  const { how, by, at, carried_from: from } = correction.record;
  const what = how === "carried" ? `Carried from frames ${from.join(" and ")}` : "Corrected";
  return [`Status ${status}. ${what} by ${by}, ${at.slice(0, 16).replace("T", " ")} UTC.`, correction.problem].filter(Boolean).join(" ");
}

/**
 * The panel beside an embryo's film: which frames are corrected, and what can be done.
 * @param {string} key @param {EmbryoData} data @param {() => number} frameShown @param {(place: number) => void} show
 */
function makeCorrectionsPanel(key, data, frameShown, show) {
  const panel = make("section", { class: "panel", id: "corrections" });
  if (served.token) fillCorrections(panel, key, data, frameShown, show);
  else {
    const places = data.frames.corrected ? data.frames.corrected.flatMap((how, place) => (how ? [place] : [])) : [];
    if (!places.length) return null;
    panel.append(make("h2", {}, "Corrected frames"), make("ul", { class: "plain" }, ...places.map((place) => make("li", {}, makeButton(`frame ${data.frames.frame_index[place]}`, () => show(place)), ` ${data.frames.corrected[place]}${data.frames.corrected_by[place] ? ` by ${data.frames.corrected_by[place]}` : ""}`))));
  }
  return panel;
}

/** @param {HTMLElement} panel @param {string} key @param {EmbryoData} data @param {() => number} frameShown @param {(place: number) => void} show */
function fillCorrections(panel, key, data, frameShown, show) {
  const known = [...(corrections.get(key) || [])].filter(([, frame]) => frame.record).sort(([a], [b]) => a - b);
  const name = (/** @type {number} */ place) => `frame ${data.frames.frame_index[place]}`;
  const items = known.map(([place, frame]) => make("li", {}, makeButton(name(place), () => show(place)), ` ${frame.record?.how} by ${frame.record?.by}${frame.problem ? `: ${frame.problem}` : ""}`));
  const drawn = known.filter(([, frame]) => frame.record?.how === "drawn" && !frame.problem).map(([place]) => place);
  panel.replaceChildren(
    make("h2", {}, "Corrections"),
    make("p", {}, makeButton("Correct this frame", () => { location.hash = `correct=${key}&frame=${frameShown()}`; }, { id: "correct", title: "e", class: "main" })),
    items.length ? make("ul", { class: "plain" }, ...items) : make("p", {}, "none yet"),
    items.length ? make("p", { class: "small" }, "Course, events and grades take them in at the next run.") : "",
  );
  const pairs = drawn.slice(1).flatMap((last, number) => (last - drawn[number] > 1 ? [[drawn[number], last]] : []));
  if (pairs.length) panel.append(makeCarryForm(panel, key, data, pairs, () => fillCorrections(panel, key, data, frameShown, show), show));
}

/**
 * @param {HTMLElement} panel @param {string} key @param {EmbryoData} data @param {number[][]} pairs of corrected frames with others between
 * @param {() => void} refill @param {(place: number) => void} show
 */
function makeCarryForm(panel, key, data, pairs, refill, show) {
  const chosen = { tissue: "zp", pair: 0 };
  const told = make("p", { role: "status", id: "carry-told" });
  const index = (/** @type {number} */ place) => data.frames.frame_index[place];
  const carry = async () => {
    if (!said.by) {
      told.textContent = "Write your name, or your initials, at the top first.";
      document.getElementById("by")?.focus();
      return;
    }
    const [first, last] = pairs[chosen.pair];
    button.disabled = true;
    told.textContent = "Carrying: about half a second a frame.";
    try {
      const state = await (await ask("/api/carry", { report: served.report, embryo: key, first, last, tissue: chosen.tissue, by: said.by })).json();
      applyState(key, data, state);
      show(first);
      refill();
      say(`Carried to the frames between ${index(first)} and ${index(last)}.`);
    } catch (error) {
      told.textContent = error instanceof Error ? error.message : String(error);
      told.className = "wrong";
      button.disabled = false;
    }
  };
  const button = makeButton("Carry", carry, { id: "carry" });
  return make(
    "div",
    {},
    make("h2", {}, "To the frames between"),
    makeSelect("Tissue", report.tissues.filter((tissue) => tissue.key === "zp" || tissue.key === "icm").reverse().map((tissue) => [tissue.key, tissue.name]), chosen.tissue, (value) => { chosen.tissue = value; }),
    " ",
    makeSelect("Frames", pairs.map(([first, last], number) => [String(number), `${index(first)} to ${index(last)}: ${last - first - 1} between`]), "0", (value) => { chosen.pair = Number(value); }),
    " ",
    button,
    make("p", { class: "small" }, "The outline is interpolated, and each frame marked as carried. Frames that somebody drew stay as they are."),
    told,
  );
}
