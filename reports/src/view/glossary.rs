//! The terms of the page and their definitions, in one list.

/// A term of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// The term as tables and charts write it.
    pub name: &'static str,
    /// Other heads of columns with the same meaning.
    pub also: &'static [&'static str],
    /// What the term means.
    pub definition: &'static str,
}

impl Term {
    /// The term as a part of an address: letters and hyphens.
    pub fn anchor(&self) -> String {
        let words = self.name.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        format!("term-{}", words.collect::<Vec<_>>().join("-").to_lowercase())
    }
}

const fn term(name: &'static str, definition: &'static str) -> Term {
    Term { name, also: &[], definition }
}

/// Every term, in alphabetical order.
pub const TERMS: &[Term] = &[
    term(
        "baseline",
        "The plain one-thread loop over the same input, without jobs and partitions. Every speed-up is against it.",
    ),
    Term {
        name: "best partition size",
        also: &["best size"],
        definition: "The measured partition size with the smallest median time, and all sizes close to it. The smallest \
            of several noisy medians is partly luck.",
    },
    Term {
        name: "block",
        also: &["block.sample"],
        definition: "One round of the sweep: every cell once, in shuffled order. 2.0 is the first sample of the third \
            block, because both are counted from 0.",
    },
    term(
        "boundary",
        "A core count beyond which cells get another kind of processor: another socket, memory node or cache, slower \
         cores, or the second threads of the same cores.",
    ),
    term(
        "busy threads",
        "Processor time divided by wall time: how many threads computed on average. Fewer than cores means that workers \
         waited.",
    ),
    term("cache misses", "Reads that missed the last-level cache and went to memory."),
    term("cell", "One combination of task, strategy, cores, workers, partition size, delivery and combine."),
    term(
        "combine",
        "Where partial results are merged first: per_partition (nowhere), per_worker, tree (workers in pairs), sharded \
         (shared shards), or in what all workers change while they map, such as mutex.",
    ),
    term("cores", "The hardware threads that the measuring process may use. A strategy never chooses them."),
    term("cycles", "Clock cycles of the processors while the program itself ran, without the kernel."),
    term(
        "delivery",
        "The order in which partial results reach the total: gather (all at the end), in_order or as_completed.",
    ),
    term("efficiency", "Speed-up divided by cores: 100 % if each core does as much work as the plain loop alone."),
    term("energy", "Energy of the processor packages during a sample, other programs included."),
    term(
        "engine",
        "A program that spreads a query over workers, on one machine or several, asked through Spark Connect.",
    ),
    term("engine start", "The time from starting the engine’s processes until a session is open."),
    Term {
        name: "faults from disk",
        also: &["page faults"],
        definition: "A page fault gives a thread memory that it touched first. A fault from disk waits until the disk has \
            delivered the page.",
    },
    term("first query", "The first query after the start: the engine still loads and compiles code."),
    term("first result", "The time from the start of a run until the first partial result was delivered."),
    term("floor", "A program that only reads the input. No program that does the work can be faster."),
    term(
        "heart beats on",
        "Where the tick of 1 ms beats: as a future of the runtime that hands out the jobs, or on a plain thread.",
    ),
    term("ideal", "The speed-up of a program without any overhead: as many times as fast as there are cores."),
    term("in the task", "The time of a worker in the task’s own work, without what a strategy adds to it."),
    term("instructions", "Machine instructions of the program itself, without the kernel."),
    Term {
        name: "interval",
        also: &["B / A"],
        definition: "The range, in small type beside a value, in which the true value is expected to lie. Whether two \
            strategies differ is decided block by block, not by whether their intervals overlap.",
    },
    term("job", "One partition on its way through a strategy. Handing over a job costs time, whatever the job does."),
    Term {
        name: "late: median",
        also: &["late: 99th percentile", "late: longest"],
        definition: "How late a tick of 1 ms was. A tick that wakes late also counts for every tick that became due meanwhile: \
            a stall of 50 ms is 50 late ticks.",
    },
    term("lock found taken", "The share of updates at which another worker held the lock."),
    term("lock held", "The time from having a lock until it is released, for each update."),
    Term {
        name: "median time",
        also: &["A: median time", "B: median time", "time"],
        definition: "The time of a run plus its reduce: the middle value of the processes of a cell. Starting the workers \
            is not part of it.",
    },
    term(
        "moved to another core",
        "How often the kernel moved a thread to another processor, away from its cached data.",
    ),
    term("number of jobs", "The jobs of the run from which the cost of one of many jobs is computed."),
    term("one job", "The mean time of a job. A runtime that runs jobs itself is blocked at least as long."),
    term("one job alone", "The time of a run with a single empty job, for workers that have nothing to do."),
    term(
        "one of many jobs",
        "The time of a run with many empty jobs, divided by their number: the cost of handing over.",
    ),
    term("outcome", "What became of a sample: verified, or what was wrong with it."),
    term(
        "packing",
        "The time to encode the requests to worker processes. A request that contains its input is read here first.",
    ),
    term(
        "partition size",
        "The number of items in one piece of the input: numbers, lines or rows. One piece is one job.",
    ),
    term("peak memory", "The most memory that the measuring process and its worker processes held at one moment."),
    term("peer", "Another program at the same job on the same input, timed as a whole process."),
    term(
        "processor time",
        "The time of all threads on processors. It exceeds the wall time if threads run in parallel.",
    ),
    term(
        "query of one line",
        "The same query of the input’s first line alone: what a query costs however little it reads.",
    ),
    term("reason", "What was wrong with a sample, as the harness saw it."),
    term("received", "The bytes of the answers of worker processes: the partial results of all partitions."),
    term(
        "reduce",
        "The phase after the last job, in which partial results are merged that were not merged during the run.",
    ),
    term("run", "The phase from the first job that is pulled until the last job has ended."),
    term(
        "running or ready",
        "The most threads that wanted a processor at one moment. More than cores means that threads queue.",
    ),
    term(
        "samples",
        "The timed runs of a cell, and the blocks from which they come. Samples of one block share a process.",
    ),
    term("sent", "The bytes of the requests to worker processes: where each partition is, or its input."),
    term("speed-up", "The plain loop’s time divided by the strategy’s: above 1× the strategy is faster."),
    Term {
        name: "start",
        also: &["start the workers"],
        definition: "The time to start the workers, such as threads or processes. No other time includes it.",
    },
    term("strategy", "A way to run jobs on several cores, such as threads behind a lock or a pool of a library."),
    term("task", "A problem that can be cut into partitions, such as adding up the words of a file."),
    term("threads", "The threads that another program could use, on as many cores."),
    Term {
        name: "threads alive",
        also: &["threads at the end", "threads by name"],
        definition: "The threads that existed during a run, idle ones included. By name: how many, and their processor time.",
    },
    term("ticks", "The ticks of 1 ms that were due in all samples, whether they happened in time or not."),
    term("tie", "The strategies that the data cannot tell apart. A tie does not mean that they are equal."),
    term(
        "time per update",
        "The workers’ time in the task beyond the plain loop’s, divided by the updates: locking, moving cache lines, waiting.",
    ),
    term("times the median", "A sample’s time divided by the median of its cell."),
    term(
        "to measure it again",
        "The end of the command that measures the cell again. The command stands under the table.",
    ),
    term("to the fastest", "The time divided by that of the strategy’s fastest combine, over shared blocks."),
    term(
        "transfer",
        "The time between a request and its answer without the task itself: pipes, wake-ups, and the worker’s decoding and \
         encoding.",
    ),
    term(
        "unpacking",
        "The time to decode the partial results of worker processes, and to merge them if workers merge.",
    ),
    term("updates", "How often workers changed what they share, in the median sample."),
    Term {
        name: "voluntary switches",
        also: &["involuntary switches"],
        definition: "A thread gives up its core: voluntarily because it waits, involuntarily because its time slice ended.",
    },
    term(
        "waiting for a lock",
        "The share of the workers’ time in the task from asking for a lock to having it. A free lock takes some nanoseconds too.",
    ),
    term("warm query", "A later query of the whole input, as an engine that runs all day answers it."),
    Term {
        name: "warm-up",
        also: &["warm-up ÷ first sample", "first ÷ later samples", "warm-up was"],
        definition: "The untimed run before the first sample of a process. If the first sample is still slower than later \
            ones, one untimed run was not enough.",
    },
    Term {
        name: "workers",
        also: &["workers asked for"],
        definition: "How many jobs may be in progress at one moment; usually as many as cores.",
    },
    term("× best strategy", "The time of a warm query divided by the median of the fastest strategy on this page."),
    term("× one core", "The time of a warm query divided by that of the plain loop on one core."),
    term("× this program", "The time of another program divided by that of this program on as many threads."),
];

