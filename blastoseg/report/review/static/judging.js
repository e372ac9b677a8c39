"use strict";
// Verdicts: the form beside an embryo, and the bar from which they are saved.

/** The form in which a person says what an embryo is worth. @param {string} key */
function makeVerdictForm(key) {
  const now = verdictOn(key);
  const group = `verdict-${key}`;
  const choices = ["", ...KINDS].map((kind) =>
    make(
      "label",
      { class: "verdict-choice" },
      make("input", {
        type: "radio",
        name: group,
        value: kind,
        checked: (now?.verdict || "") === kind,
        onchange: () => judge(key, { verdict: kind }),
      }),
      " ",
      kind || "none",
    ),
  );
  const grade = make("input", { id: "own-grade", maxlength: 20, value: now?.grade || "", size: 6, autocomplete: "off" });
  grade.addEventListener("change", () => judge(key, { grade: grade.value.trim() }));
  const note = make("textarea", { id: "own-note", maxlength: 2000, rows: 2 }, now?.note || "");
  note.addEventListener("change", () => judge(key, { note: note.value.trim() }));
  const name = entries.get(key)?.name || "";
  const report_ = taken.get(name);
  return make(
    "form",
    { class: "verdict panel", onsubmit: (/** @type {Event} */ event) => event.preventDefault() },
    make("h2", {}, "Verdict"),
    make("fieldset", {}, make("legend", {}, "This embryo"), ...choices),
    make("p", {}, make("label", { for: "own-grade" }, "Own grade"), grade),
    make("label", { for: "own-note" }, "Note"),
    note,
    report_
      ? make("p", { class: "small" }, `In the report: ${verdictInWords(report_)}, by ${report_.by}, ${report_.at.slice(0, 16).replace("T", " ")} UTC`)
      : null,
  );
}

/** @param {{verdict: string, grade: string, note: string}} one */
function verdictInWords(one) {
  return [one.verdict, one.grade && `grade ${one.grade}`, one.note].filter(Boolean).join(", ");
}

/** The bar on top: whose verdicts, how many, and the file. */
function showVerdictBar() {
  const bar = document.getElementById("verdict-bar");
  if (!bar) return;
  const count = notTaken().length;
  const unsaved = notTaken().filter(([, one]) => !one.saved).length;
  const by = make("input", { value: said.by, maxlength: 80, size: 10, autocomplete: "off", id: "by" });
  by.addEventListener("change", () => {
    said.by = by.value.trim();
    keepSaid();
  });
  const words = count === 0 ? "No new verdicts" : `${count} new ${count === 1 ? "verdict" : "verdicts"}, ${unsaved} not saved`;
  bar.replaceChildren(
    make("label", { for: "by" }, "Your name or initials "),
    by,
    make("span", { class: unsaved ? "unsaved" : "" }, ` ${words} `),
    makeButton(served.token ? "Save verdicts" : "Save as a file", saveVerdicts, { id: "save", disabled: count === 0 }),
  );
}

function saveVerdicts() {
  if (!said.by) {
    say("Write your name first: a verdict says whose it is.");
    document.getElementById("by")?.classList.add("missing");
    document.getElementById("by")?.focus();
    return;
  }
  if (served.token) {
    sendVerdicts();
    return;
  }
  const text = JSON.stringify(verdictFile(), null, 1);
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const stamp = new Date().toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-");
  const link = make("a", { href: address, download: `verdicts-${stamp}.json` });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
  for (const [, one] of notTaken()) one.saved = true;
  keepSaid();
  say("Saved. blastoseg verdicts import takes the file into the report.");
}

/** Where `blastoseg review` serves the page: straight into the report. */
async function sendVerdicts() {
  const sent = verdictFile();
  try {
    await ask("/api/verdicts", sent);
    const { by, weights, weights_sha256 } = sent;
    for (const one of sent.verdicts) if (one.embryo) taken.set(one.embryo, { ...one, embryo: one.embryo, by, weights, weights_sha256 });
    keepSaid();
    say("Saved into the report.");
  } catch (error) {
    const place = document.querySelector("#verdict-bar span");
    if (place) place.textContent = ` ${error instanceof Error ? error.message : String(error)} `;
  }
}
