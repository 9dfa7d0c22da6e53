//! An engine: started if it is ours, asked, repaired once, stopped.

mod sail;
mod spark;

use crate::service::Service;
use crate::session::{Session, Totals};
use crate::setup::{Kind, Running, Setup};
use anyhow::{Context, Error, Result, anyhow, bail, ensure};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout_at};

/// How often a query's processes are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// An engine with an open session.
pub struct Engine {
    setup: Setup,
    /// Absent for an engine at a given address.
    running: Option<Running>,
    session: Session,
    /// From the start of the first process until the session was open.
    pub started_in: Duration,
}

/// The answer to a query.
pub struct Answer {
    /// Words with their totals.
    pub totals: Totals,
    /// From sending the plan until the last row was read, in the try that succeeded.
    pub elapsed: Duration,
    /// Why the first try failed, if it did.
    pub repeated: Option<String>,
}

impl Engine {
    /// Starts an engine, if it is ours, and opens a session.
    ///
    /// # Errors
    /// When a process cannot be started or ends, or no session is open before the deadline.
    pub async fn start(setup: Setup) -> Result<Self> {
        let began = Instant::now();
        let until = began + setup.deadline;
        let running = match &setup.kind {
            Kind::Sail => Some(sail::start(&setup, until).await?),
            Kind::Spark => Some(spark::start(&setup, until).await?),
            Kind::At(_) => None,
        };
        let address = match (&running, &setup.kind) {
            (Some(running), _) => &running.address,
            (None, Kind::At(address)) => address,
            (None, _) => unreachable!("our engines run"),
        };
        let session = timeout_at(until.into(), Session::open(address)).await;
        let session = session.with_context(|| format!("{address} opens no session within {:?}", setup.deadline))??;
        Ok(Engine { setup, running, session, started_in: began.elapsed() })
    }

    /// The same engine, with another deadline for each query.
    #[must_use]
    pub fn within(mut self, deadline: Duration) -> Self {
        self.setup.deadline = deadline;
        self
    }

    /// The address of the engine, as other clients of Spark Connect take it.
    pub fn address(&self) -> &str {
        match (&self.running, &self.setup.kind) {
            (Some(running), _) => &running.address,
            (None, Kind::At(address)) => address,
            (None, _) => unreachable!("our engines run"),
        }
    }

    /// The engine's version: what the server reports, otherwise what its installation says.
    ///
    /// # Errors
    /// When neither is known.
    pub async fn version(&mut self) -> Result<String> {
        match self.setup.kind {
            Kind::Sail => sail::version(&self.setup),
            _ => self.session.version().await,
        }
    }

    /// The processes of an engine of ours.
    pub fn services(&self) -> &[Service] {
        self.running.as_ref().map_or(&[], |running| &running.services)
    }

    /// The totals of every word of the file at `path`. If the engine is lost, it is started again, or the session opened
    /// again, and the query repeated once. All this ends before the deadline.
    ///
    /// # Errors
    /// When the repetition fails too, or the time is up.
    pub async fn word_totals(&mut self, path: &Path) -> Result<Answer> {
        let until = Instant::now() + self.setup.deadline;
        let first = match self.attempt(path, until).await {
            Ok((totals, elapsed)) => return Ok(Answer { totals, elapsed, repeated: None }),
            Err(error) => error,
        };
        if Instant::now() >= until {
            return Err(first);
        }
        let reason = explain(&first);
        let again = async {
            self.renew(until).await?;
            self.attempt(path, until).await
        };
        match again.await {
            Ok((totals, elapsed)) => Ok(Answer { totals, elapsed, repeated: Some(reason) }),
            Err(second) if explain(&second) == reason => Err(second),
            Err(second) => Err(anyhow!("{reason}; a second try failed: {}", explain(&second))),
        }
    }

    /// Ends the session and all processes.
    pub async fn stop(self) {
        // The processes of an engine of ours end in any case.
        let _ = tokio::time::timeout(Duration::from_secs(5), self.session.release()).await;
    }

