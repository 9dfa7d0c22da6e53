// What a reader has chosen, and the address's fragment that holds it: `#task-0?0.base=rayon&0.cores.show=time`.

/**
 * The keys of a view, each with what a fragment may ask for.
 * @param {Task} task
 * @returns {Record<string, (text: string) => unknown>}
 */
function keysOf({ strategies, cores, sizes, items }) {
  const among = (/** @type {unknown[]} */ list) => (/** @type {string} */ text) => list.map(String).includes(text);
  const strategy = among(strategies.map(it => it.name)), names = (/** @type {string} */ text) => text.split(',').every(strategy), log = among([0, 1]);
  const show = among(['time', 'speed-up', 'efficiency', items && 'throughput']);
  return {
    base: strategy,
    mark: strategy,
    only: strategy,
    hide: names,
    one: names,
    sort: text => /^-?\d{1,2}$/.test(text),
    find: text => text.length < 100,
    'cores.show': show,
    'cores.log': log,
    'cores.at': among(sizes.map(it => it.at)),
    'sizes.show': show,
    'sizes.log': log,
    'sizes.at': among(cores.map(it => it.at)),
  };
}

/**
 * The anchor and the view of each task. Anything that this page does not have is ignored.
 * @param {string} fragment
 * @returns {[string, View[]]}
 */
function parseView(fragment) {
  const [anchor, ...rest] = fragment.slice(1).split('?'), given = new URLSearchParams(rest.join('?'));
  return [anchor, data.tasks.map((task, nth) => Object.fromEntries(Object.entries(keysOf(task)).map(([key, fits]) => {
    const text = given.get(`${nth}.${key}`);
    return [key, text && fits(text) ? text : ''];
  })))];
}

/**
 * @param {string} anchor
 * @param {View[]} views
 */
function formatView(anchor, views) {
  const chosen = views.flatMap((view, nth) => Object.entries(view).map(([key, text]) => [`${nth}.${key}`, text]));
  const query = new URLSearchParams(chosen.filter(it => it[1]));
  return '#' + anchor + (query.size ? '?' + query : '');
}
