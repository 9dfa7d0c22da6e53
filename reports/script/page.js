// Finds and makes elements.

/**
 * The first element that matches, which the page has.
 * @template {Element} [E=HTMLElement]
 * @param {ParentNode} inside
 * @param {string} selector
 */
function get(inside, selector) {
  return /** @type {E} */ (inside.querySelector(selector));
}

/**
 * @param {ParentNode} inside
 * @param {string} selector
 */
function all(inside, selector) {
  return [...inside.querySelectorAll(selector)];
}

/** @param {Node | null | undefined} element */
function textOf(element) {
  return element?.textContent?.trim() ?? '';
}

/**
 * @param {Element} element
 * @param {Record<string, any>} attributes
 */
function set(element, attributes) {
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/**
 * An element of a drawing.
 * @param {string} name
 * @param {Record<string, unknown>} attributes
 * @param {(Node | string)[]} children
 */
function shape(name, attributes, ...children) {
  const element = set(document.createElementNS(get(document, 'svg').namespaceURI, name), attributes);
  element.append(...children);
  return element;
}
