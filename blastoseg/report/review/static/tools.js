"use strict";
// The tools that labels are corrected with: which is taken, for which tissue, how large.

const TOOLS = /** @type {const} */ ([["brush", "Brush", "b"], ["eraser", "Eraser", "x"], ["polygon", "Polygon", "g"], ["fill", "Fill", "f"]]);
const LARGEST_TOOL = 60;

/** What the tool was when it was last used: the next frame begins with it. `over` is the one label that it changes. */
const tool = { kind: "brush", tissue: "icm", radius: 6, over: "" };

function labelOfTool() {
  return report.tissues.find((tissue) => tissue.key === tool.tissue)?.label || 1;
}

/** What becomes of a label under the tool. @returns {(before: number) => number} */
function ruleOfTool() {
  const label = labelOfTool();
  if (tool.kind === "eraser") return (before) => (before === label ? 0 : before);
  const only = tool.over === "" ? -1 : Number(tool.over);
  return (before) => (only < 0 || before === only ? label : before);
}

/** Take what a key stands for; whether it stands for anything. @param {string} key */
function takeByKey(key) {
  const tissue = report.tissues[Number(key) - 1];
  if (tissue) tool.tissue = tissue.key;
  else if (key === "[" || key === "]") tool.radius = Math.min(LARGEST_TOOL, Math.max(1, tool.radius + (key === "]" ? 1 : -1)));
  else return false;
  return true;
}

/** The choices of the tool. @param {HTMLElement} place @param {(kind: string) => void} take */
function fillTools(place, take) {
  const radios = (/** @type {string} */ legend, /** @type {string} */ name, /** @type {[string, Node | string, string][]} */ choices, /** @type {string} */ chosen, /** @type {(value: string) => void} */ choose) =>
    make("fieldset", {}, make("legend", {}, legend), ...choices.map(([value, words, key]) => make("label", { title: key }, make("input", { type: "radio", name, value, checked: value === chosen, onchange: () => choose(value) }), " ", words)));
  const named = (/** @type {Tissue} */ tissue) => {
    const colour = make("span", { class: "swatch", "aria-hidden": "true" });
    colour.style.background = tissue.colour;
    return make("span", {}, colour, tissue.name);
  };
  const size = make("input", { type: "range", min: 1, max: LARGEST_TOOL, value: tool.radius, id: "size", oninput: () => { tool.radius = Number(size.value); } });
  place.replaceChildren(
    radios("Tool", "tool", TOOLS.map(([value, words, key]) => [value, words, key]), tool.kind, take),
    radios("Tissue", "tissue", report.tissues.map((tissue, number) => [tissue.key, named(tissue), String(number + 1)]), tool.tissue, (value) => { tool.tissue = value; }),
    make("p", {}, make("label", { for: "size" }, "Size "), size),
    makeSelect("Paint over", [["", "everything"], ["0", "background only"], ...report.tissues.map((tissue) => /** @type {[string, string]} */ ([String(tissue.label), `${tissue.name} only`]))], tool.over, (value) => { tool.over = value; }),
    make("p", { class: "small" }, "The eraser takes away the chosen tissue alone. A polygon is closed by a double click or Enter, left by Esc."),
  );
}
