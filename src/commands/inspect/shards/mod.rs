//! `shardq shards`: what is in each shard, and how even the shards are.

mod measured;
mod rows;
mod sizes;

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use super::collected::Collected;
use super::exact::{self, Counts};
use super::map::{MapShard, Screen, ShardMap};
use super::per_shard::ShardRun;
use super::report::InspectReport;
use super::request::InspectRequest;
use super::table;
use crate::cli::shards::{Measure, ShardsArgs, SortKey};
use crate::commands::error::Error;
use crate::commands::setup;
use crate::output::format::Format;
use crate::output::sink::Sink;
use crate::sharding::ranges::Ranges;
use crate::terminal::color::Paint;
use crate::terminal::color_depth::ColorDepth;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::size::Size;
use crate::text::humanize::counted;

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
    let mut measured = None;
    if let Measure::Sql(sql) = &args.by {
        let shards = &collected.selection.shards;
        let found = measured::measure(&request, sql, args.connections, shards, &mut console);
        let Some(mut found) = Box::pin(found).await? else {
            return Ok(Exit::Interrupted);
        };
        for size in &mut collected.data {
            size.number = found.numbers.remove(&size.shard);
        }
        measured = Some(found.run);
    }
    let report = ShardReport {
        args: &args,
        distribution: Distribution::of(&collected.data, &args.by),
        collected,
        counts,
        measured,
    };
    report.print(&request, format, &mut console).await
}

struct ShardReport<'a> {
    args: &'a ShardsArgs,
    collected: Collected<Vec<ShardSize>>,
    /// With `--exact`.
    counts: Option<Counts>,
    /// With `--by SQL`.
    measured: Option<ShardRun>,
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
            self.report().say(console);
            return Ok(self.report().exit());
        }
        let key = match (args.sort, args.top) {
            (Some(key), _) => key,
            (None, None) => SortKey::Name,
            (None, Some(_)) => SortKey::Value,
        };
        let top = args.top.map_or(usize::MAX, Into::into);
        let sorted = sizes::sorted(&self.collected.data, key, &args.by, top);
        let servers = self.collected.servers;
        let mut table = rows::table(&sorted, &args.by, self.distribution.as_ref(), format);
        table.name_servers(servers, sorted.iter().map(|size| size.shard.database()));
        let output = &args.inspect.output;
        let say = |console: &mut Console| self.report().say(console);
        let printed = table::print(&table, format, output, interrupt, console, say).await?;
        Ok(match printed {
            Some(()) => self.report().exit(),
            None => Exit::Interrupted,
        })
    }

    fn map(&self) -> ShardMap {
        let (by, of) = (&self.args.by, self.distribution.as_ref());
        let shards = self.collected.data.iter().map(|size| MapShard {
            shard: size.shard,
            value: size.value(by),
            details: size.details(by, of),
        });
        let shown = match by {
            Measure::Size => |value| sizes::shown(&Measure::Size, value),
            Measure::Rows | Measure::Dead => |value| sizes::shown(&Measure::Rows, value),
            Measure::Sql(_) => |value| sizes::shown(&Measure::Sql(String::new()), value),
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

    fn report(&self) -> InspectReport<'_, Vec<ShardSize>> {
        let distribution = self.distribution.as_ref();
        let is_exact = self.counts.is_some() || self.measured.is_some();
        let found = match distribution {
            None => "nothing counted".to_owned(),
            Some(it) if is_exact => it.describe(&self.args.by),
            Some(it) => format!("about {}", it.describe(&self.args.by)),
        };
        InspectReport {
            collected: &self.collected,
            warnings: uncounted(&self.collected.data).into_iter().collect(),
            found,
            unread: BTreeSet::new(),
            runs: self
                .counts
                .iter()
                .map(|it| &it.run)
                .chain(&self.measured)
                .collect(),
        }
    }
}

/// A warning about tables that an estimate lacks.
fn uncounted(sizes: &[ShardSize]) -> Option<String> {
    let without = sizes.iter().filter(|size| size.uncounted > 0);
    let tables: u64 = without.clone().map(|size| size.uncounted).sum();
    let shards: Vec<_> = without.map(|size| size.shard).collect();
    if tables == 0 {
        return None;
    }
    let are = if tables == 1 { "was" } else { "were" };
    let tables = counted(usize::try_from(tables).unwrap_or(usize::MAX), "table");
    Some(format!(
        "{tables} in {} {are} never analyzed, so sizes and rows lack them; run ANALYZE there, or \
         use --exact",
        Ranges::of(&shards).brief()
    ))
}
