//! Schemas that killed programs have left on an external server.
//!
//! The comment on a schema names its owner: the kernel and the process namespace, the process and its start. Only if that
//! process ran here and is gone, the schema is dropped. A schema of another machine may be in use, so it is only named.

use std::path::Path;

use tokio_postgres::Client;

use cursor::{Driver, explain};
use system::process::Stat;
use system::sysfs::SystemFiles;

/// Begins the comment on every schema of ours.
const MARK: &str = "goldilocks: dropped when the program ends";

/// The machine whose processes this program can see, and this program.
fn owner() -> Option<(String, Stat)> {
    let files = SystemFiles::here();
    let boot = files.text("/proc/sys/kernel/random/boot_id")?;
    // A container has processes of its own under the same kernel.
    let namespace = std::fs::read_link(Path::new("/proc/self/ns/pid")).ok()?;
    Some((format!("{} {}", boot.trim(), namespace.display()), Stat::read(&files, "self")?))
}

/// The comment on a schema of this program. It contains no quotes.
pub(crate) fn mark_of_this_program() -> String {
    match owner() {
        Some((machine, stat)) => format!("{MARK}; machine {machine}, process {} {}", stat.process, stat.started_ticks),
        None => MARK.to_owned(),
    }
}

/// What became of the owner of a schema.
#[derive(Debug, PartialEq, Eq)]
enum Owner {
    Runs,
    Gone,
    Unknown,
}

fn owner_of(comment: &str) -> Owner {
    let Some((here, _)) = owner() else { return Owner::Unknown };
    let marked = comment.strip_prefix(MARK).and_then(|rest| rest.strip_prefix("; machine "));
    let Some((machine, process)) = marked.and_then(|rest| rest.split_once(", process ")) else { return Owner::Unknown };
    let Some((process, started)) = process.split_once(' ').filter(|_| machine == here) else { return Owner::Unknown };
    let (Ok(process), Ok(started)) = (process.parse::<u32>(), started.parse::<u64>()) else { return Owner::Unknown };
    // A later process may have the same number.
    let runs = Stat::read(&SystemFiles::here(), &process.to_string()).is_some_and(|stat| stat.started_ticks == started);
    if runs { Owner::Runs } else { Owner::Gone }
}

/// Drops what killed programs of this machine have left, and returns a sentence for each schema that the user should know.
pub(crate) fn drop_those_of_killed_programs(client: &Client, driver: &mut Driver, shown: &str) -> Vec<String> {
    // Names that need no quoting; only schemas of this user, because another's comment proves nothing.
    let question = format!(
        "SELECT nspname::text, obj_description(oid, 'pg_namespace') FROM pg_namespace \
         WHERE nspname ~ '^goldilocks_[0-9]+_[0-9a-f]+$' AND pg_get_userbyid(nspowner) = current_user \
         AND starts_with(obj_description(oid, 'pg_namespace'), '{MARK}') ORDER BY nspname"
    );
    // Without this list nothing is dropped, and the next statement reports what is wrong with the connection.
    let rows = driver.block_on(client.query(&question, &[])).unwrap_or_default();
    let mut remarks = Vec::new();
    for row in rows {
        let (Ok(name), Ok(comment)) = (row.try_get::<_, String>(0), row.try_get::<_, String>(1)) else { continue };
        match owner_of(&comment) {
            Owner::Runs => {}
            Owner::Unknown => remarks.push(format!(
                "schema {name} on {shown} belongs to a run on another machine or before a restart; if that run has ended, drop \
                 it: `DROP SCHEMA {name} CASCADE`"
            )),
            Owner::Gone => {
                // Its killed owner may still have a statement under way.
                let drop = format!("BEGIN; SET LOCAL lock_timeout = 2000; DROP SCHEMA IF EXISTS {name} CASCADE; COMMIT");
                remarks.push(match driver.block_on(client.batch_execute(&drop)) {
                    Ok(()) => format!("dropped schema {name} on {shown}, which a killed run had left"),
                    Err(error) => {
                        let _ = driver.block_on(client.batch_execute("ROLLBACK"));
                        format!("a killed run has left schema {name} on {shown}, and it cannot be dropped: {}", explain(&error))
                    }
                });
            }
        }
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_process_of_this_machine_that_is_gone_counts_as_gone() {
        let ours = mark_of_this_program();
        assert_eq!(owner_of(&ours), Owner::Runs);
        let (machine, stat) = owner().expect("Linux");
        let mark = |machine: &str, process, started| format!("{MARK}; machine {machine}, process {process} {started}");
        assert_eq!(owner_of(&mark(&machine, stat.process, stat.started_ticks)), Owner::Runs);
        // The same number, but another process.
        assert_eq!(owner_of(&mark(&machine, stat.process, stat.started_ticks + 1)), Owner::Gone);
        assert_eq!(owner_of(&mark("another", stat.process, stat.started_ticks + 1)), Owner::Unknown);
        for comment in [MARK, "", "goldilocks", &format!("{MARK}; machine {machine}, process x 1")] {
            assert_eq!(owner_of(comment), Owner::Unknown, "{comment}");
        }
    }
}
