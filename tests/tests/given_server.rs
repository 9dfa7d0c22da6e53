//! Servers and tables that the user names: where an address comes from, hostile names, waits, and what the record holds.

use postgres::{Environment, Server, connect};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Output};
use std::sync::LazyLock;
use testbed::sandbox::Sandbox;

/// The server of all tests in this file. Its watchdog stops it when this process ends.
static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let environment = Environment { address: None, ..Environment::of_this_process() };
    Server::open(&environment, 0).unwrap_or_else(|error| panic!("{error}"))
});

fn count(question: &str) -> i64 {
    let (client, mut driver) = connect(&SERVER.url()).expect("the server answers");
    driver.block_on(client.query_one(question, &[])).expect("the question is right").get(0)
}

fn carry_out(statements: &str) {
    let (client, mut driver) = connect(&SERVER.url()).expect("the server answers");
    driver.block_on(client.batch_execute(statements)).expect("the statements are right");
}

fn run(sandbox: &Sandbox) -> Command {
    let mut run = sandbox.goldilocks();
    run.args(["run", "--task", "cursor_pages", "--strategy", "sequential", "--samples", "1"]);
    run.arg("--runs").arg(sandbox.runs()).arg("--data").arg(sandbox.path("data"));
    run
}

fn words(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|words| String::from_utf8_lossy(words)).concat()
}

/// The server's address with a password, which it does not ask for.
fn with_password() -> String {
    SERVER.url().replace("goldilocks@", "goldilocks:open-sesame@")
}

#[test]
fn an_error_says_where_the_address_comes_from_and_what_happens_without_it() {
    let sandbox = Sandbox::default();
    for (address, named) in [
        ("mysql://u:open-sesame@localhost/app", "`mysql:`"),
        ("postgresql://u:open-sesame@localhost/app?schema=public", "`schema`"),
        ("postgresql://u:open-sesame@127.0.0.1:1/app", "cannot connect to u@127.0.0.1:1"),
    ] {
        let by_variable = run(&sandbox).env("DATABASE_URL", address).output().expect("the binary was just built");
        let by_option = run(&sandbox).args(["--database-url", address]).output().expect("the binary was just built");
        for (output, origin, more) in
            [(by_variable, "comes from DATABASE_URL; unset it", false), (by_option, "comes from --database-url", true)]
        {
            let words = words(&output);
            assert_eq!(output.status.code(), Some(1), "{words}");
            assert!(words.contains(named) && words.contains(origin) && words.contains("private server"), "{words}");
            assert!(!words.contains("open-sesame") && !words.contains("panicked"), "{words}");
            // An option is visible in the list of processes, a variable is not.
            let warns = words.contains("in `ps`");
            assert!(warns == more || address.starts_with("mysql") || address.contains('?'), "{words}");
        }
    }
    // A variable of another program does not hinder a task without a server.
    let not_text = OsStr::from_bytes(b"postgresql://u:open-sesame\xff@localhost/app");
    let output = run(&sandbox).env("DATABASE_URL", not_text).output().expect("the binary was just built");
    assert!(words(&output).contains("not UTF-8") && words(&output).contains("from DATABASE_URL"), "{}", words(&output));
    let output = run(&sandbox).env("DATABASE_URL", not_text).args(["--task", "noop"]).output();
    let output = output.expect("the binary was just built");
    assert!(output.status.success(), "{}", words(&output));
    let broken = run(&sandbox).env("DATABASE_URL", SERVER.url()).env("PGSSLNEGOTIATION", "direct").output();
    let words = words(&broken.expect("the binary was just built"));
    assert!(words.contains("environment variable `PGSSLNEGOTIATION` needs TLS"), "{words}");
}

#[test]
fn a_given_table_is_named_in_the_record_with_its_rows_and_its_server() {
    // In SQL, this name without quotes would drop a table.
    carry_out(
        r#"CREATE SCHEMA "Odd ""one"""; CREATE TABLE public.victim ();
           CREATE TABLE "Odd ""one"""."x; DROP TABLE public.victim; --" AS
           SELECT i AS product_id, 'product ' || i AS product_name FROM generate_series(1, 1234) AS i"#,
    );
    let sandbox = Sandbox::default();
    let table = r#""Odd ""one"""."x; DROP TABLE public.victim; --""#;
    let arguments =
        ["--tasks", "cursor_pages,cursor_ranges", "--strategies", "rayon", "--cores", "1", "--sizes", "500"];
    let output = sandbox
        .sweep(arguments)
        .args(["--blocks", "1", "--samples", "1", "--table", table, "--database-url", &with_password()])
        .output()
        .expect("the binary was just built");
    assert!(output.status.success(), "{}", words(&output));
    assert!(words(&output).contains("warning: other users of this machine see the password"), "{}", words(&output));
    let record = sandbox.record();
    assert_eq!(record.run.tasks.len(), 2);
    for task in &record.run.tasks {
        assert_eq!(task.options["table"], table);
        assert!(!task.options.contains_key("rows"), "{:?}", task.options);
        assert_eq!(task.answer[0], ("rows".to_owned(), "1234".to_owned()));
    }
    let server = &record.run.machine.notes["server"];
    let host = cursor::Address::parse(&SERVER.url()).expect("it is right").shown();
    assert!(server.contains(SERVER.version()) && server.contains(&host), "{server}");
    assert_eq!(count("SELECT count(*) FROM pg_class WHERE relname = 'victim'"), 1);
    // No file and no output holds the password.
    let folder = sandbox.run().expect("there is a run");
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let text = std::fs::read(entry.path()).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&text).contains("open-sesame"), "{}", entry.path().display());
    }
    assert!(!words(&output).contains("open-sesame"));
}

