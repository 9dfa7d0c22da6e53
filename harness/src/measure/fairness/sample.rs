//! Rules that each sample must obey, the most serious first.

use crate::measure::census::Snapshot;
use record::Fault;
use std::collections::BTreeSet;
use strategies::{Error, Span, most_in_progress};

/// The facts that the rules use.
#[derive(Clone, Copy)]
pub struct SampleFacts<'a> {
    /// The maximum number of jobs in progress at one moment. 1 for a strategy that is not parallel.
    pub workers: usize,
    /// The number of processors of the cell.
    pub cores: usize,
    /// The start and end of each job.
    pub spans: &'a [Span],
    /// The jobs that were run again, each with the error of a worker process that died on it.
    pub repeated: &'a [(u64, Error)],
    /// Whether the jobs came from a socket, such as that of a database server.
    pub source_waits: bool,
    /// The threads that cut, ran, shipped or delivered a job, or computed the total.
    pub attended: &'a [u32],
    /// The census of the sample.
    pub snapshot: &'a Snapshot,
    /// The wall time of the sample, in nanoseconds.
    pub wall_ns: u64,
    /// The processor time of the process and its worker processes, in nanoseconds.
    pub cpu_ns: u64,
    /// The processor time of the baseline, in nanoseconds, if the order contains it.
    pub baseline_cpu_ns: Option<u64>,
}

/// The minimum wall time for rules about threads. The kernel brings the time of a running thread up to date every 1 to
/// 10 ms, so a shorter sample shows too little of its threads.
const LONG_ENOUGH_NS: u64 = 20_000_000;

/// The minimum processor time of the baseline for the rule about work not done. The kernel may hide 10 ms of a thread that
/// is still running.
const WORK_NS: u64 = 20_000_000;

/// The time for which a worker may be missing: a few turns of the scheduler on a busy core, or a tenth of a long run.
const STARTUP_NS: u64 = 5_000_000;

/// The processor time that a library's own thread may use for each job that other threads run. async-std's executor
/// uses 11 µs on an idle machine and 31 µs on a busy one. The limit is about twice the larger figure.
const HAND_OVER_NS: u64 = 60_000;

/// A rule returns a sentence if the sample breaks it.
type Rule = fn(&SampleFacts) -> Option<String>;

const RULES: [(Fault, Rule); 6] = [
    (Fault::ForeignCores, foreign_cores),
    (Fault::WorkerDied, worker_died),
    (Fault::TooManyJobs, too_many_jobs),
    (Fault::TooFewJobs, too_few_jobs),
    (Fault::ExtraThreads, extra_threads),
    (Fault::WorkNotDone, work_not_done),
];

/// Returns the first rule that the sample breaks, and a sentence with the details.
pub fn judge(facts: &SampleFacts) -> Option<(Fault, String)> {
    RULES.iter().find_map(|(fault, rule)| Some((*fault, rule(facts)?)))
}

fn foreign_cores(facts: &SampleFacts) -> Option<String> {
    let (thread, processor) = facts.snapshot.threads.iter().find_map(|thread| Some((thread, thread.foreign?)))?;
    Some(format!("its thread `{}` may run on processor {processor}, which this cell does not have", thread.name))
}

fn worker_died(facts: &SampleFacts) -> Option<String> {
    let (partition, death) = facts.repeated.first()?;
    Some(format!("{death}; another one ran partition {partition} again, so this is not the time of an undisturbed run"))
}

fn too_many_jobs(facts: &SampleFacts) -> Option<String> {
    let (most, workers) = (most_in_progress(facts.spans), facts.workers);
    (most > workers).then(|| format!("{most} jobs were in progress at one moment, and the limit is {workers} workers"))
}

