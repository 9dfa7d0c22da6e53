//! A private server starts by itself, does its work and leaves nothing; an external server keeps nothing of ours.

#![allow(clippy::unwrap_used)]

mod leftovers;

#[path = "../examples/private_server.rs"]
#[allow(dead_code, reason = "the test does not call `main`")]
mod private_server;

use std::time::{Duration, Instant};

use leftovers::processes_in;
use postgres::{Contents, Driver, Environment, GivenServer, Installation, Limits, Server, connect, discovery};
use tokio_postgres::Client;

/// A table of the multiples of a number.
struct Numbers {
    rows: u64,
    factor: u64,
}

impl Contents for Numbers {
    const TABLE: &'static str = "numbers";
    const COLUMNS: &'static str = "id int8 PRIMARY KEY, multiple int8 NOT NULL";

    fn rows(&self) -> u64 {
        self.rows
    }

    fn bytes(&self) -> u64 {
        80 * self.rows
    }

    fn identity(&self) -> Vec<u8> {
        format!("{} {}", self.rows, self.factor).into()
    }

    async fn fill(&self, client: &Client, table: &str) -> Result<(), tokio_postgres::Error> {
        let (rows, factor) = (self.rows, self.factor);
        client
            .batch_execute(&format!("INSERT INTO {table} SELECT n, {factor} * n FROM generate_series(1, {rows}) AS n"))
            .await
    }
}

/// A private server: the tests need one, so its absence is a failure and not a reason to skip.
fn start() -> Server {
    let installation = discovery::find(&Environment::of_this_process()).unwrap_or_else(|error| panic!("{error}"));
    Server::start(&installation, 0).unwrap_or_else(|error| panic!("{error}"))
}

fn count(client: &Client, driver: &mut Driver, question: &str) -> i64 {
    driver.block_on(client.query_one(question, &[])).unwrap().get(0)
}

#[test]
fn the_example_prints_version_address_and_answer() {
    let lines = private_server::run().unwrap();
    assert!(lines.starts_with("PostgreSQL 1") && lines.contains(" at postgresql://goldilocks@"), "{lines}");
    assert!(lines.ends_with("\n20 + 22 = 42\n"), "{lines}");
}

#[test]
fn a_server_answers_and_leaves_nothing_after_it_is_stopped() {
    let server = start();
    let directory = server.directory().unwrap().to_path_buf();
    let (client, mut driver) = connect(&server.url()).unwrap();
    assert_eq!(count(&client, &mut driver, "SELECT 20 + 22::int8"), 42);
    let listening: String = driver.block_on(client.query_one("SHOW listen_addresses", &[])).unwrap().get(0);
    assert_eq!(listening, "", "a private server opens no port");
    assert!(server.about().contains(server.version()), "{}", server.about());
    assert!(server.about().contains("synchronize_seqscans=off"), "{}", server.about());
    assert!(directory.exists() && !processes_in(&directory).is_empty());

    server.stop().unwrap();
    assert!(!directory.exists());
    assert_eq!(processes_in(&directory), Vec::<String>::new());
}

#[test]
fn a_table_is_loaded_completely_and_a_scan_writes_nothing() {
    let server = start();
    let loaded = server.load(&Numbers { rows: 100_000, factor: 7 }).unwrap();
    assert_eq!((loaded.rows, loaded.kept), (100_000, false));
    let (client, mut driver) = connect(&server.url()).unwrap();
    let table = server.table::<Numbers>();
    for (expected, question) in [
        (100_000, format!("SELECT count(DISTINCT id) FROM {table}")),
        (700_000, format!("SELECT max(multiple)::int8 FROM {table}")),
        (loaded.bytes as i64, format!("SELECT pg_table_size('{table}')")),
        // Every page is marked as visible to all.
        (0, format!("SELECT (relpages - relallvisible)::int8 FROM pg_class WHERE oid = '{table}'::regclass")),
    ] {
        assert_eq!(count(&client, &mut driver, &question), expected, "{question}");
    }
    // Loading again replaces the table.
    for rows in [50, 0] {
        assert_eq!(server.load(&Numbers { rows, factor: 7 }).unwrap().rows, rows);
    }
    server.stop().unwrap();
}