/// Returns the term that a head of a column or a label stands for.
pub fn find(label: &str) -> Option<&'static Term> {
    TERMS.iter().find(|term| term.name == label || term.also.contains(&label))
}

/// Returns the terms that labels stand for, each once, in the order of the labels.
pub fn of<'a>(labels: impl IntoIterator<Item = &'a str>) -> Vec<&'static Term> {
    let mut terms: Vec<&'static Term> = Vec::new();
    for term in labels.into_iter().filter_map(find) {
        if !terms.contains(&term) {
            terms.push(term);
        }
    }
    terms
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_term_stands_once_and_in_order() {
        let names = || TERMS.iter().flat_map(|term| [term.name].into_iter().chain(term.also.iter().copied()));
        assert_eq!(names().collect::<BTreeSet<_>>().len(), names().count());
        let anchors: BTreeSet<String> = TERMS.iter().map(Term::anchor).collect();
        assert_eq!(anchors.len(), TERMS.len());
        let worded = TERMS.iter().filter(|term| !term.name.starts_with('×'));
        let first: Vec<String> = worded.map(Term::anchor).collect();
        assert!(first.is_sorted(), "{first:?}");
        for term in TERMS {
            assert!(term.definition.ends_with('.') && term.definition.len() < 200, "{}", term.name);
        }
    }

    #[test]
    fn labels_with_the_same_meaning_share_a_term() {
        let terms = of(["start", "start the workers", "no term", "efficiency"]);
        assert_eq!(terms.iter().map(|term| term.name).collect::<Vec<_>>(), ["start", "efficiency"]);
    }
}