/// Detects that fewer jobs than allowed were in progress, in a run that more workers would certainly have shortened.
///
/// If the jobs go one by one to all workers, the run takes at most `total / workers + longest` (R. L. Graham, "Bounds
/// on Multiprocessing Timing Anomalies", 1969). With only `used` workers, the run takes at least `total / used`. A
/// worker was missing only if the second time is clearly longer than the first. Otherwise there was too little to do.
///
/// Three cases excuse fewer jobs:
///
/// - The jobs keep the cores busy. More workers than cores then shorten nothing, and short jobs may end before the
///   kernel lets the next worker start. One worker for each core is then enough.
/// - Other programs occupy the cores, so an existing worker gets no core. Threads that were ready to run therefore
///   count too.
/// - Jobs come from a server, and slowly, so that one ends before the next comes. The workers in use then have no job for a
///   good part of the time.
fn too_few_jobs(facts: &SampleFacts) -> Option<String> {
    let used = most_in_progress(facts.spans);
    let length = |span: &Span| span.end_ns - span.start_ns;
    let total: u64 = facts.spans.iter().map(length).sum();
    let awake: u64 = facts.snapshot.threads.iter().map(|thread| thread.cpu_ns + thread.ready_ns).sum();
    let awake = awake.max(facts.cpu_ns);
    let waits = facts.cpu_ns < facts.wall_ns / 4 * facts.cores as u64 && awake < total / 2;
    let useful = if waits { facts.workers } else { facts.workers.min(facts.cores) };
    let expected = useful.min(facts.spans.len());
    if used >= expected || used == 0 || facts.wall_ns < LONG_ENOUGH_NS {
        return None;
    }
    // The mean number of awake threads is nearer to `expected` than to `used`.
    if !waits && awake / facts.wall_ns.div_ceil(2) >= (used + expected) as u64 {
        return None;
    }
    let first = facts.spans.iter().map(|span| span.start_ns).min().unwrap_or_default();
    let last = facts.spans.iter().map(|span| span.end_ns).max().unwrap_or_default();
    if facts.source_waits && total / (used as u64) < (last - first) / 4 * 3 {
        return None;
    }
    let longest = facts.spans.iter().map(length).max().unwrap_or_default();
    let with_all = total / expected as u64 + longest;
    let with_these = total / used as u64;
    (with_these > with_all + STARTUP_NS.max(facts.wall_ns / 10)).then(|| {
        format!(
            "never more than {used} jobs were in progress, although {} workers were allowed and there was work for all",
            facts.workers
        )
    })
}

/// Detects threads that took no part in any job but were busy for more than a quarter of the run.
///
/// If the run got less than one core, the limit is a quarter of the processor time that the run got. The limit is never
/// below a tenth of the run, because a run that only waits gets almost no processor time.
///
/// A library's own thread may help to hand jobs over without running any. The time of that thread grows with the number
/// of jobs, not with their work. The limit therefore grows with the number of jobs, but exceeds a quarter only for tiny
/// partitions.
fn extra_threads(facts: &SampleFacts) -> Option<String> {
    if facts.wall_ns < LONG_ENOUGH_NS {
        return None;
    }
    let own = std::process::id();
    let attended: BTreeSet<u32> = facts.attended.iter().copied().collect();
    // A worker process runs its jobs on its main thread.
    let known = |number, process| attended.contains(&number) || (process != own && number == process);
    let mut extra: Vec<_> =
        facts.snapshot.threads.iter().filter(|thread| !known(thread.number, thread.process)).collect();
    // On a busy machine a worker may look for jobs and get none. A thread is extra only beyond the number of workers.
    extra.sort_by_key(|thread| std::cmp::Reverse(thread.cpu_ns));
    extra.drain(..facts.workers.saturating_sub(attended.len()).min(extra.len()));
    let cpu: u64 = extra.iter().map(|thread| thread.cpu_ns).sum();
    let worked = facts.cpu_ns.clamp(facts.wall_ns / 5 * 2, facts.wall_ns);
    let handing_over = facts.spans.len() as u64 * HAND_OVER_NS;
    (cpu > handing_over.max(worked / 4)).then(|| {
        let busy: Vec<_> = extra.iter().filter(|thread| thread.cpu_ns > 0).collect();
        let names: BTreeSet<&str> = busy.iter().map(|thread| thread.name.as_str()).collect();
        let names: Vec<&str> = names.into_iter().take(5).collect();
        format!(
            "{} threads that ran no job used {} ms of processor time: {}",
            busy.len(),
            cpu / 1_000_000,
            names.join(", ")
        )
    })
}

