// The tables of a task: the baseline is chosen in one, the other is sorted and filtered.

/**
 * The text of an entry before its notes.
 * @param {Element | undefined} entry
 */
function ownText(entry) {
  return textOf(entry?.firstChild);
}

/**
 * The number of an entry, in one unit for all entries, or `none` without a number.
 * @param {string} text
 * @param {number} none
 */
function numberOf(text, none) {
  const [, number, unit] = /^([\d.]+)\s*(\D*)$/.exec(text.replace(/\s(?=\d)/g, '')) ?? [];
  const size = TIME.find(it => it[1] === unit)?.[0] ?? 1024 ** (['KiB', 'MiB', 'GiB'].indexOf(unit) + 1);
  return number ? +number * size : none;
}

/**
 * Makes the text of an entry a button.
 * @param {Element} entry
 * @param {Record<string, string>} dataset
 */
function asButton(entry, dataset) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = ownText(entry);
  Object.assign(button.dataset, dataset);
  entry.firstChild?.replaceWith(button, ' ');
  return button;
}

/**
 * Writes the speed-ups of a table over the view's baseline.
 * @param {Task} task
 * @param {HTMLTableElement} table
 * @param {(nth: number) => Cell | undefined} cellOf
 */
function speedUpPart(task, table, cellOf) {
  const column = [...table.rows[0].cells].findIndex(it => ownText(it) === 'speed-up');
  const [head, ...entries] = [...table.rows].map(row => row.cells[column]), own = entries.map(entry => [...entry.childNodes]);
  let base = '';
  return (/** @type {View} */ view) => {
    if (view.base === base) return;
    base = view.base;
    (head.querySelector('button') ?? head).textContent = 'speed-up' + (base && ` over ${base}`);
    entries.forEach((entry, nth) => {
      const cell = base && cellOf(nth), estimate = cell && speedUp(task, cell, base), note = document.createElement('small');
      const [text, interval] = estimate ? texts('speed-up', estimate) : [NONE, ''];
      note.textContent = interval;
      entry.replaceChildren(...(base ? [text, ' ', note] : own[nth]));
    });
  };
}

/**
 * The table of strategies. The name in each row is a button that makes its strategy the baseline.
 * @param {Task} task
 * @param {HTMLElement} section
 */
function strategiesPart(task, section) {
  /** @type {HTMLTableElement} */
  const table = get(section, '.strategies table'), rows = [...table.tBodies[0].rows];
  const names = rows.map(row => ownText(row.cells[0]).replace('plain loop', ''));
  const buttons = rows.map((row, nth) => asButton(row.cells[0], { base: names[nth] }));
  // A row is about the most cores on which its strategy was measured.
  const speedUps = speedUpPart(task, table, nth =>
    task.cores.map(it => cellAt(task, names[nth], it.at, task.size)).filter(it => it).pop());
  return (/** @type {View} */ view) => {
    speedUps(view);
    buttons.forEach((button, nth) => set(button, { 'aria-pressed': names[nth] === view.base }));
  };
}

/**
 * The table of cells. Its heads are buttons that sort it.
 * @param {Task} task
 * @param {HTMLElement} section
 */
function cellsPart(task, section) {
  /** @type {HTMLTableElement} */
  const table = get(section, '.cells table'), [body] = table.tBodies, rows = [...body.rows];
  const heads = [...table.rows[0].cells], speedUps = speedUpPart(task, table, nth => task.cells[nth]);
  heads.forEach((head, nth) => asButton(head, { sort: String(nth + 1) }));
  return (/** @type {View} */ view) => {
    speedUps(view);
    const column = Math.abs(+view.sort) - 1, up = view.sort.startsWith('-') ? -1 : 1;
    heads.forEach((head, nth) => set(head, { 'aria-sort': nth !== column ? 'none' : up > 0 ? 'ascending' : 'descending' }));
    const text = (/** @type {HTMLTableRowElement} */ row) => ownText(row.cells[column]);
    const order = (/** @type {string} */ a, /** @type {string} */ b) => up * (numberOf(a, up / 0) - numberOf(b, up / 0) || a.localeCompare(b));
    body.append(...view.sort ? [...rows].sort((a, b) => order(text(a), text(b))) : rows);
    const words = view.find.toLowerCase().split(/\s+/);
    for (const row of rows) {
      const text = textOf(row).replaceAll(SPACE, ' ').toLowerCase();
      row.hidden = !words.every(word => text.includes(word));
    }
    get(section, '.cells output').textContent = `${rows.filter(row => !row.hidden).length} of ${rows.length} cells`;
  };
}
