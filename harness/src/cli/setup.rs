//! `goldilocks setup`: installs what is missing, a PostgreSQL server or a browser.

use super::exit::Exit;
use clap::Args;
use system::printing::say;

#[derive(Args)]
#[command(after_help = "\
Examples:
  goldilocks setup                                    # PostgreSQL for cursor_pages and cursor_ranges
  goldilocks setup --browser                          # also Chromium, for the report's tests
  goldilocks setup && goldilocks sweep --tasks cursor_pages")]
pub(crate) struct Setup {
    /// Install a browser as well, for the report's tests
    #[arg(long)]
    browser: bool,
}

impl Setup {
    pub(crate) fn run(self) -> Exit {
        let environment = postgres::Environment::of_this_process();
        let mut failures = Vec::new();
        if environment.address.is_some() {
            say("DATABASE_URL names a server, so none is installed");
        } else if let Err(error) = postgres::install::install(&environment) {
            failures.push(error.to_string());
        }
        // The browser is installed even if PostgreSQL cannot be.
        if self.browser
            && let Err(error) = packages::browser::install(&environment.host)
        {
            failures.push(error.to_string());
        }
        for failure in &failures {
            say(format_args!("error: {failure}"));
        }
        if failures.is_empty() { Exit::Done } else { Exit::Failed }
    }
}
