//! A server comes up by itself, does its work and is gone; a server that was given keeps nothing of ours.

#![allow(clippy::unwrap_used)]

mod leftovers;

use datasets::products::BYTES_PER_ROW;
use leftovers::processes_in;
use postgres::{Driver, Environment, Server, connect, discovery};
use tokio_postgres::Client;

/// A server of our own: the tests need one, so its absence is a failure and not a reason to skip.
fn start() -> Server {
    let environment = Environment::of_this_process();
    let found = discovery::find(&environment).unwrap_or_else(|error| panic!("{error}"));
    Server::start(&found, environment.runs_as.as_ref(), 0).unwrap_or_else(|error| panic!("{error}"))
}

fn count(client: &Client, driver: &mut Driver, question: &str) -> i64 {
    driver.block_on(client.query_one(question, &[])).unwrap().get(0)
}

#[test]
fn a_server_answers_and_leaves_nothing_when_it_is_stopped() {
    let server = start();
    let directory = server.directory().unwrap().to_path_buf();
    let (client, mut driver) = connect(&server.url()).unwrap();
    assert_eq!(count(&client, &mut driver, "SELECT 20 + 22::int8"), 42);
    let listening: String = driver.block_on(client.query_one("SHOW listen_addresses", &[])).unwrap().get(0);
    assert_eq!(listening, "", "a server of ours opens no port");
    assert!(server.about().contains(server.version()), "{}", server.about());
    assert!(server.about().contains("synchronize_seqscans=off"), "{}", server.about());
    assert!(directory.exists() && !processes_in(&directory).is_empty());

    server.stop().unwrap();
    assert!(!directory.exists());
    assert_eq!(processes_in(&directory), Vec::<String>::new());
}

#[test]
fn a_table_is_loaded_whole_and_ready_to_be_scanned() {
    let server = start();
    let loaded = server.load_products(100_000, 7).unwrap();
    assert_eq!(loaded.rows, 100_000);
    let (client, mut driver) = connect(&server.url()).unwrap();
    let table = format!("{}.product", server.schema());
    for (expected, question) in [
        (100_000, format!("SELECT count(DISTINCT product_id) FROM {table}")),
        (100_000, format!("SELECT max(product_id)::int8 FROM {table}")),
        (0, format!("SELECT count(*) FROM {table} WHERE product_name IS NULL OR product_name = ''")),
        // Every page is marked as visible to all: scans write nothing.
        (0, format!("SELECT (relpages - relallvisible)::int8 FROM pg_class WHERE oid = '{table}'::regclass")),
    ] {
        assert_eq!(count(&client, &mut driver, &question), expected, "{question}");
    }
    let whole = count(&client, &mut driver, &format!("SELECT pg_total_relation_size('{table}')"));
    let (row, expected) = (whole as f64 / 1e5, BYTES_PER_ROW as f64);
    assert!((row / expected - 1.0).abs() < 0.05, "a row takes {row} bytes and not {expected}");
    // Loading again replaces the table.
    assert_eq!(server.load_products(50, 7).unwrap().rows, 50);
    assert_eq!(server.load_products(0, 7).unwrap().rows, 0);
    assert!(server.load_products(u64::MAX, 7).is_err());
    let speed = loaded.rows as f64 / loaded.copying.as_secs_f64();
    eprintln!("{}: {loaded:?}, {speed:.0} rows/s", server.about());
    server.stop().unwrap();
}

#[test]
fn a_loaded_table_is_kept_and_the_next_server_starts_from_a_copy_of_it() {
    let clusters = tempfile::tempdir().unwrap();
    let environment = Environment { address: None, ..Environment::of_this_process() };
    let open = |rows, seed| Server::with_products(&environment, (rows, seed), clusters.path()).unwrap();
    let names = |server: &Server| {
        let (client, mut driver) = connect(&server.url()).unwrap();
        let question = format!(
            "SELECT md5(string_agg(product_id || product_name, ' ' ORDER BY product_id)) FROM {}.product",
            server.schema()
        );
        let names: String = driver.block_on(client.query_one(&question, &[])).unwrap().get(0);
        // What is done to one server is done to its copy.
        let table = format!("{}.product", server.schema());
        driver
            .block_on(client.batch_execute(&format!("DELETE FROM {table}; DROP SCHEMA {} CASCADE", server.schema())))
            .unwrap();
        names
    };
    let kept = || std::fs::read_dir(clusters.path()).unwrap().count();
    let (first, loaded) = open(5_000, 7);
    assert_eq!((loaded.rows, loaded.kept, kept()), (5_000, false, 1));
    let expected = names(&first);
    // Two at once, and one after a server that was left in ruins.
    let ((second, taken), (third, also)) = (open(5_000, 7), open(5_000, 7));
    assert!(taken.kept && also.kept && (taken.rows, taken.bytes) == (loaded.rows, loaded.bytes));
    assert_eq!(([names(&second), names(&third)], kept()), ([expected.clone(), expected.clone()], 1));
    for (rows, seed) in [(4_999, 7), (5_000, 8)] {
        let (other, loaded) = open(rows, seed);
        assert!((loaded.rows, loaded.kept) == (rows, false) && names(&other) != expected);
    }
    // Kept files that are damaged are no reason to fail.
    for entry in std::fs::read_dir(clusters.path()).unwrap() {
        std::fs::remove_file(entry.unwrap().path().join("global/pg_control")).unwrap();
    }
    let (again, loaded) = open(5_000, 7);
    assert_eq!((loaded.kept, names(&again)), (false, expected.clone()));
    assert!(open(5_000, 7).1.kept);
    // Not more than the newest few are kept.
    (1..5).for_each(|rows| drop(open(rows, 7)));
    assert_eq!(kept(), 4);
}

