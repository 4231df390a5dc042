//! Whose camera is forwarded in a large group: those who spoke most recently (last-N of video).

/// The cameras of one group: recent speakers first, then as they came. At most one entry for each of its cameras.
#[derive(Debug, Default)]
pub struct Stage {
    order: Vec<usize>,
}

impl Stage {
    /// A camera came.
    pub fn add(&mut self, producer: usize) {
        self.order.push(producer);
    }

    /// A camera is gone or elsewhere.
    pub fn remove(&mut self, producer: usize) {
        self.order.retain(|&other| other != producer);
    }

    /// Somebody spoke: the cameras that are theirs come first. Returns whether the order changed.
    pub fn promote(&mut self, is_theirs: impl Fn(usize) -> bool) -> bool {
        let (mut front, mut changed) = (0, false);
        for at in 0..self.order.len() {
            if is_theirs(self.order[at]) {
                self.order[front..=at].rotate_right(1);
                changed |= front != at;
                front += 1;
            }
        }
        changed
    }

    /// There is no camera.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The cameras in their order.
    pub fn order(&self) -> impl Iterator<Item = usize> {
        self.order.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recent_speakers_come_first_and_the_others_as_they_came() {
        let mut stage = Stage::default();
        (1..=5).for_each(|camera| stage.add(camera));
        assert!(stage.promote(|camera| camera == 4));
        assert!(stage.promote(|camera| camera == 2));
        assert!(!stage.promote(|camera| camera == 2), "is first already");
        assert_eq!(stage.order().collect::<Vec<_>>(), [2, 4, 1, 3, 5]);
        stage.promote(|camera| camera == 2 || camera == 5);
        assert_eq!(stage.order().collect::<Vec<_>>(), [2, 5, 4, 1, 3], "two cameras of one person");
        stage.remove(4);
        assert_eq!(stage.order().collect::<Vec<_>>(), [2, 5, 1, 3]);
    }
}