#[test]
fn a_load_reads_every_row_of_the_table_itself_and_checks_their_number() {
    /// Contents that announce one row more than they add.
    struct TooFew;
    impl Contents for TooFew {
        const TABLE: &'static str = "too_few";
        const COLUMNS: &'static str = Numbers::COLUMNS;
        fn rows(&self) -> u64 {
            1001
        }
        fn bytes(&self) -> u64 {
            0
        }
        fn identity(&self) -> Vec<u8> {
            Vec::new()
        }
        async fn fill(&self, client: &Client, table: &str) -> Result<(), tokio_postgres::Error> {
            Numbers { rows: 1000, factor: 1 }.fill(client, table).await
        }
    }
    let server = start();
    let error = server.load(&TooFew).unwrap_err().to_string();
    assert!(error.contains("goldilocks.too_few has 1000 rows instead of 1001"), "{error}");
    // The server publishes a session's statistics some time after the session ends. An index would not count as a scan.
    let read = "SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'too_few'";
    let deadline = Instant::now() + Duration::from_secs(10);
    let (client, mut driver) = connect(&server.url()).unwrap();
    while count(&client, &mut driver, read) < 1000 {
        assert!(Instant::now() < deadline, "the table was not read");
        std::thread::sleep(Duration::from_millis(20));
    }
    server.stop().unwrap();
}

#[test]
fn a_loaded_table_is_kept_and_the_next_server_starts_from_a_copy_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let environment = Environment { address: None, ..Environment::of_this_process() };
    let open = |rows, factor| Server::with(&environment, &Numbers { rows, factor }, folder.path()).unwrap();
    let sum_and_damage = |server: &Server| {
        let (client, mut driver) = connect(&server.url()).unwrap();
        let table = server.table::<Numbers>();
        let sum = count(&client, &mut driver, &format!("SELECT sum(multiple)::int8 FROM {table}"));
        // Damage to one server must not reach its copy.
        let damage = format!("DELETE FROM {table}; DROP SCHEMA {} CASCADE", server.schema());
        driver.block_on(client.batch_execute(&damage)).unwrap();
        sum
    };
    let kept = || std::fs::read_dir(folder.path()).unwrap().count();
    let (first, loaded) = open(5_000, 7);
    assert_eq!((loaded.rows, loaded.kept, kept()), (5_000, false, 1));
    let expected = sum_and_damage(&first);
    assert_eq!(expected, 7 * 5_000 * 5_001 / 2);
    // Two copies at once, both made after the original was damaged.
    let ((second, taken), (third, also)) = (open(5_000, 7), open(5_000, 7));
    assert!(taken.kept && also.kept && (taken.rows, taken.bytes) == (loaded.rows, loaded.bytes));
    assert_eq!(([sum_and_damage(&second), sum_and_damage(&third)], kept()), ([expected, expected], 1));
    for (rows, factor) in [(4_999, 7), (5_000, 8)] {
        let (other, loaded) = open(rows, factor);
        assert!((loaded.rows, loaded.kept) == (rows, false) && sum_and_damage(&other) != expected);
    }
    // A changed row leads to a new load, although the server could start from these files.
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let mut archive = std::fs::read(&path).unwrap();
        let row = [5_000_u64, 35_000].map(u64::to_le_bytes).concat();
        if let Some(at) = archive.windows(row.len()).position(|bytes| bytes == row) {
            archive[at + 8] += 1;
            std::fs::write(&path, archive).unwrap();
        }
    }
    let (again, loaded) = open(5_000, 7);
    assert_eq!((loaded.kept, sum_and_damage(&again)), (false, expected));
    assert!(open(5_000, 7).1.kept);
    // Only the newest four are kept.
    (1..5).for_each(|rows| drop(open(rows, 7)));
    assert_eq!(kept(), 4);
}

