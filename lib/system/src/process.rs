//! Processes and threads, as `/proc` shows them. Functions return `None` if the process or thread has ended.

use crate::sysfs::SystemFiles;
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity};
use std::collections::BTreeSet;
use std::fs::{File, read_dir, read_to_string};
use std::os::unix::fs::{FileExt, MetadataExt};

/// The fields of `/proc/<pid>/stat` that this project uses; see proc(5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// The process's number.
    pub process: u32,
    /// The first 15 bytes of its program's file name, unless the process has set another name.
    pub name: String,
    /// `R` for running or ready to run, `S` for sleeping, `Z` for ended but not waited for.
    pub state: char,
    /// The parent's number.
    pub parent: u32,
    /// Page faults that needed no disk.
    pub minor_faults: u64,
    /// Page faults that read from a disk.
    pub major_faults: u64,
    /// Processor time in user mode, in ticks.
    pub user_ticks: u64,
    /// Processor time in the kernel, in ticks.
    pub system_ticks: u64,
    /// Processor time of children that have ended and been waited for, in ticks.
    pub children_ticks: u64,
    /// The nice value: above 0 the process gives way to others.
    pub nice: i32,
    /// When the process started, in ticks since the machine started.
    pub started_ticks: u64,
}

impl Stat {
    /// Reads `/proc/<process>/stat`. `process` is a number or `self`.
    pub fn read(files: &SystemFiles, process: &str) -> Option<Self> {
        Self::parse(&files.text(format!("/proc/{process}/stat"))?)
    }

    fn parse(stat: &str) -> Option<Self> {
        // The program's name is in parentheses and may contain any character, even parentheses.
        let (number, rest) = stat.split_once(" (")?;
        let (name, fields) = rest.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        // proc(5) counts fields from 1; `fields` starts with field 3, after the name.
        let number_at = |field: usize| fields.get(field - 3)?.parse::<i64>().ok();
        let count_at = |field: usize| u64::try_from(number_at(field)?).ok();
        Some(Stat {
            process: number.parse().ok()?,
            name: name.to_owned(),
            state: fields.first()?.chars().next()?,
            parent: u32::try_from(number_at(4)?).ok()?,
            minor_faults: count_at(10)?,
            major_faults: count_at(12)?,
            user_ticks: count_at(14)?,
            system_ticks: count_at(15)?,
            children_ticks: count_at(16)? + count_at(17)?,
            nice: i32::try_from(number_at(19)?).ok()?,
            started_ticks: count_at(22)?,
        })
    }
}

/// The running and waiting time of a thread since its start: the first two numbers of its `schedstat`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scheduled {
    /// Time on a processor.
    pub running_ns: u64,
    /// Time ready to run, waiting for a processor.
    pub ready_ns: u64,
}

impl Scheduled {
    /// Reads the calling thread's times. They may be one clock tick old.
    pub fn this_thread() -> Option<Self> {
        Self::parse(&read_to_string("/proc/thread-self/schedstat").ok()?)
    }

    /// Reads a thread's times.
    pub fn of_thread(process: u32, thread: u32) -> Option<Self> {
        Self::parse(&read_to_string(format!("/proc/{process}/task/{thread}/schedstat")).ok()?)
    }

    /// Reads the times of a process's first thread.
    pub fn of_first_thread(process: u32) -> Option<Self> {
        Self::of_thread(process, process)
    }

    fn parse(schedstat: &str) -> Option<Self> {
        let mut numbers = schedstat.split(' ').map(str::parse);
        Some(Scheduled { running_ns: numbers.next()?.ok()?, ready_ns: numbers.next()?.ok()? })
    }
}

/// Whether this process ignores the signal with this number, as programs do that `nohup` or a shell's `&` starts.
pub fn ignores(signal: i32) -> bool {
    let mask = SystemFiles::here().value("/proc/self/status", "SigIgn");
    let mask = mask.and_then(|mask| u64::from_str_radix(&mask, 16).ok());
    // Signals are counted from 1.
    mask.zip(u32::try_from(signal - 1).ok()).is_some_and(|(mask, bit)| mask.checked_shr(bit).unwrap_or(0) & 1 == 1)
}

