/** The form: one field for each feature of the contract, read back as a row. */

import { rule, span } from "./rules.js";
import { title } from "./words.js";

/** @import { Feature, Row, Value } from "./contract.js" */

const NOT_KNOWN = "";

/**
 * Put a field for each feature into the page.
 * @param {HTMLElement} place
 * @param {Feature[]} features
 */
export function build(place, features) {
  place.replaceChildren(...features.map((feature, i) => field(feature, `field-${i}`)));
}

/**
 * What stands in the form; a number or time that cannot be read stays the text it is.
 * @param {Feature[]} features
 * @returns {Row}
 */
export function read(features) {
  return Object.fromEntries(features.map((f, i) => [f.name, readField(f, `field-${i}`)]));
}

/**
 * Fill the form.
 * @param {Feature[]} features
 * @param {Record<string, Value | undefined>} row
 */
export function fill(features, row) {
  features.forEach((feature, i) => {
    const value = row[feature.name] ?? null;
    if (feature.type === "boolean") {
      for (const box of radios(`field-${i}`)) box.checked = box.value === String(value ?? "");
    } else {
      control(`field-${i}`).value =
        feature.type === "datetime" ? local(value) : String(value ?? "");
    }
  });
}

/**
 * Show the faults at their fields, and in a summary that leads to each.
 * @param {Feature[]} features
 * @param {Map<string, string>} faults
 * @param {HTMLElement} summary
 */
export function mark(features, faults, summary) {
  const links = features.flatMap((feature, i) => {
    const fault = faults.get(feature.name) ?? "";
    const [first] = controls(`field-${i}`);
    const holder = feature.type === "boolean" ? first.closest("fieldset") : first;
    for (const each of controls(`field-${i}`)) {
      if (fault) each.setAttribute("aria-invalid", "true");
      else each.removeAttribute("aria-invalid");
    }
    const text = /** @type {HTMLElement} */ (document.getElementById(`field-${i}-fault`));
    text.textContent = fault;
    text.hidden = !fault;
    const described = fault ? `field-${i}-fault field-${i}-hint` : `field-${i}-hint`;
    holder?.setAttribute("aria-describedby", described);
    return fault ? [item(`#${first.id}`, fault)] : [];
  });
  const count = links.length === 1 ? "One field" : `${links.length} fields`;
  summary.replaceChildren(
    element("h3", {}, `${count} must be corrected`),
    element("ul", {}, ...links),
  );
  summary.hidden = !links.length;
}

/**
 * @param {Feature} feature
 * @param {string} id
 */
function field(feature, id) {
  const hint = element("p", { id: `${id}-hint`, class: "hint" }, ...hints(feature));
  const fault = element("p", { id: `${id}-fault`, class: "fault", hidden: "" });
  if (feature.type === "boolean") {
    const legend = element("legend", {}, title(feature.name));
    const answers = [
      ["true", "Yes"],
      ["false", "No"],
    ];
    if (feature.nullable) answers.push([NOT_KNOWN, "Not known"]);
    const boxes = answers.map(([value, label], i) => {
      const own = i ? `${id}-${i}` : id;
      const box = element("input", { type: "radio", id: own, name: id, value });
      if (value === NOT_KNOWN) box.setAttribute("checked", "");
      return element("label", { for: own, class: "choice" }, box, label);
    });
    const group = { class: "field", "aria-describedby": `${id}-hint` };
    return element("fieldset", group, legend, hint, fault, element("div", {}, ...boxes));
  }
  const label = element("label", { for: id }, title(feature.name));
  const described = { id, "aria-describedby": `${id}-hint`, autocomplete: "off" };
  return element("div", { class: "field" }, label, hint, fault, entry(feature, described));
}

/**
 * @param {Feature} feature
 * @param {Record<string, string>} attributes
 */
function entry(feature, attributes) {
  if (feature.type === "category") {
    const none = feature.open ? "Other, or not known" : "Not known";
    const first = element("option", { value: "" }, feature.nullable ? none : "Choose ...");
    const options = feature.values.map((value) => element("option", { value }, value));
    return element("select", attributes, first, ...options);
  }
  if (feature.type === "datetime") {
    return element("input", { ...attributes, type: "datetime-local" });
  }
  if (feature.type === "text") return element("input", { ...attributes, type: "text" });
  const keys = feature.low < 0 ? "text" : "decimal"; // the keypad of some phones has no minus
  const input = element("input", { ...attributes, type: "text", inputmode: keys, size: "8" });
  const unit = element("span", { class: "unit", "aria-hidden": "true" }, feature.unit);
  return element("div", { class: "amount" }, input, ...(feature.unit ? [unit] : []));
}

/** @param {Feature} feature */
function hints(feature) {
  const { type, nullable, description } = feature;
  const words = [description];
  if (type === "number") words.push(span(feature));
  if (type === "integer") words.push(rule({ ...feature, nullable: false }).replace(/^a /, ""));
  if (type === "datetime") words.push("your local time");
  if (nullable && type !== "boolean" && type !== "category") words.push("may be left empty");
  const sentences = words
    .filter(Boolean)
    .map((text) => text.charAt(0).toUpperCase() + text.slice(1));
  return [sentences.join(". ")];
}

/**
 * @param {Feature} feature
 * @param {string} id
 * @returns {Value}
 */
function readField(feature, id) {
  if (feature.type === "boolean") {
    const chosen = radios(id).find((box) => box.checked)?.value ?? NOT_KNOWN;
    return chosen === NOT_KNOWN ? null : chosen === "true";
  }
  const input = control(id);
  const text = input.value.trim();
  if (feature.type === "datetime") {
    if (!text && input instanceof HTMLInputElement && input.validity.badInput) return "incomplete";
    const at = new Date(text);
    return text && Number.isFinite(at.getTime()) ? at.toISOString() : text || null;
  }
  if (feature.type === "category") return input.value || null;
  if (feature.type === "text") return text || null;
  if (!text) return null;
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : text;
}

/**
 * A time of the contract as the field of the form holds it: local, to the minute.
 * @param {Value} value
 */
function local(value) {
  if (typeof value !== "string") return "";
  const at = new Date(value);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/**
 * @param {string} name
 * @param {Record<string, string>} attributes
 * @param {(Node | string)[]} inside
 */
export function element(name, attributes, ...inside) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...inside);
  return made;
}

/**
 * @param {string} target
 * @param {string} text
 */
function item(target, text) {
  return element("li", {}, element("a", { href: target }, text));
}

/** @param {string} id */
function control(id) {
  return /** @type {HTMLInputElement | HTMLSelectElement} */ (document.getElementById(id));
}

/** @param {string} id */
function radios(id) {
  const boxes = document.querySelectorAll(`input[name="${id}"]`);
  return /** @type {HTMLInputElement[]} */ ([...boxes]);
}

/** @param {string} id */
function controls(id) {
  const boxes = radios(id);
  return boxes.length ? boxes : [control(id)];
}
