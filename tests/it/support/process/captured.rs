//! A pipe that a thread reads, so that a program never waits for a test.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex};
use std::thread;

/// What has come through a pipe so far.
#[derive(Debug, Clone, Default)]
pub(in crate::support) struct Captured(Arc<Mutex<(Vec<u8>, bool)>>);

impl Captured {
    pub(in crate::support) fn all_of(mut pipe: impl Read + Send + 'static) -> Self {
        Self::fill(move |captured| {
            let mut chunk = vec![0; 65536];
            while let Ok(read @ 1..) = pipe.read(&mut chunk) {
                captured.0.lock().unwrap().0.extend(&chunk[..read]);
            }
        })
    }

    pub(super) fn nothing() -> Self {
        Self::fill(|_| {})
    }

    pub(super) fn lines_of(pipe: impl Read + Send + 'static, count: usize) -> Self {
        Self::fill(move |captured| {
            for line in BufReader::new(pipe)
                .lines()
                .map_while(Result::ok)
                .take(count)
            {
                let text = format!("{line}\n");
                captured.0.lock().unwrap().0.extend(text.bytes());
            }
        })
    }

    fn fill(read: impl FnOnce(&Self) + Send + 'static) -> Self {
        let captured = Self::default();
        let filled = captured.clone();
        thread::spawn(move || {
            read(&filled);
            filled.0.lock().unwrap().1 = true;
        });
        captured
    }

    pub(super) fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap().0).into_owned()
    }

    pub(in crate::support) fn is_complete(&self) -> bool {
        self.0.lock().unwrap().1
    }
}
