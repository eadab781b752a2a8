//! Service files: named sets of connection parameters, in `~/.pg_service.conf` or system-wide.

use std::path::{Path, PathBuf};

use super::{Environment, Parameters, SettingsError};
use crate::text::io_reason::{io_reason, is_absent};

/// Compiled into libpq; this is the value of Debian and its derivatives.
const SYSTEM_DIRECTORY: &str = "/etc/postgresql-common";

/// Adds the parameters of the requested service, if any, that are not given yet.
///
/// # Errors
/// If there is no such service, or a file cannot be read or parsed.
pub(super) fn fill(
    parameters: &mut Parameters,
    environment: &Environment,
) -> Result<(), SettingsError> {
    let service = if parameters.mentions("service") {
        parameters.get("service")
    } else {
        environment.variable("PGSERVICE").filter(|s| !s.is_empty())
    };
    let Some(service) = service.map(str::to_owned) else {
        return Ok(());
    };

    let named = parameters
        .get("servicefile")
        .or_else(|| environment.variable("PGSERVICEFILE"))
        .map(PathBuf::from);
    if let Some(path) = &named
        && !path.exists()
    {
        return Err(SettingsError::NoServiceFile(path.clone()));
    }
    let personal = named.or_else(|| environment.at_home(".pg_service.conf"));
    let system = Path::new(
        environment
            .variable("PGSYSCONFDIR")
            .unwrap_or(SYSTEM_DIRECTORY),
    )
    .join("pg_service.conf");

    for path in personal.into_iter().chain([system]) {
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if is_absent(&error) => continue,
            Err(error) => {
                return Err(SettingsError::UnreadableServiceFile {
                    path,
                    reason: io_reason(&error),
                });
            }
        };
        if fill_from(&text, &path, &service, parameters)? {
            return Ok(());
        }
    }
    Err(SettingsError::no_service(&service))
}

/// Returns whether the file has the service. The first group of that name counts.
fn fill_from(
    text: &str,
    path: &Path,
    service: &str,
    parameters: &mut Parameters,
) -> Result<bool, SettingsError> {
    // As C has it: in UTF-8 there are more kinds of blanks.
    let blank = [' ', '\t', '\n', '\r', '\x0b', '\x0c'];
    let mut lines = (1..).zip(text.split('\n').map(|line| line.trim_matches(blank)));
    let header = format!("[{service}]");
    // As in libpq, anything after the bracket is ignored.
    if !lines.any(|(_, line)| line.starts_with(&header)) {
        return Ok(false);
    }
    for (number, line) in lines {
        if line.starts_with('[') {
            break;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let syntax_error = || SettingsError::ServiceSyntax {
            path: path.to_owned(),
            line: number,
        };
        let (keyword, value) = line.split_once('=').ok_or_else(syntax_error)?;
        if ["service", "servicefile"].contains(&keyword) {
            return Err(SettingsError::NestedService {
                path: path.to_owned(),
                line: number,
            });
        }
        // Only connection strings may have libpq's old keywords (`requiressl`).
        let keyword = Parameters::keyword(keyword).ok_or_else(syntax_error)?;
        parameters
            .set_default(keyword, value)
            .map_err(|_| syntax_error())?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# comment
[other]
host=elsewhere
nonsense

  [builder]
host=db1
  port=5433
# dbname=commented
user=a b
[last]
service=builder
[syntax]
no equals sign
[unknown]
foo=bar
[builder]
host=second-of-its-name
";

    fn from_file(service: &str) -> Result<Option<Parameters>, SettingsError> {
        let mut parameters = Parameters::from([("user", "given")]);
        fill_from(FILE, Path::new("f"), service, &mut parameters)
            .map(|found| found.then_some(parameters))
    }

    #[test]
    fn a_service_fills_in_what_is_not_given() {
        let expected = [("host", "db1"), ("port", "5433"), ("user", "given")].into();
        assert_eq!(from_file("builder"), Ok(Some(expected)));
        assert_eq!(from_file("none"), Ok(None));
    }

    #[test]
    fn messages_name_the_line() {
        let message = |service| from_file(service).unwrap_err().to_string();
        assert_eq!(
            message("other"),
            "syntax error in service file \"f\", line 4"
        );
        assert_eq!(
            message("syntax"),
            "syntax error in service file \"f\", line 14"
        );
        assert_eq!(
            message("unknown"),
            "syntax error in service file \"f\", line 16"
        );
        assert_eq!(
            message("last"),
            "nested service specifications not supported in service file \"f\", line 12"
        );
    }

    #[test]
    fn an_old_keyword_is_unknown_here() {
        let mut parameters = Parameters::default();
        let read = fill_from(
            "[s]\nrequiressl=1\n",
            Path::new("file"),
            "s",
            &mut parameters,
        );
        assert!(matches!(
            read,
            Err(SettingsError::ServiceSyntax { line: 2, .. })
        ));
    }

    #[test]
    fn only_the_blanks_of_c_are_stripped() {
        let mut parameters = Parameters::default();
        let read = fill_from("[s]\n\u{a0}\n", Path::new("file"), "s", &mut parameters);
        assert!(matches!(
            read,
            Err(SettingsError::ServiceSyntax { line: 2, .. })
        ));
    }
}
