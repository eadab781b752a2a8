//! Shows a result in a pager.

use std::io;
use std::time::Duration;

use super::{Output, Paging, TableFit};
use crate::exec::cancel::Interrupt;
use crate::output::format::Finish;
use crate::terminal::color::ColorChoice;
use crate::terminal::pager::{Pager, PagerCommand, PagerError};
use crate::terminal::size::Size;

/// The summary and the shell's prompt, which follow the result on the screen.
const LINES_BELOW: usize = 2;

/// Until a signal that ended the pager is handled.
const SIGNAL_DELAY: Duration = Duration::from_millis(20);

impl Output {
    /// Shows the result in a pager if it needs one, and waits until the pager has ended. If it was
    /// not started, the result is still to be printed.
    pub async fn page(&mut self, interrupt: &Interrupt) -> Result<(), PagerError> {
        self.fit_table();
        let Some(command) = self.pager() else {
            return Ok(());
        };
        self.progress.end();
        let _ignored = interrupt.ignore_ctrl_c();
        let (pager, handle) = Pager::start(command)?;
        if ColorChoice::of_process() != ColorChoice::Always {
            self.renderer.remove_paint();
        }
        self.sink.page(pager).await;
        let mut more = Finish::More;
        let mut block = Vec::new();
        while more == Finish::More && !handle.reads_no_more() {
            more = self.renderer.finish(&mut block);
            // If the writer has failed, this has no effect, and it says why when it is closed.
            self.sink.write(std::mem::take(&mut block)).await;
        }
        let shown = self.sink.end_page().await;
        tokio::time::sleep(SIGNAL_DELAY).await;
        if shown.is_err() {
            self.renderer.rewind();
        } else {
            self.begun = false;
            self.block.clear();
        }
        shown
    }

    fn fit_table(&mut self) {
        if self.screen.table == TableFit::Expanded
            && let Some(screen) = Size::of(io::stdout())
        {
            self.renderer.expand_beyond(screen.columns);
        }
    }

    /// The pager, if one is to show the result.
    fn pager(&self) -> Option<PagerCommand> {
        let extent = self.renderer.extent().filter(|_| self.begun)?;
        let is_needed = match self.screen.paging {
            Paging::Never => false,
            Paging::Always => true,
            Paging::IfNeeded => {
                let screen = Size::of(io::stdout()).unwrap_or_default();
                extent.columns > screen.columns || extent.lines + LINES_BELOW > screen.rows
            }
        };
        is_needed.then(PagerCommand::of_environment).flatten()
    }
}
