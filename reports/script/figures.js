// The charts of a task, as the page has them or as a reader wants them.

/**
 * @param {Task} task
 * @param {HTMLElement} section
 * @param {Figure} figure
 */
function figurePart(task, section, figure) {
  const whole = get(section, `figure[data-over=${figure.over}]`), written = ['h3', 'figcaption', 'title', 'desc'].map(it => get(whole, it));
  /** @type {SVGSVGElement} */
  const svg = get(whole, '.chart');
  const [title, description, ...own] = svg.children, ownTexts = written.map(textOf);
  const plain = wish(task, figure, { base: '' });
  let drawn = plain;

  return (/** @type {View} */ view) => {
    const wanted = wish(task, figure, view);
    if (wanted !== drawn) {
      drawn = wanted;
      const chart = wanted !== plain && chartOf(task, figure, view);
      svg.replaceChildren(title, description, ...(chart ? shapes(svg, chart, section) : own));
      const words = chart ? [chart.title, chart.caption, chart.title, chart.description] : ownTexts;
      written.forEach((element, nth) => { element.textContent = words[nth]; });
    }
    svg.classList.toggle('one', !shownNames(task, view)[1]);
    svg.classList.toggle('marked', !!view.mark);
    for (const series of all(svg, '.series')) series.classList.toggle('mark', nameOf(series) === view.mark);
    reach(svg, visiblePoints(svg)[0]);
  };
}

/**
 * The strategy of a series.
 * @param {Element | null} series
 */
function nameOf(series) {
  return textOf(series?.querySelector('title'));
}

/** @param {Element} svg */
function visiblePoints(svg) {
  return all(svg, '.point').filter(it => it.getClientRects().length);
}

/**
 * Makes one point of a chart reachable with Tab. Arrow keys lead from there to the others.
 * @param {Element} svg
 * @param {Element} point
 */
function reach(svg, point) {
  for (const other of all(svg, '.point')) set(other, { role: 'img', tabindex: other === point ? 0 : -1 });
}

/**
 * Arrow keys move between points: left and right within a series, up and down between series.
 * @param {Element} point
 * @param {string} key
 */
function movePoint(point, key) {
  const svg = get(document, 'svg:has(:focus)'), nth = (/** @type {Element} */ it) => all(it.parentNode ?? it, '.point').indexOf(it);
  const others = visiblePoints(svg).filter(/Left|Right/.test(key) ? it => it.parentNode === point.parentNode : it => nth(it) === nth(point));
  const next = /** @type {SVGElement | undefined} */ (others[others.indexOf(point) + (/Right|Down/.test(key) ? 1 : -1)]);
  if (!next) return;
  reach(svg, next);
  next.focus();
}
