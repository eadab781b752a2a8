//! The same flags, variables and files lead to the same server as in psql, or to the same message.

use std::process::Command;

use crate::support::{Args, Call, SHARED, Variables};

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
        // A connection string takes precedence over flags.
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
        (&["-d", "host={dir} port={port} user=postgres requirepeer=nobody-else"], &[]),
        // Only a socket has a peer.
        (&["-d", "host=localhost port={port} user=postgres"], &[("PGREQUIREPEER", "nobody-else")]),
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
        (&["-d", "host='a"], &[]),
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
async fn what_psql_refuses_is_refused_without_showing_what_may_be_a_password() {
    // psql shows part of each: `missing "=" after "hunter2" in connection info string`.
    for (string, secret) in [
        ("host=a password=two hunter2", "hunter2"),
        ("postgres://a?password=two&hunter2", "hunter2"),
    ] {
        let call = Call::new(&SHARED.sandbox, &["-d", string], &[]);
        let ours = call.ours().await.unwrap_err();
        let psqls = call.psqls().unwrap_err();
        assert!(psqls.contains(secret), "{psqls}");
        assert!(!ours.contains(secret), "{ours}");
    }
    let call = Call::new(&SHARED.sandbox, &["-d", "postgres://a?foo=bar"], &[]);
    let ours = call.ours().await.unwrap_err();
    assert!(
        ours.starts_with("invalid URI query parameter \"foo\""),
        "{ours}"
    );
    assert!(call.psqls().is_err());
}

/// The parameters of the libpq that is installed, by its own account.
const LIBPQS_PARAMETERS: &str = "
import ctypes
class Option(ctypes.Structure):
    _fields_ = [(name, ctypes.c_char_p) for name in (
        'keyword', 'envvar', 'compiled', 'val', 'label', 'dispchar')] + [('dispsize', ctypes.c_int)]
libpq = ctypes.CDLL('libpq.so.5')
libpq.PQconndefaults.restype = ctypes.POINTER(Option)
options, at = libpq.PQconndefaults(), 0
while options[at].keyword:
    print(options[at].keyword.decode())
    at += 1
";

#[test]
#[allow(clippy::print_stdout, reason = "reports why a test is skipped")]
fn every_parameter_of_libpq_is_known() {
    let listed = Command::new("python3")
        .args(["-c", LIBPQS_PARAMETERS])
        .output();
    let listed = match listed {
        Ok(listed) if listed.status.success() => listed,
        other => {
            println!("skipped: no python3 with libpq here: {other:?}");
            return;
        }
    };
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.lines().count() > 20, "{listed}");
    let page = include_str!("../../docs/reference/connection.md");
    for parameter in listed.lines() {
        assert!(
            page.contains(&format!("\n| `{parameter}` | ")),
            "{parameter}"
        );
    }
}
