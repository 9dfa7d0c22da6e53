//! Whether a strategy had no more and no less than every other: what a right answer does not show.

use crate::measure::census::Snapshot;
use record::Fault;
use std::collections::BTreeSet;
use strategies::{Span, most_in_progress};

/// What a sample is judged by.
pub struct SampleFacts<'a> {
    /// How many jobs may be in progress at one moment; 1 for a strategy that is not parallel.
    pub workers: usize,
    /// How many processors there are for them.
    pub cores: usize,
    /// When each job ran.
    pub spans: &'a [Span],
    /// The threads that cut, ran, shipped or delivered a job.
    pub attended: &'a [u32],
    /// What the census saw.
    pub seen: &'a Snapshot,
    /// How long the sample took, in nanoseconds.
    pub wall_ns: u64,
    /// The processor time of the process and its workers, in nanoseconds.
    pub cpu_ns: u64,
    /// The processor time of the baseline, in nanoseconds, if the order names it.
    pub baseline_cpu_ns: Option<u64>,
}

/// Shorter samples show too little of their threads.
const LONG_ENOUGH_NS: u64 = 200_000_000;

/// Work that takes less processor time than this may be lost in the clock's grain.
const WORK_NS: u64 = 50_000_000;

/// What a library's own thread may take for each job that others run. async-std's executor takes 11 µs on an idle machine,
/// and was seen to take 31 on one that others kept busy; twice that is allowed.
const HAND_OVER_NS: u64 = 60_000;

/// What was not fair, and a sentence that says so; the gravest first.
pub fn judge(facts: &SampleFacts) -> Option<(Fault, String)> {
    [foreign_cores, too_many_jobs, too_few_jobs, extra_threads, work_not_done].iter().find_map(|rule| rule(facts))
}

fn foreign_cores(facts: &SampleFacts) -> Option<(Fault, String)> {
    let (thread, processor) = facts.seen.threads.iter().find_map(|thread| Some((thread, thread.foreign?)))?;
    let sentence = format!("its thread `{}` may use processor {processor}, which this cell does not have", thread.name);
    Some((Fault::ForeignCores, sentence))
}

fn too_many_jobs(facts: &SampleFacts) -> Option<(Fault, String)> {
    let most = most_in_progress(facts.spans);
    (most > facts.workers).then(|| {
        let sentence = format!("{most} jobs were in progress at one moment, and it was told {} workers", facts.workers);
        (Fault::TooManyJobs, sentence)
    })
}

/// Fewer workers than told, in a run that more of them would certainly have shortened.
///
/// If jobs are handed out one by one to `workers`, the run takes at most `total / workers + longest` (R. L. Graham,
/// "Bounds on Multiprocessing Timing Anomalies", 1969). With fewer it takes at least `total / used`. Only where the
/// second is clearly longer than the first was a worker missing; where it is not, there was too little to do.
///
/// Where work keeps the processors busy, more workers than processors shorten nothing, and short jobs may well be over
/// before the system lets the next worker begin: then nobody is missing as long as there is one for each processor. And
/// where others have the processors, a worker that is there gets none: so those that were ready to run are counted, too.
fn too_few_jobs(facts: &SampleFacts) -> Option<(Fault, String)> {
    let used = most_in_progress(facts.spans);
    let length = |span: &Span| span.end_ns - span.start_ns;
    let total: u64 = facts.spans.iter().map(length).sum();
    let awake: u64 = facts.seen.threads.iter().map(|thread| thread.cpu_ns + thread.ready_ns).sum();
    let awake = awake.max(facts.cpu_ns);
    let waits = facts.cpu_ns < facts.wall_ns / 4 * facts.cores as u64 && awake < total / 2;
    let useful = if waits { facts.workers } else { facts.workers.min(facts.cores) };
    let asked = useful.min(facts.spans.len());
    if used >= asked || used == 0 || facts.wall_ns < LONG_ENOUGH_NS {
        return None;
    }
    // Nearer to all of them than to those that were seen at once.
    if !waits && awake / facts.wall_ns.div_ceil(2) >= (used + asked) as u64 {
        return None;
    }
    let longest = facts.spans.iter().map(length).max().unwrap_or_default();
    let with_all = total / asked as u64 + longest;
    let with_these = total / used as u64;
    // A tenth of the run for starting up.
    (with_these > with_all + facts.wall_ns / 10).then(|| {
        let sentence = format!(
            "never more than {used} jobs were in progress, it was told {} workers, and there was work for all of them",
            facts.workers
        );
        (Fault::TooFewJobs, sentence)
    })
}