#[test]
fn kept_files_survive_a_failure_that_is_not_theirs() {
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).unwrap();
    let (programs, kept) = (folder.path().join("bin"), folder.path().join("kept"));
    std::fs::create_dir(&programs).unwrap();
    let real = discovery::find(&Environment::of_this_process()).unwrap().programs;
    let link = |name: &str| std::os::unix::fs::symlink(real.join(name), programs.join(name)).unwrap();
    ["postgres", "initdb"].into_iter().for_each(link);
    let environment = Environment { address: None, pgbin: Some(programs.clone()), ..Environment::of_this_process() };
    let open = || Server::with(&environment, &Numbers { rows: 10, factor: 7 }, &kept);
    assert!(!open().unwrap().1.kept);
    // A server that tells its version but does not start stands for a full disk, too little memory and the like.
    std::fs::remove_file(programs.join("postgres")).unwrap();
    let script = r#"printf '#!/bin/sh\ntest "$1" = --version && exec "%s" "$@"\n' "$1" >"$2" && chmod 755 "$2""#;
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(real.join("postgres")).arg(programs.join("postgres"));
    assert!(shell.status().unwrap().success());
    assert!(open().is_err());
    std::fs::remove_file(programs.join("postgres")).unwrap();
    link("postgres");
    assert!(open().unwrap().1.kept);
}

#[test]
fn a_dead_server_comes_back_with_its_address_and_table() {
    let folder = tempfile::tempdir().unwrap();
    let environment = Environment { address: None, ..Environment::of_this_process() };
    let contents = Numbers { rows: 1_000, factor: 7 };
    let (mut server, _) = Server::with(&environment, &contents, folder.path()).unwrap();
    let url = server.url();
    let kill = |process: i32| {
        let process = rustix::process::Pid::from_raw(process).unwrap();
        rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
    };
    for (kept, victim) in [(true, "the server"), (false, "one of its processes"), (true, "the server")] {
        assert!(server.is_alive());
        let (client, mut driver) = connect(&url).unwrap();
        let session: i32 = driver.block_on(client.query_one("SELECT pg_backend_pid()", &[])).unwrap().get(0);
        kill(if victim == "the server" { server.process().unwrap().cast_signed() } else { session });
        while server.is_alive() {
            std::thread::yield_now();
        }
        if !kept {
            std::fs::remove_dir_all(folder.path()).unwrap();
        }
        let loaded = server.revive(&contents).unwrap();
        assert_eq!((loaded.rows, loaded.kept, server.url()), (1_000, kept, url.clone()), "after killing {victim}");
        let (client, mut driver) = connect(&url).unwrap();
        let sum =
            count(&client, &mut driver, &format!("SELECT sum(multiple)::int8 FROM {}", server.table::<Numbers>()));
        assert_eq!(sum, 7 * 1_000 * 1_001 / 2, "after killing {victim}");
    }
    let directory = server.directory().unwrap().to_path_buf();
    server.stop().unwrap();
    assert!(!directory.exists());
    assert_eq!(processes_in(&directory), Vec::<String>::new());
}

#[test]
fn on_an_external_server_only_our_schema_comes_and_goes() {
    let theirs = start();
    let (client, mut driver) = connect(&theirs.url()).unwrap();
    let prepare = "CREATE TABLE public.numbers (id int); INSERT INTO public.numbers VALUES (1), (2);
                   CREATE SCHEMA other; CREATE TABLE other.numbers AS SELECT 3 AS id";
    driver.block_on(client.batch_execute(prepare)).unwrap();
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'goldilocks\\_%'";

    for ending in ["stop", "drop"] {
        let environment = Environment { address: Some(theirs.url()), ..Environment::of_this_process() };
        let mut ours = Server::open(&environment, 0).unwrap();
        assert!(ours.directory().is_none());
        assert!(ours.about().contains("external"), "{}", ours.about());
        assert_eq!(ours.load(&Numbers { rows: 1000, factor: 1 }).unwrap().rows, 1000);
        // As after a crash, which leaves tables without a log empty.
        driver.block_on(client.batch_execute(&format!("DROP SCHEMA {} CASCADE", ours.schema()))).unwrap();
        assert_eq!(ours.revive(&Numbers { rows: 1000, factor: 1 }).unwrap().rows, 1000);
        assert_eq!(count(&client, &mut driver, schemas), 1);
        match ending {
            "stop" => ours.stop().unwrap(),
            _ => drop(ours),
        }
        assert_eq!(count(&client, &mut driver, schemas), 0, "after {ending}");
    }
    assert_eq!(count(&client, &mut driver, "SELECT sum(id) FROM public.numbers"), 3);
    assert_eq!(count(&client, &mut driver, "SELECT sum(id)::int8 FROM other.numbers"), 3);
    theirs.stop().unwrap();
}

