//! Every setting of libpq (PostgreSQL 18), its environment variable and what becomes of it; and what addresses of other
//! programs look like.

/// A setting of an address.
#[derive(Clone)]
pub(crate) struct Setting {
    pub(crate) value: String,
    /// The environment variable that it comes from; `None` if the address itself sets it.
    pub(crate) variable: Option<&'static str>,
}

impl Setting {
    /// The setting for a message: its name, or the variable that it comes from.
    pub(crate) fn label(&self, name: &str) -> String {
        match self.variable {
            Some(variable) => format!("the environment variable `{variable}`"),
            None => format!("its setting `{name}`"),
        }
    }
}

/// What becomes of a setting.
enum Rule {
    /// It is used.
    Used,
    /// It may have one of these values.
    OneOf(&'static [&'static str]),
    /// With one of these values it asks for what happens anyway. Any other value needs what is named.
    Only(&'static [&'static str], &'static str),
    /// It needs what is named.
    Needs(&'static str),
}

use Rule::{Needs, OneOf, Only, Used};

const TLS: &str = "needs TLS, which is not supported; use a server on a trusted network or a Unix socket";
const GSS: &str = "needs GSSAPI, which is not supported";
const LOGIN: &str = "cannot be enforced here; remove it";
const FILE: &str = "names a file of settings, which is not read; write its settings into the address";
const OAUTH: &str = "needs OAuth, which is not supported";

/// The settings with their rules.
const RULES: &[(&str, Rule)] = &[
    ("host", Used),
    ("hostaddr", Used),
    ("port", Used),
    ("dbname", Used),
    ("user", Used),
    ("password", Used),
    ("passfile", Used),
    ("connect_timeout", Used),
    ("options", Used),
    ("application_name", Used),
    ("fallback_application_name", Used),
    ("keepalives", Used),
    ("keepalives_idle", Used),
    ("keepalives_interval", Used),
    ("keepalives_count", Used),
    ("tcp_user_timeout", Used),
    ("target_session_attrs", OneOf(&["any", "read-write", "read-only", "primary", "standby", "prefer-standby"])),
    ("load_balance_hosts", OneOf(&["disable", "random"])),
    ("sslmode", Only(&["disable", "allow", "prefer"], TLS)),
    ("sslnegotiation", Only(&["postgres"], TLS)),
    ("sslcompression", Only(&["0"], TLS)),
    ("sslcertmode", Only(&["disable", "allow"], TLS)),
    ("sslsni", Only(&["0", "1"], TLS)),
    ("sslcert", Needs(TLS)),
    ("sslkey", Needs(TLS)),
    ("sslkeylogfile", Needs(TLS)),
    ("sslpassword", Needs(TLS)),
    ("sslrootcert", Needs(TLS)),
    ("sslcrl", Needs(TLS)),
    ("sslcrldir", Needs(TLS)),
    ("ssl_min_protocol_version", Needs(TLS)),
    ("ssl_max_protocol_version", Needs(TLS)),
    ("channel_binding", Only(&["disable", "prefer"], TLS)),
    ("gssencmode", Only(&["disable", "prefer"], GSS)),
    ("gssdelegation", Only(&["0"], GSS)),
    ("gsslib", Needs(GSS)),
    ("krbsrvname", Needs(GSS)),
    ("require_auth", Needs(LOGIN)),
    ("requirepeer", Needs(LOGIN)),
    ("scram_client_key", Needs("is not supported; give a password instead")),
    ("scram_server_key", Needs("is not supported; give a password instead")),
    ("oauth_issuer", Needs(OAUTH)),
    ("oauth_client_id", Needs(OAUTH)),
    ("oauth_client_secret", Needs(OAUTH)),
    ("oauth_scope", Needs(OAUTH)),
    ("service", Needs(FILE)),
    ("servicefile", Needs(FILE)),
    (
        "client_encoding",
        Only(&["UTF8", "utf8", "UTF-8", "utf-8"], "asks for an encoding other than UTF8, which is the only one here"),
    ),
    ("replication", Only(&["false", "off", "no", "0"], "asks for replication, which answers no query")),
    ("min_protocol_version", Only(&["3.0"], "asks for a newer protocol than 3.0, which is the only one here")),
    ("max_protocol_version", Only(&["3.0", "3.2", "latest"], "excludes protocol 3.0, which is the only one here")),
];

