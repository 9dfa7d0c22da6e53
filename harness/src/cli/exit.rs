//! The exit codes of the program.

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::process::ExitCode;

/// An exit code. The numbers are part of the interface, because scripts read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Success: every answer is verified.
    Done = 0,
    /// An error ended the program.
    Failed = 1,
    /// The command line is invalid. clap uses the same code.
    Usage = 2,
    /// A cell is not verified in the end, or a comparison is undecided.
    NotVerified = 3,
    /// A cell is slower than `compare --fail-on-slower` allows.
    Slower = 4,
    /// A signal ended the program. The code is 128 plus the number of SIGINT.
    Interrupted = 130,
}

/// The exit codes for `goldilocks --help`.
pub(crate) const TABLE: &str = "\
Exit codes:
    0  done, every answer verified
    1  failed
    2  wrong usage
    3  a cell is wrong, unfair, failed or hung; or `compare --fail-on-slower` is not decided
    4  slower than `compare --fail-on-slower` allows
  130  interrupted; `goldilocks sweep --resume` continues
A reader that closes the standard output early, such as `head`, changes no exit code.";

impl Exit {
    /// Returns an error with this code and a sentence for the user.
    pub(crate) fn error(self, sentence: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(WithExit { exit: self, sentence: sentence.into() })
    }

    /// Returns the exit code that an error carries, or [`Exit::Failed`].
    pub(crate) fn of(error: &anyhow::Error) -> Exit {
        error.downcast_ref::<WithExit>().map_or(Exit::Failed, |with_exit| with_exit.exit)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// An error that carries an exit code.
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