#[test]
fn a_user_who_may_not_create_a_schema_learns_which_grant_is_missing() {
    let theirs = start();
    let (client, mut driver) = connect(&theirs.url()).unwrap();
    driver.block_on(client.batch_execute("CREATE ROLE guest LOGIN")).unwrap();
    let error = Server::at(&theirs.url().replace("goldilocks@", "guest@")).unwrap_err().to_string();
    assert!(error.contains("42501"), "{error}");
    assert!(error.contains(r#"GRANT CREATE ON DATABASE "postgres" TO "guest""#), "{error}");
    theirs.stop().unwrap();
}

#[test]
fn a_password_is_never_shown() {
    let theirs = start();
    let (client, mut driver) = connect(&theirs.url()).unwrap();
    // The server replaces its own file of access rules: `guest` needs a password, the owner does not.
    let rules = "CREATE ROLE guest LOGIN PASSWORD 'right-password';
        DO $$ BEGIN EXECUTE format('COPY (VALUES (''local all guest scram-sha-256''), (''local all all trust'')) TO %L',
                                   current_setting('hba_file')); END $$;
        SELECT pg_reload_conf()";
    driver.block_on(client.batch_execute(rules)).unwrap();
    let address = |password: &str| theirs.url().replace("goldilocks@", &format!("guest:{password}@"));
    while connect(&address("wrong-password")).is_ok() {
        // The server reads the rules again some time later.
        std::thread::yield_now();
    }
    let error = connect(&address("wrong-password")).err().unwrap();
    let shown = format!("{error} {error:?}");
    assert!(matches!(error, cursor::ConnectError::Server { .. }));
    assert!(shown.contains("28P01") && shown.contains("guest@"), "{shown}");
    assert!(!shown.contains("wrong-password"), "{shown}");
    assert!(connect(&address("right-password")).is_ok());
    // Nor is it shown when the password is right, or when the address cannot be read.
    let error = Server::at(&address("right-password")).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("right-password"));
    for nonsense in ["postgresql://guest:right-password@host:port/x", "host=x password=right-password nonsense"] {
        let error = connect(nonsense).err().unwrap();
        assert!(matches!(error, cursor::ConnectError::Address { .. }));
        assert!(!format!("{error} {error:?}").contains("right-password"), "{error}");
    }
    theirs.stop().unwrap();
}

#[test]
fn an_error_quotes_the_log_of_programs_that_do_not_come_up() {
    let installation = discovery::find(&Environment::of_this_process()).unwrap();
    // `ls` rejects the arguments and says so: it stands in for a broken initdb.
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).unwrap();
    std::os::unix::fs::symlink("/bin/ls", folder.path().join("initdb")).unwrap();
    let broken = Installation { programs: folder.path().into(), ..installation };
    let error = Server::start(&broken, 0).unwrap_err().to_string();
    assert!(error.contains("initdb") && error.contains("username"), "{error}");
    assert!(error.contains("PGBIN"), "{error}");
}

/// A private server to which `statement` was sent.
fn prepared(statement: &str) -> Server {
    let server = start();
    let (client, mut driver) = connect(&server.url()).unwrap();
    driver.block_on(client.batch_execute(statement)).unwrap();
    server
}

