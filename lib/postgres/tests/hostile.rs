//! A process of the server's user gains nothing from a root that starts servers and keeps their files.

#![allow(clippy::unwrap_used)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use postgres::{Contents, Environment, Server, User};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio_postgres::Client;

/// What only root may read.
const SECRET: &[u8] = b"the secret of root, which no other user may read";

/// Names the part that a copy of this program plays, and the folder in which it plays.
const PART: &str = "GOLDILOCKS_TEST_PART";
const FOLDER: &str = "GOLDILOCKS_TEST_FOLDER";

/// A table. When its server's files are kept, a hostile file is among them.
struct Numbers {
    planted: Option<String>,
}

impl Contents for Numbers {
    const TABLE: &'static str = "numbers";
    const COLUMNS: &'static str = "id int8 PRIMARY KEY";

    fn rows(&self) -> u64 {
        1000
    }

    fn bytes(&self) -> u64 {
        40_000
    }

    fn identity(&self) -> Vec<u8> {
        Vec::new()
    }

    async fn fill(&self, client: &Client, table: &str) -> Result<(), tokio_postgres::Error> {
        let data: String = client.query_one("SHOW data_directory", &[]).await?.get(0);
        if let Some(kind) = &self.planted {
            plant(kind, Path::new(&data));
        }
        client.batch_execute(&format!("INSERT INTO {table} SELECT generate_series(1, 1000)")).await
    }
}

/// The folder of one test: `secret/file` for root alone, `kept`, and the program, which the server's user can run.
struct Stage {
    folder: PathBuf,
    user: User,
    /// A process and a segment of shared memory of root.
    victim: Child,
    segment: String,
}

impl Stage {
    /// `None`, with the reason on standard error, if this process is not root.
    fn new(name: &str) -> Option<Stage> {
        let Some(user) = Environment::of_this_process().runs_as else {
            eprintln!("skipped: only root runs a server as another user, and this process is not root");
            return None;
        };
        let folder = PathBuf::from(format!("/tmp/gl-hostile-{name}-{}", std::process::id()));
        for (name, mode) in [("", 0o1777), ("secret", 0o755), ("kept", 0o700)] {
            fs::create_dir(folder.join(name)).unwrap();
            fs::set_permissions(folder.join(name), Permissions::from_mode(mode)).unwrap();
        }
        fs::write(folder.join("secret/file"), SECRET).unwrap();
        fs::set_permissions(folder.join("secret/file"), Permissions::from_mode(0o600)).unwrap();
        // Copied by another process: a file this one has just written may still be open for writing in a fork of it.
        let copied = Command::new("cp").arg(std::env::current_exe().unwrap()).arg(folder.join("program")).status();
        assert!(copied.unwrap().success());
        let victim = Command::new("sleep").arg("3600").spawn().unwrap();
        let made = Command::new("ipcmk").args(["-M", "1000", "-p", "0600"]).output().unwrap();
        let segment = String::from_utf8(made.stdout).unwrap().trim().rsplit(' ').next().unwrap().to_string();
        Some(Stage { folder, user, victim, segment })
    }

    /// This program in another process, as an actor that plays `part`.
    fn actor(&self, part: &str) -> Command {
        let mut actor = Command::new(self.folder.join("program"));
        actor.args(["--exact", "actor", "--nocapture"]).stdin(Stdio::null()).stdout(Stdio::null());
        actor.env("TMPDIR", &self.folder).env(FOLDER, &self.folder).env(PART, part).env_remove("DATABASE_URL");
        actor.env("VICTIM", self.victim.id().to_string()).env("SEGMENT", &self.segment).process_group(0);
        actor
    }

