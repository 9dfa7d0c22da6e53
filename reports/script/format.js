// Numbers as text, as in `reports/src/format.rs`.

const SPACE = '\u202f';
const NONE = '–';
/** @type {[number, string][]} */
const TIME = [[1e9, 's'], [1e6, 'ms'], [1e3, 'µs'], [1, 'ns']];
/** @type {[number, string][]} */
const RATE = [[1e9, 'G/s'], [1e6, 'M/s'], [1e3, 'k/s'], [1, '/s']];

/** @param {number} value */
function digits(value) {
  if (!value || !isFinite(value)) return value === 0 ? '0' : NONE;
  const magnitude = (/** @type {number} */ of) => Math.floor(Math.log10(of));
  const step = 10 ** (magnitude(value) - 2), near = Math.round(value / step) * step;
  const places = 2 - magnitude(near * (1 + Number.EPSILON));
  const [whole, rest] = near.toFixed(Math.max(places, 0)).split('.');
  return whole.replace(/\B(?=(\d{3})+$)/g, SPACE) + (rest ? '.' + rest : '');
}

/**
 * The size and the name of the unit in which a value is written.
 * @param {Quantity} quantity
 * @param {number} value
 * @returns {[number, string]}
 */
function unitOf(quantity, value) {
  if (quantity === 'speed-up') return [1, '×'];
  if (quantity === 'efficiency') return [0.01, SPACE + '%'];
  const units = quantity === 'time' ? TIME : RATE;
  const [size, name] = units.find(([size]) => value / size >= 0.9995) ?? units[units.length - 1];
  return [size, SPACE + name];
}

/**
 * The value and, if there is one, its interval, in the same unit.
 * @param {Quantity} quantity
 * @param {Estimate} estimate
 */
function texts(quantity, [value, ...ends]) {
  const [size, unit] = unitOf(quantity, value);
  return [digits(value / size) + unit, ends.map(end => digits(end / size)).join(NONE)];
}

/**
 * A value on an axis, as short as it can be.
 * @param {Quantity} quantity
 * @param {number} value
 */
function tickLabel(quantity, value) {
  const [size, unit] = unitOf(quantity, value);
  return digits(value / size).replace(/\.0+$|(\.\d*[1-9])0+$/, '$1') + unit.replace('×', '');
}
