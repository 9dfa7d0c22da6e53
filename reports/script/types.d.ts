/** The types of the page's data, which `reports/src/view/embedded.rs` writes, and of what the script makes of them. */

/** A value, or a value with the low and the high end of its interval. */
type Estimate = [number] | [number, number, number];

/** The verified times of a cell by block, in nanoseconds. */
type Blocks = Record<string, number[]>;

interface Data {
  /** The widest gap that chance explains, for 5, 6, … processes. */
  limits: number[];
  tasks: Task[];
}

interface Task {
  /** The id of the task's section. */
  id: string;
  unit: string;
  /** The amount of work; `null` if it is unknown. */
  items: number | null;
  /** The partition size at which strategies are compared. */
  size: number;
  strategies: Named[];
  /** Groups of strategies that tie. Their cells follow those of strategies. */
  bands: (Named & { members: string[] })[];
  cores: Step[];
  sizes: Step[];
  /** The time of the plain loop. */
  plain: Estimate | null;
  /** Times of other programs on the most cores. */
  peers: { name: string; ns: number }[];
  cells: Cell[];
  figures: Figure[];
}

interface Named {
  name: string;
  /** The end of the class of its entry in the legend. */
  place: number | string;
  /** What a band stands for. */
  title?: string;
}

/** A measured number of cores or partition size, with its words. */
interface Step {
  at: number;
  words: string;
}

interface Cell {
  strategy: string;
  cores: number;
  size: number;
  /** Whether charts show this cell for its strategy, cores and size. */
  shown: boolean;
  /** `null` if the cell is not sound. */
  time: Estimate | null;
  /** The speed-up over the plain loop. */
  speedUp: Estimate | null;
  blocks: Blocks;
}

/** A chart that the page already shows. */
interface Figure {
  over: 'cores' | 'sizes';
  log: boolean;
  x: Axis;
  lines: Line[];
}

interface Axis {
  title: string;
  log: boolean;
  low: number;
  high: number;
  ticks: Step[];
}

/** A line that is not a measured series. */
interface Line {
  kind: string;
  label: string;
  path: [number, number][];
}

type Quantity = 'time' | 'speed-up' | 'efficiency' | 'throughput';

interface Point {
  x: number;
  y: Estimate;
  words: string;
}

interface Series extends Named {
  /** `null` where there is no sound cell; the line breaks there. */
  points: (Point | null)[];
}

interface Chart {
  title: string;
  caption: string;
  description: string;
  x: Axis;
  y: Axis;
  lines: Line[];
  series: Series[];
}

/**
 * What a reader has chosen for a task, by the key of a control such as `cores.show`. An empty text means the page's own
 * choice.
 */
type View = Record<string, string>;
