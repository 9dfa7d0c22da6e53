//! How the program ends: one exit code for each kind of end.

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::process::ExitCode;

/// A way for the program to end. The codes are part of the interface: scripts read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything is done, and every answer is verified.
    Done = 0,
    /// An error ended the program.
    Failed = 1,
    /// The command line makes no sense. clap ends with the same code.
    Usage = 2,
    /// A sample is not verified, or a comparison is not decided.
    NotVerified = 3,
    /// A cell is decidedly slower than `compare --fail-on-slower` allows.
    Slower = 4,
    /// A signal ended the program: 128 and the number of SIGINT.
    Interrupted = 130,
}

/// The exit codes for `goldilocks --help`.
pub(crate) const TABLE: &str = "\
Exit codes:
    0  done, every answer verified
    1  failed
    2  wrong usage
    3  a sample is wrong, unfair, failed or hung; or `compare --fail-on-slower` is not decided
    4  slower than `compare --fail-on-slower` allows
  130  interrupted; `goldilocks sweep --resume` continues";

impl Exit {
    /// An error with this code and a sentence for the user.
    pub(crate) fn error(self, sentence: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(WithExit { exit: self, sentence: sentence.into() })
    }

    /// The code of an error: its own, or [`Exit::Failed`].
    pub(crate) fn of(error: &anyhow::Error) -> Exit {
        error.downcast_ref::<WithExit>().map_or(Exit::Failed, |with_exit| with_exit.exit)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// An error that has its own exit code.
#[derive(Debug)]
struct WithExit {
    exit: Exit,
    sentence: String,
}

impl Display for WithExit {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(&self.sentence)
    }
}

impl Error for WithExit {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_code() {
        let codes = [Exit::Done, Exit::Failed, Exit::Usage, Exit::NotVerified, Exit::Slower, Exit::Interrupted];
        let shown: Vec<u8> = TABLE.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect();
        assert_eq!(shown, codes.map(|exit| exit as u8));
    }

    #[test]
    fn an_error_keeps_its_code_under_a_context() {
        let error = Exit::NotVerified.error("wrong answer").context("count");
        assert_eq!((Exit::of(&error), format!("{error:#}").as_str()), (Exit::NotVerified, "count: wrong answer"));
        assert_eq!(Exit::of(&anyhow::anyhow!("disk full")), Exit::Failed);
    }
}
