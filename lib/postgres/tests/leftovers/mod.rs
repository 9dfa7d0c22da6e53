//! Finds what a server has left behind.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// The living processes that work in `folder` or name it on their command line: servers, `initdb` and watchdogs.
pub(crate) fn processes_in(folder: &Path) -> Vec<String> {
    let own = std::process::id().to_string();
    let processes = fs::read_dir("/proc").unwrap().flatten().filter(|process| process.file_name() != own.as_str());
    let lines = processes.filter_map(|process| {
        let line = String::from_utf8_lossy(&fs::read(process.path().join("cmdline")).ok()?).replace('\0', " ");
        let works_there = fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
        (works_there || line.contains(folder.to_str()?)).then_some(line)
    });
    // A watchdog's command line holds its whole script.
    lines.map(|line| line.lines().last().unwrap_or_default().to_string()).collect()
}

/// Waits up to five seconds until `look` finds nothing, and returns what it finds after that.
#[allow(dead_code, reason = "one of the two test programs that share this file does not wait")]
pub(crate) fn left_after_five_seconds(look: impl Fn() -> Vec<String>) -> Vec<String> {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let left = look();
        if left.is_empty() || Instant::now() > deadline {
            return left;
        }
        thread::sleep(Duration::from_millis(20));
    }
}
