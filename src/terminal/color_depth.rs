//! How many colors a terminal shows: enough for a message in any of them, not for a picture.

use std::env;

use crate::terminal::color::Paint;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorDepth {
    None,
    Sixteen,
    /// xterm's cube of 6 × 6 × 6 colors, and 24 grays.
    TwoHundredFiftySix,
    /// 8 bits each of red, green and blue.
    True,
}

impl ColorDepth {
    /// By the environment of this process.
    pub fn of_process(paint: Paint) -> Self {
        let variable = |name| env::var(name).unwrap_or_default();
        Self::new(paint, &variable("COLORTERM"), &variable("TERM"))
    }

    /// There is no query for it that every terminal answers: `COLORTERM` is what they agree on.
    fn new(paint: Paint, colorterm: &str, term: &str) -> Self {
        match paint {
            Paint::Plain => Self::None,
            _ if ["truecolor", "24bit"].contains(&colorterm) || term.ends_with("-direct") => {
                Self::True
            }
            _ if term.contains("256color") => Self::TwoHundredFiftySix,
            Paint::Ansi => Self::Sixteen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_depth_is_what_the_terminal_states() {
        let depth = |colorterm, term| ColorDepth::new(Paint::Ansi, colorterm, term);
        assert_eq!(depth("truecolor", "xterm-256color"), ColorDepth::True);
        assert_eq!(depth("", "xterm-direct"), ColorDepth::True);
        assert_eq!(depth("", "xterm-256color"), ColorDepth::TwoHundredFiftySix);
        assert_eq!(depth("", "xterm"), ColorDepth::Sixteen);
        let plain = ColorDepth::new(Paint::Plain, "truecolor", "xterm-direct");
        assert_eq!(plain, ColorDepth::None);
    }
}
