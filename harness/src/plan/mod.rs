//! The plan of a sweep. `settings.rs` has its values, and `limits.rs` their limits. `cells.rs` lists the cells, and
//! `schedule.rs` chooses the cell to measure next.

pub mod cells;
pub(crate) mod limits;
pub mod schedule;
mod settings;

pub use settings::Plan;

use anyhow::{Context, Result, anyhow};
use std::path::Path;
use tasks::Inputs;

/// The name of the plan's file in a run's folder.
pub(crate) const FILE: &str = "plan.json";

impl Plan {
    /// Returns the names of the tasks.
    pub fn tasks(&self) -> Vec<&str> {
        self.axes.tasks.iter().map(|(task, _)| task.as_str()).collect()
    }

    /// Reads the plan in a run's folder.
    ///
    /// # Errors
    /// When there is no plan, the plan is malformed, or it has a value that the command line would refuse.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let plan: Plan = serde_json::from_slice(&text).with_context(|| format!("{} is not a plan", path.display()))?;
        let wrong = |why| anyhow!("{}: {why}; correct it, or begin a new run", path.display());
        limits::check(&plan).map_err(wrong).map(|()| plan)
    }

    /// Writes the plan into a run's folder. Secrets, such as a server's address with a password, are left out.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let mut kept = self.clone();
        kept.inputs.copy_secrets(&Inputs::default());
        let text = serde_json::to_vec_pretty(&kept).context("cannot serialise the plan")?;
        let written = system::atomic_file::write(&folder.join(FILE), &text);
        written.with_context(|| format!("cannot write to {}", folder.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::cells::Axes;
    use super::*;
    use record::statistics::TARGET;
    use std::path::PathBuf;
    use strategies::{Combine, Delivery};

    #[test]
    fn the_file_of_a_plan_has_no_password() {
        let folder = tempfile::tempdir().unwrap();
        let mut inputs = Inputs::default();
        inputs.cursor_pages.database_url = Some("postgresql://me:open-sesame@db/x".to_owned());
        let axes = Axes {
            tasks: Vec::new(),
            strategies: Vec::new(),
            cores: vec![1],
            workers: Vec::new(),
            deliveries: vec![Delivery::Gather],
            combines: vec![Combine::PerPartition],
        };
        let (budget_s, patience_s, precision) = (1.0, 1.0, TARGET);
        let data = PathBuf::new();
        let plan = Plan { axes, inputs, seed: 1, budget_s, blocks: 1, precision, samples: 1, patience_s, data };
        plan.write(folder.path()).unwrap();
        let text = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert!(text.contains("\"seed\": 1") && !text.contains("open-sesame"), "{text}");
    }
}
