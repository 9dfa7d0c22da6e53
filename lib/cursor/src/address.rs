//! The address of a server: reads both forms that libpq reads, and uses each setting or refuses it by name.
//!
//! tokio-postgres can parse an address too, but it ignores what [`connect_raw`](tokio_postgres::Config::connect_raw) does
//! not need, takes an `@` anywhere for the end of a password, and knows a third of libpq's settings.
//!
//! No message repeats a value, because a password with an unescaped special character may be part of any.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::error::ConnectError;
use crate::settings::{self, Setting};

/// The time limit for connecting and for the first answer, unless the address sets `connect_timeout`.
const PATIENCE: u64 = 10;

/// The port of a host without one.
const PORT: u16 = 5432;

/// The address of a server, with the settings of a connection.
#[derive(Clone)]
pub struct Address {
    /// The settings as they were given, in the order of their names.
    settings: BTreeMap<&'static str, Setting>,
    /// What the login needs.
    pub(crate) login: Config,
    pub(crate) targets: Vec<Target>,
    /// The limit for each host.
    pub(crate) patience: Duration,
    pub(crate) session: SessionAttributes,
    pub(crate) keepalive: Keepalive,
}

/// One host of an address.
#[derive(Clone)]
pub(crate) struct Target {
    /// Where to connect.
    pub(crate) host: Host,
    /// The host as a password file names it, which differs if the address has a `hostaddr` beside it.
    pub(crate) name: String,
    pub(crate) port: u16,
}

impl Target {
    /// The host and its port, or the path of its socket.
    pub(crate) fn shown(&self) -> String {
        match &self.host {
            Host::Tcp(_) => format!("{}:{}", self.name, self.port),
            Host::Unix(folder) => socket_path(folder, self.port).display().to_string(),
        }
    }
}

/// The socket of a server that listens in `folder`.
pub(crate) fn socket_path(folder: &Path, port: u16) -> PathBuf {
    folder.join(format!(".s.PGSQL.{port}"))
}

/// `target_session_attrs`: which of several servers is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionAttributes {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

/// How the kernel notices that the other side of a TCP connection is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keepalive {
    pub(crate) off: bool,
    pub(crate) idle: Option<Duration>,
    pub(crate) interval: Option<Duration>,
    pub(crate) count: Option<u32>,
    pub(crate) user_timeout_ms: Option<u32>,
}

impl Address {
    /// Reads an address that is complete: neither the environment nor a file adds to it.
    ///
    /// # Errors
    ///
    /// It is no address of PostgreSQL, or one of its settings is unknown, has no sense or cannot be honoured.
    pub fn parse(text: &str) -> Result<Address, ConnectError> {
        Address::given(text, |_| None)
    }

