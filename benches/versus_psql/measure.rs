//! Measures a program's time from start to end, and its memory.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

pub type Milliseconds = f64;

/// Runs it and discards its output.
pub fn time(command: Command) -> Milliseconds {
    let start = Instant::now();
    let mut child = start_silent(command);
    assert!(child.wait().unwrap().success());
    start.elapsed().as_secs_f64() * 1e3
}

/// Runs it with its output in a new file.
pub fn time_into(mut command: Command, file: &Path) -> Milliseconds {
    let start = Instant::now();
    command.stdin(Stdio::null()).stderr(Stdio::null());
    command.stdout(fs::File::create(file).unwrap());
    assert!(command.status().unwrap().success());
    start.elapsed().as_secs_f64() * 1e3
}

/// Peak resident memory, in KiB. The kernel keeps the peak only while the process exists, so what
/// it allocates in its last millisecond may be missed.
pub fn peak_of(command: Command) -> u64 {
    let mut child = start_silent(command);
    let path = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        let status = fs::read_to_string(&path).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let now = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
        peak = peak.max(now.unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success());
            return peak;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn start_silent(mut command: Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

pub fn median(times: &[Milliseconds]) -> Milliseconds {
    let mut sorted = times.to_owned();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
