//! `goldilocks setup`: sees that a PostgreSQL server, or a browser, can be had.

use clap::Args;
use std::process::ExitCode;

#[derive(Args)]
pub(crate) struct Setup {
    /// Also a browser, for the report's tests
    #[arg(long)]
    browser: bool,
}

impl Setup {
    pub(crate) fn carry_out(self) -> ExitCode {
        let environment = postgres::Environment::of_this_process();
        let mut complaints = Vec::new();
        if environment.address.is_some() {
            eprintln!("DATABASE_URL names a server: none is installed");
        } else if let Err(error) = postgres::install::install(&environment) {
            complaints.push(error.to_string());
        }
        // The one is looked after even if the other cannot be had.
        if self.browser
            && let Err(error) = packages::browser::install(&environment.host)
        {
            complaints.push(error.to_string());
        }
        for complaint in &complaints {
            eprintln!("error: {complaint}");
        }
        if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
