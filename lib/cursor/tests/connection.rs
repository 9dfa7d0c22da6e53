//! A connection driven by the thread that uses it.

#![allow(clippy::unwrap_used)]

use std::future::{Future, poll_fn};
use std::net::TcpListener;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use cursor::{Address, Driver, connect, connect_unless, explain};
use postgres::{Environment, Server};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, SimpleQueryMessage};

/// One server for all tests here. Its watchdog ends it when this process ends.
static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let server = Server::open(&Environment::of_this_process(), 0).unwrap_or_else(|error| panic!("{error}"));
    let (client, mut driver) = connect(&server.url()).unwrap();
    let create = "CREATE TABLE goldilocks.product AS SELECT product_id FROM generate_series(1, 20000) AS product_id";
    driver.block_on(client.batch_execute(create)).unwrap();
    server
});

fn connected() -> (Client, Driver) {
    connect(&SERVER.url()).unwrap()
}

fn sum(client: &Client, driver: &mut Driver) -> i64 {
    driver.block_on(client.query_one("SELECT sum(product_id) FROM goldilocks.product", &[])).unwrap().get(0)
}

const SUM: i64 = 20_000 * 20_001 / 2;

fn assert_send<T: Send>(value: T) -> T {
    value
}

#[test]
fn plain_threads_drive_their_own_connections_side_by_side() {
    let threads: Vec<_> = (0..4)
        .map(|_| {
            // A driver may move to another thread.
            let (client, mut driver) = assert_send(connected());
            thread::spawn(move || (0..20).map(|_| sum(&client, &mut driver)).sum::<i64>())
        })
        .collect();
    assert!(threads.into_iter().all(|thread| thread.join().unwrap() == 20 * SUM));
}

#[test]
fn a_driver_works_on_a_thread_that_belongs_to_a_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let total = runtime.block_on(async {
        let (client, mut driver) = connected();
        sum(&client, &mut driver)
    });
    assert_eq!(total, SUM);
}

#[test]
fn large_answers_and_large_requests_pass_in_both_directions_at_once() {
    let (client, mut driver) = connected();
    let long = "x".repeat(8 << 20);
    // The sockets' buffers do not hold this: the driver must read while it writes.
    let echoes: Vec<String> = driver.block_on(async {
        let parameters: [&(dyn ToSql + Sync); 1] = [&long];
        let ask = || client.query_one("SELECT $1::text", &parameters);
        let (one, two) = both(ask(), ask()).await;
        vec![one.unwrap().get(0), two.unwrap().get(0)]
    });
    assert!(echoes.iter().all(|echo| *echo == long));
}

