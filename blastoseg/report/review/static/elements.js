"use strict";
// Small helpers. Text from outside becomes a text node, never markup: nothing here takes HTML.

/**
 * A new element: `make("p", {class: "x", onclick: f}, "text", child)`.
 * @param {string} tag
 * @param {Record<string, any>} [attributes] functions become listeners; false and null leave one out, but of aria-*
 * @param {...(Node | string | number | null)} children
 * @returns {any}
 */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (name.startsWith("aria-")) element.setAttribute(name, String(value));
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  for (const child of children) if (child !== null) element.append(typeof child === "number" ? String(child) : child);
  return element;
}

/**
 * An element of a drawing.
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {...Node} children
 */
function makeSvg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/**
 * A choice of one of several values, with its label.
 * @param {string} label
 * @param {[string, string][]} options value and words
 * @param {string} chosen
 * @param {(value: string) => void} onChange
 */
function makeSelect(label, options, chosen, onChange) {
  const select = make("select", {});
  for (const [value, words] of options) select.append(make("option", { value, selected: value === chosen }, words));
  select.addEventListener("change", () => onChange(select.value));
  return make("label", { class: "choice" }, label, " ", select);
}

/** @param {string} label @param {() => void} onClick @param {Record<string, any>} [attributes] */
function makeButton(label, onClick, attributes = {}) {
  return make("button", { type: "button", ...attributes, onclick: onClick }, label);
}

/**
 * A number as people read it: empty where it is undefined, shares in percent.
 * @param {number | string | boolean | null | undefined} value
 * @param {string} unit
 */
function inWords(value, unit) {
  if (value === null || value === undefined || value === "") return "";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return value;
  if (unit === "fraction") return `${(100 * value).toFixed(0)}\u00a0%`;
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const shown = Number.isInteger(value) ? String(value) : value.toFixed(digits);
  return unit ? `${shown}\u00a0${unit}` : shown;
}

/** @param {number | null} hours */
function hoursInWords(hours) {
  return hours === null ? "hours not known" : `${hours.toFixed(1)} h`;
}

/** What a screen reader says next. @param {string} text */
function say(text) {
  const place = document.getElementById("said");
  if (place) place.textContent = text;
}

/** Whether keys belong to what has the focus, such as a text field. @param {KeyboardEvent} event */
function isTyping(event) {
  const target = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey) return true;
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["range", "checkbox", "button"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

/** A path of a file below the report, as an address: every part escaped. @param {string} path */
function addressOf(path) {
  return "../" + path.split("/").map(encodeURIComponent).join("/");
}
