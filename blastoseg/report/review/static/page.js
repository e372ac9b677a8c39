"use strict";
// Which view is shown: the address says it, so that back and forth work and a view can be passed on.

/** @type {{destroy: () => void, key_: (event: KeyboardEvent) => void} | undefined} */
let view;
let lastGallery = "";

async function route() {
  const main = document.getElementById("main");
  if (!main) return;
  const state = new URLSearchParams(location.hash.slice(1));
  const asked = location.hash;
  view?.destroy();
  view = undefined;
  try {
    const embryo = state.get("embryo");
    const compared = state.get("compare");
    const correct = served.token ? state.get("correct") : null;
    if (correct) {
      const place = Number(state.get("frame")) || 0;
      const data = await loadEmbryo(correct);
      await learnCorrections(correct, data);
      const [picture, labels] = await Promise.all([loadPicture(correct, place), loadLabels(correct, place, "now")]);
      if (location.hash !== asked) return;
      view = new CorrectView(main, correct, data, place, { picture, labels });
      document.title = `Correct ${entries.get(correct)?.name} - blastoseg`;
      focusedKey = correct;
    } else if (embryo) {
      const data = await loadEmbryo(embryo);
      await learnCorrections(embryo, data);
      if (location.hash !== asked) return;
      const frame = state.get("frame");
      view = new EmbryoView(main, embryo, data, frame === null ? data.still : Number(frame) || 0);
      document.title = `${entries.get(embryo)?.name} - blastoseg`;
      focusedKey = embryo;
    } else if (compared) {
      const keys = compared.split(",").filter((key) => entries.has(key)).slice(0, MOST_COMPARED);
      const all = await Promise.all(keys.map(loadEmbryo));
      if (location.hash !== asked) return;
      view = new CompareView(main, keys, all, state);
      document.title = "Compare - blastoseg";
    } else {
      if (location.hash === "#gallery" && lastGallery) history.replaceState(null, "", lastGallery);
      const chosen = new URLSearchParams(location.hash.slice(1));
      chosen.delete("gallery");
      showGallery(main, chosen);
      focusCard();
    }
    main.dataset.view = correct ? "correct" : embryo ? "embryo" : compared ? "compare" : "gallery";
  } catch (error) {
    main.replaceChildren(make("h1", {}, "This cannot be shown"), make("p", {}, error instanceof Error ? error.message : String(error)));
  }
}

function focusCard() {
  const card = document.querySelector(`.card[data-key="${CSS.escape(focusedKey)}"] a`);
  if (card instanceof HTMLElement && view === undefined) card.focus();
}

/** Keys that work everywhere: o all outlines, 1 to 4 a tissue's. @param {KeyboardEvent} event */
function onKey(event) {
  if (isTyping(event)) {
    if (event.key === "Escape" && event.target instanceof HTMLElement) event.target.blur();
    return;
  }
  if (view instanceof CorrectView) return view.key_(event);
  const tissue = report.tissues[Number(event.key) - 1];
  if (event.key === "o") document.getElementById("all-outlines")?.click();
  else if (tissue) document.documentElement.classList.toggle(`no-${tissue.key}`) && showOutlineSwitches();
  else if (view) view.key_(event);
  else galleryKey(event);
  if (tissue) showOutlineSwitches();
}

function start() {
  if (!report) return;
  for (const id of ["notice", "footer"]) {
    const place = document.getElementById(id);
    if (place) place.textContent = id === "notice" ? report.notice : `${report.notice} ${report.software}, weights ${report.weights}. Keys: arrows, space, o outlines, 1 to 4 tissues, + and - zoom, n and p embryos,${served.token ? " e correct," : ""} a accept, r reject, l look at, c compare, / find, Esc back.`;
  }
  showOutlineSwitches();
  showVerdictBar();
  showServed();
  document.addEventListener("said", showVerdictBar);
  document.addEventListener("keydown", onKey);
  addEventListener("hashchange", (event) => {
    const before = new URL(event.oldURL).hash;
    if (before.startsWith("#gallery")) lastGallery = before;
    route();
  });
  addEventListener("beforeprint", () => {
    if (view instanceof EmbryoView) view.print();
    else printGallery();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", route);
  route();
}

start();