/// A process's name: the first 15 bytes of its program's file name, unless the process has set another name.
pub fn name(process: u32) -> Option<String> {
    thread_name(process, process)
}

/// The process that holds a lock on a file ([`File::lock`]). `None` if there is no lock, or the kernel does not name the
/// process, as for one outside this container.
pub fn lock_holder(file: &File) -> Option<u32> {
    let inode = file.metadata().ok()?.ino();
    // `1: FLOCK  ADVISORY  WRITE 4711 08:01:131077 0 EOF`. A waiting process has `->` after the number of the line.
    let holder = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        (fields.next()? == "FLOCK").then_some(())?;
        let number = fields.nth(2)?.parse().ok().filter(|number| *number > 0);
        (fields.next()?.rsplit(':').next()?.parse() == Ok(inode)).then_some(number?)
    };
    read_to_string("/proc/locks").ok()?.lines().find_map(holder)
}

/// A thread's name, at most 15 bytes.
pub fn thread_name(process: u32, thread: u32) -> Option<String> {
    Some(read_to_string(format!("/proc/{process}/task/{thread}/comm")).ok()?.trim_end().to_owned())
}

/// The current threads of a process.
pub fn threads(process: u32) -> impl Iterator<Item = u32> {
    let entries = read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The process that started `process`.
pub fn parent(process: u32) -> Option<u32> {
    Some(Stat::read(&SystemFiles::here(), &process.to_string())?.parent)
}

/// The child processes of all threads of `process`.
pub fn children(process: u32) -> Vec<u32> {
    let lists =
        threads(process).filter_map(|thread| read_to_string(format!("/proc/{process}/task/{thread}/children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|child| child.parse().ok()).collect::<Vec<_>>()).collect()
}

/// This process and all its descendants.
pub fn family() -> Vec<u32> {
    let mut found = vec![std::process::id()];
    let mut next = 0;
    while let Some(process) = found.get(next).copied() {
        next += 1;
        found.extend(children(process));
    }
    found
}

/// The field `name` of `/proc/<pid>/status`, in bytes. `VmRSS` is resident memory, `RssAnon` its part without a file,
/// and `VmHWM` the peak.
pub fn memory(process: u32, name: &str) -> Option<u64> {
    SystemFiles::here().bytes(format!("/proc/{process}/status"), name)
}

/// A process's peak memory since [`reset_peak_memory`], in bytes.
pub fn peak_memory(process: u32) -> Option<u64> {
    memory(process, "VmHWM")
}

/// Resets a process's peak memory.
///
/// If the kernel refuses, [`peak_memory`] returns the peak of the process's whole life, which may be too high.
pub fn reset_peak_memory(process: u32) {
    // 5 resets the peak; see proc(5), /proc/pid/clear_refs.
    let _ = std::fs::write(format!("/proc/{process}/clear_refs"), "5");
}

/// A thread with its `/proc` files kept open. Reading an open file costs a tenth of opening one.
#[derive(Debug)]
pub struct OpenThread {
    number: u32,
    stat: File,
    schedstat: File,
    sched: Option<File>,
}

/// A thread's current state, and its counters since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThreadState {
    /// Whether it runs or is ready to run.
    pub runnable: bool,
    /// Its running and waiting time.
    pub scheduled: Scheduled,
    /// How often it moved to another processor, if the kernel counts that.
    pub migrations: Option<u64>,
}

impl OpenThread {
    /// Opens the `/proc` files of a thread.
    pub fn open(process: u32, thread: u32) -> Option<Self> {
        let file = |name: &str| File::open(format!("/proc/{process}/task/{thread}/{name}")).ok();
        Some(OpenThread { number: thread, stat: file("stat")?, schedstat: file("schedstat")?, sched: file("sched") })
    }

    /// Reads the thread's current state. `None` once the thread has ended.
    pub fn read(&self) -> Option<ThreadState> {
        let mut text = [0; 4096];
        // Parses only the state, because the census calls this every few milliseconds for each thread.
        let runnable = read(&self.stat, &mut text)?.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('R'));
        let scheduled = Scheduled::parse(read(&self.schedstat, &mut text)?)?;
        let migrations = self.sched.as_ref().and_then(|sched| {
            let line = read(sched, &mut text)?.lines().find(|line| line.starts_with("se.nr_migrations"))?;
            line.rsplit(' ').next()?.parse().ok()
        });
        Some(ThreadState { runnable, scheduled, migrations })
    }

    /// A processor outside `allowed` that the thread may use.
    pub fn foreign_processor(&self, allowed: &BTreeSet<usize>) -> Option<usize> {
        let thread = Pid::from_raw(i32::try_from(self.number).ok()?)?;
        let mask = sched_getaffinity(Some(thread)).ok()?;
        (0..CpuSet::MAX_CPU).find(|processor| mask.is_set(*processor) && !allowed.contains(processor))
    }
}

fn read<'a>(file: &File, text: &'a mut [u8]) -> Option<&'a str> {
    let length = file.read_at(text, 0).ok().filter(|length| *length > 0)?;
    std::str::from_utf8(&text[..length]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn stat_is_parsed_even_if_the_program_name_contains_parentheses() {
        let stat = "70 (a) b) R 1 7 7 0 -1 0 101 102 103 104 11 12 13 14 39 -5 1 0 99";
        let wanted = Stat {
            process: 70,
            name: "a) b".to_owned(),
            state: 'R',
            parent: 1,
            minor_faults: 101,
            major_faults: 103,
            user_ticks: 11,
            system_ticks: 12,
            children_ticks: 27,
            nice: -5,
            started_ticks: 99,
        };
        assert_eq!(Stat::parse(stat), Some(wanted));
        assert_eq!(Stat::parse("70 (cut off) R 1 7"), None);
        assert_eq!(Stat::parse(""), None);
    }

    #[test]
    fn this_process_is_found_with_its_threads_and_children() {
        let own = std::process::id();
        let thread = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
        assert!(threads(own).any(|number| number == thread));
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        assert!(children(own).contains(&child.id()) && family().contains(&child.id()));
        assert_eq!(parent(child.id()), Some(own));
        let open = OpenThread::open(child.id(), child.id()).unwrap();
        assert!(open.read().is_some());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!((open.read(), name(child.id()), parent(child.id())), (None, None, None));
    }

    #[test]
    fn ignored_signals_are_those_of_the_status_file() {
        // Rust's runtime ignores SIGPIPE (13). Nothing can ignore SIGKILL (9).
        assert!(ignores(13) && !ignores(9));
        assert!(!ignores(0) && !ignores(-1) && !ignores(1000));
    }

    #[test]
    fn an_open_thread_reports_running_time_and_allowed_processors() {
        let (own, thread) = (std::process::id(), rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs());
        let open = OpenThread::open(own, thread).unwrap();
        let before = open.read().unwrap();
        assert!(before.runnable);
        while Scheduled::this_thread().unwrap().running_ns < before.scheduled.running_ns + 20_000_000 {}
        assert!(open.read().unwrap().scheduled.running_ns > before.scheduled.running_ns);
        let first = open.foreign_processor(&BTreeSet::new()).unwrap();
        assert_ne!(open.foreign_processor(&BTreeSet::from([first])), Some(first));
    }

    #[test]
    fn reset_peak_memory_lowers_the_peak() {
        let own = std::process::id();
        let mut large = vec![1u8; 64 << 20];
        std::hint::black_box(&mut large);
        // The resident set is read first, because other threads of the tests allocate between two reads. The kernel sums its
        // counters per core only now and then, so two reads may differ by a few pages.
        let resident = memory(own, "VmRSS").unwrap();
        let peak = peak_memory(own).unwrap();
        assert!(peak >= 64 << 20 && peak + (1 << 20) >= resident, "a peak of {peak} bytes, {resident} resident");
        drop(large);
        reset_peak_memory(own);
        assert!(peak_memory(own).unwrap() < peak);
    }
}
