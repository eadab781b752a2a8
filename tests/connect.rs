//! Connecting as psql does, against real servers: psql itself says what is
//! right wherever it can.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy.toml allows them in test functions, but not in what these share"
)]

use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, date_time_ymd,
};
use shardq::cli::connection::ConnectionArgs;
use shardq::sandbox::{Listen, Options, Sandbox, Shutdown, Template};
use shardq::server::dial::{self, Connected};
use shardq::server::prompt::connect_asking;
use shardq::server::{ConnectError, Connection, Server};
use shardq::settings::{Environment, Settings};
use tempfile::TempDir;
use tokio_postgres::error::SqlState;

/// Signs certificates.
struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        Self {
            certificate,
            issuer: Issuer::new(params, key),
        }
    }

    fn issue(&self, params: &CertificateParams) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        (certificate, key.serialize_pem())
    }
}

fn named(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params
}

fn for_host(host: &str) -> CertificateParams {
    let mut params = named("not the host");
    params.subject_alt_names = vec![SanType::DnsName(host.try_into().unwrap())];
    params
}

const HBA: &str = "
local     all all       trust
host      all scram     127.0.0.1/32 scram-sha-256
host      all md5       127.0.0.1/32 md5
host      all clear     127.0.0.1/32 password
hostssl   all tlsonly   127.0.0.1/32 trust
hostnossl all plainonly 127.0.0.1/32 trust
hostssl   all certified 127.0.0.1/32 cert
host      all postgres  127.0.0.1/32 trust
";

static TEMPLATE: LazyLock<Template> = LazyLock::new(|| Template::create("postgres").unwrap());

/// A server with TLS that shows this certificate.
fn start(certificate: &str, key: &str, client_authority: &str) -> Sandbox {
    let options = Options {
        listen: Listen::Loopback,
        hba: Some(HBA.to_owned()),
        settings: [("ssl", "on"), ("ssl_ca_file", "client_ca.crt")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        files: vec![
            ("server.crt".to_owned(), certificate.into()),
            ("server.key".to_owned(), key.into()),
            ("client_ca.crt".to_owned(), client_authority.into()),
        ],
        ..Options::default()
    };
    TEMPLATE.start(options).unwrap()
}

/// The server that most tests share: its certificate is for `localhost`.
struct Shared {
    sandbox: Sandbox,
    authority: Authority,
}

static SHARED: LazyLock<Shared> = LazyLock::new(|| {
    let authority = Authority::new("right authority");
    let (certificate, key) = authority.issue(&for_host("localhost"));
    let sandbox = start(&certificate, &key, &authority.certificate);
    let roles = "
        SET password_encryption = 'scram-sha-256';
        CREATE ROLE scram LOGIN PASSWORD 'pass:w\\ord';
        SET password_encryption = 'md5';
        CREATE ROLE md5 LOGIN PASSWORD 'pass:w\\ord';
        CREATE ROLE clear LOGIN PASSWORD 'pass:w\\ord';
        CREATE ROLE tlsonly LOGIN;
        CREATE ROLE plainonly LOGIN;
        CREATE ROLE certified LOGIN;
        CREATE ROLE full LOGIN CONNECTION LIMIT 0;
        CREATE DATABASE \"a b'c\";
    ";
    let mut psql = Command::new(sandbox.client("psql"));
    psql.args(["-XqAt", "-v", "ON_ERROR_STOP=1"]);
    for statement in roles.split_inclusive(';') {
        psql.args(["-c", statement]);
    }
    let output = psql.envs(sandbox.env("postgres")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    Shared { sandbox, authority }
});

const PASSWORD: &str = "pass:w\\ord";

type Args = &'static [&'static str];
type Variables = &'static [(&'static str, &'static str)];

/// How a person calls psql or us: flags, `PG*` variables, files at home.
struct Call {
    args: Vec<String>,
    variables: Vec<(String, String)>,
    home: TempDir,
}

impl Call {
    /// `{dir}`, `{port}` and `{home}` stand for what they are of the sandbox.
    fn new(sandbox: &Sandbox, args: &[&str], variables: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let fill = |text: &str| {
            text.replace("{dir}", sandbox.socket_dir().to_str().unwrap())
                .replace("{port}", &sandbox.port().to_string())
                .replace("{home}", home.path().to_str().unwrap())
        };
        Self {
            args: args.iter().map(|arg| fill(arg)).collect(),
            variables: variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), fill(value)))
                .collect(),
            home,
        }
    }

    fn file(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn settings(&self) -> Result<Settings, String> {
        #[derive(clap::Parser)]
        #[command(disable_help_flag = true)]
        struct Cli {
            #[command(flatten)]
            connection: ConnectionArgs,
        }
        let args = ["shardq"]
            .into_iter()
            .chain(self.args.iter().map(String::as_str));
        let cli = <Cli as clap::Parser>::try_parse_from(args).unwrap();
        let variables: Vec<_> = self
            .variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let environment = Environment::new(&variables)
            .with_user("root")
            .with_home(self.home.path());
        Settings::resolve(&cli.connection, &environment).map_err(|error| error.to_string())
    }

    /// What we get, in one line: where we are, or what went wrong.
    async fn ours(&self) -> Result<String, String> {
        let connection = self.connect().await?.map_err(|error| error.to_string())?;
        let row = connection.client().query_one(WHERE_AM_I, &[]).await;
        Ok(row.unwrap().get(0))
    }

    async fn connect(&self) -> Result<Result<Connection, ConnectError>, String> {
        Ok(Server::new(self.settings()?).connection().await)
    }

    fn psqls(&self) -> Result<String, String> {
        let mut psql = Command::new(SHARED.sandbox.client("psql"));
        psql.env_clear()
            .env("HOME", self.home.path())
            .env("PGAPPNAME", "shardq")
            .env("PGCONNECT_TIMEOUT", "10")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .args(["-XAtw", "-c", WHERE_AM_I])
            .args(&self.args);
        let output = psql.output().unwrap();
        if output.status.success() {
            return Ok(String::from_utf8(output.stdout)
                .unwrap()
                .trim_end()
                .to_owned());
        }
        // Lines that start with a tab are hints.
        let stderr = String::from_utf8(output.stderr).unwrap();
        let lines = stderr.lines().filter(|line| !line.starts_with('\t'));
        let text = lines.collect::<Vec<_>>().join("\n");
        Err(text.replace("psql: error: ", ""))
    }
}

