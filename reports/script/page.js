// Finds and makes elements.

/**
 * @template {Element} E
 * @param {ParentNode} inside
 * @param {string} selector
 * @param {new () => E} kind
 */
function get(inside, selector, kind) {
  const found = inside.querySelector(selector);
  if (found instanceof kind) return found;
  throw Error('no ' + selector);
}

/**
 * @param {ParentNode} inside
 * @param {string} selector
 */
function all(inside, selector) {
  return [...inside.querySelectorAll(selector)];
}

/** @param {Element | null | undefined} element */
function textOf(element) {
  return element?.textContent?.trim() ?? '';
}

/**
 * @param {Element} element
 * @param {Record<string, unknown>} attributes
 */
function set(element, attributes) {
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

/**
 * An element of a drawing.
 * @param {string} name
 * @param {Record<string, unknown>} attributes
 * @param {(Node | string)[]} children
 */
function shape(name, attributes, ...children) {
  const element = set(document.createElementNS(get(document, 'svg', Element).namespaceURI, name), attributes);
  element.append(...children);
  return element;
}
