//! Ctrl-C, SIGTERM and SIGHUP: a request to stop, which the harness checks between two pieces of work.

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use system::process::ignores;

/// The user's request to stop.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    asked: Arc<AtomicBool>,
    at_once: Arc<AtomicBool>,
}

impl Interrupt {
    /// Handles the signals from now on. The second signal ends the program at once. A signal that is ignored stays
    /// ignored, because `nohup` and a shell's background jobs ask for that.
    ///
    /// # Errors
    /// When the kernel does not let this process handle signals.
    pub fn listen() -> Result<Self> {
        let interrupt = Interrupt::default();
        for signal in [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !ignores(*signal)) {
            // The order matters: the first signal finds `asked` false and only sets it.
            signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&interrupt.at_once))
                .and_then(|_| {
                    signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&interrupt.asked))
                })
                .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&interrupt.asked)))
                .context("cannot handle signals")?;
        }
        // At a limit of the file size (`ulimit -f`), writing then fails with a reason instead of ending the program.
        signal_hook::flag::register(SIGXFSZ, Arc::default()).context("cannot handle signals")?;
        Ok(interrupt)
    }

    /// Returns whether a signal has arrived.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Returns what becomes true with the first signal, for waits in libraries.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.asked)
    }

    /// Waits for this time, or until a signal arrives.
    pub fn sleep(&self, time: Duration) {
        let until = Instant::now() + time;
        while !self.is_asked() && Instant::now() < until {
            std::thread::sleep(until.saturating_duration_since(Instant::now()).min(Duration::from_millis(50)));
        }
    }

    /// Does `work`. While it runs, even the first signal ends the program at once. Use this for work that cannot stop
    /// halfway and leaves nothing behind if the program ends.
    pub fn at_once<T>(&self, work: impl FnOnce() -> T) -> T {
        self.at_once.store(true, Ordering::Relaxed);
        let done = work();
        self.at_once.store(false, Ordering::Relaxed);
        done
    }
}
