//! However the owner of a server ends, five seconds later its processes and its directory are gone.

#![allow(clippy::unwrap_used)]

mod leftovers;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime};

use leftovers::{abandoned_memory, left_after_five_seconds, processes_in};
use postgres::{Environment, Server, User};
use rustix::process::{Pid, Signal, kill_process};

/// A folder for temporary files of one test, so that everything in it is the test's, and when the test began.
struct Folder(PathBuf, SystemTime);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = PathBuf::from(format!("/tmp/gl-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        // Unwritten files of a build would delay every deletion.
        rustix::fs::sync();
        Folder(path, SystemTime::now())
    }

    fn owner(&self, mode: &str) -> Command {
        owner(&std::env::current_exe().unwrap(), &self.0, mode)
    }

    /// Servers' directories in the folder, and processes that name it.
    fn left(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap().flatten().map(|entry| entry.file_name().display().to_string());
        entries.filter(|name| name.starts_with("goldilocks-pg-")).chain(processes_in(&self.0)).collect()
    }

    fn assert_nothing_is_left(&self, after: &str) {
        let left = left_after_five_seconds(|| self.left().into_iter().chain(abandoned_memory(self.1)).collect());
        assert!(left.is_empty(), "after {after}: {left:#?}");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Not a test: the other tests start this program again with this name, to have an owner that they can kill.
#[test]
fn owner_of_a_server() {
    let Ok(mode) = std::env::var(MODE) else { return };
    let server = Server::open(&Environment::of_this_process(), 0).unwrap();
    println!("{}", server.url());
    match mode.as_str() {
        "panic" => panic!("on purpose"),
        "stop" => server.stop().unwrap(),
        _ => loop {
            thread::sleep(Duration::from_secs(3600));
        },
    }
}

/// What the owner does once its server is up: "hold" it, "stop" it or "panic".
const MODE: &str = "GOLDILOCKS_TEST_OWNER";

fn owner(program: &Path, temporary: &Path, mode: &str) -> Command {
    // A shell's background jobs and their children ignore Ctrl-C unless the default is restored.
    let mut command = Command::new("env");
    command.arg("--default-signal=INT,TERM").arg(program);
    // A group of its own, so that a test may signal it as a terminal does.
    command.env("TMPDIR", temporary).env_remove("DATABASE_URL").process_group(0);
    command.env(MODE, mode).args(["--exact", "owner_of_a_server", "--nocapture"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

fn wait_until_up(owner: &mut Child) {
    let mut lines = BufReader::new(owner.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("postgresql://")), "the owner's server did not come up");
}

#[test]
fn nothing_is_left_when_the_owner_is_killed_at_any_moment() {
    let folder = Folder::new("moments");
    // initdb takes most of the first second; the last moments find a running server.
    for milliseconds in [0, 3, 6, 10, 15, 25, 40, 80, 150, 250, 350, 450, 520, 560, 600, 640, 680, 720, 900, 1500] {
        for signal in [Signal::KILL, Signal::TERM, Signal::INT] {
            let mut owner = folder.owner("hold").spawn().unwrap();
            thread::sleep(Duration::from_millis(milliseconds));
            kill_process(pid(&owner), signal).unwrap();
            owner.wait().unwrap();
            folder.assert_nothing_is_left(&format!("{signal:?} after {milliseconds} ms"));
        }
    }
}

#[test]
fn nothing_is_left_after_a_control_c_in_the_terminal() {
    let folder = Folder::new("terminal");
    for _ in 0..3 {
        let mut owner = folder.owner("hold").spawn().unwrap();
        wait_until_up(&mut owner);
        // A terminal signals the whole foreground group.
        rustix::process::kill_process_group(pid(&owner), Signal::INT).unwrap();
        owner.wait().unwrap();
        folder.assert_nothing_is_left("Ctrl-C");
    }
}

#[test]
fn nothing_is_left_after_a_panic_or_an_orderly_stop() {
    let folder = Folder::new("panic");
    for mode in ["panic", "stop"] {
        let status = folder.owner(mode).stdout(Stdio::null()).status().unwrap();
        assert_eq!(status.success(), mode == "stop");
        // No wait: `Drop` and `stop` return after everything is gone.
        assert_eq!(folder.left(), Vec::<String>::new(), "after {mode}");
    }
}

#[test]
fn a_control_c_for_the_owners_group_does_not_reach_the_server_while_the_owner_lives() {
    let folder = Folder::new("group");
    let mut owner = folder.owner("hold").spawn().unwrap();
    wait_until_up(&mut owner);
    let server = server_of(&folder);
    let group = |number| rustix::process::getpgid(Some(number)).unwrap();
    assert_ne!(group(server), group(pid(&owner)));
    kill_process(pid(&owner), Signal::KILL).unwrap();
    owner.wait().unwrap();
    folder.assert_nothing_is_left("SIGKILL");
}

#[test]
fn a_stopped_server_is_killed_with_its_processes() {
    let folder = Folder::new("stopped");
    let mut owner = folder.owner("hold").spawn().unwrap();
    wait_until_up(&mut owner);
    // A stopped process reacts to SIGKILL alone. A server's processes have process groups of their own.
    let server = server_of(&folder);
    let helpers = children_of(server.as_raw_nonzero().get().cast_unsigned());
    assert!(!helpers.is_empty());
    for process in helpers.into_iter().chain([server]) {
        kill_process(process, Signal::STOP).unwrap();
    }
    kill_process(pid(&owner), Signal::KILL).unwrap();
    owner.wait().unwrap();
    folder.assert_nothing_is_left("SIGKILL of an owner whose server is stopped");
}

#[test]
fn an_owner_whose_initdb_hangs_ends_at_once_and_leaves_nothing() {
    let folder = Folder::new("hangs");
    let programs = folder.0.join("programs");
    // Written by a shell: a file that this process has just written may still be open for writing in a child of another test.
    let script = r#"mkdir "$1" && cd "$1" && printf '#!/bin/sh\necho postgres 15.0\n' >postgres &&
        printf '#!/bin/sh\nexec sleep 3600\n' >initdb && chmod 755 postgres initdb"#;
    assert!(Command::new("sh").args(["-c", script, "sh"]).arg(&programs).status().unwrap().success());
    for signal in [Signal::INT, Signal::TERM, Signal::KILL] {
        let mut owner = folder.owner("hold").env("PGBIN", &programs).spawn().unwrap();
        while !processes_in(&folder.0).iter().any(|line| line.contains("sleep 3600")) {
            assert!(owner.try_wait().unwrap().is_none(), "initdb did not start");
            thread::sleep(Duration::from_millis(10));
        }
        kill_process(pid(&owner), signal).unwrap();
        owner.wait().unwrap();
        folder.assert_nothing_is_left(&format!("{signal:?} while initdb hangs"));
    }
}

#[test]
fn the_next_start_removes_what_a_killed_watchdog_left_and_spares_living_servers() {
    let folder = Folder::new("sweep");
    let mut living = folder.owner("hold").spawn().unwrap();
    wait_until_up(&mut living);
    let spared = folder.left();
    let mut dead = folder.owner("hold").spawn().unwrap();
    wait_until_up(&mut dead);
    // The watchdog first, then its owner: no process is left to tidy up.
    for watchdog in
        children_of(dead.id()).into_iter().filter(|child| command_line(*child).contains("goldilocks-watchdog"))
    {
        kill_process(watchdog, Signal::KILL).unwrap();
    }
    kill_process(pid(&dead), Signal::KILL).unwrap();
    dead.wait().unwrap();
    thread::sleep(Duration::from_millis(100));
    assert!(folder.left().len() > spared.len(), "the dead owner's server is still there");

    // A foreign directory with a name like ours, but without our marker, must stay.
    let foreign = folder.0.join("goldilocks-pg-foreign");
    fs::create_dir(&foreign).unwrap();
    assert!(folder.owner("stop").stdout(Stdio::null()).status().unwrap().success());
    assert!(foreign.exists());
    fs::remove_dir(&foreign).unwrap();
    // A server's own helpers come and go, and a process that has just begun or ended has no command line.
    let lasting = |lines: Vec<String>| {
        let lasts = |line: &String| !line.is_empty() && !line.starts_with("postgres: ");
        let mut lines: Vec<String> = lines.into_iter().filter(lasts).collect();
        lines.sort();
        lines
    };
    assert_eq!(lasting(folder.left()), lasting(spared));

    kill_process(pid(&living), Signal::KILL).unwrap();
    living.wait().unwrap();
    folder.assert_nothing_is_left("the last owner's end");
}

#[test]
fn an_ordinary_user_owns_a_server_too_and_leaves_nothing() {
    let folder = Folder::new("user");
    let program = folder.0.join("owner");
    // Copied by another process: a file this one has just written may still be open for writing in a fork of it.
    assert!(Command::new("cp").arg(std::env::current_exe().unwrap()).arg(&program).status().unwrap().success());
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let nobody = User::for_server(true, &users.replace("postgres:", "-:")).unwrap();
    for mode in ["stop", "hold"] {
        let mut command = owner(&program, &folder.0, mode);
        // The test runs as an ordinary user, or as root, which becomes one.
        if rustix::process::geteuid().is_root() {
            command.uid(nobody.uid).gid(nobody.gid).env("HOME", "/nonexistent");
        }
        let mut owner = command.spawn().unwrap();
        wait_until_up(&mut owner);
        if mode == "hold" {
            kill_process(pid(&owner), Signal::KILL).unwrap();
        }
        owner.wait().unwrap();
        folder.assert_nothing_is_left(mode);
    }
}

/// The processes that a process's threads have started.
fn children_of(process: u32) -> Vec<Pid> {
    let children = system::process::children(process);
    children.into_iter().filter_map(|number| Pid::from_raw(number.try_into().ok()?)).collect()
}

fn command_line(process: Pid) -> String {
    fs::read_to_string(format!("/proc/{}/cmdline", process.as_raw_nonzero())).unwrap_or_default()
}

/// The server whose directory is in the folder.
fn server_of(folder: &Folder) -> Pid {
    let directory = fs::read_dir(&folder.0).unwrap().flatten().next().unwrap().path();
    let number = fs::read_to_string(directory.join("data/postmaster.pid")).unwrap();
    Pid::from_raw(number.lines().next().unwrap().parse().unwrap()).unwrap()
}
