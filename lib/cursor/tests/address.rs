//! Every setting of an address is used or refused by name, and no message repeats a password.

#![allow(clippy::unwrap_used)]

use cursor::Address;

fn refusal(text: &str) -> String {
    let error = Address::parse(text).err().unwrap_or_else(|| panic!("{text} is taken")).to_string();
    assert!(error.starts_with("cannot use the database address: "), "{error}");
    assert!(!error.contains("s3cret"), "{error}");
    error
}

/// The settings that psql 18 knows.
const LIBPQ: [&str; 51] = [
    "service",
    "servicefile",
    "user",
    "password",
    "passfile",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "port",
    "client_encoding",
    "options",
    "application_name",
    "fallback_application_name",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    "sslmode",
    "sslnegotiation",
    "sslcompression",
    "sslcert",
    "sslkey",
    "sslkeylogfile",
    "sslcertmode",
    "sslpassword",
    "sslrootcert",
    "sslcrl",
    "sslcrldir",
    "sslsni",
    "requirepeer",
    "require_auth",
    "min_protocol_version",
    "max_protocol_version",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "gssencmode",
    "krbsrvname",
    "gsslib",
    "gssdelegation",
    "replication",
    "target_session_attrs",
    "load_balance_hosts",
    "scram_client_key",
    "scram_server_key",
    "oauth_issuer",
    "oauth_client_id",
    "oauth_client_secret",
    "oauth_scope",
];

#[test]
fn every_setting_of_libpq_is_used_or_refused_by_name() {
    const USED: [&str; 8] =
        ["user", "password", "passfile", "dbname", "host", "options", "application_name", "fallback_application_name"];
    for name in LIBPQ {
        for text in [format!("host=db user=me {name}=nonsense"), format!("postgresql://me@db/x?{name}=nonsense")] {
            match Address::parse(&text) {
                Ok(_) => assert!(USED.contains(&name), "{text} is taken"),
                Err(error) => assert!(!USED.contains(&name) && error.to_string().contains(name), "{text}: {error}"),
            }
        }
    }
}

