//! What an engine is started from, and what then runs.

use crate::service::Service;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use tempfile::TempDir;

/// Which engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Sail: one process with local workers.
    Sail,
    /// Apache Spark: a master, workers and a Connect server, each a process.
    Spark,
    /// An engine that runs already, at this address.
    At(String),
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "sail" => Ok(Kind::Sail),
            "spark" => Ok(Kind::Spark),
            address if address.starts_with("sc://") => Ok(Kind::At(address.to_owned())),
            _ => Err("an engine is `sail`, `spark`, or an address such as sc://host:15002".to_owned()),
        }
    }
}

/// What an engine is started from.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Which engine.
    pub kind: Kind,
    /// The folder in which Sail and Spark are installed.
    pub installed: PathBuf,
    /// The cores that the engine's workers use together.
    pub cores: u32,
    /// How long the start, and each query with its repetition, may take.
    pub deadline: Duration,
}

impl Setup {
    /// The number of workers: two, if there are two cores.
    pub fn workers(&self) -> u32 {
        self.cores.clamp(1, 2)
    }
}

/// The processes of an engine of ours, with their address.
pub(crate) struct Running {
    pub(crate) services: Vec<Service>,
    pub(crate) address: String,
    /// What the processes write; removed after they have ended.
    pub(crate) _folder: TempDir,
}