const WHERE_AM_I: &str = "
    SELECT concat_ws('|', current_user, current_database(), inet_server_addr(), inet_server_port(), ssl,
                     current_setting('application_name'), current_setting('DateStyle'),
                     current_setting('TimeZone'), current_setting('work_mem'), current_setting('geqo'))
    FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

async fn connect_to(target: &str) -> Result<Connection, ConnectError> {
    let call = Call::new(&SHARED.sandbox, &["-d", target], &[]);
    call.connect().await.unwrap()
}

async fn refusal_of(target: &str) -> ConnectError {
    match connect_to(target).await {
        Ok(_) => panic!("{target} connects"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn we_get_where_psql_gets() {
    let service = "[s]\nhost={dir}\nport={port}\nuser=postgres\ndbname=template1\n";
    #[rustfmt::skip]
    let cases: &[(Args, Variables)] = &[
        (&["-h", "{dir}", "-p", "{port}", "-U", "postgres"], &[]),
        (&["-h", "{dir}", "-p", "{port}", "-U", "postgres", "-d", "template1"], &[]),
        (&["--host={dir}", "--port={port}", "--username=postgres", "--dbname=template1"], &[]),
        (&["-d", "host={dir} port={port} user=postgres dbname='a b\\'c'"], &[]),
        (&["-d", "host={dir} port={port} user=postgres dbname=a\\ b\\'c"], &[]),
        (&["-d", "postgresql://postgres@/a%20b'c?host={dir}&port={port}"], &[]),
        (&["-d", "postgres://postgres@localhost:{port}/template1"], &[]),
        (&["-d", "postgres://postgres@localhost:{port}?sslmode=disable"], &[]),
        (&["-d", "postgres://nowhere.invalid:1,127.0.0.1:{port}/postgres?user=postgres"], &[]),
        (&["-d", "host=/nowhere,{dir} port=1,{port} user=postgres"], &[]),
        (&["-d", "hostaddr=127.0.0.1 host=nowhere.invalid port={port} user=postgres"], &[]),
        // A connection string has the last word over flags.
        (&["-h", "/nowhere", "-p", "1", "-U", "nobody", "-d", "host={dir} port={port} user=postgres"], &[]),
        (&[], &[("PGHOST", "{dir}"), ("PGPORT", "{port}"), ("PGUSER", "postgres"), ("PGDATABASE", "template1")]),
        (&["-U", "postgres"], &[("PGHOST", "{dir}"), ("PGPORT", "{port}"), ("PGUSER", "nobody")]),
        (&["-d", "service=s"], &[]),
        (&["-d", "service=s dbname=postgres"], &[("PGDATABASE", "a b'c")]),
        (&["-d", "postgres://?service=s"], &[]),
        (&["-U", "nobody"], &[("PGSERVICE", "s")]),
        (&[], &[("PGSERVICE", "none")]),
        (&["-d", "service=s"], &[("PGSERVICEFILE", "/nowhere")]),
        (&["-h", "{dir}", "-p", "{port}", "-U", "postgres"], &[
            ("PGOPTIONS", "-c work_mem=5MB -c geqo=off"), ("PGDATESTYLE", "ISO, DMY"), ("PGTZ", "Asia/Tokyo"), ("PGAPPNAME", "an app"),
        ]),
        (&["-h", "{dir}", "-p", "{port}", "-U", "postgres"], &[("PGOPTIONS", "-c geqo=off"), ("PGGEQO", "on")]),
        // Errors, in the same words.
        (&["-h", "{dir}", "-p", "{port}"], &[]),
        (&["-h", "{dir}", "-p", "{port}", "-U", "postgres", "-d", "nowhere"], &[]),
        (&["-h", "{dir}", "-p", "1", "-U", "postgres"], &[]),
        (&["-h", "{dir}", "-p", "{port}", "-U", "full"], &[("PGDATABASE", "postgres")]),
        (&["-h", "127.0.0.1", "-p", "1"], &[]),
        (&["-h", "localhost", "-p", "1"], &[]),
        (&["-h", "localhost,{dir}", "-p", "1"], &[]),
        (&["-h", "nowhere.invalid"], &[]),
        (&["-h", "a,b", "-p", "1,2,3"], &[]),
        (&["-h", "a", "-p", "x"], &[]),
        (&["-h", "a", "-p", "99999"], &[]),
        (&["-d", "hostaddr=a,b host=c"], &[]),
        (&["-d", "foo=bar"], &[]),
        (&["-d", "host=a b"], &[]),
        (&["-d", "host='a"], &[]),
        (&["-d", "postgres://a?foo=bar"], &[]),
        (&["-d", "postgres://a?foo"], &[]),
        (&["-d", "host=a sslmode=maybe"], &[]),
        (&["-d", "host=localhost port={port} user=scram"], &[]),
        (&["-d", "host=localhost port={port} user=tlsonly dbname=postgres sslmode=disable"], &[]),
        (&["-d", "host=localhost port={port} user=plainonly dbname=postgres sslmode=require"], &[]),
        (&["-d", "host=localhost port={port} user=unknown"], &[]),
    ];
    let mut differences = Vec::new();
    for (args, variables) in cases {
        let call = Call::new(&SHARED.sandbox, args, variables);
        let sandbox = &SHARED.sandbox;
        let service = service
            .replace("{dir}", sandbox.socket_dir().to_str().unwrap())
            .replace("{port}", &sandbox.port().to_string());
        let call = call.file(".pg_service.conf", &service);
        let (ours, psqls) = (call.ours().await, call.psqls());
        if ours != psqls {
            differences.push(format!("{args:?} {variables:?}\n  {ours:?}\n  {psqls:?}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[tokio::test]
async fn passfiles_are_read_as_psql_reads_them() {
    let port = SHARED.sandbox.port();
    let right = r"pass\:w\\ord";
    let passfiles = [
        format!("localhost:{port}:postgres:scram:{right}\n"),
        format!("# comment\n\n*:*:*:*:{right}\r\n"),
        format!("localhost:{port}:*:scram:wrong\n*:*:*:*:{right}\n"),
        format!("127.0.0.1:*:*:*:wrong\n*:*:*:*:{right}\n"),
        format!("local*:*:*:*:wrong\n*:*:*:*:{right}\n"),
        format!("*:*:*:*:\n*:*:*:*:{right}\n"),
        "*:*:*:*:pass:w\\ord\n".to_owned(),
        format!("*:*:*:{right}\n"),
        String::new(),
    ];
    for passfile in passfiles {
        let target = format!("host=localhost port={port} user=scram dbname=postgres");
        let call = Call::new(&SHARED.sandbox, &["-d", &target], &[]).file(".pgpass", &passfile);
        let (ours, psqls) = (call.ours().await, call.psqls());
        assert_eq!(
            ours.is_ok(),
            psqls.is_ok(),
            "{passfile:?}: {ours:?} {psqls:?}"
        );
    }
}

#[tokio::test]
async fn each_kind_of_password_is_sent_and_a_wrong_one_is_said_to_be_wrong() {
    for user in ["scram", "md5", "clear"] {
        let target = format!("host=127.0.0.1 port={{port}} user={user} dbname=postgres");
        let with = |password| {
            let variables = [("PGPASSWORD", password)];
            Call::new(&SHARED.sandbox, &["-d", &target], &variables)
        };
        let right = with(PASSWORD).connect().await.unwrap();
        assert!(right.is_ok(), "{user}");

        let Err(wrong) = with("wrong").connect().await.unwrap() else {
            panic!("{user} gets in with a wrong password");
        };
        assert_eq!(wrong.sqlstate(), Some(&SqlState::INVALID_PASSWORD));
        assert!(!wrong.needs_password() && !wrong.is_transient());
        let port = SHARED.sandbox.port();
        assert_eq!(
            wrong.to_string(),
            format!(
                "connection to server at \"127.0.0.1\", port {port} failed: FATAL:  password authentication failed for user \"{user}\""
            )
        );

        let Err(none) = with("").connect().await.unwrap() else {
            panic!("{user} gets in without a password");
        };
        assert!(none.needs_password(), "{none}");
    }
}

#[tokio::test]
async fn a_wrong_password_from_the_passfile_is_traced_to_it() {
    let target = "host=localhost port={port} user=scram dbname=postgres";
    let call = Call::new(&SHARED.sandbox, &["-d", target], &[]).file(".pgpass", "*:*:*:*:wrong\n");
    let Err(error) = call.connect().await.unwrap() else {
        panic!("a wrong password is accepted");
    };
    let passfile = call.path(".pgpass").display().to_string();
    assert_eq!(
        error.hint(),
        Some(format!("password retrieved from file \"{passfile}\""))
    );
}

fn scram_settings(flag: &[&str]) -> Settings {
    let target = "host=localhost port={port} user=scram dbname=postgres";
    let args = [flag, &["-d", target]].concat();
    Call::new(&SHARED.sandbox, &args, &[]).settings().unwrap()
}

#[tokio::test]
async fn a_password_is_asked_for_once_and_kept() {
    let mut settings = scram_settings(&[]);
    let connected = connect_asking(&mut settings, |prompt| {
        assert_eq!(prompt, "Password for user scram: ");
        Ok(PASSWORD.into())
    })
    .await;
    assert!(connected.is_ok());
    assert!(dial::connect(&settings).await.is_ok(), "it is not kept");

    let mut asked = 0;
    let refused = connect_asking(&mut scram_settings(&[]), |_| {
        asked += 1;
        Ok("wrong".into())
    })
    .await;
    assert_eq!(asked, 1);
    let refused = refused.err().unwrap();
    assert_eq!(refused.sqlstate(), Some(&SqlState::INVALID_PASSWORD));
}

#[tokio::test]
async fn w_never_asks_and_capital_w_always_does() {
    let mut never = scram_settings(&["-w"]);
    let refused = connect_asking(&mut never, |_| panic!("asked with -w")).await;
    assert!(refused.err().unwrap().needs_password());

    // The socket would let anyone in without one.
    let call = Call::new(
        &SHARED.sandbox,
        &[
            "-W", "-h", "{dir}", "-p", "{port}", "-U", "scram", "-d", "postgres",
        ],
        &[],
    );
    let mut always = call.settings().unwrap();
    let mut asked = false;
    let connected = connect_asking(&mut always, |_| {
        asked = true;
        Ok("anything".into())
    })
    .await;
    assert!(asked && connected.is_ok());
}

#[tokio::test]
async fn without_a_terminal_the_server_s_demand_is_the_error() {
    let no_terminal = |_: &str| Err(io::ErrorKind::NotFound.into());
    let refused = connect_asking(&mut scram_settings(&[]), no_terminal).await;
    assert!(refused.err().unwrap().needs_password());

    let ctrl_c = |_: &str| Err(io::ErrorKind::Interrupted.into());
    let refused = connect_asking(&mut scram_settings(&[]), ctrl_c).await;
    assert!(refused.err().unwrap().is_interrupt());
}

/// Every mode, with every state of the root certificate, by a name that the
/// certificate has and by one that it has not, for users whom the server lets
/// in with TLS, without, or either way.
#[tokio::test]
async fn every_sslmode_ends_as_with_psql() {
    let right = &SHARED.authority.certificate;
    let wrong = &Authority::new("wrong authority").certificate;
    for root in [None, Some(right), Some(wrong)] {
        for host in ["localhost", "127.0.0.1"] {
            for user in ["postgres", "tlsonly", "plainonly"] {
                for mode in [
                    "disable",
                    "allow",
                    "prefer",
                    "require",
                    "verify-ca",
                    "verify-full",
                ] {
                    let target = format!(
                        "host={host} port={{port}} user={user} dbname=postgres sslmode={mode}"
                    );
                    let mut call = Call::new(&SHARED.sandbox, &["-d", &target], &[]);
                    if let Some(root) = root {
                        call = call.file(".postgresql/root.crt", root);
                    }
                    let (ours, psqls) = (call.ours().await, call.psqls());
                    let case = format!("{target} {root:?}\n{ours:?}\n{psqls:?}");
                    assert_eq!(ours.ok(), psqls.ok(), "{case}");
                }
            }
        }
    }
}

async fn verify(sandbox: &Sandbox, host: &str, mode: &str, root: &str) -> Result<(), ConnectError> {
    let target =
        format!("host={host} hostaddr=127.0.0.1 port={{port}} user=postgres sslmode={mode}");
    let call = Call::new(sandbox, &["-d", &target], &[]).file(".postgresql/root.crt", root);
    let connection = call.connect().await.unwrap()?;
    let row = connection
        .client()
        .query_one(WHERE_AM_I, &[])
        .await
        .unwrap();
    assert!(row.get::<_, &str>(0).contains("|t|"), "no TLS");
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_said_with_what_to_set() {
    let Shared { sandbox, authority } = &*SHARED;
    let at = |host: &str| {
        format!(
            "connection to server at \"{host}\" (127.0.0.1), port {} failed: ",
            sandbox.port()
        )
    };

    let error = verify(sandbox, "db1", "verify-full", &authority.certificate)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        at("db1") + "server certificate for \"localhost\" does not match host name \"db1\""
    );
    assert!(error.hint().unwrap().contains("sslmode=verify-ca"));

    let other = Authority::new("other").certificate;
    let error = verify(sandbox, "localhost", "verify-ca", &other)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        at("localhost") + "SSL error: certificate verify failed: unknown issuer"
    );
    assert!(error.hint().unwrap().contains("sslrootcert"));

    let error = verify(sandbox, "localhost", "verify-ca", "no certificate")
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("no usable certificate in"),
        "{error}"
    );

    let error = refusal_of("host=localhost port={port} user=postgres sslmode=verify-ca").await;
    assert!(
        error
            .to_string()
            .ends_with("/.postgresql/root.crt\" does not exist"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("sslrootcert=system"));

    let error = refusal_of("host=localhost port={port} user=postgres sslrootcert=system").await;
    assert!(!error.is_transient());
    assert!(error.to_string().contains("certif"), "{error}");
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    let authority = Authority::new("authority");
    let mut params = for_host("localhost");
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(2001, 1, 1);
    let (certificate, key) = authority.issue(&params);
    let sandbox = start(&certificate, &key, &authority.certificate);
    let error = verify(&sandbox, "localhost", "verify-ca", &authority.certificate)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("certificate verify failed: certificate has expired")
    );
    assert_eq!(
        error.hint().as_deref(),
        Some("Renew the server's certificate.")
    );
}

#[tokio::test]
async fn a_host_in_the_common_name_alone_is_accepted_as_psql_does() {
    let authority = Authority::new("authority");
    let (certificate, key) = authority.issue(&named("db1"));
    let sandbox = start(&certificate, &key, &authority.certificate);
    let root = &authority.certificate;
    verify(&sandbox, "db1", "verify-full", root).await.unwrap();
    verify(&sandbox, "db2", "verify-ca", root).await.unwrap();
    let error = verify(&sandbox, "db2", "verify-full", root)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("does not match host name \"db2\""),
        "{error}"
    );
}

#[tokio::test]
async fn a_copy_of_a_self_signed_certificate_vouches_for_it() {
    for is_ca in [IsCa::NoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let sign = |last_year| {
            let mut params = for_host("db1");
            params.is_ca = is_ca;
            params.not_after = date_time_ymd(last_year, 1, 1);
            let key = KeyPair::generate().unwrap();
            let certificate = params.self_signed(&key).unwrap().pem();
            let sandbox = start(&certificate, &key.serialize_pem(), &certificate);
            (sandbox, certificate)
        };
        let (sandbox, certificate) = sign(4000);
        verify(&sandbox, "db1", "verify-full", &certificate)
            .await
            .unwrap();
        let error = verify(&sandbox, "db2", "verify-full", &certificate)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("does not match"), "{error}");
        let (_, other) = sign(4000);
        assert!(verify(&sandbox, "db1", "verify-ca", &other).await.is_err());

        let (sandbox, certificate) = sign(2001);
        let error = verify(&sandbox, "db1", "verify-full", &certificate)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("expired"), "{error}");
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_and_its_key_kept_private() {
    let Shared { sandbox, authority } = &*SHARED;
    let (certificate, key) = authority.issue(&named("certified"));
    let target = "host=localhost port={port} user=certified dbname=postgres sslmode=require";
    let call = || Call::new(sandbox, &["-d", target], &[]);
    let with = |certificate: &str, key: &str| {
        call()
            .file(".postgresql/postgresql.crt", certificate)
            .file(".postgresql/postgresql.key", key)
    };
    let error = |outcome: Result<Connection, ConnectError>| outcome.err().unwrap();

    assert!(with(&certificate, &key).connect().await.unwrap().is_ok());

    let without = error(call().connect().await.unwrap());
    assert!(
        without.to_string().contains("client certificate"),
        "{without}"
    );

    let exposed = with(&certificate, &key);
    let path = exposed.path(".postgresql/postgresql.key");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let exposed = error(exposed.connect().await.unwrap());
    assert!(
        exposed.to_string().ends_with("has group or world access"),
        "{exposed}"
    );

    let keyless = call().file(".postgresql/postgresql.crt", &certificate);
    let keyless = error(keyless.connect().await.unwrap());
    assert!(
        keyless.to_string().contains("but not private key file"),
        "{keyless}"
    );

    let (certificate, key) = Authority::new("unknown").issue(&named("certified"));
    let unknown = error(with(&certificate, &key).connect().await.unwrap());
    assert!(
        unknown.to_string().contains("SSL error: the server said"),
        "{unknown}"
    );
}

#[tokio::test]
async fn a_revoked_certificate_is_refused() {
    use rcgen::{CertificateRevocationListParams, KeyIdMethod, RevokedCertParams, SerialNumber};
    let authority = Authority::new("authority");
    let serial = SerialNumber::from(42_u64);
    let mut params = for_host("localhost");
    params.serial_number = Some(serial.clone());
    let (certificate, key) = authority.issue(&params);
    let sandbox = start(&certificate, &key, &authority.certificate);
    let list = |revoked| {
        let revoked_certs = if revoked {
            vec![RevokedCertParams {
                serial_number: serial.clone(),
                revocation_time: date_time_ymd(2020, 1, 1),
                reason_code: None,
                invalidity_date: None,
            }]
        } else {
            Vec::new()
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(4000, 1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&authority.issuer).unwrap().pem().unwrap()
    };
    for revoked in [false, true] {
        let target = "host=localhost port={port} user=postgres sslmode=verify-full";
        let call = Call::new(&sandbox, &["-d", target], &[])
            .file(".postgresql/root.crt", &authority.certificate)
            .file(".postgresql/root.crl", &list(revoked));
        let outcome = call.connect().await.unwrap();
        assert_eq!(outcome.is_err(), revoked, "{:?}", outcome.err());
    }
}

#[tokio::test]
async fn a_server_without_tls_is_used_without_unless_tls_is_required() {
    let options = Options {
        listen: Listen::Loopback,
        ..Options::default()
    };
    let sandbox = TEMPLATE.start(options).unwrap();
    for (mode, works) in [
        ("disable", true),
        ("allow", true),
        ("prefer", true),
        ("require", false),
    ] {
        let target = format!("host=localhost port={{port}} user=postgres sslmode={mode}");
        let call = Call::new(&sandbox, &["-d", &target], &[]);
        let (ours, psqls) = (call.ours().await, call.psqls());
        assert_eq!(ours.is_ok(), works, "{mode}: {ours:?}");
        assert_eq!(ours, psqls, "{mode}");
    }
}

#[tokio::test]
async fn the_timeout_covers_a_server_that_accepts_and_says_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    for mode in ["disable", "require"] {
        let started = Instant::now();
        let target = format!("host=127.0.0.1 port={port} connect_timeout=1 sslmode={mode}");
        let error = refusal_of(&target).await;
        assert_eq!(
            error.to_string(),
            format!(
                "connection to server at \"127.0.0.1\", port {port} failed: timeout expired after 1 s"
            )
        );
        assert!(error.is_transient());
        assert!(error.hint().unwrap().contains("PGCONNECT_TIMEOUT"));
        assert!(started.elapsed() < Duration::from_secs(5));
    }
    // The next host gets its own second.
    let target =
        format!("host=127.0.0.1,localhost port={port},{{port}} user=postgres connect_timeout=1");
    assert!(connect_to(&target).await.is_ok());
}

#[tokio::test]
async fn what_may_pass_is_told_from_what_will_not() {
    assert!(refusal_of("host=127.0.0.1 port=1").await.is_transient());
    let full = refusal_of("host={dir} port={port} user=full dbname=postgres").await;
    assert_eq!(full.sqlstate(), Some(&SqlState::TOO_MANY_CONNECTIONS));
    assert!(full.is_transient());
    for permanent in [
        "host={dir} port={port} user=unknown",
        "host=nowhere.invalid",
    ] {
        assert!(!refusal_of(permanent).await.is_transient(), "{permanent}");
    }

    // A restart, seen from its middle.
    let mut sandbox = TEMPLATE.start(Options::default()).unwrap();
    let call = Call::new(
        &sandbox,
        &["-h", "{dir}", "-p", "{port}", "-U", "postgres"],
        &[],
    );
    sandbox.stop(Shutdown::Fast).unwrap();
    let down = call.connect().await.unwrap().err().unwrap();
    assert!(down.is_transient(), "{down}");
    assert_eq!(
        down.hint().as_deref(),
        Some("Is the server running locally and accepting connections on that socket?")
    );
    sandbox.start_again().unwrap();
    assert!(call.connect().await.unwrap().is_ok());
}

#[tokio::test]
async fn something_that_is_no_postgres_is_called_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = io::Write::write_all(&mut stream.unwrap(), b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let error = refusal_of(&format!("host=127.0.0.1 port={port} sslmode=require")).await;
    assert!(
        error
            .to_string()
            .ends_with("received invalid response to SSL negotiation: H"),
        "{error}"
    );
    assert_eq!(error.hint().as_deref(), Some("Is that a Postgres server?"));
    assert!(!error.is_transient());
}

#[tokio::test]
async fn cancel_stops_what_runs_with_and_without_tls() {
    for target in [
        "host={dir} port={port} user=postgres",
        "host=localhost port={port} user=postgres sslmode=disable",
        "host=localhost port={port} user=postgres sslmode=require",
    ] {
        let connection = connect_to(target).await.unwrap();
        let client = connection.client();
        let started = Instant::now();
        let cancelling = async {
            // To cancel before the query has begun would cancel nothing.
            let watcher = connect_to("host={dir} port={port} user=postgres")
                .await
                .unwrap();
            let running = "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep' AND state = 'active'";
            while watcher
                .client()
                .query_one(running, &[])
                .await
                .unwrap()
                .get::<_, i64>(0)
                == 0
            {}
            connection.cancel().await.unwrap();
        };
        let (outcome, ()) = tokio::join!(client.batch_execute("SELECT pg_sleep(60)"), cancelling);
        assert_eq!(
            outcome.unwrap_err().code(),
            Some(&SqlState::QUERY_CANCELED),
            "{target}"
        );
        assert!(started.elapsed() < Duration::from_secs(30), "{target}");
    }
}

#[test]
fn a_pool_can_hold_the_futures() {
    fn is_send<T: Send>(_: &T) {}
    let settings = Call::new(&SHARED.sandbox, &[], &[]).settings().unwrap();
    is_send(&dial::connect(&settings));
    is_send(&Server::new(settings.clone()).connection());
    let connected: Option<Connected> = None;
    is_send(&connected);
}
