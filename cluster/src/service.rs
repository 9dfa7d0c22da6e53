//! A process of an engine, with the processes that it starts: started, watched, and stopped without a trace.

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use std::fs::File;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use system::process::{Stat, children, peak_memory};
use system::sysfs::SystemFiles;

/// How often a log is read while a service starts.
const LOOK: Duration = Duration::from_millis(20);

/// How long killed processes may take to disappear.
const GONE: Duration = Duration::from_secs(5);

/// A running process in a process group of its own.
pub struct Service {
    name: String,
    works: bool,
    child: Child,
    log: PathBuf,
}

impl Service {
    /// Starts a program. It and what it starts form a process group; the kernel kills the program when this thread ends.
    /// `works` says whether it reads input and adds up.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(name: &str, works: bool, program: &Command, folder: &Path) -> Result<Self> {
        let log = folder.join(name.replace(' ', "-")).with_extension("log");
        let file = || File::create(&log).with_context(|| format!("cannot write {}", log.display()));
        // From util-linux. Only a process itself can ask to die with its parent, and ours are not in Rust.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(program.get_program()).args(program.get_args());
        for (variable, value) in program.get_envs() {
            value.map(|value| command.env(variable, value));
        }
        let both = file()?;
        command.stdin(Stdio::null()).stdout(both.try_clone()?).stderr(both).current_dir(folder).process_group(0);
        let child = command.spawn().context("cannot start `setpriv`; install util-linux")?;
        Ok(Service { name: name.to_owned(), works, child, log })
    }

    /// Waits until a line of the log has what `find` looks for.
    ///
    /// # Errors
    /// When the program ends first, or says nothing of the kind before `until`.
    pub async fn await_line(&mut self, until: Instant, find: impl Fn(&str) -> Option<String>) -> Result<String> {
        loop {
            // A program may write the line and end at once, so the log is read after that.
            let ended = self.ended();
            if let Some(found) = self.text().lines().find_map(&find) {
                return Ok(found);
            }
            if let Some(ended) = ended {
                bail!("{ended}: {}", self.last_line());
            }
            if Instant::now() > until {
                bail!("{} has not started in time; its last line: {}", self.name, self.last_line());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// How the program has ended, in words, if it has.
    pub fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok()??;
        Some(match status.signal() {
            Some(signal) => format!("{} was killed by signal {signal}", self.name),
            None => format!("{} ended with {}", self.name, status.code().unwrap_or_default()),
        })
    }

    /// Whether the program reads input and adds up.
    pub fn works(&self) -> bool {
        self.works
    }

    /// The process number of the program.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The program and all its descendants.
    pub fn processes(&self) -> Vec<u32> {
        let mut found = vec![self.id()];
        let mut next = 0;
        while let Some(process) = found.get(next).copied() {
            next += 1;
            found.extend(children(process));
        }
        found
    }

    /// The processor time of all these processes, exact to a clock tick each.
    pub fn processor_time(&self) -> Duration {
        let files = SystemFiles::here();
        let of = |process: &u32| Stat::read(&files, &process.to_string());
        let stats = self.processes().iter().filter_map(of).collect::<Vec<_>>();
        let ticks: u64 = stats.iter().map(|it| it.user_ticks + it.system_ticks + it.children_ticks).sum();
        Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second().max(1))
    }

    /// The highest peak memory of any of these processes, in bytes.
    pub fn peak_memory(&self) -> u64 {
        self.processes().into_iter().filter_map(peak_memory).max().unwrap_or(0)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// The last line of the log that tells of an error, or the last line.
    fn last_line(&self) -> String {
        let text = self.text();
        let tells = |line: &&str| ["ERROR", "Error", "Exception"].iter().any(|word| line.contains(word));
        let lines = || text.lines().filter(|line| !line.trim().is_empty());
        let last = lines().rfind(tells).or_else(|| lines().next_back());
        last.unwrap_or("it wrote nothing").trim().chars().take(300).collect()
    }

    fn group(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.child.id()).ok()?)
    }
}

impl Drop for Service {
    /// Kills the whole group and waits until it is gone. What a worker has started outlives the worker.
    fn drop(&mut self) {
        let Some(group) = self.group() else { return };
        let until = Instant::now() + GONE;
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.child.wait();
        while test_kill_process_group(group).is_ok() && Instant::now() < until {
            // A process may have been starting another one.
            let _ = kill_process_group(group, Signal::KILL);
            sleep(Duration::from_millis(2));
        }
    }
}