/// Waits for two futures at once.
async fn both<A: Future, B: Future>(one: A, two: B) -> (A::Output, B::Output) {
    let (mut one, mut two) = (pin!(one), pin!(two));
    let (mut first, mut second) = (None, None);
    poll_fn(|context| {
        if first.is_none()
            && let Poll::Ready(output) = one.as_mut().poll(context)
        {
            first = Some(output);
        }
        if second.is_none()
            && let Poll::Ready(output) = two.as_mut().poll(context)
        {
            second = Some(output);
        }
        if first.is_some() && second.is_some() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    (first.unwrap(), second.unwrap())
}

#[test]
fn another_thread_wakes_the_driver() {
    let (client, mut driver) = connected();
    for _ in 0..200 {
        let state: Arc<Mutex<(bool, Option<Waker>)>> = Arc::default();
        let shared = Arc::clone(&state);
        let thread = thread::spawn(move || {
            let mut state = shared.lock().unwrap();
            state.0 = true;
            if let Some(waker) = state.1.take() {
                waker.wake();
            }
        });
        driver.block_on(poll_fn(|context| {
            let mut state = state.lock().unwrap();
            state.1 = Some(context.waker().clone());
            if state.0 { Poll::Ready(()) } else { Poll::Pending }
        }));
        thread.join().unwrap();
    }
    assert_eq!(sum(&client, &mut driver), SUM);
}

#[test]
fn requests_that_a_finished_future_left_in_the_queue_are_sent() {
    let (mut client, mut driver) = connected();
    let (watcher, mut watching) = connected();
    let own: i32 = driver.block_on(client.query_one("SELECT pg_backend_pid()", &[])).unwrap().get(0);
    let transaction = driver.block_on(client.transaction()).unwrap();
    let statement = driver.block_on(transaction.prepare("SELECT product_id FROM goldilocks.product")).unwrap();
    let portal = driver.block_on(transaction.bind(&statement, &[])).unwrap();
    // The request for a page is only queued: the future ends without waiting.
    let page = driver.block_on(transaction.query_portal_raw(&portal, 50)).unwrap();
    // No call drives the connection any more, but the server does the work.
    let idle = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND query_start > xact_start
                AND state = 'idle in transaction' AND query LIKE 'SELECT product_id%'";
    let deadline = Instant::now() + Duration::from_secs(10);
    while watching.block_on(watcher.query_one(idle, &[&own])).unwrap().get::<_, i64>(0) == 0 {
        assert!(Instant::now() < deadline, "the page was not requested");
    }
    drop(page);
}

/// The number of the server's process for a connection, without a prepared statement that would have to be closed.
fn backend(client: &Client, driver: &mut Driver) -> String {
    let answer = driver.block_on(client.simple_query("SELECT pg_backend_pid()")).unwrap();
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    row.unwrap().to_string()
}

#[test]
fn a_request_fails_with_the_reason_when_the_server_ends_its_session() {
    for _ in 0..20 {
        let (client, mut driver) = connected();
        let own = backend(&client, &mut driver);
        let killer = thread::spawn(move || {
            let (client, mut driver) = connected();
            let end =
                format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = {own} AND query ~ 'sleep'");
            while driver.block_on(client.query_opt(end.as_str(), &[])).unwrap().is_none() {}
        });
        let error = driver.block_on(client.batch_execute("SELECT pg_sleep(60)")).unwrap_err();
        killer.join().unwrap();
        assert_eq!(error.code(), Some(&SqlState::ADMIN_SHUTDOWN), "{error:?}");
        // Later requests fail at once.
        assert!(driver.block_on(client.query_one("SELECT 1", &[])).unwrap_err().is_closed());
    }
}

#[test]
fn a_driver_keeps_the_servers_last_message() {
    for _ in 0..20 {
        let (client, mut driver) = connected();
        let own = backend(&client, &mut driver);
        let (other, mut others) = connected();
        others.block_on(other.batch_execute(&format!("SELECT pg_terminate_backend({own}, 10000)"))).unwrap();
        let error = driver.block_on(client.query_one("SELECT 1", &[])).unwrap_err();
        // The request gets the message if it is under way before the message is read; otherwise only "connection closed".
        let last_message = if error.is_closed() { driver.ended() } else { Some(&error) };
        assert_eq!(last_message.and_then(|error| error.code()), Some(&SqlState::ADMIN_SHUTDOWN), "{error:?}");
        assert!(driver.explain(&error).contains("57P01"), "{}", driver.explain(&error));
        assert!(driver.block_on(client.query_one("SELECT 1", &[])).unwrap_err().is_closed());
    }
}

#[test]
fn an_error_of_the_server_has_its_code_and_the_connection_stays_usable() {
    let (client, mut driver) = connected();
    let error = driver.block_on(client.query_one("SELECT 1 / 0", &[])).unwrap_err();
    assert!(explain(&error).starts_with("ERROR 22012: division by zero; "), "{}", explain(&error));
    assert_eq!(sum(&client, &mut driver), SUM);
}

#[test]
fn a_deadline_ends_the_wait_and_not_the_connection() {
    let (client, mut driver) = connected();
    let deadline = Instant::now() + Duration::from_millis(30);
    assert!(driver.block_on_until(deadline, client.query_one("SELECT pg_sleep(0.2)", &[])).is_none());
    assert_eq!(sum(&client, &mut driver), SUM);
}

#[test]
fn an_error_names_the_address_of_an_absent_server() {
    let url = "postgresql://guest:secret@%2Fnowhere%2Fat%2Fall:5432/x";
    let error = connect(url).err().unwrap().to_string();
    assert!(error.contains("guest@/nowhere/at/all/.s.PGSQL.5432 (database x)"), "{error}");
    assert!(error.contains("is the server running there?") && !error.contains("secret"), "{error}");

    // This port is free, because this process has just released it.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = connect(&format!("postgresql://guest@127.0.0.1:{port}/x")).err().unwrap().to_string();
    assert!(error.contains(&format!("127.0.0.1:{port}")) && error.contains("is the server running there?"), "{error}");

    let error = connect("user=guest").err().unwrap().to_string();
    assert!(error.contains("names no host"), "{error}");
    let error = connect("postgresql://guest@127.0.0.1/x?sslmode=require").err().unwrap().to_string();
    assert!(error.contains("TLS"), "{error}");
}

#[test]
fn connecting_to_a_silent_server_fails_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let error = connect(&format!("postgresql://guest@127.0.0.1:{port}/x?connect_timeout=1")).err().unwrap().to_string();
    assert!(error.contains("did not answer in time"), "{error}");
}

#[test]
fn a_request_fails_if_the_server_is_silent_too_long_and_not_while_it_talks() {
    let (client, mut driver) = connected();
    driver.limit_silence(Duration::from_millis(200));
    // Longer than the limit in total, but never silent for that long.
    let talking = "DO $$ BEGIN FOR i IN 1..10 LOOP PERFORM pg_sleep(0.04); RAISE NOTICE 'still here'; END LOOP; END $$";
    driver.block_on(client.batch_execute(talking)).unwrap();
    // The time between requests does not count.
    thread::sleep(Duration::from_millis(300));
    assert_eq!(sum(&client, &mut driver), SUM);
    let error = driver.block_on(client.batch_execute("SELECT pg_sleep(60)")).unwrap_err();
    assert!(driver.explain(&error).contains("no data from the server for 0.2 s"), "{}", driver.explain(&error));
    assert!(driver.block_on(client.query_one("SELECT 1", &[])).unwrap_err().is_closed());
}

#[test]
fn lost_prepared_statements_point_to_a_pooler() {
    let (client, mut driver) = connected();
    for (statement, code) in
        [("PREPARE s0 AS SELECT 1; PREPARE s0 AS SELECT 1", "42P05"), ("EXECUTE no_such_statement", "26000")]
    {
        let error = explain(&driver.block_on(client.batch_execute(statement)).unwrap_err());
        assert!(error.contains(code) && error.contains("pool_mode=transaction"), "{error}");
    }
}

#[test]
fn an_error_of_the_server_cannot_control_the_terminal() {
    let (client, mut driver) = connected();
    let raise =
        "DO $$ BEGIN RAISE EXCEPTION E'\\x1b]0;owned\\x07' USING HINT = E'\\x1b[2J', DETAIL = E'\\r\\x08'; END $$";
    let error = explain(&driver.block_on(client.batch_execute(raise)).unwrap_err());
    assert!(error.contains("\\u{1b}]0;owned\\u{7}") && !error.contains(char::is_control), "{error:?}");
}

#[test]
fn a_request_to_stop_ends_every_wait() {
    let stop = Arc::new(AtomicBool::new(false));
    let (client, mut driver) = connect_unless(&stop, &SERVER.url()).unwrap();
    let sleeper = backend(&client, &mut driver);
    let stopper = thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            let (client, mut driver) = connected();
            let sleeps = format!("SELECT 1 FROM pg_stat_activity WHERE pid = {sleeper} AND query ~ 'pg_sleep'");
            while driver.block_on(client.query_opt(sleeps.as_str(), &[])).unwrap().is_none() {}
            stop.store(true, Ordering::Relaxed);
        }
    });
    let error = driver.block_on(client.batch_execute("SELECT pg_sleep(600)")).unwrap_err();
    stopper.join().unwrap();
    assert_eq!(driver.explain(&error), "interrupted");
    // The flag is still set: neither a silent server nor one that never accepts is waited for.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    // This address is reserved for documentation, so nothing answers there.
    for url in [format!("postgresql://guest@127.0.0.1:{port}/x"), "postgresql://guest@192.0.2.1/x".to_owned()] {
        let error = connect_unless(&stop, &format!("{url}?connect_timeout=600")).err().unwrap().to_string();
        assert!(error.contains("interrupted") || error.contains("unreachable"), "{error}");
    }
}