    /// Reads an address as a user gives it. As in libpq, a setting that it leaves open comes from its environment
    /// variable (`PGPASSWORD`, `PGPASSFILE` and so on), and the password file is `~/.pgpass` if that exists.
    ///
    /// # Errors
    ///
    /// As [`Address::parse`]. A setting from a variable is named by the variable.
    pub fn given(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Address, ConnectError> {
        read(text, variable).map_err(|reason| ConnectError::Address { reason })
    }

    /// All settings in one text, which [`Address::parse`] reads. It may hold a password: do not print it.
    pub fn text(&self) -> String {
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'");
        let settings = self.settings.iter().map(|(name, setting)| format!("{name}='{}'", quoted(&setting.value)));
        settings.collect::<Vec<_>>().join(" ")
    }

    /// Whether the address itself holds a password.
    pub fn has_password(&self) -> bool {
        self.login.get_password().is_some()
    }

    /// The address without its password: user, hosts, ports and database.
    pub fn shown(&self) -> String {
        let user = self.login.get_user().map(|user| format!("{user}@")).unwrap_or_default();
        let hosts: Vec<String> = self.targets.iter().map(Target::shown).collect();
        let database = self.login.get_dbname().map(|name| format!(" (database {name})")).unwrap_or_default();
        system::printable::printable(&format!("{user}{}{database}", hosts.join(","))).into_owned()
    }

    /// The password file, if one is set.
    pub(crate) fn password_file(&self) -> Option<&Path> {
        self.settings.get("passfile").map(|setting| Path::new(&setting.value))
    }
}

fn read(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Address, String> {
    let mut settings = BTreeMap::new();
    let mut before = String::new();
    for (name, value) in pairs(text.trim())? {
        if value.contains('\0') {
            return Err(format!("its setting `{}` contains a zero byte", settings::known(&name).unwrap_or("?")));
        }
        let known = settings::check_name(&name).map_err(|reason| {
            // The rest of a password with a space looks like a name.
            if before == "password" { QUOTE.to_owned() } else { reason }
        })?;
        before = name;
        // An empty value is the same as none, as in libpq.
        if !value.is_empty() {
            settings.insert(known, Setting { value, variable: None });
        }
    }
    for (name, of_libpq) in settings::VARIABLES {
        if !settings.contains_key(name)
            && let Some(value) = variable(of_libpq).filter(|value| !value.is_empty())
        {
            settings.insert(*name, Setting { value, variable: Some(*of_libpq) });
        }
    }
    if !settings.contains_key("passfile")
        && let Some(home) = variable("HOME").filter(|home| !home.is_empty())
    {
        let file = Path::new(&home).join(".pgpass");
        if file.exists() {
            settings.insert("passfile", Setting { value: file.to_string_lossy().into_owned(), variable: None });
        }
    }
    build(settings)
}

fn build(settings: BTreeMap<&'static str, Setting>) -> Result<Address, String> {
    let get = |name: &str| settings.get(name).map(|setting| setting.value.as_str());
    let targets = targets(&settings)?;
    let local = targets.iter().all(|target| matches!(target.host, Host::Unix(_)));
    for (name, setting) in &settings {
        settings::check(name, setting, local)?;
    }
    let mut login = Config::new();
    // libpq's other default is the name of this program's user; tokio-postgres has the same.
    if let Some(user) = get("user") {
        login.user(user);
    }
    if let Some(password) = get("password") {
        login.password(password);
    }
    if let Some(database) = get("dbname") {
        login.dbname(database);
    }
    if let Some(options) = get("options") {
        login.options(options);
    }
    if let Some(name) = get("application_name").or(get("fallback_application_name")) {
        login.application_name(name);
    }
    let number = |name, range| number(&settings, name, range);
    let seconds = |name, range| Ok::<_, String>(number(name, range)?.filter(|n| *n > 0).map(Duration::from_secs));
    const MOST: u64 = i32::MAX as u64;
    let keepalive = Keepalive {
        off: number("keepalives", 0..=1)? == Some(0),
        // The kernel's own limits.
        idle: seconds("keepalives_idle", 0..=32_767)?,
        interval: seconds("keepalives_interval", 0..=32_767)?,
        count: number("keepalives_count", 0..=127)?.filter(|count| *count > 0).map(|count| count as u32),
        user_timeout_ms: number("tcp_user_timeout", 0..=MOST)?.filter(|wait| *wait > 0).map(|wait| wait as u32),
    };
    // libpq waits for ever at 0 or less; a wait without an end is of no use here.
    let patience = Duration::from_secs(number("connect_timeout", 1..=MOST)?.unwrap_or(PATIENCE));
    let session = match get("target_session_attrs").unwrap_or("any") {
        "read-write" => SessionAttributes::ReadWrite,
        "read-only" => SessionAttributes::ReadOnly,
        "primary" => SessionAttributes::Primary,
        "standby" => SessionAttributes::Standby,
        "prefer-standby" => SessionAttributes::PreferStandby,
        _ => SessionAttributes::Any,
    };
    let mut targets = targets;
    if get("load_balance_hosts") == Some("random") {
        // The standard library seeds its hashers at random.
        let random = RandomState::new();
        targets.sort_by_cached_key(|target| random.hash_one(target.shown()));
    }
    Ok(Address { login, targets, patience, session, keepalive, settings })
}

/// The hosts with their ports, as `host`, `hostaddr` and `port` list them.
fn targets(settings: &BTreeMap<&'static str, Setting>) -> Result<Vec<Target>, String> {
    let list = |name: &str| -> Vec<&str> {
        settings.get(name).map(|setting| setting.value.split(',').map(str::trim).collect()).unwrap_or_default()
    };
    let (hosts, addresses, ports) = (list("host"), list("hostaddr"), list("port"));
    let count = hosts.len().max(addresses.len());
    if count == 0 {
        return Err(
            "it names no host; write it as postgresql://user@host:port/database, or with host=/var/run/postgresql \
                    for the server of this machine"
                .into(),
        );
    }
    for (name, list) in [("host", &hosts), ("hostaddr", &addresses), ("port", &ports)] {
        if list.len() > usize::from(name == "port") && list.len() != count {
            return Err(format!("the number of its hosts is {count}, but that of `{name}` is {}", list.len()));
        }
    }
    (0..count)
        .map(|index| {
            let at = |list: &[&str]| list.get(index).copied().unwrap_or_default().to_owned();
            let (name, address) = (at(&hosts), at(&addresses));
            let port = match ports.get(index).or(ports.first()).copied().unwrap_or_default() {
                "" => PORT,
                port => port.parse().ok().filter(|port| *port > 0).ok_or_else(|| {
                    let label = settings.get("port").map(|setting| setting.label("port")).unwrap_or_default();
                    let is_number = port.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
                    let given = settings.get("port").is_some_and(|setting| setting.variable.is_none());
                    let hint = if is_number || !given { String::new() } else { format!(". {ESCAPE}") };
                    format!("{label} must be a whole number from 1 to 65535{hint}")
                })?,
            };
            if name.contains('@') {
                return Err(format!("a host contains an `@`, which belongs to a user or password. {ESCAPE}"));
            }
            let host = match (&*name, &*address) {
                ("", "") => return Err("one of its hosts is empty".into()),
                (_, "") if name.starts_with('/') => Host::Unix(name.clone().into()),
                (_, "") => Host::Tcp(name.clone()),
                (_, number) if number.parse::<IpAddr>().is_ok() => Host::Tcp(address.clone()),
                _ => {
                    return Err(
                        "`hostaddr` must be a numeric address, such as 192.0.2.7 or ::1; `host` takes names".into()
                    );
                }
            };
            Ok(Target { host, name: if name.is_empty() { address } else { name }, port })
        })
        .collect()
}

fn number(
    settings: &BTreeMap<&'static str, Setting>,
    name: &'static str,
    range: RangeInclusive<u64>,
) -> Result<Option<u64>, String> {
    let Some(setting) = settings.get(name) else { return Ok(None) };
    match setting.value.trim().parse() {
        Ok(number) if range.contains(&number) => Ok(Some(number)),
        _ => Err(format!("{} must be a whole number from {} to {}", setting.label(name), range.start(), range.end())),
    }
}

const ESCAPE: &str =
    "Write the special characters of a user or password as %40 for @, %3A for :, %2F for /, %3F for ?, %25 for %";

const QUOTE: &str = "a value with a space must be in single quotes, as in password='two words'";

/// The settings of an address in the order in which they are written.
fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    if text.contains('\u{fffd}') {
        return Err("it contains bytes that are not UTF-8; in a URL, write them as %XX".into());
    }
    if text.starts_with(['"', '\'', '`']) {
        return Err("it begins with a quotation mark; remove the quotation marks around it".into());
    }
    for scheme in ["postgresql://", "postgres://"] {
        if let Some(rest) = text.strip_prefix(scheme) {
            return pairs_of_url(rest);
        }
    }
    if let Some(reason) = settings::foreign_scheme(text) {
        return Err(reason);
    }
    pairs_of_words(text)
}

/// `postgresql://user:password@host:port,host:port/database?name=value&name=value`, after its scheme.
fn pairs_of_url(text: &str) -> Result<Vec<(String, String)>, String> {
    let decoded = |text: &str| {
        let decoded = percent_decode_str(text).decode_utf8();
        decoded.map(String::from).map_err(|_| "it contains bytes that are not UTF-8".to_owned())
    };
    let mut pairs = Vec::new();
    let mut add = |name: &str, value: &str| {
        pairs.push((decoded(name)?, decoded(value)?));
        Ok::<(), String>(())
    };
    let mut rest = text;
    // As libpq: a user ends at the first `@`, unless a `/` comes before.
    if let Some((login, after)) = text.split_once('@').filter(|(login, _)| !login.contains('/')) {
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        add("user", user)?;
        add("password", password)?;
        rest = after;
    }
    let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (servers, database) = before.split_once('/').unwrap_or((before, ""));
    if database.contains('@') {
        return Err(format!("the name of its database contains an `@`. {ESCAPE}"));
    }
    add("dbname", database)?;
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    for server in servers.split(',') {
        let (host, port) = match server.strip_prefix('[').map(|inside| inside.split_once(']')) {
            Some(Some((host, ""))) => (host, ""),
            Some(Some((host, port))) => (host, port.strip_prefix(':').ok_or("a `:` must follow the `]` of a host")?),
            Some(None) => return Err("the `[` of a host is not closed".into()),
            None => server.split_once(':').unwrap_or((server, "")),
        };
        hosts.push(host);
        ports.push(port);
    }
    // A host of its own, or that of `?host=`.
    if !servers.is_empty() {
        add("host", &hosts.join(","))?;
    }
    if ports.iter().any(|port| !port.is_empty()) {
        add("port", &ports.join(","))?;
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            // libpq takes this from JDBC.
            Some(("ssl", "true")) => add("sslmode", "require")?,
            Some((name, value)) => add(name, value)?,
            None => {
                return Err(format!("what follows its `?` must be name=value pairs with `&` between them. {ESCAPE}"));
            }
        }
    }
    Ok(pairs)
}

/// `name=value name='a value' …`.
fn pairs_of_words(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let Some((name, after)) = rest.split_once('=') else {
            return Err(match pairs.is_empty() {
                true => {
                    "it is neither postgresql://user@host:port/database nor a list such as `host=… user=… dbname=…`"
                        .into()
                }
                false => QUOTE.into(),
            });
        };
        let name = name.trim_end();
        if name.contains(char::is_whitespace) {
            return Err(QUOTE.into());
        }
        let (value, after) = value(after.trim_start())?;
        pairs.push((name.to_owned(), value));
        rest = after.trim_start();
    }
    if pairs.is_empty() { Err("it is empty".into()) } else { Ok(pairs) }
}

/// The first value of `text`, and what follows it.
fn value(text: &str) -> Result<(String, &str), String> {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut letters = text.char_indices().skip(usize::from(quoted));
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => value.extend(letters.next().map(|(_, letter)| letter)),
            '\'' if quoted => return Ok((value, &text[at + 1..])),
            letter if !quoted && letter.is_whitespace() => return Ok((value, &text[at..])),
            letter => value.push(letter),
        }
    }
    if quoted { Err("the quote of a value is not closed".into()) } else { Ok((value, "")) }
}
