//! The password file of libpq (`~/.pgpass`): lines of `host:port:database:user:password`, where `*` stands for anything.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use tokio_postgres::config::Host;

use crate::address::Target;

/// The folders in which builds of PostgreSQL put the socket of this machine's server. A password file calls it localhost.
const USUAL_SOCKETS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// The password for a login; without one, why the file has none.
pub(crate) fn password(file: &Path, target: &Target, database: &str, user: &str) -> Result<String, String> {
    let shown = file.display();
    let metadata = fs::metadata(file).map_err(|error| format!("cannot read the password file {shown}: {error}"))?;
    // As libpq: others could have read the passwords.
    if !metadata.is_file() {
        return Err(format!("the password file {shown} is not a plain file"));
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(format!("others may read the password file {shown}, so it is not used; run `chmod 600 {shown}`"));
    }
    let text = fs::read_to_string(file).map_err(|error| format!("cannot read the password file {shown}: {error}"))?;
    let host = match &target.host {
        Host::Unix(folder) if USUAL_SOCKETS.iter().any(|usual| folder == Path::new(usual)) => "localhost",
        _ => &target.name,
    };
    find(&text, [host, &target.port.to_string(), database, user]).ok_or_else(|| {
        format!(
            "the password file {shown} has no line for host {host}, port {}, database {database}, user {user}",
            target.port
        )
    })
}

/// The password of the first line that fits.
fn find(text: &str, login: [&str; 4]) -> Option<String> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line);
        let (wanted, password) = (fields.get(..4)?, fields.get(4)?);
        let fits = wanted.iter().zip(login).all(|(field, value)| field == "*" || field == value);
        fits.then(|| password.clone())
    })
}

/// The fields of a line. A backslash takes the next character as it is.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut field) = (Vec::new(), String::new());
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            // The password is the rest, with its colons.
            ':' if fields.len() < 4 => fields.push(std::mem::take(&mut field)),
            '\\' => field.extend(letters.next()),
            letter => field.push(letter),
        }
    }
    fields.push(field);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_has_the_password() {
        let file = "# comment:*:*:*:no\n\
                    db:5432:app:me:one\n\
                    db:*:app:*:two:with:colons\n\
                    a\\:b:5432:*:me\\\\you:esc\\:aped\n\
                    short:line\n\
                    *:*:*:last:";
        for (login, password) in [
            (["db", "5432", "app", "me"], Some("one")),
            (["db", "5433", "app", "me"], Some("two:with:colons")),
            (["a:b", "5432", "x", "me\\you"], Some("esc:aped")),
            (["anywhere", "1", "x", "last"], Some("")),
            (["anywhere", "1", "x", "me"], None),
            (["# comment", "1", "x", "y"], None),
        ] {
            assert_eq!(find(file, login).as_deref(), password, "{login:?}");
        }
    }
}
