//! `shardq shards`: what is in each shard, and how even the shards are.

mod rows;
mod sizes;

use std::io;
use std::path::Path;

use super::collected::Collected;
use super::exact::{self, Counts};
use super::map::{MapShard, Screen, ShardMap};
use super::report::InspectReport;
use super::request::InspectRequest;
use super::table;
use crate::cli::shards::{Measure, ShardsArgs, SortKey};
use crate::commands::error::Error;
use crate::commands::setup;
use crate::output::format::Format;
use crate::output::sink::Sink;
use crate::sharding::ranges::Ranges;
use crate::sharding::shard::Shard;
use crate::terminal::color::Paint;
use crate::terminal::color_depth::ColorDepth;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::size::Size;

use sizes::{Distribution, ShardSize};

pub async fn run(args: ShardsArgs) -> Result<Exit, Error> {
    let format = table::format(&args.inspect.output)?;
    let mut console = Console::new(args.inspect.quiet);
    let Some(request) = InspectRequest::new(&args.inspect, &mut console).await? else {
        return Ok(Exit::Interrupted);
    };
    let Some(collected) = request.collect(&mut console, sizes::read).await? else {
        return Ok(Exit::Interrupted);
    };
    let mut collected = collected.map(sizes::united);
    let mut counts = None;
    if args.exact {
        let shards = &collected.selection.shards;
        let counted = exact::count(&request, args.connections, shards, &mut console);
        // Boxed because the future is large.
        let counted = Box::pin(counted).await?;
        let Some(counted) = counted else {
            return Ok(Exit::Interrupted);
        };
        sizes::apply(&counted, &mut collected.data);
        counts = Some(counted);
    }
    let report = ShardReport {
        args: &args,
        distribution: Distribution::of(&collected.data, args.by),
        collected,
        counts,
    };
    report.print(&request, format, &mut console).await
}

struct ShardReport<'a> {
    args: &'a ShardsArgs,
    collected: Collected<Vec<ShardSize>>,
    /// With `--exact`.
    counts: Option<Counts>,
    /// `None` if nothing could be counted.
    distribution: Option<Distribution>,
}

impl ShardReport<'_> {
    async fn print(
        &self,
        request: &InspectRequest,
        format: Format,
        console: &mut Console,
    ) -> Result<Exit, Error> {
        let (args, interrupt) = (self.args, &request.interrupt);
        if let Some(file) = &args.svg {
            self.write_svg(file).await?;
        }
        if args.map {
            let screen = Screen {
                columns: Size::of(io::stdout()).unwrap_or_default().columns,
                depth: ColorDepth::of_process(Paint::on(&io::stdout())),
            };
            let text = self.map().text(screen);
            if setup::print(text, interrupt).await? == Exit::Interrupted {
                return Ok(Exit::Interrupted);
            }
            self.say(console);
            return Ok(self.exit());
        }
        let key = match (args.sort, args.top) {
            (Some(key), _) => key,
            (None, None) => SortKey::Name,
            (None, Some(_)) => args.by.into(),
        };
        let top = args.top.map_or(usize::MAX, Into::into);
        let sorted = sizes::sorted(&self.collected.data, key, top);
        let servers = self.collected.servers;
        let mut table = rows::table(&sorted, args.by, self.distribution.as_ref(), format);
        table.name_servers(servers, sorted.iter().map(|size| size.shard.database()));
        let output = &args.inspect.output;
        let say = |console: &mut Console| self.say(console);
        let printed = table::print(&table, format, output, interrupt, console, say).await?;
        Ok(match printed {
            Some(()) => self.exit(),
            None => Exit::Interrupted,
        })
    }

    fn map(&self) -> ShardMap {
        let (by, of) = (self.args.by, self.distribution.as_ref());
        let shards = self.collected.data.iter().map(|size| MapShard {
            shard: size.shard,
            value: size.value(by),
            details: size.details(by, of),
        });
        let shown = match by {
            Measure::Size => |value| sizes::shown(Measure::Size, value),
            Measure::Rows | Measure::Dead => |value| sizes::shown(Measure::Rows, value),
        };
        ShardMap::new(shards.collect(), &by.to_string(), shown)
    }

    async fn write_svg(&self, file: &Path) -> Result<(), Error> {
        let database = &self.collected.scope.location.database;
        let title = format!(
            "{database}: {} of {} shards",
            self.args.by,
            self.collected.data.len()
        );
        let sink = Sink::file(file)?;
        sink.write(self.map().svg(&title).into_bytes()).await;
        Ok(sink.publish().await?)
    }

    fn say(&self, console: &mut Console) {
        if let Some(counts) = &self.counts {
            counts.say_failures(console);
        }
        self.report().say(console);
    }

    fn report(&self) -> InspectReport<'_, Vec<ShardSize>> {
        let distribution = self.distribution.as_ref();
        let found = match (distribution, &self.counts) {
            (None, _) => "nothing counted".to_owned(),
            (Some(it), Some(_)) => it.describe(self.args.by),
            (Some(it), None) => format!("about {}", it.describe(self.args.by)),
        };
        InspectReport {
            collected: &self.collected,
            warnings: uncounted(&self.collected.data).into_iter().collect(),
            found,
            unread: self.unread().collect(),
        }
    }

    /// Shards that `--exact` could not count.
    fn unread(&self) -> impl Iterator<Item = Shard> {
        let shards = self.collected.data.iter().map(|size| size.shard);
        let counts = self.counts.as_ref();
        shards.filter(move |shard| counts.is_some_and(|counts| !counts.has_counted(*shard)))
    }

    fn exit(&self) -> Exit {
        if self.unread().count() == self.collected.data.len() {
            return Exit::Failed;
        }
        self.report().exit()
    }
}

/// A warning about tables that an estimate lacks.
fn uncounted(sizes: &[ShardSize]) -> Option<String> {
    let without = sizes.iter().filter(|size| size.uncounted > 0);
    let tables: u64 = without.clone().map(|size| size.uncounted).sum();
    let shards: Vec<_> = without.map(|size| size.shard).collect();
    let (tables, are) = match tables {
        0 => return None,
        1 => ("1 table".to_owned(), "was"),
        more => (format!("{more} tables"), "were"),
    };
    Some(format!(
        "{tables} in {} {are} never analyzed, so sizes and rows lack them; run ANALYZE there, or \
         use --exact",
        Ranges::of(&shards).brief()
    ))
}
