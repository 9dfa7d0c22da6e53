//! Ctrl-C and SIGTERM: a wish to stop, noticed between two moments of work.

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the user wants to stop.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    asked: Arc<AtomicBool>,
    at_once: Arc<AtomicBool>,
}

impl Interrupt {
    /// Takes the signals over from now on. The second of them ends the program at once.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub fn listen() -> Result<Self> {
        let interrupt = Interrupt::default();
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // In this order: the first signal finds the flag down and only raises it.
            signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&interrupt.at_once))
                .and_then(|_| {
                    signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&interrupt.asked))
                })
                .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&interrupt.asked)))
                .context("cannot listen to signals")?;
        }
        Ok(interrupt)
    }

    /// Whether a signal has come.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Does `work` that cannot be stopped halfway and leaves nothing behind if the program ends: meanwhile the first
    /// signal already ends it at once.
    pub fn at_once<T>(&self, work: impl FnOnce() -> T) -> T {
        self.at_once.store(true, Ordering::Relaxed);
        let done = work();
        self.at_once.store(false, Ordering::Relaxed);
        done
    }
}
