//! Checks of the server, the connection and the role: a function of facts each. Pure.

use std::time::Duration;

use super::facts::{ConnectionFacts, Pooler, ServerFacts};
use super::finding::Finding;
use crate::client::Authentication;
use crate::config::SslMode;
use crate::pg::quote::Identifier;
use crate::text::humanize::{HumanDuration, ThousandsSeparated};

pub fn all(server: &ServerFacts, connection: &ConnectionFacts) -> Vec<Finding> {
    vec![
        version(server),
        replication(server),
        encryption(server, connection),
        authentication(server, connection),
        round_trip(connection),
        pooler(connection),
        connections(server),
        role(server),
        locks(server),
        id_age(server),
    ]
}

fn version(server: &ServerFacts) -> Finding {
    /// The oldest that the tests have run with.
    const OLDEST: u32 = 130_000;
    let message = format!("PostgreSQL {}", server.version);
    if server.version_number >= OLDEST {
        return Finding::ok("version", message);
    }
    Finding::warning(
        "version",
        format!("{message}: shardq is tested with 13 and later"),
    )
    .advise("upgrade the server; it gets no more fixes")
}

fn replication(server: &ServerFacts) -> Finding {
    const LATE: Duration = Duration::from_secs(60);
    match (server.is_standby, server.lag) {
        (false, _) => Finding::ok("replication", "a primary"),
        (true, Some(lag)) if lag > LATE => Finding::warning(
            "replication",
            format!(
                "a standby, {} behind: answers are that old",
                HumanDuration(lag)
            ),
        )
        .advise("SELECT pg_is_wal_replay_paused(), pg_last_wal_replay_lsn()  -- on the standby")
        .advise("SELECT * FROM pg_stat_replication  -- on the primary"),
        (true, Some(lag)) => {
            let message = format!("a standby, {} behind", HumanDuration(lag));
            Finding::ok("replication", message)
        }
        (true, None) => Finding::ok("replication", "a standby that has replayed all it received"),
    }
}

fn encryption(server: &ServerFacts, connection: &ConnectionFacts) -> Finding {
    match (&server.tls, connection.ssl_mode) {
        _ if !server.is_network => Finding::ok("encryption", "a local socket"),
        (None, _) => Finding::warning(
            "encryption",
            "none: passwords and rows can be read on the way",
        )
        .advise("connect with sslmode=verify-full"),
        (Some(tls), SslMode::VerifyFull) => Finding::ok(
            "encryption",
            format!("{tls}, the server's certificate is verified"),
        ),
        (Some(tls), _) => Finding::ok(
            "encryption",
            format!("{tls}, but who the server is was not verified (sslmode=verify-full does)"),
        ),
    }
}

fn authentication(server: &ServerFacts, connection: &ConnectionFacts) -> Finding {
    const NAME: &str = "authentication";
    const SAFER: &str = "use scram-sha-256 in pg_hba.conf, and set the password anew";
    let is_plain = server.is_network && server.tls.is_none();
    match connection.authentication {
        None | Some(Authentication::Other) => Finding::ok(NAME, "not known"),
        Some(Authentication::Scram) => Finding::ok(NAME, "a password (scram-sha-256)"),
        Some(Authentication::Kerberos) => Finding::ok(NAME, "Kerberos"),
        Some(Authentication::Md5) => Finding::warning(
            NAME,
            "a password (md5, which can be broken and is to be removed from Postgres)",
        )
        .advise(SAFER),
        Some(Authentication::Password) if is_plain => {
            Finding::warning(NAME, "a password, sent as it is").advise(SAFER)
        }
        Some(Authentication::Password) => Finding::ok(NAME, "a password"),
        Some(Authentication::None) if server.has_client_certificate => {
            Finding::ok(NAME, "a client certificate, or trust")
        }
        Some(Authentication::None) if server.is_network => Finding::warning(
            NAME,
            format!(
                "none: whoever reaches the server may be {} (trust in pg_hba.conf)",
                server.user
            ),
        )
        .advise("use scram-sha-256 in pg_hba.conf, and set a password"),
        Some(Authentication::None) => Finding::ok(NAME, "by the local socket (peer or trust)"),
    }
}

fn round_trip(connection: &ConnectionFacts) -> Finding {
    const SLOW: Duration = Duration::from_millis(100);
    let time = connection.round_trip;
    let message = format!("{:.1} ms", time.as_secs_f64() * 1000.0);
    if time < SLOW {
        Finding::ok("round trip", message)
    } else {
        Finding::warning("round trip", message)
            .advise("run shardq nearer to the server; a query takes about five round trips")
    }
}

