// Charts as plain data, from the cells and a reader's view.

/**
 * What a figure shows, with the page's own choices where a view has none.
 * @param {Task} task
 * @param {Figure} figure
 * @param {View} view
 */
function choices(task, { over, log }, view) {
  const own = over === 'cores' ? 'speed-up' : 'time', [at, logarithmic] = [view[over + '.at'], view[over + '.log']];
  const show = /** @type {Quantity} */ (view[over + '.show'] || own), steps = over === 'cores' ? task.sizes : task.cores;
  return {
    show,
    log: logarithmic ? logarithmic === '1' : show === own ? log : show !== 'efficiency',
    nth: steps.findIndex(it => String(it.at) === (at || String(over === 'cores' ? task.size : steps[steps.length - 1].at))),
    base: show === 'speed-up' ? view.base : '',
    steps,
  };
}

/**
 * The choices as a text, to compare them.
 * @param {Task} task
 * @param {Figure} figure
 * @param {View} view
 */
function wish(task, figure, view) {
  return JSON.stringify(choices(task, figure, view));
}

/**
 * The cell that charts show.
 * @param {Task} task
 * @param {string} strategy
 * @param {number} cores
 * @param {number} size
 */
function cellAt(task, strategy, cores, size) {
  return task.cells.find(it => it.strategy === strategy && it.cores === cores && it.size === size && it.shown);
}

/**
 * The speed-up over the plain loop or, with `base`, over that strategy on as many cores with partitions as large.
 * @param {Task} task
 * @param {Cell | undefined} cell
 * @param {string} base
 * @returns {Estimate | null}
 */
function speedUp(task, cell, base) {
  if (!base || !cell?.time) return cell?.speedUp ?? null;
  const { strategy, cores, size } = cell, other = cellAt(task, base, cores, size), own = other?.time && ratio(other.blocks, cell.blocks);
  // The interval of a group covers those of its members.
  const ends = task.bands.find(it => it.name === strategy)?.members.flatMap(it => speedUp(task, cellAt(task, it, cores, size), base) ?? []);
  return own && ends ? [own[0], Math.min(...ends), Math.max(...ends)] : own || null;
}

/**
 * @param {Task} task
 * @param {Cell} cell
 * @param {Quantity} quantity
 * @param {string} base
 */
function valueOf(task, cell, quantity, base) {
  const [value, ...ends] = (/speed|eff/.test(quantity) ? speedUp(task, cell, base) : cell.time) ?? [];
  const by = (/** @type {number} */ value) =>
    quantity === 'efficiency' ? value / cell.cores : quantity === 'throughput' ? throughput(task, value) : value;
  return cell.time && value ? /** @type {Estimate} */ ([by(value), ...ends.map(by).sort((a, b) => a - b)]) : null;
}

/**
 * Items in a second.
 * @param {Task} task
 * @param {number} ns
 */
function throughput(task, ns) {
  return (task.items ?? 0) * 1e9 / ns;
}

/**
 * @param {Task} task
 * @param {Figure} figure
 * @param {View} view
 * @returns {Chart}
 */
function chartOf(task, figure, view) {
  const { show, log, nth, base, steps } = choices(task, figure, view), { at, words } = steps[nth];
  const byCores = figure.over === 'cores', { x } = figure;
  const series = [...task.bands, ...task.strategies].map(it => ({
    ...it,
    points: (byCores ? task.cores : task.sizes).map(step => {
      const cell = byCores ? cellAt(task, it.name, step.at, at) : cellAt(task, it.name, at, step.at);
      const y = cell && valueOf(task, cell, show, base);
      if (!y) return null;
      const [text, interval] = texts(show, y);
      return { x: Math.max(step.at, 1), y, words: `${it.name}, ${step.words}: ${text}${interval && ` (${interval})`}` };
    }),
  })).filter(it => it.points.some(point => point));

  /** @type {Line[]} */
  const lines = [];
  const add = (/** @type {string} */ kind, /** @type {string} */ label, /** @type {number} */ y) =>
    lines.push({ kind, label, path: [[x.low, y], [x.high, y]] });
  if (show === 'efficiency') add('ideal', 'ideal', 1);
  else if (show === 'speed-up') add('baseline', base || 'plain loop', 1);
  else if (task.plain) add('baseline', 'plain loop', show === 'time' ? task.plain[0] : throughput(task, task.plain[0]));
  if (show === 'speed-up' && byCores && !base) lines.push({ kind: 'ideal', label: 'ideal', path: task.cores.map(it => [it.at, it.at]) });
  if (show === 'time' && !byCores && nth === steps.length - 1) for (const { name, ns } of task.peers) add('peer', name, ns);

  const title = {
    time: 'Time',
    'speed-up': `Speed-up over ${base || 'the plain loop'}`,
    efficiency: 'Efficiency',
    throughput: `Throughput in ${task.unit}`,
  }[show];
  const ends = [...series.flatMap(it => it.points.flatMap(it => it?.y ?? [])), ...lines.flatMap(it => it.path.map(it => it[1]))];
  const y = valueAxis(show, title, log, Math.min(...ends), Math.max(...ends));
  for (const line of figure.lines) lines.push({ ...line, path: line.path.map(([x], nth) => [x, nth ? y.high : y.low]) });

  const note = base ? ` Points compare with ${base} at equal cores and size.`
    : show === 'efficiency' ? ' Efficiency is speed-up divided by cores.' : '';
  const caption = `${byCores ? 'With' : 'On'} ${words}. ${log ? 'Logarithmic' : 'Linear'} scale; ${show === 'time' ? 'lower' : 'higher'} is better. Whiskers${task.bands[0] ? ' and bands' : ''} show intervals.${note}`;
  return {
    title: `${title} against ${byCores ? 'cores' : 'partition size'}`,
    caption,
    description: `${caption} ${series.map(it => it.points.filter(it => it).pop()?.words).join('; ')}.`,
    x, y, lines, series,
  };
}