/// The folder of a server's socket.
fn folder(server: &Server) -> String {
    let shown = cursor::Address::parse(&server.url()).unwrap().shown();
    let (_, socket) = shown.split_once('@').unwrap();
    socket.split_once("/.s.PGSQL").unwrap().0.to_owned()
}

#[test]
fn the_server_that_the_session_attributes_ask_for_is_chosen() {
    // A setting of a role is one of its server, because each server has roles of its own.
    let read_only = prepared("ALTER ROLE goldilocks SET default_transaction_read_only = on");
    let writable = start();
    let [first, second] = [&read_only, &writable].map(folder);
    let address = |attributes: &str| {
        format!("host={first},{second} user=goldilocks dbname=postgres target_session_attrs={attributes}")
    };
    let read_only_at = |attributes: &str| {
        let (client, mut driver) = connect(&address(attributes)).unwrap();
        let row = driver.block_on(client.query_one("SHOW transaction_read_only", &[])).unwrap();
        row.get::<_, String>(0)
    };
    let expected =
        [("any", "on"), ("read-only", "on"), ("read-write", "off"), ("primary", "on"), ("prefer-standby", "on")];
    for (attributes, is_read_only) in expected {
        assert_eq!(read_only_at(attributes), is_read_only, "{attributes}");
    }
    let error = connect(&address("standby")).err().unwrap().to_string();
    assert!(error.matches("target_session_attrs=standby").count() == 2, "{error}");
    // A schema of our own can be made there.
    Server::at(&address("read-write")).unwrap().stop().unwrap();
}

#[test]
fn a_database_in_another_encoding_is_named_before_anything_is_made() {
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let theirs = prepared(&format!("CREATE DATABASE other ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"));
        let address = theirs.url().replace("/postgres", "/other");
        let error = Server::at(&address).unwrap_err().to_string();
        assert!(error.contains(&format!("its encoding is {encoding}")) && error.contains("UTF8"), "{error}");
        let (client, mut driver) = connect(&address).unwrap();
        let ours = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'goldilocks\\_%'";
        assert_eq!(count(&client, &mut driver, ours), 0);
        // A table that is already there is only read, so its encoding is recorded.
        let given = GivenServer::find(&address, &Limits::default()).unwrap();
        assert!(given.about.contains(&format!("server_encoding={encoding}")), "{given:?}");
    }
}

#[test]
fn a_schema_of_a_killed_program_is_dropped_and_no_other() {
    let theirs = start();
    let (client, mut driver) = connect(&theirs.url()).unwrap();
    let alive = Server::at(&theirs.url()).unwrap();
    assert_eq!(alive.remarks(), <&[String]>::default());
    let comment = "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = $1";
    let mark: String = driver.block_on(client.query_one(comment, &[&alive.schema()])).unwrap().get(0);
    // The comment ends with the start of this process. With another start it names one that is gone.
    let gone = format!("{mark}1");
    let elsewhere = mark.replace("machine ", "machine x");
    let make = format!(
        "CREATE SCHEMA goldilocks_1_dead; COMMENT ON SCHEMA goldilocks_1_dead IS '{gone}';
         CREATE TABLE goldilocks_1_dead.product (id int);
         CREATE SCHEMA goldilocks_2_beef; COMMENT ON SCHEMA goldilocks_2_beef IS '{elsewhere}';
         CREATE SCHEMA goldilocks_3_cafe; COMMENT ON SCHEMA goldilocks_3_cafe IS 'mine';
         CREATE SCHEMA \"goldilocks_4_x; DROP SCHEMA other\";
         COMMENT ON SCHEMA \"goldilocks_4_x; DROP SCHEMA other\" IS '{gone}';
         CREATE SCHEMA other; COMMENT ON SCHEMA other IS '{gone}';
         CREATE ROLE guest; CREATE SCHEMA goldilocks_5_fade AUTHORIZATION guest;
         COMMENT ON SCHEMA goldilocks_5_fade IS '{gone}'"
    );
    driver.block_on(client.batch_execute(&make)).unwrap();
    let next = Server::at(&theirs.url()).unwrap();
    let [dropped, named] = next.remarks() else { panic!("{:?}", next.remarks()) };
    assert!(dropped.contains("dropped schema goldilocks_1_dead"), "{dropped}");
    assert!(named.contains("`DROP SCHEMA goldilocks_2_beef CASCADE`"), "{named}");
    let kept = format!(
        "SELECT count(*) FROM pg_namespace WHERE nspname IN ('{}', 'goldilocks_2_beef', 'goldilocks_3_cafe', 'other',
         'goldilocks_4_x; DROP SCHEMA other', 'goldilocks_5_fade')",
        alive.schema()
    );
    assert_eq!(count(&client, &mut driver, &kept), 6);
    assert_eq!(count(&client, &mut driver, "SELECT count(*) FROM pg_namespace WHERE nspname = 'goldilocks_1_dead'"), 0);
    alive.stop().unwrap();
    next.stop().unwrap();
}

