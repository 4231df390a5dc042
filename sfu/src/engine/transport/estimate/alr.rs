//! Application-limited: is so little sent that the quiet of the path proves nothing about the rate we believe in?

/// Below this share of the rate it is.
const ENTER: f64 = 0.65;
/// Above this it no longer is.
const LEAVE: f64 = 0.8;

/// Whether the sender uses what it may.
#[derive(Debug, Default)]
pub struct Alr {
    limited: bool,
}

impl Alr {
    /// So much is sent, of what might be.
    pub fn update(&mut self, sent: f64, target: f64) {
        let share = sent / target.max(1.0);
        self.limited = if self.limited { share < LEAVE } else { share < ENTER };
    }

    /// Little is sent because there is little to send.
    pub fn is_limited(&self) -> bool {
        self.limited
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_changes_its_mind_with_hysteresis() {
        let mut alr = Alr::default();
        let mut after = |sent| {
            alr.update(sent, 1e6);
            alr.is_limited()
        };
        assert_eq!([0.7e6, 0.6e6, 0.7e6, 0.9e6].map(&mut after), [false, true, true, false]);
    }
}