/// The settings that libpq takes from environment variables.
pub(crate) const VARIABLES: &[(&str, &str)] = &[
    ("host", "PGHOST"),
    ("hostaddr", "PGHOSTADDR"),
    ("port", "PGPORT"),
    ("dbname", "PGDATABASE"),
    ("user", "PGUSER"),
    ("password", "PGPASSWORD"),
    ("passfile", "PGPASSFILE"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("options", "PGOPTIONS"),
    ("application_name", "PGAPPNAME"),
    ("target_session_attrs", "PGTARGETSESSIONATTRS"),
    ("load_balance_hosts", "PGLOADBALANCEHOSTS"),
    ("sslmode", "PGSSLMODE"),
    ("sslnegotiation", "PGSSLNEGOTIATION"),
    ("sslcompression", "PGSSLCOMPRESSION"),
    ("sslcertmode", "PGSSLCERTMODE"),
    ("sslsni", "PGSSLSNI"),
    ("sslcert", "PGSSLCERT"),
    ("sslkey", "PGSSLKEY"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslcrl", "PGSSLCRL"),
    ("sslcrldir", "PGSSLCRLDIR"),
    ("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    ("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
    ("channel_binding", "PGCHANNELBINDING"),
    ("gssencmode", "PGGSSENCMODE"),
    ("gssdelegation", "PGGSSDELEGATION"),
    ("gsslib", "PGGSSLIB"),
    ("krbsrvname", "PGKRBSRVNAME"),
    ("require_auth", "PGREQUIREAUTH"),
    ("requirepeer", "PGREQUIREPEER"),
    ("service", "PGSERVICE"),
    ("client_encoding", "PGCLIENTENCODING"),
    ("min_protocol_version", "PGMINPROTOCOLVERSION"),
    ("max_protocol_version", "PGMAXPROTOCOLVERSION"),
];

/// Options that addresses of other programs have, with those programs.
const FOREIGN: &[(&str, &str)] = &[
    ("schema", "Prisma"),
    ("pgbouncer", "Prisma"),
    ("connection_limit", "Prisma"),
    ("pool_timeout", "Prisma"),
    ("socket_timeout", "Prisma"),
    ("sslaccept", "Prisma"),
    ("sslidentity", "Prisma"),
    ("statement_cache_size", "Prisma or asyncpg"),
    ("prepared_statement_cache_size", "asyncpg and SQLAlchemy"),
    ("prepared_statement_name_func", "asyncpg and SQLAlchemy"),
    ("command_timeout", "asyncpg"),
    ("ssl", "asyncpg or JDBC"),
    ("currentschema", "JDBC"),
    ("preparethreshold", "JDBC"),
    ("sslfactory", "JDBC"),
    ("logintimeout", "JDBC"),
    ("sockettimeout", "JDBC"),
    ("rewritebatchedinserts", "JDBC"),
    ("serverversion", "Doctrine"),
    ("charset", "Doctrine"),
    ("pool", "Rails"),
    ("encoding", "Rails"),
    ("prepared_statements", "Rails"),
    ("search_path", "pgx"),
    ("statement_timeout", "pgx"),
    ("default_query_exec_mode", "pgx"),
    ("pool_max_conns", "pgx"),
    ("pool_min_conns", "pgx"),
    ("pool_size", "Ecto or SQLAlchemy"),
    ("supa", "Supabase"),
    ("workaround", "Supabase"),
    ("uselibpqcompat", "node-postgres"),
    ("keepalives_retries", "rust-postgres"),
];

/// Schemes of other programs without the `//` that most have.
const OTHER_SCHEMES: [&str; 8] = ["sqlite", "sqlite3", "jdbc", "file", "mysql", "mongodb", "postgres", "postgresql"];

/// libpq's own spelling of a setting's name.
pub(crate) fn known(name: &str) -> Option<&'static str> {
    RULES.iter().map(|(known, _)| *known).find(|known| *known == name)
}

/// libpq's setting of this name; otherwise why there is none.
pub(crate) fn check_name(name: &str) -> Result<&'static str, String> {
    if let Some(known) = known(name) {
        return Ok(known);
    }
    let lower = name.to_ascii_lowercase();
    if let Some((_, program)) = FOREIGN.iter().find(|(foreign, _)| *foreign == lower) {
        return Err(format!("its option `{name}` is one of {program} and not of PostgreSQL; remove it"));
    }
    // Anything else might be a part of a password.
    let is_name = name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let name = if is_name && !name.is_empty() { format!("option `{name}`") } else { "one of its options".to_owned() };
    Err(format!("PostgreSQL does not know {name}; remove it"))
}

/// Checks that a setting is used or asks for nothing that is missing here. `local`: all hosts are Unix sockets, for which
/// libpq ignores `sslmode`.
pub(crate) fn check(name: &str, setting: &Setting, local: bool) -> Result<(), String> {
    let Some((_, rule)) = RULES.iter().find(|(known, _)| *known == name) else { return Ok(()) };
    let (label, value) = (setting.label(name), setting.value.as_str());
    match rule {
        Used => Ok(()),
        OneOf(values) | Only(values, _) if values.contains(&value) => Ok(()),
        OneOf(values) => Err(format!("{label} must be one of {}", values.join(", "))),
        Only(..) if name == "sslmode" && local => Ok(()),
        Only(values, needs) => Err(format!("{label} {needs}. It may be {}", values.join(" or "))),
        Needs(needs) => Err(format!("{label} {needs}")),
    }
}

/// Why an address with a scheme is not one of PostgreSQL; `None` if it has no scheme.
pub(crate) fn foreign_scheme(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte));
    let lower = scheme.to_ascii_lowercase();
    if !is_scheme || !(rest.starts_with("//") || OTHER_SCHEMES.contains(&&*lower)) {
        return None;
    }
    Some(match lower.split_once('+') {
        Some(("postgresql" | "postgres", driver)) => {
            format!("`+{driver}` in its scheme names a driver of another program; write postgresql:// instead of {scheme}://")
        }
        _ if lower == "jdbc" && rest.starts_with("postgresql:") => {
            "it is an address of JDBC; remove `jdbc:`, and write the user before the host: postgresql://user@host:port/database".into()
        }
        _ if lower == "postgres" || lower == "postgresql" => format!("write postgresql:// instead of {scheme}:"),
        _ => format!("its scheme `{scheme}:` is not PostgreSQL's; an address begins with postgresql://"),
    })
}