    async fn attempt(&mut self, path: &Path, until: Instant) -> Result<(Totals, Duration)> {
        // Sail answers for a missing file with no row, and reports nothing.
        if self.running.is_some() {
            let length = std::fs::metadata(path).with_context(|| format!("cannot find {}", path.display()))?.len();
            ensure!(length > 0, "{} is empty", path.display());
        }
        let began = Instant::now();
        let services = self.running.as_mut().map(|running| &mut running.services);
        let totals = tokio::select! {
            biased;
            totals = timeout_at(until.into(), self.session.word_totals(path)) => totals
                .map_err(|_| anyhow!("no answer within {:?}", self.setup.deadline))
                .flatten(),
            lost = lost(services) => Err(anyhow!(lost)),
        };
        let elapsed = began.elapsed();
        match totals {
            Ok(totals) if totals.is_empty() => {
                bail!(
                    "the engine finds no line in {}; can it read this path? Engines ignore files whose name begins with a dot \
                     or an underscore",
                    path.display()
                )
            }
            Ok(totals) => Ok((totals, elapsed)),
            Err(error) => Err(match self.cause().await {
                Some(ended) => error.context(ended),
                None => error,
            }),
        }
    }

    /// The process whose end explains an error. A connection breaks a little before its process has ended.
    async fn cause(&mut self) -> Option<String> {
        for _ in 0..10 {
            if let Some(ended) = self.ended() {
                return Some(ended);
            }
            self.running.as_ref()?;
            sleep(LOOK).await;
        }
        None
    }

    /// The first process that has ended, if any has.
    pub fn ended(&mut self) -> Option<String> {
        self.running.as_mut()?.services.iter_mut().find_map(Service::ended)
    }

    /// Starts the engine again, or opens a new session.
    ///
    /// # Errors
    /// When that fails, or takes longer than the deadline.
    pub async fn repair(&mut self) -> Result<()> {
        self.renew(Instant::now() + self.setup.deadline).await
    }

    /// Starts the engine again if a process has ended, otherwise opens a new session.
    async fn renew(&mut self, until: Instant) -> Result<()> {
        let left = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero());
        let left = left.context("no time is left for a second try")?;
        if self.running.is_some() && self.ended().is_some() {
            // Its processes must be gone before others take their cores.
            self.running = None;
            let deadline = self.setup.deadline;
            let renewed = Box::pin(Engine::start(Setup { deadline: left, ..self.setup.clone() })).await?;
            *self = renewed;
            self.setup.deadline = deadline;
        } else {
            self.session = timeout_at(until.into(), Session::open(self.address())).await??;
        }
        Ok(())
    }
}

/// Returns when a query can no longer be answered: a process that does not work has ended, or all that do.
async fn lost(services: Option<&mut Vec<Service>>) -> String {
    let Some(services) = services else { return std::future::pending().await };
    loop {
        sleep(LOOK).await;
        let ended: Vec<_> = services.iter_mut().map(|service| (service.works(), service.ended())).collect();
        let indispensable = ended.iter().find_map(|(works, ended)| ended.clone().filter(|_| !works));
        if let Some(ended) = indispensable {
            return ended;
        }
        if ended.iter().filter(|(works, _)| *works).all(|(_, ended)| ended.is_some()) {
            return "all workers have ended".to_owned();
        }
    }
}

/// The reason for a failure, without a library's words for a broken connection.
pub fn explain(error: &Error) -> String {
    let parts = error.chain().map(|cause| match cause.downcast_ref::<tonic::Status>() {
        Some(status) if std::error::Error::source(status).is_some() => "the connection to the engine broke".to_owned(),
        Some(status) => first_line(status.message()),
        None => first_line(&cause.to_string()),
    });
    let mut parts: Vec<String> = parts.collect();
    // What follows a broken connection are the library's words for it.
    if let Some(broken) = error.chain().position(|cause| cause.is::<tonic::Status>()) {
        parts.truncate(broken + 1);
    }
    parts.join(": ")
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(300).collect()
}