#[test]
fn what_asks_for_nothing_special_is_taken() {
    for text in [
        "sslmode=disable sslnegotiation=postgres sslcompression=0 sslcertmode=allow sslsni=1",
        "sslmode=prefer channel_binding=prefer gssencmode=prefer gssdelegation=0 replication=false",
        "client_encoding=UTF8 min_protocol_version=3.0 max_protocol_version=latest load_balance_hosts=random",
        "keepalives=1 keepalives_idle=30 keepalives_interval=10 keepalives_count=3 tcp_user_timeout=5000",
        "connect_timeout=2147483647 target_session_attrs=prefer-standby application_name='a b' options='-c jit=off'",
        "password='' port='' sslmode=''",
    ] {
        Address::parse(&format!("host=db user=me {text}")).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    // As in libpq, a Unix socket needs no TLS.
    Address::parse("host=/run/postgresql sslmode=verify-full").unwrap();
}

#[test]
fn addresses_of_other_programs_are_named() {
    for (text, named) in [
        ("mysql://u:s3cret@localhost/app", "`mysql:`"),
        ("sqlite:///tmp/x.db", "`sqlite:`"),
        ("sqlite::memory:", "`sqlite:`"),
        ("mongodb+srv://u:s3cret@h/db", "`mongodb+srv:`"),
        ("https://u:s3cret@h/db", "`https:`"),
        ("postgresql+asyncpg://me:s3cret@localhost/db", "`+asyncpg`"),
        ("postgres+psycopg2://me@localhost/db", "`+psycopg2`"),
        ("jdbc:postgresql://localhost/db", "`jdbc:`"),
        ("POSTGRESQL://me@localhost/db", "write postgresql://"),
        ("postgres:localhost/db", "write postgresql://"),
        ("me:s3cret@localhost/db", "neither postgresql://"),
        ("localhost:5432/db", "neither postgresql://"),
        ("shop", "neither postgresql://"),
        ("", "empty"),
        ("\"postgresql://me@localhost/db\"", "quotation mark"),
        ("postgresql://me@localhost/\u{fffd}", "not UTF-8"),
        ("postgresql://me@localhost/db?schema=public", "`schema` is one of Prisma"),
        ("postgresql://me@localhost/db?pgbouncer=true", "`pgbouncer` is one of Prisma"),
        ("postgresql://me@localhost/db?currentSchema=x", "`currentSchema` is one of JDBC"),
        ("postgresql://me@localhost/db?prepared_statement_cache_size=0", "asyncpg"),
        ("postgresql://me@localhost/db?serverVersion=15", "Doctrine"),
        ("postgresql://me@localhost/db?ssl=true", "`sslmode` needs TLS"),
        ("postgresql://me@localhost/db?sslmode=verify-full", "`sslmode` needs TLS"),
        ("postgresql://me@localhost/db?colour=red", "does not know option `colour`"),
        ("host=localhost colour=red", "does not know option `colour`"),
    ] {
        let error = refusal(text);
        assert!(error.contains(named), "{text}: {error}");
    }
}

#[test]
fn numbers_without_sense_give_a_sentence() {
    for (setting, named) in [
        ("port=99999", "`port` must be a whole number from 1 to 65535"),
        ("port=0", "`port` must be a whole number"),
        ("port=-1", "`port` must be a whole number"),
        ("port=5432,5433,5434", "that of `port` is 3"),
        ("connect_timeout=9223372036854775807", "`connect_timeout` must be a whole number from 1 to"),
        ("connect_timeout=-1", "`connect_timeout` must be"),
        ("connect_timeout=0", "`connect_timeout` must be"),
        ("connect_timeout=1e308", "`connect_timeout` must be"),
        ("keepalives=2", "`keepalives` must be"),
        ("keepalives_idle=-5", "`keepalives_idle` must be"),
        ("keepalives_interval=99999999999999999999", "`keepalives_interval` must be"),
        ("keepalives_count=128", "`keepalives_count` must be"),
        ("tcp_user_timeout=2147483648", "`tcp_user_timeout` must be"),
        ("hostaddr=db.example.org", "`hostaddr` must be a numeric address"),
        ("hostaddr=1.2.3.4,1.2.3.5", "that of `host` is 1"),
        ("target_session_attrs=writable", "any, read-write, read-only"),
        ("load_balance_hosts=yes", "disable, random"),
    ] {
        let error = refusal(&format!("host=db user=me {setting}"));
        assert!(error.contains(named), "{setting}: {error}");
    }
    assert!(refusal("user=me dbname=x").contains("names no host"));
}

#[test]
fn a_password_with_special_letters_is_never_repeated() {
    for text in [
        "postgresql://me:a@s3cret@db/x",
        "postgresql://me:a/s3cret@db/x",
        "postgresql://me:a/s3cret@db:5432/x",
        "postgresql://me:12/s3cret@db/x",
        "postgresql://me:%ffs3cret@db/x",
        "postgresql://me:p%00s3cret@db/x",
        "host=db password=two s3cret",
        "host=db password=two s3cret=words",
        "host=db password='two s3cret",
        "user=me password=s3cret port=x host=db",
    ] {
        refusal(text);
    }
}

#[test]
fn both_forms_are_read_as_libpq_reads_them() {
    for (text, shown) in [
        ("postgresql://me:p@db:5433/x", "me@db:5433 (database x)"),
        ("postgres://me@one:1,two,three:3/x", "me@one:1,two:5432,three:3 (database x)"),
        ("postgresql://[::1]:5433/x", "::1:5433 (database x)"),
        ("postgresql:///x?host=/run&user=me&port=5433", "me@/run/.s.PGSQL.5433 (database x)"),
        ("postgresql://%2Frun%2Fpg:5433/x%20y", "/run/pg/.s.PGSQL.5433 (database x y)"),
        ("postgresql://me%40corp@db?application_name=a@b", "me@corp@db:5432"),
        ("postgresql://db/x?port=6&dbname=y", "db:6 (database y)"),
        ("host=a,b port=1,2 user='m e' dbname = it\\'s", "m e@a:1,b:2 (database it's)"),
        ("host=name hostaddr=10.0.0.1 user=me", "me@name:5432"),
        ("hostaddr=::1 port=7", "::1:7"),
        ("host=a host=b", "b:5432"),
        ("postgresql://me:a?s3cret=1@db", "me@db:5432"),
        ("host=db dbname='\u{1b}[31m'", "db:5432 (database \\u{1b}[31m)"),
    ] {
        let address = Address::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(address.shown(), shown, "{text}");
        let again = Address::parse(&address.text()).unwrap();
        assert_eq!((again.shown(), again.text()), (address.shown(), address.text()), "the text holds everything");
    }
}

#[test]
fn variables_complete_an_address_and_are_named() {
    let variables = |name: &str| match name {
        "PGUSER" => Some("from-variable".to_owned()),
        "PGPORT" => Some("6000".to_owned()),
        "PGPASSWORD" => Some("s3cret".to_owned()),
        "PGDATABASE" => Some(String::new()),
        _ => None,
    };
    let address = Address::given("host=db", variables).unwrap();
    assert_eq!((address.shown().as_str(), address.has_password()), ("from-variable@db:6000", true));
    // The address itself comes first.
    let address = Address::given("postgresql://me@db:7/x", variables).unwrap();
    assert_eq!(address.shown(), "me@db:7 (database x)");
    for (variable, value) in [
        ("PGSSLMODE", "verify-full"),
        ("PGSERVICE", "shop"),
        ("PGPORT", "none"),
        ("PGCONNECT_TIMEOUT", "0"),
        ("PGREQUIREAUTH", "scram-sha-256"),
    ] {
        let error = Address::given("host=db", |name| (name == variable).then(|| value.to_owned())).err().unwrap();
        assert!(error.to_string().contains(&format!("environment variable `{variable}`")), "{error}");
    }
}