fn pooler(connection: &ConnectionFacts) -> Finding {
    let mode = match connection.pooler {
        Pooler::None => return Finding::ok("pooler", "none"),
        Pooler::TransactionMode => "in transaction mode",
        Pooler::SessionOrTransactionMode => "in session mode, or in transaction mode",
    };
    Finding::ok(
        "pooler",
        format!(
            "one is in between, {mode}; if its pool is smaller than -j, shardq waits for connections"
        ),
    )
}

fn connections(server: &ServerFacts) -> Finding {
    /// The default of -j.
    const NEEDED: u64 = 4;
    let most = server.most_connections;
    let free = most.saturating_sub(server.connections + server.reserved_connections);
    let message = format!(
        "{} of {most} in use, {} reserved",
        server.connections, server.reserved_connections
    );
    if free >= NEEDED {
        return Finding::ok("connections", message);
    }
    let message = format!("{message}: {free} free");
    let finding = if free == 0 {
        Finding::failure("connections", message)
    } else {
        Finding::warning("connections", message)
    };
    finding
        .advise("SELECT usename, application_name, state, count(*) FROM pg_stat_activity GROUP BY 1, 2, 3 ORDER BY 4 DESC")
        .advise(format!("use at most -j {}", free.max(1)))
}

fn role(server: &ServerFacts) -> Finding {
    let user = &server.user;
    let message = if server.is_superuser {
        format!("{user} is a superuser: READ ONLY does not cover everything it may call")
    } else if server.writable_shards > 0 {
        let shards = server.writable_shards;
        let plural = if shards == 1 { "" } else { "s" };
        format!("{user} may write tables in {shards} shard{plural}")
    } else {
        return Finding::ok("role", format!("{user} may not write any table of a shard"));
    };
    let role = "CREATE ROLE shardq_reader LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE";
    let grants: &[_] = match server.version_number {
        140_000.. => &["GRANT pg_read_all_data TO shardq_reader"],
        _ => &[
            "GRANT USAGE ON SCHEMA shard_0 TO shardq_reader  -- and on every other shard",
            "GRANT SELECT ON ALL TABLES IN SCHEMA shard_0 TO shardq_reader",
        ],
    };
    let finding = Finding::warning("role", message).advise(role);
    grants.iter().copied().fold(finding, Finding::advise)
}

fn locks(server: &ServerFacts) -> Finding {
    let (needed, capacity) = (server.locks_needed, server.lock_capacity);
    let message = format!(
        "a global query takes up to {} of {} locks",
        ThousandsSeparated(needed),
        ThousandsSeparated(capacity)
    );
    // The others need some, too.
    if needed < capacity / 2 {
        return Finding::ok("locks", message);
    }
    let per_transaction = (needed * 2 / capacity.max(1) + 1) * server.locks_per_transaction;
    Finding::warning("locks", message)
        .advise(format!(
            "ALTER SYSTEM SET max_locks_per_transaction = {per_transaction}  -- then restart"
        ))
        .advise("until then, query fewer shards at once with --shards")
}

