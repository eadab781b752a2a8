//! A terminal of any size, which programs can be run on.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command};
use std::time::Instant;

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use super::process::{Captured, Program, Ran, collect, wait_for};

/// A program on a terminal of its own. Killed when dropped.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    screen: Captured,
    keyboard: File,
    started: Instant,
}

impl Terminal {
    /// Starts a program on a terminal of so many columns and rows.
    #[track_caller]
    pub fn start(program: Program, columns: u16, rows: u16) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let controller = openpt(flags).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        tcsetwinsize(&controller, winsize(columns, rows)).unwrap();
        let path = ptsname(&controller, Vec::new()).unwrap();
        let noctty = i32::try_from(OFlags::NOCTTY.bits()).unwrap();
        let device = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(noctty)
            .open(OsStr::from_bytes(path.as_bytes()))
            .unwrap();
        // Makes it the controlling terminal, for Ctrl-C and /dev/tty. It does not fork here.
        let child = program.start_below("setsid", &["--ctty"], &device);
        Self {
            child,
            screen: Captured::all_of(File::from(controller.try_clone().unwrap())),
            keyboard: File::from(controller),
            started: Instant::now(),
        }
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        tcsetwinsize(&self.keyboard, winsize(columns, rows)).unwrap();
    }

    /// Types a text; `\x03` is Ctrl-C and `\x04` Ctrl-D.
    pub fn type_in(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    /// Sends the program a signal: `TERM`, `HUP` …
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status();
        assert!(status.unwrap().success(), "kill -s {name}");
    }

    /// Whether it shows what is typed, line by line.
    pub fn is_cooked(&self) -> bool {
        let modes = tcgetattr(&self.keyboard).unwrap().local_modes;
        modes.contains(LocalModes::ECHO | LocalModes::ICANON)
    }

    /// Waits until what was shown is as wanted, and returns it.
    #[track_caller]
    pub fn wait_for(&self, wanted: impl Fn(&str) -> bool) -> String {
        wait_for("the screen", &self.screen, wanted)
    }

    /// Its exit status, and as its output all that was shown, line breaks as `\n`.
    #[track_caller]
    pub fn finish(mut self) -> Ran {
        let mut ran = collect(&mut self.child, &self.screen, self.started);
        if self.screen.is_complete() {
            // When the program ends, the terminal may report so before the last lines arrive.
            let mut rest = Vec::new();
            let _ = self.keyboard.read_to_end(&mut rest);
            ran.stdout += &String::from_utf8_lossy(&rest);
        }
        ran.stdout = ran.stdout.replace("\r\n", "\n");
        ran
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn winsize(columns: u16, rows: u16) -> Winsize {
    Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}