#[test]
fn a_password_file_is_used_and_its_faults_are_named() {
    let theirs = prepared(
        "CREATE ROLE guest LOGIN PASSWORD 'open sesame';
         DO $$ BEGIN EXECUTE format('COPY (VALUES (''local all guest scram-sha-256''), (''local all all trust'')) TO %L',
                                    current_setting('hba_file')); END $$;
         SELECT pg_reload_conf()",
    );
    let folder = folder(&theirs);
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("pass word");
    let address = format!("host={folder} user=guest dbname=postgres passfile='{}'", file.display());
    let refused = |named: &str| {
        // The server reads its rules again some time later.
        let error = loop {
            match connect(&address) {
                Ok(_) => std::thread::yield_now(),
                Err(error) => break error.to_string(),
            }
        };
        assert!(error.contains(named) && !error.contains("sesame"), "{error}");
    };
    let write = |line: &str, mode: u32| {
        std::fs::write(&file, line).unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    refused("cannot read the password file");
    write("*:*:*:guest:open sesame\n", 0o644);
    refused("chmod 600");
    write("*:*:*:other:open sesame\n", 0o600);
    refused("has no line for host");
    write(&format!("*:*:*:other:x\n{folder}:5432:postgres:guest:open sesame\n"), 0o600);
    connect(&address).unwrap();
    theirs.stop().unwrap();
}

/// A pooler that gives all its connections one session: every query has the same answer.
fn one_session_for_all() -> u16 {
    use std::io::{Read, Write};
    let message = |kind: u8, body: &[u8]| [&[kind][..], &(body.len() as u32 + 4).to_be_bytes(), body].concat();
    let ready = message(b'Z', b"I");
    let column = |name: &str| [name.as_bytes(), &[0; 7], &25_i32.to_be_bytes(), &[255; 6], &[0; 2]].concat();
    let columns = [&2_i16.to_be_bytes()[..], &column("pid"), &column("start")].concat();
    let value = |text: &str| [&(text.len() as i32).to_be_bytes()[..], text.as_bytes()].concat();
    let row = [&2_i16.to_be_bytes()[..], &value("7"), &value("today")].concat();
    let answer = [message(b'T', &columns), message(b'D', &row), message(b'C', b"SELECT 1\0"), ready.clone()].concat();
    let welcome = [message(b'R', &[0; 4]), ready].concat();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, welcome, answer) = (client.unwrap(), welcome.clone(), answer.clone());
            std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                let mut next = &welcome;
                // Each request is small and waited for, so a read gets a whole one.
                while client.read(&mut bytes).is_ok_and(|count| count > 0) && client.write_all(next).is_ok() {
                    next = &answer;
                }
            });
        }
    });
    port
}

#[test]
fn a_pooler_of_transactions_is_named_at_once() {
    let address = format!("postgresql://guest@127.0.0.1:{}/shop", one_session_for_all());
    let error = Server::at(&address).unwrap_err().to_string();
    assert!(error.contains("pool_mode=transaction") && error.contains("guest@127.0.0.1"), "{error}");
    let error = GivenServer::find(&address, &Limits::default()).unwrap_err().to_string();
    assert!(error.contains("pool_mode=transaction"), "{error}");
}