/// The folder of the server's socket.
fn folder() -> String {
    let shown = Address::parse(&SERVER.url()).unwrap().shown();
    let (_, socket) = shown.split_once('@').unwrap();
    socket.split_once("/.s.PGSQL").unwrap().0.to_owned()
}

#[test]
fn hosts_are_tried_in_turn_and_each_reason_is_given() {
    let folder = folder();
    let (client, mut driver) =
        connect(&format!("host=/nowhere,{folder} port=5432 user=goldilocks dbname=postgres")).unwrap();
    assert_eq!(sum(&client, &mut driver), SUM);
    let error = connect("host=/nowhere,/elsewhere user=guest").err().unwrap().to_string();
    assert!(error.contains("/nowhere/.s.PGSQL.5432: ") && error.contains("/elsewhere/.s.PGSQL.5432: "), "{error}");
    // A numeric address is used instead of the name beside it, which does not exist.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = connect(&format!("host=no.such.host.invalid hostaddr=127.0.0.1 port={port} user=guest"));
    let error = error.err().unwrap().to_string();
    assert!(error.contains("is the server running there?") && !error.contains("lookup"), "{error}");
}

#[test]
fn a_rejected_login_is_not_tried_on_the_next_host() {
    let folder = folder();
    let error = connect(&format!("host={folder},/nowhere user=goldilocks dbname=no_such")).err().unwrap().to_string();
    assert!(error.contains("3D000") && !error.contains("/nowhere/.s.PGSQL.5432: "), "{error}");
}
