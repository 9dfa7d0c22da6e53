//! Finds what a server has left behind.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

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

/// PostgreSQL's shared memory that was made since then and that no process uses: files in `/dev/shm` and System V segments.
#[allow(dead_code, reason = "one of the two test programs that share this file does not look at shared memory")]
pub(crate) fn abandoned_memory(since: SystemTime) -> Vec<String> {
    let used: String = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .map(|process| process.path().join("maps"))
        .fold(String::new(), |used, maps| used + &fs::read_to_string(maps).unwrap_or_default());
    let files = fs::read_dir("/dev/shm").into_iter().flatten().flatten().filter(|file| {
        let recent = file.metadata().and_then(|metadata| metadata.modified()).is_ok_and(|made| made >= since);
        recent && file.file_name().to_string_lossy().starts_with("PostgreSQL.")
    });
    let files = files.map(|file| file.path().display().to_string()).filter(|path| !used.contains(path.as_str()));
    let seconds = since.duration_since(UNIX_EPOCH).unwrap().as_secs();
    let table = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    let segments = table.lines().skip(1).filter(|line| {
        let columns: Vec<u64> = line.split_whitespace().map(|column| column.parse().unwrap_or_default()).collect();
        // Attached processes, and the time of the last change. PostgreSQL's segments have 56 bytes or some more.
        columns[6] == 0 && columns[13] >= seconds && columns[3] < 1000
    });
    files.chain(segments.map(String::from)).collect()
}
