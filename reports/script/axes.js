// Scales and ticks of axes.

/**
 * From 0 at the low end of an axis to 1 at the high end.
 * @param {Axis} axis
 * @param {number} value
 */
function share(axis, value) {
  const [low, high, at] = [axis.low, axis.high, value].map(it => axis.log ? Math.log(it) : it);
  return (at - low) / (high - low);
}

/**
 * Multiples of 1, 2 or 5 times a power of ten; three to eight.
 * @param {number} low
 * @param {number} high
 */
function evenTicks(low, high) {
  const rough = (high - low) / 7, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find(by => by * power >= rough) ?? 10), first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, nth) => (first + nth) * step);
}

/**
 * Powers of the base if these are enough, else 1-2-5 steps, else even steps.
 * @param {number} low
 * @param {number} high
 * @param {number} base 2 or 10
 */
function logTicks(low, high, base) {
  const [first, last] = [low, high].map(at => Math.floor(Math.log(at) / Math.log(base)));
  const every = Math.floor((last - first) / 8) + 1;
  for (const leading of [[1], [1, 2, 5]]) {
    const ticks = [];
    for (let power = first; power <= last; power++)
      if (power % every === 0) ticks.push(...leading.map(digit => digit * base ** power));
    const inside = ticks.filter(at => low <= at && at <= high);
    if (inside.length > 3) return inside;
  }
  return evenTicks(low, high);
}

/**
 * The vertical axis for values from `low` to `high`.
 * @param {Quantity} quantity
 * @param {string} title
 * @param {boolean} log
 * @param {number} low
 * @param {number} high
 * @returns {Axis}
 */
function valueAxis(quantity, title, log, low, high) {
  // At least a factor of three, because a narrower range would make noise look important.
  const room = Math.sqrt(Math.max(3 * low / high, 1.3));
  [low, high] = log ? [low / room, high * room] : [0, high * 1.08];
  const places = log ? logTicks(low, high, quantity === 'speed-up' ? 2 : 10) : evenTicks(low, high);
  return { title, log, low, high, ticks: places.map(at => ({ at, words: tickLabel(quantity, at) })) };
}
