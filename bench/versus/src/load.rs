//! What is sent to whom.

use serde::Serialize;
use std::{fmt, str::FromStr};

/// One room: speakers, each with a microphone and a camera, and viewers that receive all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Load {
    pub speakers: usize,
    pub viewers: usize,
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.speakers, self.viewers)
    }
}

impl FromStr for Load {
    type Err = String;

    /// `1x50`: one speaker, fifty viewers.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('x').and_then(|(speakers, viewers)| {
            let load = Self { speakers: speakers.parse().ok()?, viewers: viewers.parse().ok()? };
            (load.speakers > 0 && load.viewers > 0).then_some(load)
        });
        parts.ok_or_else(|| format!("{text}: speakers x viewers is wanted, as in 1x50"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_is_written_as_it_is_read() {
        assert_eq!("4x40".parse(), Ok(Load { speakers: 4, viewers: 40 }));
        assert_eq!("4x40".parse::<Load>().map(|load| load.to_string()), Ok("4x40".into()));
        for wrong in ["", "4", "x40", "0x40", "4x0", "axb"] {
            assert!(wrong.parse::<Load>().is_err(), "{wrong}");
        }
    }
}
