//! What the tasks read: made or started before anything is measured.

use crate::interrupt::Interrupt;
use anyhow::{Context, Result, bail};
use datasets::ngrams::Recipe;
use datasets::products::Products;
use postgres::{Environment, Server};
use std::collections::BTreeMap;
use std::path::Path;
use tasks::Inputs;

/// Inputs that are complete, and the server behind them. Dropping it stops a server of ours, or drops our schema.
pub struct Prepared {
    /// The inputs, with everything filled in that the user left open.
    pub inputs: Inputs,
    /// What was found and chosen, for the record.
    pub notes: BTreeMap<String, String>,
    /// Tasks that cannot be run, and why.
    pub skipped: Vec<(String, String)>,
    server: Option<Server>,
}

/// The seed of generated data.
const SEED: u64 = 1;

impl Prepared {
    /// Completes `inputs` for `tasks`: makes a 1-gram file in `folder` if none was named, brings up PostgreSQL and loads
    /// the product table if no table was named. A signal meanwhile ends the program at once: half a file is not taken
    /// for a whole one, and our own server has a watchdog. Only on a server that was given is there a schema to drop.
    ///
    /// # Errors
    /// When a file cannot be made. A server that cannot be had is not an error but a task skipped.
    pub fn prepare(
        tasks: &[&str],
        mut inputs: Inputs,
        folder: &Path,
        interrupt: &Interrupt,
        say: &dyn Fn(&str),
    ) -> Result<Self> {
        let mut notes = BTreeMap::new();
        let mut skipped = Vec::new();
        let mut server = None;
        if tasks.contains(&"word_totals") && inputs.word_totals.input.is_none() {
            inputs.word_totals.input = Some(interrupt.at_once(|| grams(Recipe::default(), folder, say))?);
        }
        let on_a_server: Vec<&str> = tasks.iter().copied().filter(|task| tasks::ON_A_SERVER.contains(task)).collect();
        if !on_a_server.is_empty() && inputs.cursor_pages.table.is_some() && inputs.cursor_pages.address().is_none() {
            bail!(
                "--table names a table that is there already; say on which server, by --database-url or DATABASE_URL"
            );
        }
        if !on_a_server.is_empty() && inputs.cursor_pages.table.is_none() {
            let up = match inputs.cursor_pages.address() {
                None => interrupt.at_once(|| bring_up(&inputs, folder, say)),
                Some(_) => bring_up(&inputs, folder, say),
            };
            match up {
                Ok(up) => {
                    notes.insert("server".to_owned(), up.about().to_owned());
                    inputs.cursor_pages.database_url = Some(up.url());
                    inputs.cursor_pages.table = Some(up.table::<Products>());
                    server = Some(up);
                }
                Err(error) => skipped.extend(on_a_server.iter().map(|task| ((*task).to_owned(), error.to_string()))),
            }
        }
        Ok(Prepared { inputs, notes, skipped, server })
    }

    /// Stops the server, and says so if that fails.
    ///
    /// # Errors
    /// When something of ours could not be removed.
    pub fn end(self) -> Result<()> {
        self.server.map_or(Ok(()), |server| server.stop().context("cannot take the database down"))
    }
}

/// The generated 1-gram file of `recipe` in `folder`, made now if it is not there or was made in another way.
///
/// # Errors
/// When it cannot be written.
pub fn grams(recipe: Recipe, folder: &Path, say: &dyn Fn(&str)) -> Result<std::path::PathBuf> {
    let mut said = false;
    let path = folder.join(recipe.file_name());
    Ok(recipe.file(folder, &mut |_| {
        if !std::mem::replace(&mut said, true) {
            say(&format!("making {}", path.display()));
        }
    })?)
}

/// `inputs` with the 1-grams of a recipe, if there is one.
///
/// # Errors
/// When they cannot be written, the recipe asks for more words than there is room for, or no record can name the file.
pub fn made(
    mut inputs: Inputs,
    recipe: Option<Recipe>,
    folder: &Path,
    interrupt: &Interrupt,
    say: &dyn Fn(&str),
) -> Result<Inputs> {
    if let Some(recipe) = recipe {
        inputs.word_totals.input = Some(interrupt.at_once(|| grams(recipe, folder, say))?);
    }
    if let Some(input) = inputs.word_totals.input.as_ref().filter(|input| input.to_str().is_none()) {
        bail!("{} has a name that is not UTF-8, and a record must name its file: rename it", input.display());
    }
    Ok(inputs)
}

fn bring_up(inputs: &Inputs, folder: &Path, say: &dyn Fn(&str)) -> Result<Server> {
    let options = &inputs.cursor_pages;
    let mut environment = Environment::of_this_process();
    environment.address = options.address().map(str::to_owned);
    let products = Products::new(SEED, options.rows)?;
    let (server, loaded) = Server::with(&environment, &products, folder)?;
    say(server.about());
    let (copying, settling) = (loaded.copying.as_secs_f64(), loaded.settling.as_secs_f64());
    let how = if loaded.kept { "copied with the server's files, kept from an earlier load" } else { "loaded" };
    say(&format!("{} products, {how} in {copying:.1} s, settled in {settling:.1} s", loaded.rows));
    Ok(server)
}
