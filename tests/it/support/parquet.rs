//! Parquet files as other readers see them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use super::Program;

/// A Python with pyarrow; `None` without Python, or if pyarrow cannot be installed.
static PYTHON: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pyarrow");
    let python = home.join("bin/python");
    let has_it = |python: &Path| runs(Command::new(python).args(["-c", "import pyarrow"]));
    if !has_it(&python) {
        let made = runs(Command::new("python3").args(["-m", "venv"]).arg(&home))
            && runs(Command::new(&python).args(["-m", "pip", "install", "--quiet", "pyarrow"]));
        if !made || !has_it(&python) {
            return None;
        }
    }
    Some(python)
});

fn runs(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// What a script prints about a file; `None` without Python, with a note on stdout.
#[allow(clippy::print_stdout, reason = "reports why a test is skipped")]
pub fn read_parquet(file: &Path, script: &str) -> Option<String> {
    let Some(python) = PYTHON.as_deref() else {
        assert!(std::env::var_os("CI").is_none(), "CI has Python and PyPI");
        println!("skipped: no python3 here, or no pyarrow to be had for it");
        return None;
    };
    let script = format!(
        "import sys, pyarrow.parquet as p\nfile = p.ParquetFile(sys.argv[1])\n\
         t = file.read()\nrows = t.to_pylist()\n{script}"
    );
    let program = Program::new(python).args(["-c", &script]).args([file]);
    Some(program.run().output())
}