#[test]
fn on_a_given_server_only_a_schema_of_ours_comes_and_goes() {
    let theirs = start();
    let (client, mut driver) = connect(&theirs.url()).unwrap();
    let prepare = "CREATE TABLE public.product (product_id int); INSERT INTO public.product VALUES (1), (2);
                   CREATE SCHEMA other; CREATE TABLE other.product AS SELECT 3 AS product_id";
    driver.block_on(client.batch_execute(prepare)).unwrap();
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'goldilocks\\_%'";

    for ending in ["stop", "drop"] {
        let environment = Environment { address: Some(theirs.url()), ..Environment::of_this_process() };
        let ours = Server::open(&environment, 0).unwrap();
        assert!(ours.directory().is_none());
        assert!(ours.about().contains("given"), "{}", ours.about());
        assert_eq!(ours.load_products(1000, 1).unwrap().rows, 1000);
        assert_eq!(count(&client, &mut driver, schemas), 1);
        match ending {
            "stop" => ours.stop().unwrap(),
            _ => drop(ours),
        }
        assert_eq!(count(&client, &mut driver, schemas), 0, "after {ending}");
    }
    assert_eq!(count(&client, &mut driver, "SELECT sum(product_id) FROM public.product"), 3);
    assert_eq!(count(&client, &mut driver, "SELECT sum(product_id)::int8 FROM other.product"), 3);
    theirs.stop().unwrap();
}

#[test]
fn a_user_who_may_not_make_a_schema_is_told_the_grant_that_is_missing() {
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
    // The file of access rules is replaced by the server itself: `guest` needs a password, the owner does not.
    let rules = "CREATE ROLE guest LOGIN PASSWORD 'right-password';
        DO $$ BEGIN EXECUTE format('COPY (VALUES (''local all guest scram-sha-256''), (''local all all trust'')) TO %L',
                                   current_setting('hba_file')); END $$;
        SELECT pg_reload_conf()";
    driver.block_on(client.batch_execute(rules)).unwrap();
    let address = |password: &str| theirs.url().replace("goldilocks@", &format!("guest:{password}@"));
    while connect(&address("wrong-password")).is_ok() {
        // The rules are read again when the server gets round to it.
        std::thread::yield_now();
    }
    let error = connect(&address("wrong-password")).err().unwrap();
    let shown = format!("{error} {error:?}");
    assert!(matches!(error, cursor::connection_error::Error::Connect { .. }));
    assert!(shown.contains("28P01") && shown.contains("guest@"), "{shown}");
    assert!(!shown.contains("wrong-password"), "{shown}");
    assert!(connect(&address("right-password")).is_ok());
    // Neither when it works, nor when the address makes no sense.
    let error = Server::at(&address("right-password")).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("right-password"));
    for nonsense in ["postgresql://guest:right-password@host:port/x", "host=x password=right-password nonsense"] {
        let error = connect(nonsense).err().unwrap();
        assert!(matches!(error, cursor::connection_error::Error::Address { .. }));
        assert!(!format!("{error} {error:?}").contains("right-password"), "{error}");
    }
    theirs.stop().unwrap();
}

#[test]
fn programs_that_do_not_come_up_are_quoted() {
    let environment = Environment::of_this_process();
    let found = discovery::find(&environment).unwrap();
    // `ls` knows none of the arguments and says so: a stand-in for a broken initdb.
    let folder = std::env::temp_dir().join(format!("gl-broken-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink("/bin/ls", folder.join("initdb")).unwrap();
    let broken = discovery::Found { programs: folder.clone(), ..found };
    let error = Server::start(&broken, environment.runs_as.as_ref(), 0).unwrap_err().to_string();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(error.contains("initdb") && error.contains("username"), "{error}");
    assert!(error.contains("PGBIN"), "{error}");
}
