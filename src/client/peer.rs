//! `requirepeer`: the user as whom a server on a Unix socket runs, so that nobody else's is trusted.

use std::fs;

use tokio::net::UnixStream;

use super::error::Cause;

/// Users of other services, such as LDAP, are not looked up: that needs the C library.
const USERS: &str = "/etc/passwd";

/// # Errors
/// If the server runs as another user, in libpq's words, or nobody can tell.
pub(super) fn require(stream: &UnixStream, wanted: &str) -> Result<(), Cause> {
    let refused = |reason: String| Err(Cause::Protocol(reason));
    let uid = match stream.peer_cred() {
        Ok(peer) => peer.uid(),
        Err(error) => return refused(format!("could not get peer credentials: {error}")),
    };
    let users = fs::read_to_string(USERS).unwrap_or_default();
    match user_name(&users, uid) {
        None => refused(format!(
            "local user with ID {uid} does not exist in {USERS}, so requirepeer cannot be checked"
        )),
        Some(actual) if actual != wanted => refused(format!(
            "requirepeer specifies \"{wanted}\", but actual peer user name is \"{actual}\""
        )),
        Some(_) => Ok(()),
    }
}

/// `postgres:x:101:103:…`
fn user_name(users: &str, uid: u32) -> Option<&str> {
    let mut users = users.lines().map(|line| line.split(':'));
    users.find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_their_number() {
        let users = "root:x:0:0::/root:/bin/sh\n# broken\npostgres:x:101:0:::\n";
        assert_eq!(user_name(users, 101), Some("postgres"));
        assert_eq!(user_name(users, 0), Some("root"));
        assert_eq!(user_name(users, 1), None);
    }
}
