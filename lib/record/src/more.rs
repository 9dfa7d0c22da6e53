//! The command that continues a sweep until every cell has more blocks.

use crate::line::Run;
use crate::read::Record;

/// A sweep spends this much more than its pace so far, because it begins a block only if the budget allows it to finish.
const RESERVE: f64 = 1.1;

impl Record {
    /// Returns the number of blocks that have a sample.
    pub fn blocks_begun(&self) -> u32 {
        self.samples.iter().map(|sample| sample.block.saturating_add(1)).max().unwrap_or_default()
    }

    /// Returns the command with which the sweep measures until cells have `wanted` blocks, with every option that it needs
    /// for that. A secret value is shown as `…`.
    pub fn resume_command(&self, wanted: u32) -> String {
        let mut command = format!("goldilocks sweep --resume {}", self.run.id);
        command += &self.options_for_blocks(wanted, self.run.budget_s, None);
        let words: Vec<&str> = self.run.command.split_whitespace().collect();
        if words.contains(&"--anyway") {
            command += " --anyway";
        }
        command + &self.run.secrets()
    }

    /// Returns the options that raise what ended the sweep before cells had `wanted` blocks, such as
    /// ` --blocks 5 --budget 90s`. `budget_s` and `limit` are the budget and the number of blocks so far. Without `limit`,
    /// a sweep that ended with time for another block was limited to its blocks.
    pub fn options_for_blocks(&self, wanted: u32, budget_s: f64, limit: Option<u32>) -> String {
        let spent_s = self.samples.iter().map(|sample| sample.elapsed_ms).max().unwrap_or_default() as f64 / 1e3;
        let done = self.blocks_begun();
        let block_s = spent_s / f64::from(done.max(1));
        let is_complete = self.ended.as_ref().is_some_and(|ended| !ended.interrupted);
        let limit = limit.or((is_complete && spent_s + block_s <= budget_s).then_some(done));
        let needed_s = (spent_s + block_s * RESERVE * f64::from(wanted.saturating_sub(done))).ceil();
        let mut options = String::new();
        if limit.is_some_and(|limit| limit < wanted) {
            options += &format!(" --blocks {wanted}");
        }
        if needed_s > budget_s {
            options += &format!(" --budget {needed_s}s");
        }
        options
    }
}

impl Run {
    /// Returns the secret options of the command with `…` for their values, such as ` --database-url …`. A record does not
    /// hold the values, which only the user can give again.
    pub fn secrets(&self) -> String {
        let words: Vec<&str> = self.command.split_whitespace().collect();
        let secret = |(nth, word): (usize, &&str)| match word.strip_suffix("=…") {
            None if words.get(nth + 1) == Some(&"…") => Some(format!(" {word} …")),
            option => option.map(|option| format!(" {option} …")),
        };
        words.iter().enumerate().filter_map(secret).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record of two blocks of ten seconds each.
    fn record(command: &str, budget_s: f64) -> Record {
        let mut record = crate::read("tests/records/v5.jsonl").unwrap();
        (record.run.id, record.run.command, record.run.budget_s) = ("x".into(), command.into(), budget_s);
        record.samples.retain(|sample| sample.block < 2);
        for sample in &mut record.samples {
            sample.elapsed_ms = 10_000 * u64::from(sample.block + 1);
        }
        record
    }

    #[test]
    fn the_command_raises_what_ended_the_sweep() {
        for (budget_s, options) in
            [(1_000.0, " --blocks 5"), (40.0, " --blocks 5 --budget 53s"), (25.0, " --budget 53s")]
        {
            let command = record("goldilocks sweep", budget_s).resume_command(5);
            assert_eq!(command, format!("goldilocks sweep --resume x{options}"), "{budget_s} s");
        }
        assert_eq!(record("", 25.0).options_for_blocks(5, 25.0, Some(3)), " --blocks 5 --budget 53s");
        assert_eq!(record("", 25.0).options_for_blocks(2, 25.0, Some(2)), "");
    }

    #[test]
    fn the_command_repeats_anyway_and_asks_for_secrets() {
        for given in ["--database-url …", "--database-url=…"] {
            let command = record(&format!("goldilocks sweep --anyway {given} --cores 2"), 1_000.0).resume_command(2);
            assert_eq!(command, "goldilocks sweep --resume x --anyway --database-url …");
        }
    }
}
