//! The differences again and again, as rows that are kept rather than printed.

use super::expected::Expected;
use super::{Scope, collect, compare, exit, messages, report};
use crate::cli::drift::ComparedArgs;
use crate::cli::inspect::InspectArgs;
use crate::commands::error::Error;
use crate::commands::inspect::request::InspectRequest;
use crate::commands::inspect::table::Reader;
use crate::commands::query::repeated::Round;
use crate::exec::cancel::Interrupt;
use crate::output::format::ResultRows;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

pub struct RepeatedDrift {
    args: InspectArgs,
    request: InspectRequest,
    compared: ComparedArgs,
}

impl RepeatedDrift {
    /// `None` if interrupted.
    pub async fn new(args: InspectArgs, console: &mut Console) -> Result<Option<Self>, Error> {
        let request = InspectRequest::new(&args, console).await?;
        Ok(request.map(|request| Self {
            args,
            request,
            compared: ComparedArgs::default(),
        }))
    }

    pub fn args(&self) -> &InspectArgs {
        &self.args
    }

    pub fn interrupt(&self) -> &Interrupt {
        &self.request.interrupt
    }

    /// Compares the shards, at a new snapshot. A round in which a table is locked is not complete:
    /// what differs there is not known.
    pub async fn run(&self, console: &mut Console) -> Result<Round, Error> {
        let collected = collect(&self.request, &self.compared, Scope::Differing, console);
        let Some(collected) = Box::pin(collected).await? else {
            return Ok(Round::NotComplete(Exit::Interrupted));
        };
        let shape = &collected.data.shape;
        let expected = Expected::of_majority(&collected.data, (&self.compared).into());
        if exit(&[], &collected) != Exit::Complete {
            messages::say(&[], &collected, &expected, console);
            return Ok(Round::NotComplete(Exit::Incomplete));
        }
        let findings = compare(shape, &expected);
        let table = report::table(&findings, shape, collected.servers, Reader::Program);
        Ok(Round::Complete(ResultRows {
            columns: table.columns,
            rows: table.rows,
        }))
    }
}
