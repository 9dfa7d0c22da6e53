//! The user that runs the server. PostgreSQL refuses to run as root, so root runs it as a user without rights.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A user of this machine that the server's programs can be run as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its name in the list of users.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// The number of its main group.
    pub gid: u32,
}

impl User {
    /// The user that the server must run as; `None` unless this process is root.
    ///
    /// That is `postgres` if the machine has it, otherwise `nobody`. `list` has the format of `/etc/passwd`, where every
    /// machine defines both, so no directory service is needed.
    pub fn for_server(we_are_root: bool, list: &str) -> Option<User> {
        if !we_are_root {
            return None;
        }
        ["postgres", "nobody"].iter().find_map(|name| list.lines().find_map(|line| User::parse(line, name)))
    }

    fn parse(line: &str, name: &str) -> Option<User> {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        let uid = fields.nth(1)?.parse().ok().filter(|uid| *uid != 0)?;
        let gid = fields.next()?.parse().ok()?;
        Some(User { name: name.into(), uid, gid })
    }

    /// The first part of `path` that this user may not enter (a folder) or run (the program itself); `None` if it may.
    pub fn stopped_at<'a>(&self, path: &'a Path) -> Option<&'a Path> {
        let mut parts: Vec<&Path> = path.ancestors().filter(|part| !part.as_os_str().is_empty()).collect();
        parts.reverse();
        parts.into_iter().find(|part| !part.metadata().is_ok_and(|metadata| self.may_execute(&metadata)))
    }

    /// Whether this user may create files in `folder`, if it may enter the folders above.
    pub(crate) fn may_create_in(&self, folder: &Path) -> bool {
        folder.metadata().is_ok_and(|metadata| self.rights(&metadata) & 3 == 3)
    }

    fn may_execute(&self, metadata: &Metadata) -> bool {
        self.rights(metadata) & 1 == 1
    }

    /// Its bits of a mode: 4 to read, 2 to write, 1 to execute.
    fn rights(&self, metadata: &Metadata) -> u32 {
        let shift = match () {
            () if metadata.uid() == self.uid => 6,
            () if metadata.gid() == self.gid => 3,
            () => 0,
        };
        metadata.mode() >> shift
    }
}
