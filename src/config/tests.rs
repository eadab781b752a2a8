//! Precedence of the sources of settings, and the meaning of their values.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::*;

fn args(dbname: &str) -> ConnectionFlags {
    ConnectionFlags {
        dbname: vec![dbname.to_owned()],
        ..ConnectionFlags::default()
    }
}

fn env(variables: &[(&str, &str)]) -> Environment {
    Environment::new(variables).with_user("os-user")
}

fn resolve(target: &str, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    Settings::resolve(&args(target), &env(variables))
}

fn resolved(target: &str, variables: &[(&str, &str)]) -> Settings {
    resolve(target, variables).unwrap_or_else(|error| panic!("{target}: {error}"))
}

fn hosts(settings: &Settings) -> Vec<String> {
    settings.hosts().iter().map(Host::to_string).collect()
}

fn home(files: &[(&str, &str)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = home.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    home
}

#[test]
fn a_host_is_named_as_briefly_as_is_clear() {
    for (target, brief) in [
        ("host=db1", "db1"),
        ("host=db1 port=5433", "db1:5433"),
        ("host=db1 hostaddr=10.0.0.1", "db1"),
        ("hostaddr=10.0.0.1", "10.0.0.1"),
        ("host=::1", "[::1]"),
        ("host=::1 port=5433", "[::1]:5433"),
        ("host=/tmp", "local socket"),
        ("host=/var/run/postgresql port=5433", "local socket:5433"),
        ("host=/srv/pg", "/srv/pg"),
        ("host=/srv/pg port=5433", "/srv/pg:5433"),
    ] {
        assert_eq!(resolved(target, &[]).hosts()[0].brief(), brief, "{target}");
    }
}

#[test]
fn given_beats_service_beats_variables_beats_defaults() {
    let home = home(&[(
        ".pg_service.conf",
        "[s]\nhost=service\nport=2\nuser=service\ndbname=service\n",
    )]);
    let all = [
        ("PGSERVICE", "s"),
        ("PGHOST", "variable"),
        ("PGUSER", "variable"),
        ("PGDATABASE", "variable"),
        ("PGAPPNAME", "variable"),
        ("PGOPTIONS", "-c geqo=off"),
    ];
    let args = ConnectionFlags {
        host: Some("flag".to_owned()),
        username: Some("flag".to_owned()),
        dbname: vec!["user=string".to_owned()],
        ..ConnectionFlags::default()
    };
    let settings = Settings::resolve(&args, &env(&all).with_home(home.path())).unwrap();
    assert_eq!(settings.to_string(), "service on flag:2 as string");
    assert_eq!(settings.application_name(), "variable");
    assert_eq!(settings.options(), Some("-c geqo=off"));

    let settings = Settings::resolve(&ConnectionFlags::default(), &env(&all[1..])).unwrap();
    assert_eq!(
        settings.to_string(),
        "variable on variable:5432 as variable"
    );

    let settings = Settings::resolve(&ConnectionFlags::default(), &env(&[])).unwrap();
    assert_eq!(
        (settings.user(), settings.database()),
        ("os-user", "os-user")
    );
    assert_eq!(settings.application_name(), "shardq");
    assert_eq!(settings.connect_timeout(), Some(Duration::from_secs(10)));
    assert_eq!(settings.tls().mode, SslMode::Prefer);
    assert!(matches!(settings.hosts()[0].place(), HostPlace::Socket(_)));
}

#[test]
fn an_empty_value_hides_what_comes_after_it() {
    let settings = resolved(
        "host=db1 user='' dbname=''",
        &[("PGUSER", "variable"), ("PGDATABASE", "v")],
    );
    assert_eq!(settings.to_string(), "os-user on db1:5432 as os-user");
    // An empty flag counts as not given.
    let settings = resolved("", &[("PGHOST", "db1"), ("PGDATABASE", "v")]);
    assert_eq!(settings.to_string(), "v on db1:5432 as os-user");
}

#[test]
fn a_service_can_be_in_the_system_s_file_or_in_one_that_is_named() {
    let folder = home(&[
        ("pg_service.conf", "[s]\nhost=system\n"),
        ("named", "[n]\nhost=named\n"),
    ]);
    let named = folder.path().join("named").display().to_string();
    let system = folder.path().display().to_string();
    let both = [("PGSERVICEFILE", named.as_str()), ("PGSYSCONFDIR", &system)];
    assert_eq!(hosts(&resolved("service=n", &both)), ["named:5432"]);
    assert_eq!(hosts(&resolved("service=s", &both)), ["system:5432"]);
    assert_eq!(
        resolve("service=x", &both).unwrap_err().to_string(),
        "definition of service \"x\" not found"
    );
    assert_eq!(
        resolve("service=s", &[("PGSERVICEFILE", "/nowhere")])
            .unwrap_err()
            .to_string(),
        "service file \"/nowhere\" not found"
    );
    assert_eq!(
        hosts(&resolved("service='' host=db1", &[("PGSERVICE", "x")])),
        ["db1:5432"]
    );
}

#[test]
fn lists_of_hosts_addresses_and_ports_are_paired() {
    let cases: [(&str, &[&str]); 5] = [
        ("host=a,b port=1,2", &["a:1", "b:2"]),
        ("host=a,/tmp port=1", &["a:1", "/tmp:1"]),
        (
            "postgresql://a,b:2,[::1]/",
            &["a:5432", "b:2", "[::1]:5432"],
        ),
        ("hostaddr=10.0.0.1,::1", &["10.0.0.1:5432", "[::1]:5432"]),
        ("host=a,b hostaddr=,10.0.0.2", &["a:5432", "b:5432"]),
    ];
    for (target, expected) in cases {
        assert_eq!(hosts(&resolved(target, &[])), expected, "{target}");
    }
    let address = "10.0.0.1".parse().ok();
    let settings = resolved("host=db1 hostaddr=10.0.0.1", &[]);
    assert_eq!(
        settings.hosts()[0].place(),
        &HostPlace::Tcp {
            name: "db1".to_owned(),
            address
        }
    );
}

#[test]
fn what_makes_no_sense_is_refused_in_libpq_s_words() {
    let cases = [
        (
            "host=a,b port=1,2,3",
            "could not match 3 port numbers to 2 hosts",
        ),
        (
            "host=a,b hostaddr=::1",
            "could not match 2 host names to 1 hostaddr values",
        ),
        ("hostaddr=db1", "could not parse network address \"db1\""),
        (
            "target_session_attrs=master",
            "invalid target_session_attrs value: \"master\"",
        ),
        (
            "ssl_min_protocol_version=TLSv2",
            "invalid ssl_min_protocol_version value: \"TLSv2\"",
        ),
        (
            "ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2",
            "invalid SSL protocol version range",
        ),
        (
            "ssl_max_protocol_version=TLSv1.1",
            "TLS before version 1.2 is not supported; raise ssl_max_protocol_version",
        ),
        (
            "load_balance_hosts=yes",
            "invalid load_balance_hosts value: \"yes\"",
        ),
        ("port=0", "invalid port number: \"0\""),
        ("port=65536", "invalid port number: \"65536\""),
        (
            "port=x",
            "invalid integer value \"x\" for connection option \"port\"",
        ),
        (
            "connect_timeout=x",
            "invalid integer value \"x\" for connection option \"connect_timeout\"",
        ),
        ("sslmode=on", "invalid sslmode value: \"on\""),
        (
            "sslrootcert=system sslmode=require",
            "a weak sslmode may not be used with sslrootcert=system (use \"verify-full\")",
        ),
    ];
    for (target, message) in cases {
        assert_eq!(
            resolve(target, &[]).unwrap_err().to_string(),
            message,
            "{target}"
        );
    }
}

#[test]
fn what_we_cannot_honour_is_refused_by_name() {
    let message = |target, variables| resolve(target, variables).unwrap_err().to_string();
    assert_eq!(
        message("gssencmode=require", &[]),
        "this value of connection option \"gssencmode\" (or PGGSSENCMODE) is not supported (supported: prefer, disable)"
    );
    assert_eq!(
        message("", &[("PGCLIENTENCODING", "LATIN1")]),
        "this value of connection option \"client_encoding\" (or PGCLIENTENCODING) is not supported \
         (supported: utf8, utf-8, unicode, auto): input and output are always UTF-8; convert them \
         with iconv"
    );
    assert_eq!(
        message("sslnegotiation=direct", &[]),
        "weak sslmode \"prefer\" may not be used with sslnegotiation=direct (use \"require\", \
         \"verify-ca\", or \"verify-full\")"
    );
    assert_eq!(
        message("sslnegotiation=maybe", &[]),
        "invalid sslnegotiation value: \"maybe\""
    );
    for target in [
        "client_encoding=latin1",
        "sslcrldir=/x",
        "replication=database",
        "require_auth=gss",
    ] {
        let keyword = target.split('=').next().unwrap();
        assert!(message(target, &[]).contains(keyword), "{target}");
    }
    // Our defaults, and options without effect.
    resolved(
        "target_session_attrs=any gssencmode=disable client_encoding=UTF8 krbsrvname=x \
         sslcompression=1 channel_binding=prefer require_auth=''",
        &[("PGCLIENTENCODING", "utf-8"), ("PGGSSENCMODE", "prefer")],
    );
}

#[test]
fn the_passfile_is_asked_anew_for_another_database() {
    let home = home(&[(
        ".pgpass",
        "db1:*:one:*:first\ndb1:*:two:*:second\nlocalhost:*:*:*:local\n",
    )]);
    let resolve = |target: &str, variables: &[_]| {
        Settings::resolve(&args(target), &env(variables).with_home(home.path())).unwrap()
    };
    let password = |settings: &Settings| {
        let password = settings.password_for(&settings.hosts()[0])?;
        Some(String::from_utf8(password.as_bytes().to_vec()).unwrap())
    };
    let one = resolve("host=db1 dbname=one", &[]);
    assert_eq!(password(&one).as_deref(), Some("first"));
    assert_eq!(
        password(&one.with_database("two")).as_deref(),
        Some("second")
    );
    assert_eq!(password(&one.with_database("three")), None);
    assert_eq!(
        one.passfile_for(&one.hosts()[0]),
        Some(&*home.path().join(".pgpass"))
    );

    // A given password is used for all databases.
    let given = resolve("host=db1 dbname=one", &[("PGPASSWORD", "given")]);
    assert_eq!(
        password(&given.with_database("two")).as_deref(),
        Some("given")
    );
    assert_eq!(given.passfile_for(&given.hosts()[0]), None);
    assert_eq!(
        password(&one.with_password("typed".into())).as_deref(),
        Some("typed")
    );

    for directory in ["/tmp", "/var/run/postgresql"] {
        let local = resolve(&format!("host={directory}"), &[]);
        assert_eq!(password(&local).as_deref(), Some("local"), "{directory}");
    }
}

#[test]
fn no_output_shows_a_password() {
    let settings = resolved("postgresql://hab:secret@db1/x", &[]);
    assert!(!format!("{settings} {settings:?}").contains("secret"));
}

#[test]
fn timeouts_are_seconds_and_zero_is_for_ever() {
    let timeout = |target| resolved(target, &[]).connect_timeout();
    assert_eq!(timeout("connect_timeout=3"), Some(Duration::from_secs(3)));
    assert_eq!(timeout("connect_timeout=0"), None);
    assert_eq!(timeout("connect_timeout=-1"), None);
}

#[test]
fn keepalives_are_on_unless_switched_off() {
    assert_eq!(resolved("", &[]).keepalive(), Some(&Keepalive::default()));
    assert_eq!(resolved("keepalives=0", &[]).keepalive(), None);
    let keepalive = Keepalive {
        idle: Some(Duration::from_secs(5)),
        interval: None,
        count: Some(3),
    };
    assert_eq!(
        resolved("keepalives_idle=5 keepalives_count=3", &[]).keepalive(),
        Some(&keepalive)
    );
    let user_timeout = |target| resolved(target, &[]).tcp_user_timeout();
    assert_eq!(user_timeout(""), None);
    assert_eq!(user_timeout("tcp_user_timeout=0"), None);
    assert_eq!(
        user_timeout("tcp_user_timeout=1500"),
        Some(Duration::from_millis(1500))
    );
}

#[test]
fn session_settings_of_variables_come_after_options() {
    let settings = resolved(
        "",
        &[
            ("PGOPTIONS", "-c geqo=on"),
            ("PGDATESTYLE", r"ISO, D\MY"),
            ("PGTZ", "default"),
        ],
    );
    assert_eq!(
        settings.options(),
        Some(r"-c geqo=on -c datestyle=ISO,\ D\\MY")
    );
}

#[test]
fn files_of_tls_are_looked_for_at_home() {
    let settings = Settings::resolve(
        &args("host=db1"),
        &env(&[]).with_home(Path::new("/home/hab")),
    )
    .unwrap();
    let file = |name: &str| Some(PathBuf::from(format!("/home/hab/.postgresql/{name}")));
    assert_eq!(settings.tls().roots, Roots::File(file("root.crt")));
    assert_eq!(settings.tls().revoked, file("root.crl"));
    assert_eq!(settings.tls().certificate, file("postgresql.crt"));
    assert_eq!(settings.tls().key, file("postgresql.key"));

    let system = resolved("sslrootcert=system", &[]);
    assert_eq!(
        (&system.tls().roots, system.tls().mode),
        (&Roots::System, SslMode::VerifyFull)
    );
}

#[test]
fn of_several_databases_none_is_left_out_quietly() {
    let several = |targets: &[&str]| {
        let args = ConnectionFlags {
            dbname: targets.iter().map(|&target| target.to_owned()).collect(),
            ..ConnectionFlags::default()
        };
        let resolved = Settings::resolve(&args, &env(&[]));
        matches!(resolved, Err(SettingsError::SeveralDatabases(_)))
    };
    for targets in [
        &["a", "b"][..],
        &["a", "host=h dbname=a"],
        &["dbname=a dbname=b"],
        &["postgresql://h/a?dbname=b"],
    ] {
        assert!(several(targets), "{targets:?}");
    }
    for targets in [&["a", "a"][..], &["", "a"], &["dbname=a dbname=a"]] {
        assert!(!several(targets), "{targets:?}");
    }
}