fn id_age(server: &ServerFacts) -> Finding {
    /// As `vacuum_failsafe_age`: from here, VACUUM drops everything else.
    const URGENT: u64 = 1_600_000_000;
    const OLD: u64 = 1_000_000_000;
    let message = format!(
        "the oldest id is {} transactions old, in database {}; writes stop at 2,147,483,647",
        ThousandsSeparated(server.id_age),
        server.oldest_database
    );
    let finding = match server.id_age {
        URGENT.. => Finding::failure("transaction ids", message),
        OLD.. => Finding::warning("transaction ids", message),
        _ => return Finding::ok("transaction ids", message),
    };
    finding
        .advise("end old transactions, then, in that database:")
        .advise(format!("\\c {}", Identifier(&server.oldest_database)))
        .advise("VACUUM")
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    fn server() -> ServerFacts {
        ServerFacts {
            version: "15.18".to_owned(),
            version_number: 150_018,
            connections: 10,
            most_connections: 100,
            reserved_connections: 3,
            user: "reader".to_owned(),
            lock_capacity: 6_400,
            locks_needed: 384,
            locks_per_transaction: 64,
            id_age: 1_000,
            oldest_database: "postgres".to_owned(),
            ..ServerFacts::default()
        }
    }

    fn connection() -> ConnectionFacts {
        ConnectionFacts {
            ssl_mode: SslMode::Prefer,
            authentication: Some(Authentication::Scram),
            pooler: Pooler::None,
            round_trip: Duration::from_millis(1),
        }
    }

    fn level(check: &str, server: &ServerFacts, connection: &ConnectionFacts) -> Level {
        let mut findings = all(server, connection).into_iter();
        findings.find(|it| it.check == check).unwrap().level
    }

    #[test]
    fn a_healthy_server_has_no_warning() {
        let findings = all(&server(), &connection());
        assert!(
            findings.iter().all(|it| it.level == Level::Ok),
            "{findings:?}"
        );
    }

    #[test]
    fn a_reader_is_granted_what_the_version_has() {
        let advice = |version_number| {
            let server = ServerFacts {
                version_number,
                is_superuser: true,
                ..server()
            };
            role(&server).advice.join("\n")
        };
        assert!(advice(140_000).contains("GRANT pg_read_all_data"));
        let before = advice(130_000);
        assert!(!before.contains("pg_read_all_data"), "{before}");
        assert!(before.contains("GRANT SELECT ON ALL TABLES IN SCHEMA"));
    }

    #[test]
    fn each_fault_is_noticed_with_what_to_do() {
        let change = |change: fn(&mut ServerFacts)| {
            let mut facts = server();
            change(&mut facts);
            facts
        };
        for (check, expected, facts) in [
            (
                "version",
                Level::Warning,
                change(|it| it.version_number = 120_000),
            ),
            (
                "replication",
                Level::Warning,
                change(|it| {
                    it.is_standby = true;
                    it.lag = Some(Duration::from_secs(90));
                }),
            ),
            ("replication", Level::Ok, change(|it| it.is_standby = true)),
            (
                "encryption",
                Level::Warning,
                change(|it| it.is_network = true),
            ),
            (
                "connections",
                Level::Failure,
                change(|it| it.connections = 97),
            ),
            (
                "connections",
                Level::Warning,
                change(|it| it.connections = 95),
            ),
            ("role", Level::Warning, change(|it| it.is_superuser = true)),
            ("role", Level::Warning, change(|it| it.writable_shards = 1)),
            (
                "locks",
                Level::Warning,
                change(|it| it.locks_needed = 20_000),
            ),
            (
                "transaction ids",
                Level::Warning,
                change(|it| it.id_age = 1_200_000_000),
            ),
            (
                "transaction ids",
                Level::Failure,
                change(|it| it.id_age = 2_000_000_000),
            ),
        ] {
            assert_eq!(level(check, &facts, &connection()), expected, "{check}");
            let mut findings = all(&facts, &connection()).into_iter();
            let finding = findings.find(|it| it.check == check).unwrap();
            assert_eq!(
                finding.advice.is_empty(),
                expected == Level::Ok,
                "{finding:?}"
            );
        }
    }

    #[test]
    fn a_password_that_can_be_read_on_the_way_is_a_warning() {
        let network = ServerFacts {
            is_network: true,
            ..server()
        };
        let encrypted = ServerFacts {
            tls: Some("TLSv1.3".to_owned()),
            ..network.clone()
        };
        for (facts, asked, expected) in [
            (&server(), Authentication::None, Level::Ok),
            (&network, Authentication::None, Level::Warning),
            (&encrypted, Authentication::None, Level::Warning),
            (&network, Authentication::Password, Level::Warning),
            (&encrypted, Authentication::Password, Level::Ok),
            (&encrypted, Authentication::Md5, Level::Warning),
            (&network, Authentication::Scram, Level::Ok),
        ] {
            let connection = ConnectionFacts {
                authentication: Some(asked),
                ..connection()
            };
            let finding = authentication(facts, &connection);
            assert_eq!(finding.level, expected, "{finding:?}");
        }
    }

    #[test]
    fn the_setting_that_is_suggested_is_enough() {
        let facts = ServerFacts {
            locks_needed: 20_000,
            ..server()
        };
        let advice = &locks(&facts).advice[0];
        assert!(
            advice.contains("max_locks_per_transaction = 448"),
            "{advice}"
        );
        let after = ServerFacts {
            lock_capacity: 448 * 100,
            ..facts
        };
        assert_eq!(locks(&after).level, Level::Ok);
    }
}