/// Threads that had nothing to do with any job, and were busy for a quarter of the run or more.
///
/// Where others have the processors for most of the time, the run is longer than what it got of them: then a quarter of
/// that is enough, down to a tenth of the run, for a run that waits gets next to nothing.
///
/// A library's own thread may have to do with handing jobs over, though it never sees one. What it takes grows with their
/// number and not with their work, so it is granted for each job, and is more than a quarter only where partitions are tiny.
fn extra_threads(facts: &SampleFacts) -> Option<(Fault, String)> {
    if facts.wall_ns < LONG_ENOUGH_NS {
        return None;
    }
    let own = std::process::id();
    let attended: BTreeSet<u32> = facts.attended.iter().copied().collect();
    // A worker process does its jobs on its main thread.
    let known = |number, process| attended.contains(&number) || (process != own && number == process);
    let extra: Vec<_> = facts.seen.threads.iter().filter(|thread| !known(thread.number, thread.process)).collect();
    let cpu: u64 = extra.iter().map(|thread| thread.cpu_ns).sum();
    let worked = facts.cpu_ns.clamp(facts.wall_ns / 5 * 2, facts.wall_ns);
    let handing_over = facts.spans.len() as u64 * HAND_OVER_NS;
    (cpu > handing_over.max(worked / 4)).then(|| {
        let busy: Vec<_> = extra.iter().filter(|thread| thread.cpu_ns > 0).collect();
        let names: BTreeSet<&str> = busy.iter().map(|thread| thread.name.as_str()).collect();
        let names: Vec<&str> = names.into_iter().take(5).collect();
        let sentence = format!(
            "{} threads that ran no job used {} ms of processor time: {}",
            busy.len(),
            cpu / 1_000_000,
            names.join(", ")
        );
        (Fault::ExtraThreads, sentence)
    })
}

