//! The map on a terminal, or in plain characters.

use std::fmt::Write as _;

use super::{Cell, Grid, Shade, ShardMap, palette};
use crate::terminal::color_depth::ColorDepth;
use crate::text::escape::{one_line, visible};
use crate::text::width::{fitting, line_width};

/// What the map is drawn on.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    pub columns: usize,
    pub depth: ColorDepth,
}

const RESET: &str = "\x1b[0m";

/// Names of shards in front of a row are cut beyond this.
const LONGEST_LABEL: usize = 20;

/// Steps of the legend.
const STEPS: usize = 9;

impl ShardMap {
    pub fn text(&self, screen: Screen) -> String {
        // The label is as wide in a narrow grid as in a wide one, or nearly.
        let labels = label_width(&self.grid(usize::MAX));
        let most = screen.columns.saturating_sub(labels + 1);
        let grid = self.grid(most);
        let labels = label_width(&grid);
        let width = if labels + 1 + 2 * grid.columns <= screen.columns {
            2
        } else {
            1
        };
        let mut text = String::new();
        for (label, cells) in &grid.rows {
            let label = shortened(label);
            let gap = labels.saturating_sub(line_width(&label));
            // Writing to a String cannot fail.
            let _ = write!(text, "{}{label} ", " ".repeat(gap));
            row(cells, width, screen.depth, &mut text);
            text.push('\n');
        }
        self.legend(&grid, screen.depth, &mut text);
        text
    }

    fn legend(&self, grid: &Grid<'_>, depth: ColorDepth, text: &mut String) {
        let _ = write!(text, "\n{}", one_line(&self.measure));
        if self.scale.is_some() {
            let _ = write!(text, ": {} ", self.at(0.0));
            for index in 0..STEPS {
                #[expect(clippy::cast_precision_loss, reason = "a small number")]
                let position = index as f64 / (STEPS - 1) as f64;
                cell(Shade::Of(position), 2, depth, text);
            }
            let _ = write!(text, " {} (logarithmic)", self.at(1.0));
        }
        let cells = || grid.rows.iter().flat_map(|(_, cells)| cells);
        let has =
            |wanted: Shade| cells().any(|it| matches!(it, Cell::Shard(_, it) if *it == wanted));
        for (shade, meaning) in [(Shade::Zero, "empty"), (Shade::Unknown, "not known")] {
            if has(shade) {
                text.push_str(", ");
                cell(shade, 2, depth, text);
                let _ = write!(text, " {meaning}");
            }
        }
        text.push('\n');
    }
}

fn label_width(grid: &Grid<'_>) -> usize {
    let labels = grid
        .rows
        .iter()
        .map(|(label, _)| line_width(&shortened(label)));
    labels.max().unwrap_or(0)
}

fn shortened(label: &str) -> String {
    let label = one_line(&visible(label));
    if line_width(&label) <= LONGEST_LABEL {
        return label;
    }
    format!("{}…", fitting(&label, LONGEST_LABEL - 1))
}

fn row(cells: &[Cell<'_>], width: usize, depth: ColorDepth, text: &mut String) {
    let end = cells.iter().rposition(|cell| *cell != Cell::Absent);
    for it in &cells[..end.map_or(0, |end| end + 1)] {
        match it {
            Cell::Absent => text.push_str(&" ".repeat(width)),
            Cell::Shard(_, shade) => cell(*shade, width, depth, text),
        }
    }
}

fn cell(shade: Shade, width: usize, depth: ColorDepth, text: &mut String) {
    let (character, escape) = match shade {
        Shade::Unknown => ('?', String::new()),
        Shade::Zero => ('_', String::new()),
        Shade::Of(position) => palette::fill(position, depth),
    };
    text.push_str(&escape);
    text.extend(std::iter::repeat_n(character, width));
    if !escape.is_empty() {
        text.push_str(RESET);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::map;
    use super::*;

    fn sample(depth: ColorDepth) -> String {
        let names: Vec<_> = (0..20)
            .filter(|n| *n != 3)
            .map(|n| format!("shard_{n}"))
            .collect();
        let shards = names.iter().map(|name| {
            let value = match name.as_str() {
                "shard_7" => Some(40_000_000.0),
                "shard_8" => Some(0.0),
                "shard_9" => None,
                _ => Some(1_000_000.0),
            };
            (name.as_str(), value)
        });
        map(shards).text(Screen { columns: 80, depth })
    }

    #[test]
    fn without_color_characters_are_shades() {
        assert_eq!(
            sample(ColorDepth::None),
            " 0 ------  ------@@\n 8 __??------------\n16 --------\n\n\
             size: 250.0 kB ..::--==++**##%%@@ 40.0 MB (logarithmic), __ empty, ?? not known\n"
        );
    }

    #[test]
    fn with_color_cells_have_a_background() {
        let text = sample(ColorDepth::TwoHundredFiftySix);
        let first = text.lines().next().unwrap();
        assert!(first.ends_with("\x1b[48;5;160m  \x1b[0m"), "{first:?}");
        let plain = sample(ColorDepth::Sixteen);
        assert!(plain.lines().next().unwrap().ends_with("\x1b[41m  \x1b[0m"));
    }

    #[test]
    fn a_narrow_screen_has_narrow_cells() {
        let names: Vec<_> = (0..1024).map(|n| format!("shard_{n}")).collect();
        let of = |columns| {
            let shards = names.iter().map(|name| (name.as_str(), Some(5.0)));
            let depth = ColorDepth::None;
            let text = map(shards).text(Screen { columns, depth });
            let first = text.lines().next().unwrap().to_owned();
            (line_width(&first), text.lines().count())
        };
        assert_eq!(of(80), (68, 34));
        assert_eq!(of(40), (36, 34));
        assert_eq!(of(30), (21, 66));
    }

    #[test]
    fn a_long_or_hostile_name_is_cut_and_escaped() {
        let long = "x".repeat(60);
        let text = map([(long.as_str(), Some(1.0)), ("\x1b[31m", Some(1.0))]).text(Screen {
            columns: 80,
            depth: ColorDepth::None,
        });
        assert!(text.starts_with(&format!("{}… ", "x".repeat(19))), "{text}");
        assert!(!text.contains('\x1b'), "{text:?}");
    }
}
