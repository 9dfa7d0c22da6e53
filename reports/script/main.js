// Connects the controls, the address and what the page shows.

/** @type {Data} */
const data = JSON.parse(textOf(document.getElementById('data')));

/** @param {HTMLElement} section */
function fieldsOf(section) {
  return /** @type {HTMLInputElement[]} */ (all(section, ':is(input, select)[data-key]'));
}

/**
 * The controls of a task.
 * @param {Task} task
 * @param {HTMLElement} section
 */
function controlsPart(task, section) {
  return (/** @type {View} */ view) => {
    const shown = shownNames(task, view);
    /** @type {Record<string, unknown>} */
    const values = { ...view };
    for (const figure of task.figures)
      for (const [key, value] of Object.entries(choices(task, figure, view))) values[`${figure.over}.${key}`] = value;
    for (const field of fieldsOf(section)) {
      const key = field.dataset.key ?? '', value = values[key];
      if (key === 'hide') field.checked = shown.includes(field.value);
      // A member of a tie is in its band, and shown alone on demand.
      else if (key === 'one') field.checked = (view.only || view.one).split(',').includes(field.value);
      else if (/radio|check/.test(field.type)) field.checked = value === field.value || value === true;
      else if (field.value !== String(value)) field.value = String(value);
      if (field.type !== 'range') continue;
      const { words } = (key === 'cores.nth' ? task.sizes : task.cores)[Number(value)];
      set(field, { 'aria-valuetext': words }).nextElementSibling?.replaceChildren(words);
    }
  };
}

/**
 * The sentence that says what is shown. A screen reader announces every change.
 * @param {Task} task
 * @param {HTMLElement} section
 */
function statusPart(task, section) {
  const status = get(section, '[role=status]');
  return (/** @type {View} */ view) => {
    const titles = all(section, '[data-over] h3').map(textOf).join('. ');
    const words = `${titles}. ${shownNames(task, view).length} of ${task.strategies.length} strategies are shown.`;
    if (textOf(status) !== words) status.textContent = words;
  };
}

/**
 * @param {Task} task
 * @param {View} view
 */
function shownNames({ strategies }, view) {
  return strategies.map(it => it.name).filter(name => view.only ? name === view.only : !view.hide.split(',').includes(name));
}

/**
 * The view after something was pressed; `null` if nothing changes.
 * @param {View} view
 * @param {Element} target
 * @returns {View | null}
 */
function pressed(view, target) {
  const { key, sort } = target.closest('button')?.dataset ?? {};
  const base = target.closest('tr')?.querySelector('button')?.dataset.base, mark = nameOf(target.closest('.series:not(.band)'));
  if (key === 'reset') return parseView('')[1][0];
  if (sort) return { ...view, sort: view.sort === sort ? '-' + sort : view.sort === '-' + sort ? '' : sort };
  if (base !== undefined) return { ...view, base: view.base === base ? '' : base };
  return mark ? { ...view, mark: view.mark === mark ? '' : mark } : null;
}

/**
 * The view after a field was changed.
 * @param {Task} task
 * @param {HTMLElement} section
 * @param {View} view
 * @param {HTMLInputElement} field
 * @returns {View | null}
 */
function changed(task, section, view, { value, type, checked, dataset: { key = '' } }) {
  const [over] = key.split('.'), figure = task.figures.find(it => it.over === over);
  if (/hide|one/.test(key)) value = fieldsOf(section).filter(it => it.dataset.key === key && it.checked === (key === 'one')).map(it => it.value).join();
  // The boxes show what alone was shown, so they take its place.
  if (!figure) return key ? { ...view, ...key === 'hide' && { only: '' }, [key]: value } : null;
  let next = type === 'range' ? { ...view, [over + '.at']: String(choices(task, figure, view).steps[+value].at) }
    : type === 'checkbox' ? { ...view, [key]: checked ? '1' : '0' }
    : { ...view, [key]: value, [over + '.log']: '' };
  // A choice that changes nothing is the page's own.
  for (const part of ['.show', '.log', '.at']) {
    const without = { ...next, [over + part]: '' };
    if (wish(task, figure, without) === wish(task, figure, next)) next = without;
  }
  return next;
}

let [anchor, views] = parseView(location.hash);

const shows = data.tasks.map((task, nth) => {
  const section = get(document, `[id="${task.id}"]`);
  // The legend hides series, so it comes before the figures, and the sentence about the figures comes after them.
  const [controls, ...others] = [controlsPart, strategiesPart, cellsPart, statusPart].map(it => it(task, section));
  const parts = [controls, ...task.figures.map(it => figurePart(task, section, it)), ...others];
  for (const hidden of all(section, '.controls, .hint')) hidden.removeAttribute('hidden');
  const show = () => parts.forEach(part => part(views[nth]));
  const turnTo = (/** @type {View | null} */ view) => {
    if (!view) return;
    views[nth] = view;
    anchor = task.id;
    show();
    history.replaceState(null, '', formatView(anchor, views));
  };
  section.addEventListener('input', ({ target }) =>
    turnTo(changed(task, section, views[nth], /** @type {HTMLInputElement} */ (target))));
  section.addEventListener('click', ({ target }) => turnTo(pressed(views[nth], /** @type {Element} */ (target))));
  section.addEventListener('keydown', event => {
    const { key, target } = event;
    if (!(target instanceof Element && target.matches('.point') && /^(Arrow|Enter| )/.test(key))) return;
    event.preventDefault();
    if (key.startsWith('Arrow')) movePoint(target, key);
    else turnTo(pressed(views[nth], target));
  });
  return show;
});

/** Shows what the address says. An anchor alone leads there and keeps the view. */
function follow() {
  const [to, asked] = parseView(location.hash);
  anchor = to;
  if (to && !location.hash.includes('?')) return history.replaceState(null, '', formatView(to, views));
  views = asked;
  shows.forEach(show => show());
  document.getElementById(to)?.scrollIntoView();
}

shows.forEach(show => show());
follow();
addEventListener('hashchange', follow);
