//! `goldilocks completions`: completion scripts for shells.

use super::exit::Exit;
use super::output::print_bytes;
use anyhow::Result;
use clap::{Args, Command};
use clap_complete::Shell;

#[derive(Args)]
#[command(after_help = "\
Examples:
  goldilocks completions bash > ~/.local/share/bash-completion/completions/goldilocks
  goldilocks completions zsh > ~/.zfunc/_goldilocks   # with ~/.zfunc in fpath
  goldilocks completions fish > ~/.config/fish/completions/goldilocks.fish")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, command: &Command) -> Result<Exit> {
        // clap_complete would also complete hidden commands.
        let visible = command.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
        let mut command = Command::new("goldilocks").version(env!("CARGO_PKG_VERSION")).subcommands(visible);
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "goldilocks", &mut script);
        print_bytes(&script)?;
        Ok(Exit::Done)
    }
}
