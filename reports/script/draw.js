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
  const plot = get(svg, '.frame').dataset.plot ?? '', [left, top, right, bottom] = plot.split(' ').map(Number);
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
  const groups = [
    ...lines.map(it => lineShape(it, it.path.map(at))),
    ...series.map(it => seriesShape(it, at, section.querySelector(`.legend .k${it.place} .series`))),
  ];
  // Names stand beside the plot where lines end, moved apart. Members of a tie have none.
  const names = groups.flatMap(group => all(group, ':not(.member)>:is(.line, .ideal, .baseline)').slice(-1))
    .map(line => ({ line, y: +(line.getAttribute('d')?.split(' ').pop() ?? 0) })).sort((a, b) => a.y - b.y);
  let down = 0;
  names.forEach(({ line, y }, nth) => {
    const name = nameOf(line.parentElement).split(':')[0].replace(/(.{16}).{2,}/, '$1…');
    down = Math.max(down + 20, Math.min(y, bottom - 20 * (names.length - nth - 1)));
    line.after(label('end', name, right + 12, down, 'start', '.35em'));
  });
  return [frame, ...groups];
}

/**
 * @param {Line} line
 * @param {number[][]} corners
 */
function lineShape({ kind, label: words }, corners) {
  const group = shape('g', { class: 'reference' }, shape('title', {}, words), path(kind, corners));
  const [, [x, y]] = corners;
  if (kind === 'boundary') {
    const turned = { transform: `rotate(-90 ${tenths(x + 3)} ${tenths(y + 4)})` };
    group.append(set(label('note', words, x + 3, y + 4, 'end', '.8em'), turned));
  } else if (kind === 'compared') group.append(label('note', words, x + 5, y + 18, 'start'));
  else if (kind === 'peer') group.append(label('note', words, x - 4, y - 4));
  return group;
}

/**
 * @param {Series} series
 * @param {(place: number[]) => number[]} at
 * @param {Element | null} swatch
 */
function seriesShape({ name, title, points }, at, swatch) {
  const group = shape('g', { class: swatch?.getAttribute('class') }, shape('title', {}, title ?? name));
  // The line breaks where there is no point.
  /** @type {Point[][]} */
  const runs = [[]];
  for (const it of points) it ? runs.at(-1)?.push(it) : runs.push([]);
  for (const run of runs.filter(it => it[0])) {
    const edge = (/** @type {number} */ nth) => run.map(it => at([it.x, it.y[nth] ?? it.y[0]]));
    if (title) group.append(path('area', [...edge(1), ...edge(2).reverse()]));
    group.append(path('line', edge(0)));
  }
  for (const { x, y: [value, ...ends], words } of runs.flat()) {
    const [right, down] = at([x, value]), parts = shape('g', { class: 'point' }, shape('title', {}, words));
    if (ends.length && !title) parts.append(path('whisker', ends.map(end => at([x, end]))));
    const marker = /** @type {Element | undefined} */ (swatch?.querySelector('.marker')?.cloneNode(true));
    // The middle of a marker in the legend is at (20, 7).
    if (marker) parts.append(set(marker, { transform: `translate(${tenths(right - 20)} ${tenths(down - 7)})` }));
    group.append(parts);
  }
  return group;
}
