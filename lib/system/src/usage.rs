//! The resource usage of a process: processor time, memory, page faults and context switches.
#![allow(unsafe_code)] // `getrusage` and `wait4` fill a C structure; rustix has neither.

use crate::process::{Scheduled, Stat, threads};
use crate::sysfs::SystemFiles;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::time::Duration;

/// The resource usage of one process, or the sum over several, since their start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Processor time in user mode.
    pub user: Duration,
    /// Processor time in the kernel.
    pub system: Duration,
    /// Context switches because a thread waited.
    pub voluntary_switches: u64,
    /// Context switches because a thread's time slice ended.
    pub involuntary_switches: u64,
    /// Page faults that needed no disk.
    pub minor_faults: u64,
    /// Page faults that read from a disk.
    pub major_faults: u64,
}

impl Usage {
    /// The usage of this process, all threads together.
    pub fn of_this_process() -> Self {
        let mut usage = MaybeUninit::zeroed();
        // SAFETY: the kernel fills the structure. If the call fails, the structure stays all zeros, which is valid.
        let usage = unsafe {
            libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
            usage.assume_init()
        };
        Self::from(&usage)
    }

    /// The usage of another process; `None` if it has ended. Correct only if its first thread does all the work.
    ///
    /// The scheduler reports total processor time in nanoseconds. We split it into user and system in proportion to
    /// clock ticks.
    pub fn of_process(process: u32) -> Option<Self> {
        let files = SystemFiles::here();
        let stat = Stat::read(&files, &process.to_string())?;
        let running_ns = Scheduled::of_first_thread(process)?.running_ns;
        let ticks = (stat.user_ticks + stat.system_ticks).max(1);
        let system_ns = (u128::from(running_ns) * u128::from(stat.system_ticks) / u128::from(ticks)) as u64;
        let switches = |kind: &str| {
            let status = |thread| format!("/proc/{process}/task/{thread}/status");
            threads(process).filter_map(|thread| files.count(status(thread), kind)).sum()
        };
        Some(Usage {
            user: Duration::from_nanos(running_ns - system_ns),
            system: Duration::from_nanos(system_ns),
            voluntary_switches: switches("voluntary_ctxt_switches"),
            involuntary_switches: switches("nonvoluntary_ctxt_switches"),
            minor_faults: stat.minor_faults,
            major_faults: stat.major_faults,
        })
    }

    /// The sum of user and system time.
    pub fn processor_time(&self) -> Duration {
        self.user + self.system
    }

    /// The sum of `self` and `other`.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Usage {
            user: self.user + other.user,
            system: self.system + other.system,
            voluntary_switches: self.voluntary_switches + other.voluntary_switches,
            involuntary_switches: self.involuntary_switches + other.involuntary_switches,
            minor_faults: self.minor_faults + other.minor_faults,
            major_faults: self.major_faults + other.major_faults,
        }
    }

    /// The usage after `before`. A process that ended since `before` is no longer counted. Differences below zero are
    /// therefore reported as zero.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Usage {
            user: self.user.saturating_sub(before.user),
            system: self.system.saturating_sub(before.system),
            voluntary_switches: self.voluntary_switches.saturating_sub(before.voluntary_switches),
            involuntary_switches: self.involuntary_switches.saturating_sub(before.involuntary_switches),
            minor_faults: self.minor_faults.saturating_sub(before.minor_faults),
            major_faults: self.major_faults.saturating_sub(before.major_faults),
        }
    }
}

impl From<&libc::rusage> for Usage {
    fn from(usage: &libc::rusage) -> Self {
        let time = |time: libc::timeval| {
            Duration::from_secs(time.tv_sec.unsigned_abs()) + Duration::from_micros(time.tv_usec.unsigned_abs())
        };
        Usage {
            user: time(usage.ru_utime),
            system: time(usage.ru_stime),
            voluntary_switches: usage.ru_nvcsw.unsigned_abs(),
            involuntary_switches: usage.ru_nivcsw.unsigned_abs(),
            minor_faults: usage.ru_minflt.unsigned_abs(),
            major_faults: usage.ru_majflt.unsigned_abs(),
        }
    }
}

/// The end of a child process: its exit status, and the usage of it and of the processes that it waited for.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// The usage of the child and of the processes that it waited for.
    pub usage: Usage,
    /// The highest peak memory of any of these processes, in bytes, including pages of mapped files.
    pub peak_memory_bytes: u64,
}

/// Closes a child's input and waits until the child has ended.
///
/// # Errors
/// If another call has already waited for the child.
pub fn wait(mut child: Child) -> io::Result<Ended> {
    drop(child.stdin.take());
    let process = libc::pid_t::try_from(child.id()).map_err(io::Error::other)?;
    let (mut status, mut usage) = (0, MaybeUninit::<libc::rusage>::zeroed());
    // SAFETY: the kernel fills `status` and `usage`; both live until the call returns.
    while unsafe { libc::wait4(process, &mut status, 0, usage.as_mut_ptr()) } < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    // SAFETY: the kernel has filled the structure; even all zeros would be valid.
    let usage = unsafe { usage.assume_init() };
    Ok(Ended {
        status: ExitStatus::from_raw(status),
        usage: Usage::from(&usage),
        peak_memory_bytes: usage.ru_maxrss.unsigned_abs() * 1024,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn wait_returns_the_exit_status_and_the_usage_of_a_child() {
        // The shell exits when `wait` closes its input.
        let child = Command::new("sh").args(["-c", "read line; exit 3"]).stdin(Stdio::piped()).spawn().unwrap();
        let ended = wait(child).unwrap();
        assert_eq!(ended.status.code(), Some(3));
        assert!(ended.peak_memory_bytes > 100_000 && ended.usage.minor_faults > 0);
    }

    #[test]
    fn usage_of_another_process_agrees_with_wait4() {
        let before = Usage::of_this_process();
        let mut pages = vec![1u8; 8 << 20];
        while Usage::of_this_process().since(before).processor_time() < Duration::from_millis(100) {
            std::hint::black_box(&mut pages).iter_mut().for_each(|byte| *byte = byte.wrapping_add(1));
        }
        let used = Usage::of_this_process().since(before);
        assert!(used.minor_faults > 0 && used.plus(before).processor_time() >= used.processor_time());
        assert_eq!(before.since(Usage::of_this_process()).minor_faults, 0);

        let mut child = Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(100));
        let outside = Usage::of_process(child.id()).unwrap();
        assert!(outside.processor_time() > Duration::ZERO && outside.minor_faults > 0);
        child.kill().unwrap();
        let inside = wait(child).unwrap().usage;
        assert!(outside.processor_time() <= inside.processor_time() + Duration::from_millis(1));
        assert!(outside.minor_faults <= inside.minor_faults);
    }
}