fn work_not_done(facts: &SampleFacts) -> Option<String> {
    let needed = facts.baseline_cpu_ns.filter(|needed| *needed >= WORK_NS)?;
    (facts.cpu_ns < needed / 4).then(|| {
        format!(
            "it used {} ms of processor time for work that takes the baseline {} ms: the answer came without the work",
            facts.cpu_ns / 1_000_000,
            needed / 1_000_000
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::census::Thread;

    const MS: u64 = 1_000_000;

    /// Returns jobs of these lengths in milliseconds, handed out one by one to `workers` workers.
    fn handed_out(lengths: &[u64], workers: usize) -> Vec<Span> {
        let mut free = vec![0; workers];
        let mut spans = Vec::new();
        for (job, length) in (0..).zip(lengths) {
            let worker = (0..workers).min_by_key(|worker| free[*worker]).unwrap();
            let (start_ns, end_ns) = (free[worker], free[worker] + length * MS);
            free[worker] = end_ns;
            let worker = u32::try_from(worker).unwrap();
            spans.push(Span { job, worker, thread: worker + 1, start_ns, end_ns, busy_ns: end_ns - start_ns });
        }
        spans
    }

    /// Threads that ran jobs: as many as the most workers of a test. Number 9 is none of them.
    const ATTENDED: [u32; 32] = {
        let mut numbers = [0; 32];
        let mut place = 0;
        while place < 32 {
            numbers[place] = if place < 8 { 1 } else { 33 } + place as u32;
            place += 1;
        }
        numbers
    };

    /// Returns a sample with a core for each worker, whose jobs use processor time all the time.
    fn facts<'a>(workers: usize, spans: &'a [Span], snapshot: &'a Snapshot) -> SampleFacts<'a> {
        let cpu_ns = spans.iter().map(|span| span.busy_ns).sum();
        SampleFacts {
            workers,
            cores: workers,
            spans,
            repeated: &[],
            source_waits: false,
            attended: &ATTENDED,
            snapshot,
            wall_ns: spans.iter().map(|span| span.end_ns).max().unwrap_or_default(),
            cpu_ns,
            baseline_cpu_ns: Some(cpu_ns),
        }
    }

    fn fault(facts: &SampleFacts) -> Option<Fault> {
        judge(facts).map(|(fault, _)| fault)
    }

    fn snapshot(threads: impl Into<Vec<Thread>>) -> Snapshot {
        Snapshot { threads: threads.into(), ..Snapshot::default() }
    }

    fn thread(number: u32, cpu_ms: u64, ready_ms: u64) -> Thread {
        let (cpu_ns, ready_ns) = (cpu_ms * MS, ready_ms * MS);
        Thread { number, process: std::process::id(), name: "it".to_owned(), cpu_ns, ready_ns, foreign: None }
    }

    #[test]
    fn work_that_all_workers_share_is_fair() {
        for workers in [1, 2, 3, 5, 8, 32] {
            let spans = handed_out(&[10; 200], workers);
            assert_eq!(fault(&facts(workers, &spans, &Snapshot::default())), None, "{workers} workers");
        }
    }

    #[test]
    fn half_of_the_workers_is_too_few_if_there_is_work_for_all() {
        let nothing = Snapshot::default();
        for workers in [2, 4, 8, 32] {
            let spans = handed_out(&[10; 2_000], workers / 2);
            assert_eq!(fault(&facts(workers, &spans, &nothing)), Some(Fault::TooFewJobs));
            assert_eq!(fault(&facts(1, &handed_out(&[10; 2_000], 1), &nothing)), None);
        }
        // The numbers of the book: four jobs end immediately and one does not.
        assert_eq!(fault(&facts(2, &handed_out(&[0, 0, 0, 0, 300], 1), &nothing)), None);
        assert_eq!(fault(&facts(8, &handed_out(&[300], 1), &nothing)), None);
    }

    /// A default run lasts at least 30 ms on all cores, with at least four partitions for each worker.
    #[test]
    fn the_rules_apply_to_runs_of_thirty_milliseconds() {
        let nothing = Snapshot::default();
        for workers in [2, 8, 32] {
            let spans = handed_out(&vec![7; 4 * workers], workers);
            assert_eq!(fault(&facts(workers, &spans, &nothing)), None, "{workers} workers share the work");
            let halved = handed_out(&vec![4; 4 * workers], workers / 2);
            assert_eq!(fault(&facts(workers, &halved, &nothing)), Some(Fault::TooFewJobs), "{workers} workers");
            // 10 ms of 28 ms are more than a quarter of the run.
            let busy = snapshot([thread(1, 28, 0), thread(9, 10, 0)]);
            assert_eq!(fault(&facts(workers, &spans, &busy)), Some(Fault::ExtraThreads), "{workers} workers");
            let forged =
                SampleFacts { cpu_ns: 4 * MS, baseline_cpu_ns: Some(20 * MS), ..facts(1, &spans[..1], &nothing) };
            assert_eq!(fault(&forged), Some(Fault::WorkNotDone));
        }
    }

    #[test]
    fn a_sample_with_a_repeated_partition_is_no_undisturbed_run() {
        let nothing = Snapshot::default();
        let repeated = [(7, Error::Killed("worker process 4711 died (signal: 9 (SIGKILL))".to_owned()))];
        let spans = handed_out(&[1; 9], 1);
        let (fault, reason) = judge(&SampleFacts { repeated: &repeated, ..facts(1, &spans, &nothing) }).unwrap();
        assert_eq!(fault, Fault::WorkerDied);
        assert!(["4711", "SIGKILL", "partition 7"].iter().all(|part| reason.contains(part)), "{reason}");
    }

    #[test]
    fn a_worker_may_start_late_and_a_short_run_shows_too_little() {
        let nothing = Snapshot::default();
        // Three of four workers, and the fourth would have saved less time than the kernel may take to start it.
        assert_eq!(fault(&facts(4, &handed_out(&[1; 66], 3), &nothing)), None);
        assert_eq!(fault(&facts(2, &handed_out(&[1; 19], 1), &nothing)), None);
        let busy = snapshot([thread(1, 19, 0), thread(9, 19, 0)]);
        assert_eq!(fault(&facts(1, &handed_out(&[1; 19], 1), &busy)), None);
    }

    #[test]
    fn workers_beyond_the_cores_may_rest_only_if_all_cores_are_busy() {
        for (cores, workers) in [(1, 2), (1, 32), (2, 5), (3, 8)] {
            let (spans, nothing) = (handed_out(&[1; 900], cores), Snapshot::default());
            let wall_ns = 900 * MS / cores as u64;
            let at = |cpu_ns| {
                let all = facts(workers, &spans, &nothing);
                fault(&SampleFacts { cores, attended: &[], wall_ns, cpu_ns, baseline_cpu_ns: None, ..all })
            };
            assert_eq!(at(900 * MS), None, "{workers} workers on {cores} cores");
            assert_eq!(at(9 * MS), Some(Fault::TooFewJobs), "{workers} workers on {cores} cores");
        }
    }

    #[test]
    fn workers_without_a_core_are_not_missing() {
        let on_two_cores = |workers, spans: &[Span], threads: Vec<Thread>| {
            let (cpu_ns, seen) = (threads.iter().map(|thread| thread.cpu_ns).sum(), snapshot(threads));
            let all = facts(workers, spans, &seen);
            fault(&SampleFacts { cores: 2, wall_ns: 900 * MS, cpu_ns, baseline_cpu_ns: None, ..all })
        };
        // One job at a time, on two cores that other programs use most of the time.
        let spans = handed_out(&[1; 900], 1);
        for cpu_ms in [50, 300] {
            let one = thread(1, cpu_ms, 900 - cpu_ms);
            assert_eq!(on_two_cores(2, &spans, vec![one.clone(), thread(2, 10, 700)]), None, "{cpu_ms} ms");
            let alone = on_two_cores(2, &spans, vec![one, thread(2, 0, 10)]);
            assert_eq!(alone, Some(Fault::TooFewJobs), "{cpu_ms} ms");
        }
        let eight = handed_out(&[8; 900], 8);
        let threads = |cpu_ms, ready_ms| (1..=8).map(|number| thread(number, cpu_ms, ready_ms)).collect();
        assert_eq!(on_two_cores(32, &eight, threads(20, 850)), None);
        // All workers sleep in their jobs, and no other worker takes more jobs.
        assert_eq!(on_two_cores(32, &eight, threads(1, 50)), Some(Fault::TooFewJobs));
    }

    #[test]
    fn workers_are_not_missing_if_a_server_sends_jobs_slowly() {
        let nothing = Snapshot::default();
        let slow = |length: u64| -> Vec<Span> {
            let spans = handed_out(&vec![length; 200], 1).into_iter();
            let late =
                |span: Span| Span { start_ns: 10 * MS * span.job, end_ns: (10 * span.job + length) * MS, ..span };
            spans.map(late).collect()
        };
        let from_a_server = |spans: &[Span]| fault(&SampleFacts { source_waits: true, ..facts(2, spans, &nothing) });
        assert_eq!(from_a_server(&slow(5)), None);
        assert_eq!(from_a_server(&slow(9)), Some(Fault::TooFewJobs));
        // A strategy that hands jobs over slowly has no such excuse.
        assert_eq!(fault(&facts(2, &slow(5), &nothing)), Some(Fault::TooFewJobs));
    }

    #[test]
    fn more_jobs_than_workers_are_too_many_even_in_short_runs() {
        let spans = handed_out(&[1; 9], 3);
        assert_eq!(fault(&facts(2, &spans, &Snapshot::default())), Some(Fault::TooManyJobs));
    }

    #[test]
    fn threads_without_a_job_may_wait_but_not_work() {
        let spans = handed_out(&[10; 100], 2);
        for (cpu_ms, expected) in [(20, None), (400, Some(Fault::ExtraThreads))] {
            let seen = snapshot([thread(1, 500, 0), thread(2, 500, 0), thread(9, cpu_ms, 0)]);
            assert_eq!(fault(&facts(2, &spans, &seen)), expected, "{cpu_ms} ms");
        }
        // Other programs occupied the core for half of the time.
        for (own_ms, extra_ms, expected) in [(300, 200, Some(Fault::ExtraThreads)), (400, 100, None)] {
            let seen = snapshot([thread(1, own_ms, 0), thread(9, extra_ms, 0)]);
            let (wall_ns, cpu_ns) = (1_000 * MS, 500 * MS);
            let half = SampleFacts { cores: 1, wall_ns, cpu_ns, baseline_cpu_ns: None, ..facts(2, &spans, &seen) };
            assert_eq!(fault(&half), expected, "{extra_ms} ms");
        }
        // Handing over may not take 90 ms for 100 jobs, but may for 4,000.
        let few = handed_out(&[2; 100], 1);
        let many: Vec<Span> =
            few.iter().copied().cycle().zip(0..4_000).map(|(span, job)| Span { job, ..span }).collect();
        let attended: Vec<u32> = std::iter::once(1).chain(100..4_099).collect();
        let executor = snapshot([thread(1, 100, 0), thread(9, 90, 0)]);
        for (spans, expected) in [(&few, Some(Fault::ExtraThreads)), (&many, None)] {
            let all = facts(4_000, spans, &executor);
            let (wall_ns, cpu_ns) = (210 * MS, 190 * MS);
            let async_std =
                SampleFacts { cores: 1, attended: &attended, wall_ns, cpu_ns, baseline_cpu_ns: None, ..all };
            assert_eq!(fault(&async_std), expected, "{} jobs", spans.len());
        }
    }

    #[test]
    fn a_worker_that_looked_for_jobs_and_got_none_is_no_extra_thread() {
        let spans = handed_out(&[10; 100], 2);
        let seen = snapshot([thread(1, 500, 0), thread(2, 500, 0), thread(9, 200, 0), thread(10, 200, 0)]);
        for (workers, expected) in [(4, None), (3, Some(Fault::ExtraThreads)), (2, Some(Fault::ExtraThreads))] {
            let few = SampleFacts { cores: 2, attended: &[1, 2], ..facts(workers, &spans, &seen) };
            assert_eq!(fault(&few), expected, "{workers} workers");
        }
    }

    #[test]
    fn a_thread_on_another_core_and_work_that_was_not_done_are_found() {
        let spans = handed_out(&[10; 100], 2);
        let foreign = snapshot([Thread { foreign: Some(7), ..thread(1, 500, 0) }]);
        assert_eq!(fault(&facts(2, &spans, &foreign)), Some(Fault::ForeignCores));
        let nothing = Snapshot::default();
        let idle = SampleFacts { cpu_ns: 90 * MS, ..facts(2, &spans, &nothing) };
        assert_eq!(fault(&idle), Some(Fault::WorkNotDone));
    }
}