#[test]
fn what_is_no_name_of_a_table_reaches_no_server() {
    carry_out("CREATE TABLE public.kept AS SELECT 1 AS product_id, 'x' AS product_name");
    let sandbox = Sandbox::default();
    for table in [
        "public.kept; DROP TABLE public.kept",
        "public.kept, pg_terminate_backend(pg_backend_pid())",
        "(DELETE FROM public.kept RETURNING *) AS x",
        "public.kept WHERE pg_sleep(1) IS NULL",
        "\"kept",
        "a.b.c",
    ] {
        let output = run(&sandbox).args(["--table", table, "--database-url", &SERVER.url()]).output();
        let output = output.expect("the binary was just built");
        assert_eq!(output.status.code(), Some(2), "{table}: {}", words(&output));
    }
    // A plan is not checked by the command line; its table is a name all the same.
    let mut inputs = tasks::Inputs::default();
    inputs.cursor_pages.database_url = Some(SERVER.url());
    inputs.cursor_pages.table = Some("public.kept; DROP TABLE public.kept".to_owned());
    for task in [tasks::cursor_pages::ENTRY, tasks::cursor_ranges::ENTRY] {
        let error = (task.load)(&inputs).err().expect("it is no name").to_string();
        assert!(error.contains("no name of a table"), "{error}");
    }
    assert_eq!(count("SELECT count(*) FROM public.kept"), 1);
}

#[test]
fn a_given_table_is_only_read() {
    // A view may call functions. Outside a read-only transaction this one would write.
    carry_out(
        "CREATE TABLE public.log (id int);
         CREATE FUNCTION public.noted(id int) RETURNS int LANGUAGE sql VOLATILE AS
         'INSERT INTO public.log VALUES (id); SELECT id';
         CREATE VIEW public.writes AS SELECT public.noted(i) AS product_id, 'x' AS product_name
         FROM generate_series(1, 3) AS i",
    );
    let mut inputs = tasks::Inputs::default();
    inputs.cursor_pages.database_url = Some(SERVER.url());
    inputs.cursor_pages.table = Some("public.writes".to_owned());
    for task in [tasks::cursor_pages::ENTRY, tasks::cursor_ranges::ENTRY] {
        let task = (task.load)(&inputs).expect("it is a name");
        let error = task.baseline().err().expect("it may not write").to_string();
        assert!(error.contains("25006"), "{error}");
    }
    let sandbox = Sandbox::default();
    let output = run(&sandbox).args(["--table", "public.writes", "--database-url", &SERVER.url()]).output();
    let output = output.expect("the binary was just built");
    assert!(words(&output).contains("25006"), "{}", words(&output));
    assert_eq!(count("SELECT count(*) FROM public.log"), 0);
}

#[test]
fn a_signal_ends_the_wait_for_a_server_that_does_not_answer() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let port = silent.local_addr().expect("it has one").port();
    let sandbox = Sandbox::default();
    let mut run = run(&sandbox);
    run.env("DATABASE_URL", format!("postgresql://guest@127.0.0.1:{port}/x?connect_timeout=3600"));
    let run = run.stderr(std::process::Stdio::piped()).spawn().expect("the binary was just built");
    // From now on the program waits for an answer.
    let connection = silent.accept().expect("it connects");
    kill_process(Pid::from_child(&run), Signal::INT).expect("it runs");
    let output = run.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", words(&output));
    drop(connection);
}

#[test]
fn a_sweep_on_a_given_server_is_resumed_only_there() {
    let sandbox = Sandbox::default();
    let words_of = |arguments: &[&str], address: Option<&str>| {
        let mut sweep = sandbox.sweep(arguments);
        address.map(|address| sweep.env("DATABASE_URL", address));
        let output = sweep.output().expect("the binary was just built");
        (output.status.code(), words(&output))
    };
    let url = SERVER.url();
    let few = ["--tasks", "cursor_pages", "--strategies", "sequential", "--cores", "1", "--sizes", "100"];
    let less = ["--rows", "200", "--samples", "1", "--blocks", "1"];
    let (code, said) = words_of(&[&few[..], &less].concat(), Some(&url));
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = words_of(&["--resume", "--blocks", "2"], None);
    assert!(code == Some(1) && said.contains("give its address again"), "{said}");
    let (code, said) = words_of(&["--resume", "--blocks", "2"], Some(&url));
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(sandbox.record().samples.len(), 2 * 2);
}
