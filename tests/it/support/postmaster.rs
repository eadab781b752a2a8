//! The server's main process: to freeze it, or to signal what no client can.

use std::fs;

use shardq::sandbox::Sandbox;

use super::Program;

/// The process that accepts a server's connections.
#[derive(Debug)]
pub struct Postmaster(String);

impl Postmaster {
    pub fn of(server: &Sandbox) -> Self {
        let file = fs::read_to_string(server.data_dir().join("postmaster.pid")).unwrap();
        Self(file.lines().next().unwrap().to_owned())
    }

    pub fn signal(&self, name: &str) {
        Program::new("kill")
            .args(["-s", name, &self.0])
            .run()
            .assert(0, "", "");
    }
}