fn work_not_done(facts: &SampleFacts) -> Option<(Fault, String)> {
    let needed = facts.baseline_cpu_ns.filter(|needed| *needed >= WORK_NS)?;
    (facts.cpu_ns < needed / 4).then(|| {
        let sentence = format!(
            "it used {} ms of processor time for work that takes the baseline {} ms: the answer came without the work",
            facts.cpu_ns / 1_000_000,
            needed / 1_000_000
        );
        (Fault::WorkNotDone, sentence)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::census::Thread;

    const MS: u64 = 1_000_000;

    /// Jobs of these lengths, in milliseconds, handed out one by one to so many workers.
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

    fn judged(workers: usize, spans: &[Span], seen: &Snapshot) -> Option<Fault> {
        let wall_ns = spans.iter().map(|span| span.end_ns).max().unwrap_or_default();
        let cpu_ns = spans.iter().map(|span| span.busy_ns).sum();
        let facts = SampleFacts {
            workers,
            cores: workers,
            spans,
            attended: &[1, 2, 3, 4],
            seen,
            wall_ns,
            cpu_ns,
            baseline_cpu_ns: Some(cpu_ns),
        };
        judge(&facts).map(|(fault, _)| fault)
    }

    fn thread(number: u32, cpu_ms: u64) -> Thread {
        Thread {
            number,
            process: std::process::id(),
            name: "it".to_owned(),
            cpu_ns: cpu_ms * MS,
            ready_ns: 0,
            foreign: None,
        }
    }

    #[test]
    fn work_that_is_shared_by_all_workers_is_fair() {
        for workers in [1, 2, 3, 5, 8, 32] {
            let spans = handed_out(&[10; 200], workers);
            assert_eq!(judged(workers, &spans, &Snapshot::default()), None, "{workers} workers");
        }
    }

    #[test]
    fn half_of_the_workers_is_too_few_unless_there_is_no_more_to_do() {
        for workers in [2, 4, 8, 32] {
            let spans = handed_out(&[10; 2_000], workers / 2);
            assert_eq!(judged(workers, &spans, &Snapshot::default()), Some(Fault::TooFewJobs));
            assert_eq!(judged(1, &handed_out(&[10; 2_000], 1), &Snapshot::default()), None);
        }
        // The book's numbers: four that end at once and one that does not.
        let spans = handed_out(&[0, 0, 0, 0, 300], 1);
        assert_eq!(judged(2, &spans, &Snapshot::default()), None);
        assert_eq!(judged(8, &handed_out(&[300], 1), &Snapshot::default()), None);
    }

    #[test]
    fn more_workers_than_cores_may_rest_while_all_cores_are_busy_but_not_while_all_only_wait() {
        for (cores, workers) in [(1, 2), (1, 32), (2, 5), (3, 8)] {
            let spans = handed_out(&[1; 900], cores);
            let (wall_ns, seen) = (900 * MS / cores as u64, Snapshot::default());
            let facts = |cpu_ns| SampleFacts {
                workers,
                cores,
                spans: &spans,
                attended: &[],
                seen: &seen,
                wall_ns,
                cpu_ns,
                baseline_cpu_ns: None,
            };
            let fault = |cpu_ns| judge(&facts(cpu_ns)).map(|(fault, _)| fault);
            assert_eq!(fault(900 * MS), None, "{workers} workers on {cores} cores");
            assert_eq!(fault(9 * MS), Some(Fault::TooFewJobs), "{workers} workers on {cores} cores");
        }
    }

    #[test]
    fn workers_that_others_keep_from_running_are_not_missing() {
        // One job at a time, on two processors of which others have the most.
        let spans = handed_out(&[1; 900], 1);
        let ready = |number, cpu_ms, ready_ms| Thread { ready_ns: ready_ms * MS, ..thread(number, cpu_ms) };
        let fault = |workers, spans: &[Span], threads: Vec<Thread>| {
            let cpu_ns = threads.iter().map(|thread| thread.cpu_ns).sum();
            let seen = &Snapshot { threads, ..Snapshot::default() };
            let (attended, wall_ns) = (&[1, 2, 3, 4, 5, 6, 7, 8][..], 900 * MS);
            let facts =
                SampleFacts { workers, cores: 2, spans, attended, seen, wall_ns, cpu_ns, baseline_cpu_ns: None };
            judge(&facts).map(|(fault, _)| fault)
        };
        for cpu_ms in [50, 300] {
            let (one, other) = (ready(1, cpu_ms, 900 - cpu_ms), ready(2, 10, 700));
            assert_eq!(fault(2, &spans, vec![one.clone(), other]), None, "{cpu_ms} ms");
            assert_eq!(fault(2, &spans, vec![one, ready(2, 0, 10)]), Some(Fault::TooFewJobs), "{cpu_ms} ms");
        }
        let eight = handed_out(&[8; 900], 8);
        let threads = || (1..=8).map(|number| ready(number, 20, 850)).collect();
        assert_eq!(fault(32, &eight, threads()), None);
        // Asleep in their jobs, and nobody there to take more.
        let asleep = || (1..=8).map(|number| ready(number, 1, 50)).collect();
        assert_eq!(fault(32, &eight, asleep()), Some(Fault::TooFewJobs));
    }

    #[test]
    fn more_jobs_than_workers_are_too_many_however_short_the_run() {
        assert_eq!(judged(2, &handed_out(&[1; 9], 3), &Snapshot::default()), Some(Fault::TooManyJobs));
    }

    #[test]
    fn threads_without_a_job_may_wait_but_not_work() {
        let spans = handed_out(&[10; 100], 2);
        let idle = Snapshot { threads: vec![thread(1, 500), thread(2, 500), thread(9, 20)], ..Snapshot::default() };
        assert_eq!(judged(2, &spans, &idle), None);
        let busy = Snapshot { threads: vec![thread(1, 500), thread(2, 500), thread(9, 400)], ..Snapshot::default() };
        assert_eq!(judged(2, &spans, &busy), Some(Fault::ExtraThreads));
        // 90 ms are too much for 100 jobs, and what handing over takes for 4,000.
        let few = handed_out(&[2; 100], 1);
        let many: Vec<Span> =
            few.iter().copied().cycle().zip(0..4_000).map(|(span, job)| Span { job, ..span }).collect();
        let executor = Snapshot { threads: vec![thread(1, 100), thread(9, 90)], ..Snapshot::default() };
        let fault = |spans: &[Span]| {
            let facts = SampleFacts {
                workers: 4_000,
                cores: 1,
                spans,
                attended: &[1],
                seen: &executor,
                wall_ns: 210 * MS,
                cpu_ns: 190 * MS,
                baseline_cpu_ns: None,
            };
            judge(&facts).map(|(fault, _)| fault)
        };
        assert_eq!((fault(&few), fault(&many)), (Some(Fault::ExtraThreads), None));
        // Others had the processors for half of the time.
        let facts = |seen| SampleFacts {
            workers: 2,
            cores: 1,
            spans: &spans,
            attended: &[1, 2, 3, 4],
            seen,
            wall_ns: 1_000 * MS,
            cpu_ns: 500 * MS,
            baseline_cpu_ns: None,
        };
        let some = Snapshot { threads: vec![thread(1, 300), thread(9, 200)], ..Snapshot::default() };
        assert_eq!(judge(&facts(&some)).map(|(fault, _)| fault), Some(Fault::ExtraThreads));
        let few = Snapshot { threads: vec![thread(1, 400), thread(9, 100)], ..Snapshot::default() };
        assert_eq!(judge(&facts(&few)), None);
    }

    #[test]
    fn a_thread_on_another_core_and_work_that_was_not_done_are_found() {
        let spans = handed_out(&[10; 100], 2);
        let foreign = Thread { foreign: Some(7), ..thread(1, 500) };
        let seen = Snapshot { threads: vec![foreign], ..Snapshot::default() };
        assert_eq!(judged(2, &spans, &seen), Some(Fault::ForeignCores));
        let facts = SampleFacts {
            workers: 2,
            cores: 2,
            spans: &spans,
            attended: &[],
            seen: &Snapshot::default(),
            wall_ns: 500 * MS,
            cpu_ns: 90 * MS,
            baseline_cpu_ns: Some(1_000 * MS),
        };
        assert_eq!(judge(&facts).map(|(fault, _)| fault), Some(Fault::WorkNotDone));
    }
}