    /// Starts a server from kept files, or on new ones that are then kept. It may fail, and its table may be wrong, but it ends.
    fn open(&self, part: &str) {
        let mut root = self.actor(part).stderr(Stdio::null()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(180);
        while root.try_wait().unwrap().is_none() {
            if Instant::now() > deadline {
                kill_process_group(Pid::from_child(&root), Signal::KILL).unwrap();
                panic!("root hangs: {part}");
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn archives(&self) -> Vec<PathBuf> {
        fs::read_dir(self.folder.join("kept")).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    /// What the server's user has gained: nothing, in words otherwise.
    fn gains(&mut self) -> Vec<String> {
        let mut gains = Vec::new();
        for (path, mode) in [("secret", 0o755), ("secret/file", 0o600), ("kept", 0o700)] {
            let metadata = fs::symlink_metadata(self.folder.join(path)).unwrap();
            if (metadata.uid(), metadata.mode() & 0o7777) != (0, mode) {
                gains.push(format!("{path} has owner {} and mode {:o}", metadata.uid(), metadata.mode()));
            }
        }
        if fs::read(self.folder.join("secret/file")).unwrap() != SECRET {
            gains.push("the secret file was written".into());
        }
        if fs::read_dir(self.folder.join("secret")).unwrap().count() != 1 {
            gains.push("a file was made beside the secret".into());
        }
        if self.victim.try_wait().unwrap().is_some() {
            gains.push("a process of root was ended".into());
        }
        if !fs::read_to_string("/proc/sysvipc/shm").unwrap().split_whitespace().any(|word| word == self.segment) {
            gains.push("a segment of root was removed".into());
        }
        let secret = self.folder.join("secret/file");
        gains.extend(
            copies_of_the_secret(&self.folder)
                .into_iter()
                .filter(|path| *path != secret)
                .map(|path| format!("{} holds the secret", path.display())),
        );
        gains
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
        let _ = Command::new("ipcrm").args(["-m", &self.segment]).status();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The ordinary files below `folder` that hold the secret. The program holds it too, as a constant.
fn copies_of_the_secret(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    // A process of the server's user may remove an entry at any moment.
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        if metadata.is_dir() {
            found.extend(copies_of_the_secret(&path));
        } else if metadata.is_file() && !path.ends_with("program") {
            let bytes = fs::read(&path).unwrap_or_default();
            if bytes.windows(SECRET.len()).any(|window| window == SECRET) {
                found.push(path);
            }
        }
    }
    found
}

/// Not a test: the tests start this program again with this name, as root that opens a server or as the server's user.
#[test]
fn actor() {
    let (Ok(part), Ok(folder)) = (std::env::var(PART), std::env::var(FOLDER)) else { return };
    let folder = PathBuf::from(folder);
    if let Some(what) = part.strip_prefix("root") {
        let planted = what.strip_prefix(", planted ").map(String::from);
        let _ = Server::with(&Environment::of_this_process(), &Numbers { planted }, &folder.join("kept"));
        return;
    }
    let number = |name| std::env::var(name).unwrap();
    loop {
        let entries = fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path());
        for server in entries.filter(|path| path.to_string_lossy().contains("goldilocks-pg-")) {
            attack(&part, &server, &folder.join("secret"), &number("VICTIM"), &number("SEGMENT"));
        }
    }
}

/// The attacks of [`attack`], each with what it replaces.
const ATTACKS: [&str; 5] = ["settings", "data", "run", "marker", "numbers"];

/// Replaces files of a server by links to what belongs to root, or by numbers of what belongs to root. Most attempts fail,
/// because another file is there or none.
fn attack(part: &str, server: &Path, secret: &Path, victim: &str, segment: &str) {
    let link = |name: &str, to: &Path| {
        let path = server.join(name);
        let _ = fs::remove_file(&path);
        let _ = symlink(to, &path);
    };
    match part {
        "settings" => {
            ["data/pg_ident.conf", "data/PG_VERSION", "data/global", "log"].iter().for_each(|name| {
                link(name, &secret.join("file"));
            });
        }
        "data" | "run" => {
            let aside = server.join(format!("{part}-aside"));
            if fs::rename(server.join(part), aside).is_ok() {
                let _ = symlink(secret, server.join(part));
            }
        }
        "marker" => link("goldilocks-owner", &secret.join("file")),
        _ => {
            for program in ["postgres", "initdb"] {
                let _ = fs::write(server.join(format!("run/{program}.pid")), victim);
            }
            let _ = fs::write(server.join("data/postmaster.pid"), format!("{victim}\n\n\n\n\n\n1 {segment}\n"));
        }
    }
}

/// What [`plant`] puts among a server's files, and whether the files can then be kept.
const PLANTS: [(&str, bool); 6] = [
    ("link", true),
    ("link to a folder", true),
    ("link in place of a folder", true),
    ("second name", false),
    ("pipe", true),
    ("socket", true),
];

/// Puts something hostile among a server's files, as a process of its user could.
fn plant(kind: &str, data: &Path) {
    let owner = fs::metadata(data).unwrap();
    let secret = data.join("../../secret/file").canonicalize().unwrap();
    let path = data.join("planted");
    match kind {
        "link" => symlink(&secret, &path).unwrap(),
        "link to a folder" => symlink(secret.parent().unwrap(), &path).unwrap(),
        "link in place of a folder" => {
            fs::remove_dir_all(data.join("pg_stat")).unwrap();
            symlink(secret.parent().unwrap(), data.join("pg_stat")).unwrap();
        }
        // Most kernels refuse this to other users, but not all.
        "second name" => return fs::hard_link(&secret, &path).unwrap(),
        "pipe" => rustix::fs::mkfifoat(rustix::fs::CWD, &path, 0o600.into()).unwrap(),
        _ => drop(UnixListener::bind(&path).unwrap()),
    }
    let _ = lchown(&path, Some(owner.uid()), Some(owner.gid()));
}

#[test]
fn no_attack_on_a_root_that_restores_and_keeps_a_servers_files_succeeds() {
    let Some(mut stage) = Stage::new("race") else { return };
    stage.open("root");
    assert_eq!(stage.archives().len(), 1);
    for attempt in 0..20 {
        let part = ATTACKS[attempt % ATTACKS.len()];
        let mut attacker = stage.actor(part);
        let mut attacker = attacker.uid(stage.user.uid).gid(stage.user.gid).stderr(Stdio::null()).spawn().unwrap();
        // Every other time there are no kept files, so that root keeps new ones.
        if attempt % 2 == 1 {
            stage.archives().into_iter().for_each(|archive| drop(fs::remove_file(archive)));
        }
        stage.open("root");
        let gains = stage.gains();
        kill_process_group(Pid::from_child(&attacker), Signal::KILL).unwrap();
        attacker.wait().unwrap();
        assert_eq!(gains, Vec::<String>::new(), "attempt {attempt}: {part}");
    }
}

#[test]
fn root_keeps_no_more_than_the_servers_user_may_read() {
    let Some(mut stage) = Stage::new("planted") else { return };
    // A test that cannot tell is worthless: the secret is found if it is there.
    fs::write(stage.folder.join("kept/copy"), SECRET).unwrap();
    assert_eq!(stage.gains().len(), 1);
    fs::remove_file(stage.folder.join("kept/copy")).unwrap();
    for (kind, kept) in PLANTS {
        stage.open(&format!("root, planted {kind}"));
        assert_eq!(stage.gains(), Vec::<String>::new(), "{kind}");
        assert_eq!(stage.archives().len(), usize::from(kept), "{kind}");
        // What was kept gives the server's user nothing when it is restored.
        stage.open("root");
        assert_eq!(stage.gains(), Vec::<String>::new(), "{kind}, restored");
        stage.archives().into_iter().for_each(|archive| drop(fs::remove_file(archive)));
    }
    chown(stage.folder.join("secret/file"), Some(stage.user.uid), None).unwrap();
    assert_eq!(stage.gains().len(), 1);
}
