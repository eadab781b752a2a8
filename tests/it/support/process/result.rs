//! What a program printed and how it ended, and what a test expects of that.

use std::time::Duration;

/// What a program printed, and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
    pub elapsed: Duration,
    /// Peak resident memory; 0 without `/proc`.
    pub peak_memory_kib: u64,
}

impl Ran {
    /// Checks all three at once, and shows all three if one is wrong. A plain string must match
    /// exactly; see also [`has`], [`has_all`] and [`ANY`].
    #[track_caller]
    pub fn assert<'a>(
        &self,
        status: i32,
        stdout: impl Into<Text<'a>>,
        stderr: impl Into<Text<'a>>,
    ) -> &Self {
        let (stdout, stderr) = (stdout.into(), stderr.into());
        assert!(
            self.status == status && stdout.matches(&self.stdout) && stderr.matches(&self.stderr),
            "expected status {status}\nexpected stdout {stdout:?}\nexpected stderr {stderr:?}\n{}",
            dump(Some(self.status), &self.stdout, &self.stderr)
        );
        self
    }

    /// Its output; fails if it did not succeed.
    #[track_caller]
    pub fn output(self) -> String {
        self.assert(0, ANY, ANY);
        self.stdout
    }
}

pub(super) fn dump(status: Option<i32>, stdout: &str, stderr: &str) -> String {
    let status = status.map_or("none yet".to_owned(), |status| status.to_string());
    format!("--- status: {status}\n--- stdout:\n{stdout}\n--- stderr:\n{stderr}\n---")
}

/// An expected text.
#[derive(Debug)]
pub enum Text<'a> {
    Is(&'a str),
    Has(Vec<&'a str>),
}

/// Any text will do.
pub const ANY: Text<'static> = Text::Has(Vec::new());

pub fn has(part: &str) -> Text<'_> {
    Text::Has(vec![part])
}

pub fn has_all<'a>(parts: impl Into<Vec<&'a str>>) -> Text<'a> {
    Text::Has(parts.into())
}

impl Text<'_> {
    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Is(whole) => text == *whole,
            Self::Has(parts) => {
                let unlocated = without_location(text);
                let has = |part: &&str| text.contains(*part) || unlocated.contains(*part);
                parts.iter().all(has)
            }
        }
    }
}

/// The text without the `db on host` of its summaries: names and sockets differ from run to run.
pub fn without_location(text: &str) -> String {
    let is_location = |part: &&str| part.contains(" on ") && part.split(' ').count() == 3;
    let lines = text.split('\n').map(|line| {
        if !line.contains(" shards") {
            return line.to_owned();
        }
        let parts = line.split(" · ").filter(|part| !is_location(part));
        parts.collect::<Vec<_>>().join(" · ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self::Is(text)
    }
}

impl<'a> From<&'a String> for Text<'a> {
    fn from(text: &'a String) -> Self {
        Self::Is(text)
    }
}
