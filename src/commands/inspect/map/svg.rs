//! The map as a picture: a tooltip per shard, no script, no font of its own.

use std::fmt::Write as _;

use super::{Cell, Shade, ShardMap, palette};

/// Sizes in pixels.
const CELL: usize = 24;
const GAP: usize = 2;
const MARGIN: usize = 16;
const TITLE: usize = 28;
const LEGEND: usize = 48;
const LEGEND_WIDTH: usize = 240;
/// Of one character of a label in 12 px.
const CHARACTER: usize = 8;

const ZERO: &str = "#f0f0f0";
const UNKNOWN: &str = "#ffffff";

impl ShardMap {
    /// `title` stands above the map.
    pub fn svg(&self, title: &str) -> String {
        let grid = self.grid(usize::MAX);
        let longest = grid
            .rows
            .iter()
            .map(|(label, _)| label.chars().count())
            .max();
        let left = MARGIN + (longest.unwrap_or(0) + 1) * CHARACTER;
        let top = MARGIN + TITLE;
        let map_width = grid.columns * (CELL + GAP);
        let width = (left + map_width).max(left + LEGEND_WIDTH) + MARGIN;
        let bottom = top + grid.rows.len() * (CELL + GAP);
        let height = bottom + LEGEND + MARGIN;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
             <text x=\"{MARGIN}\" y=\"{}\" font-size=\"16\">{}</text>\n",
            MARGIN + 12,
            escaped(title)
        );
        for (row, (label, cells)) in grid.rows.iter().enumerate() {
            let y = top + row * (CELL + GAP);
            // Writing to a String cannot fail.
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#555555\">{}</text>",
                left - CHARACTER,
                y + CELL / 2 + 4,
                escaped(label)
            );
            for (column, cell) in cells.iter().enumerate() {
                self.cell(*cell, left + column * (CELL + GAP), y, &mut svg);
            }
        }
        self.svg_legend(left, bottom + MARGIN, &mut svg);
        svg + "</svg>\n"
    }

    fn cell(&self, cell: Cell<'_>, x: usize, y: usize, svg: &mut String) {
        let Cell::Shard(shard, shade) = cell else {
            return;
        };
        let fill = match shade {
            Shade::Unknown => UNKNOWN.to_owned(),
            Shade::Zero => ZERO.to_owned(),
            Shade::Of(position) => palette::color(position).to_string(),
        };
        let value = shard
            .value
            .map_or_else(|| "not known".to_owned(), self.shown);
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{CELL}\" height=\"{CELL}\" rx=\"2\" fill=\"{fill}\" \
             stroke=\"#bbbbbb\" stroke-width=\"0.5\"><title>{}: {} {}{}</title></rect>",
            escaped(shard.shard.name()),
            escaped(&self.measure),
            escaped(&value),
            escaped(&shard.details)
        );
    }

    fn svg_legend(&self, x: usize, y: usize, svg: &mut String) {
        if self.scale.is_none() {
            return;
        }
        svg.push_str("<defs><linearGradient id=\"scale\">");
        for (index, color) in palette::STOPS.iter().enumerate() {
            let offset = index * 100 / (palette::STOPS.len() - 1);
            let _ = write!(svg, "<stop offset=\"{offset}%\" stop-color=\"{color}\"/>");
        }
        let _ = writeln!(
            svg,
            "</linearGradient></defs>\n\
             <rect x=\"{x}\" y=\"{y}\" width=\"{LEGEND_WIDTH}\" height=\"12\" fill=\"url(#scale)\"/>"
        );
        let y = y + 28;
        let texts = [(0, "start", 0.0), (1, "middle", 0.5), (2, "end", 1.0)];
        for (half, anchor, position) in texts {
            let x = x + half * LEGEND_WIDTH / 2;
            let value = escaped(&self.at(position));
            let _ = writeln!(
                svg,
                "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" fill=\"#555555\">{value}</text>"
            );
        }
    }
}

/// XML has no way at all to write most control characters.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push('\n'),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            control if control.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::testing::map;

    #[test]
    fn every_shard_has_a_cell_with_its_tooltip() {
        let svg = map([("shard_0", Some(5_000.0)), ("shard_1", None)]).svg("sizes");
        assert!(
            svg.contains("<title>shard_0: size 5.0 kBmore &lt;here&gt;</title>"),
            "{svg}"
        );
        assert!(svg.contains("<title>shard_1: size not known"), "{svg}");
        assert_eq!(svg.matches("<title>").count(), 2);
    }

    #[test]
    fn a_hostile_name_stays_text() {
        let svg = map([("\"/><script>&\u{1b}", Some(1.0))]).svg("<b>");
        assert!(!svg.contains("<script>") && !svg.contains("<b>"), "{svg}");
        assert!(!svg.contains('\u{1b}'), "{svg}");
        assert!(
            svg.contains("&quot;/&gt;&lt;script&gt;&amp;\u{fffd}"),
            "{svg}"
        );
    }
}
