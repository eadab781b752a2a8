//! The servers to connect to, and one way to call both psql and shardq.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};
use shardq::cli::connection::ConnectionArgs;
use shardq::client::{ConnectError, Connection, ConnectionPool};
use shardq::config::{Environment, Settings};
use shardq::sandbox::{InitdbTemplate, Listen, Options, Sandbox};
use tempfile::TempDir;

/// A certificate authority.
pub struct Authority {
    pub certificate: String,
    pub issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        Self {
            certificate,
            issuer: Issuer::new(params, key),
        }
    }

    pub fn issue(&self, params: &CertificateParams) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        (certificate, key.serialize_pem())
    }
}

/// A file of `tests/connect/keys/`. The keys `ec` and `rsa` are there encrypted too, with
/// [`KEY_PASSWORD`]; certificates `v1_…` are of X.509 version 1, for the key `ec`.
pub fn fixture(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/connect/keys");
    fs::read_to_string(format!("{folder}/{name}.pem")).unwrap()
}

pub const KEY_PASSWORD: &str = "se cret";

pub fn named(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params
}

pub fn for_host(host: &str) -> CertificateParams {
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

pub static TEMPLATE: LazyLock<InitdbTemplate> =
    LazyLock::new(|| InitdbTemplate::create(&std::env::temp_dir(), "postgres").unwrap());

/// A server with TLS that presents this certificate.
pub fn start(certificate: &str, key: &str, client_authority: &str) -> Sandbox {
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

/// The server that most tests share. Its certificate is for `localhost`.
pub struct Shared {
    pub sandbox: Sandbox,
    pub authority: Authority,
}

pub static SHARED: LazyLock<Shared> = LazyLock::new(|| {
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

pub const PASSWORD: &str = "pass:w\\ord";

pub type Args = &'static [&'static str];
pub type Variables = &'static [(&'static str, &'static str)];

/// How psql or shardq is called: flags, `PG*` variables, files in the home directory.
pub struct Call {
    args: Vec<String>,
    variables: Vec<(String, String)>,
    home: TempDir,
}

impl Call {
    /// `{dir}`, `{port}` and `{home}` are replaced by the sandbox's values.
    pub fn new(sandbox: &Sandbox, args: &[&str], variables: &[(&str, &str)]) -> Self {
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

    pub fn file(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn settings(&self) -> Result<Settings, String> {
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
        Settings::resolve(&(&cli.connection).into(), &environment)
            .map_err(|error| error.to_string())
    }

    /// Our result in one line: the server that we reached, or the error.
    pub async fn ours(&self) -> Result<String, String> {
        let connection = self.connect().await?.map_err(|error| error.to_string())?;
        let rows = connection.query_typed(WHERE_AM_I, &[]).await;
        Ok(rows.unwrap()[0].get(0))
    }

    pub async fn connect(&self) -> Result<Result<Connection, ConnectError>, String> {
        let server = ConnectionPool::new(self.settings()?, 1).map_err(|error| error.to_string())?;
        Ok(server.connection().await)
    }

    pub fn psqls(&self) -> Result<String, String> {
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

pub const WHERE_AM_I: &str = "
    SELECT concat_ws('|', current_user, current_database(), inet_server_addr(), inet_server_port(), ssl,
                     current_setting('application_name'), current_setting('DateStyle'),
                     current_setting('TimeZone'), current_setting('work_mem'), current_setting('geqo'))
    FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

pub async fn connect_to(target: &str) -> Result<Connection, ConnectError> {
    let call = Call::new(&SHARED.sandbox, &["-d", target], &[]);
    call.connect().await.unwrap()
}

pub async fn refusal_of(target: &str) -> ConnectError {
    match connect_to(target).await {
        Ok(_) => panic!("{target} connects"),
        Err(error) => error,
    }
}
