// Draws a chart into the page's own `<svg class="chart">`, with the classes that `reports/src/render/svg/mod.rs` uses.

/** @param {number} value */
function tenths(value) {
  return Math.round(value * 10) / 10;
}

/**
 * @param {string} kind
 * @param {number[][]} corners
 */
function path(kind, corners) {
  return shape('path', { class: kind, d: 'M' + corners.map(corner => corner.map(tenths).join(' ')).join('L') });
}

/**
 * @param {string} kind
 * @param {string} words
 * @param {number} x
 * @param {number} y
 * @param {string} [anchor]
 * @param {string} [dy]
 */
function label(kind, words, x, y, anchor = 'end', dy = '-.2em') {
  return shape('text', { class: kind, x: tenths(x), y: tenths(y), dy, 'text-anchor': anchor }, words);
}

/**
 * The shapes of a chart. The page's frame says where the axes are.
 * @param {SVGSVGElement} svg
 * @param {Chart} chart
 * @param {HTMLElement} section whose legend has a drawing for each strategy
 */
function shapes(svg, { x, y, lines, series }, section) {
  const plot = get(svg, '.frame', SVGElement).dataset.plot ?? '', [left, top, right, bottom] = plot.split(' ').map(Number);
  const at = (/** @type {number[]} */ point) =>
    [left + share(x, point[0]) * (right - left), bottom - share(y, point[1]) * (bottom - top)];
  const frame = shape('g', { class: 'frame', 'data-plot': plot });
  for (const tick of y.ticks) {
    const down = at([x.low, tick.at])[1];
    frame.append(path('grid', [[left, down], [right, down]]), label('label', tick.words, left - 9, down, 'end', '.35em'));
  }
  for (const tick of x.ticks) frame.append(label('label', tick.words, at([tick.at, y.low])[0], bottom + 9, 'middle', '.8em'));
  frame.append(
    path('axis', [[left, top], [left, bottom], [right, bottom]]),
    label('label', y.title, 8, 8, 'start', '.8em'),
    label('label', x.title, right, svg.viewBox.baseVal.height - 3),
  );
  const swatch = (/** @type {Series} */ it) => section.querySelector(`.legend .k${it.place} .series`);
  return [frame, ...lines.map(it => lineShape(it, it.path.map(at))), ...series.map(it => seriesShape(it, at, swatch(it)))];
}

/**
 * @param {Line} line
 * @param {number[][]} corners
 */
function lineShape({ kind, label: words }, corners) {
  const group = shape('g', { class: 'reference' }, shape('title', {}, words), path(kind, corners));
  const [[, start], [x, y]] = corners;
  if (kind === 'boundary') {
    const up = start > y, down = y + (up ? 4 : -4);
    const note = label('note', words, x + 3, down, up ? 'end' : 'start', '.8em');
    group.append(set(note, { transform: `rotate(-90 ${tenths(x + 3)} ${tenths(down)})` }));
  } else if (/base|comp/.test(kind)) group.append(label('note', words, x + 5, kind === 'compared' ? y + 18 : y, 'start'));
  else group.append(label('note', words, x - 4, y - 4));
  return group;
}

/**
 * @param {Series} series
 * @param {(place: number[]) => number[]} at
 * @param {Element | null} swatch
 */
function seriesShape({ name, points }, at, swatch) {
  // The line breaks where there is no point.
  const d = points.map((it, nth) => it && (nth && points[nth - 1] ? 'L' : 'M') + at([it.x, it.y[0]]).map(tenths).join(' '));
  const group = shape('g', { class: swatch?.getAttribute('class') }, shape('title', {}, name), shape('path', { class: 'line', d: d.join('') }));
  for (const point of points) {
    if (!point) continue;
    const { x, y: [value, ...ends], words } = point, [right, down] = at([x, value]);
    const parts = shape('g', { class: 'point' }, shape('title', {}, words));
    if (ends.length) parts.append(path('whisker', ends.map(end => at([x, end]))));
    const marker = /** @type {Element | undefined} */ (swatch?.querySelector('.marker')?.cloneNode(true));
    // The middle of a marker in the legend is at (20, 7).
    if (marker) parts.append(set(marker, { transform: `translate(${tenths(right - 20)} ${tenths(down - 7)})` }));
    group.append(parts);
  }
  return group;
}
