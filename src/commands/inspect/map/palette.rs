//! The colors of shades: blue is small, red is large. Pure.
//!
//! Source: `RdYlBu` of <https://colorbrewer2.org>, reversed: safe for color-blind readers.

use std::fmt;

use super::scale::step;
use crate::terminal::color_depth::ColorDepth;

/// Red, green and blue; written `#d7191c`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color(pub u8, pub u8, pub u8);

pub const STOPS: [Color; 5] = [
    Color(0x2c, 0x7b, 0xb6),
    Color(0xab, 0xd9, 0xe9),
    Color(0xff, 0xff, 0xbf),
    Color(0xfd, 0xae, 0x61),
    Color(0xd7, 0x19, 0x1c),
];

/// Backgrounds: blue, cyan, green, yellow, red.
const SIXTEEN: [u8; 5] = [44, 46, 42, 43, 41];

/// By how much ink a character has.
const CHARACTERS: [char; 9] = ['.', ':', '-', '=', '+', '*', '#', '%', '@'];

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// The color at a position from 0 to 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "between two bytes"
)]
pub fn color(position: f64) -> Color {
    let segments = STOPS.len() - 1;
    let index = step(position, segments);
    let part = position * segments as f64 - index as f64;
    let (from, to) = (STOPS[index], STOPS[index + 1]);
    let between = |from: u8, to: u8| {
        (f64::from(from) + (f64::from(to) - f64::from(from)) * part).round() as u8
    };
    Color(
        between(from.0, to.0),
        between(from.1, to.1),
        between(from.2, to.2),
    )
}

/// The nearest color of xterm's cube.
fn cube(Color(red, green, blue): Color) -> u8 {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let nearest = |value: u8| {
        let distances = LEVELS.iter().map(|level| level.abs_diff(value));
        let nearest = std::iter::zip(0_u8.., distances).min_by_key(|(_, distance)| *distance);
        nearest.map_or(0, |(index, _)| index)
    };
    16 + 36 * nearest(red) + 6 * nearest(green) + nearest(blue)
}

/// What fills a cell of this shade, and the escape sequence in front of it.
pub fn fill(position: f64, depth: ColorDepth) -> (char, String) {
    let color = color(position);
    match depth {
        ColorDepth::None => (CHARACTERS[step(position, CHARACTERS.len())], String::new()),
        ColorDepth::Sixteen => {
            let background = SIXTEEN[step(position, SIXTEEN.len())];
            (' ', format!("\x1b[{background}m"))
        }
        ColorDepth::TwoHundredFiftySix => (' ', format!("\x1b[48;5;{}m", cube(color))),
        ColorDepth::True => {
            let Color(red, green, blue) = color;
            (' ', format!("\x1b[48;2;{red};{green};{blue}m"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_and_the_middle_are_stops() {
        assert_eq!(color(0.0), STOPS[0]);
        assert_eq!(color(0.5), STOPS[2]);
        assert_eq!(color(1.0), STOPS[4]);
        assert_eq!(color(0.125).to_string(), "#6caad0");
    }

    #[test]
    fn every_depth_has_its_own_sequence() {
        assert_eq!(fill(1.0, ColorDepth::None), ('@', String::new()));
        assert_eq!(fill(1.0, ColorDepth::Sixteen).1, "\x1b[41m");
        assert_eq!(
            fill(1.0, ColorDepth::TwoHundredFiftySix).1,
            "\x1b[48;5;160m"
        );
        assert_eq!(fill(1.0, ColorDepth::True).1, "\x1b[48;2;215;25;28m");
    }
}
