// Medians, and ratios paired by block with their intervals. The method is that of `lib/record/src/statistics/interval.rs`
// and `modes.rs`, where its reasons stand.

const LEVEL = 0.95;
const MARGIN = 0.02;

/**
 * The middle value, or the mean of the two middle values.
 * @param {number[]} values
 */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** @param {number[]} values */
function sum(values) {
  return values.reduce((sum, value) => sum + value, 0);
}

/**
 * The time of `over` divided by the time of `under`: the median over the blocks that have both.
 * @param {Blocks} over
 * @param {Blocks} under
 * @returns {Estimate | null}
 */
function ratio(over, under) {
  const shared = Object.keys(over).filter(block => under[block]);
  const logs = shared.map(block => Math.log(median(over[block]) / median(under[block]))).sort((a, b) => a - b);
  const count = logs.length;
  const ends = twoKinds(logs) ? [logs[0], logs[count - 1]] : count < 3 ? [] : aroundTheMedian(logs);
  return count ? /** @type {Estimate} */ ([median(logs), ...ends].map(Math.exp)) : null;
}

/**
 * The interval of Hettmansperger and Sheather for the true median of three values or more.
 * @param {number[]} sorted
 */
function aroundTheMedian(sorted) {
  const count = sorted.length, half = count >> 1;
  // The binomial weights are logarithms, because 2^-count may be too small for a float.
  let log = -count * Math.LN2, tail = 0, sure = 1;
  for (let depth = 0; depth < half; depth++) {
    tail += Math.exp(log);
    log += Math.log((count - depth) / (depth + 1));
    const surer = 1 - 2 * tail;
    if (depth && surer < LEVEL) {
      const share = Math.max((sure - LEVEL) / (sure - surer), 0), outer = (count - depth) * share;
      const inwards = outer / (outer + depth * (1 - share)), other = count - depth - 1;
      return [
        sorted[depth - 1] + inwards * (sorted[depth] - sorted[depth - 1]),
        sorted[other + 1] + inwards * (sorted[other] - sorted[other + 1]),
      ];
    }
    sure = surer;
  }
  return [sorted[half - 1], sorted[count - half]];
}

/**
 * Whether processes are of two kinds: the widest gap is wider than chance explains.
 * @param {number[]} sorted
 */
function twoKinds(sorted) {
  const count = sorted.length, few = Math.max(Math.ceil(count / 5), 2), { limits } = data;
  const squares = (/** @type {number[]} */ side) => sum(side.map(value => (value - sum(side) / side.length) ** 2));
  let widest = 0, widestGap = 0;
  for (let cut = few; cut <= count - few; cut++) {
    const gap = sorted[cut] - sorted[cut - 1], inside = squares(sorted.slice(0, cut)) + squares(sorted.slice(cut));
    const apart = gap && gap / Math.sqrt(inside / (count - 2));
    if (apart >= widest) [widest, widestGap] = [apart, gap];
  }
  return count > 4 && widestGap >= Math.log1p(MARGIN) && widest > limits[Math.min(count - 5, limits.length - 1)];
}
