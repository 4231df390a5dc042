//! Packets that left together are judged together: bursts of a pacer or of a radio say nothing about queues.

/// Packets that left within this time are one group.
const SENT_TOGETHER_US: u64 = 5_000;
/// So are those that caught up with the group before them: radios collect packets and deliver them at once.
const ARRIVED_TOGETHER_US: i64 = 5_000;
/// But not for longer than this.
const GROUP_MAX_US: i64 = 100_000;

/// How long the last packet of a group was on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupDelay {
    /// When it left.
    pub sent_us: u64,
    /// Its time of arrival less its time of departure: two clocks, so that only changes mean something.
    pub delay_us: i64,
}

/// The group that is being collected.
#[derive(Debug, Default)]
pub struct ArrivalGroups {
    current: Option<Group>,
}

#[derive(Debug, Clone, Copy)]
struct Group {
    first_sent_us: u64,
    last_sent_us: u64,
    first_arrival_us: i64,
    last_arrival_us: i64,
}

impl ArrivalGroups {
    /// A packet arrived; they come here in the order they left. Returns the group before it, when that is complete.
    pub fn add(&mut self, sent_us: u64, arrival_us: i64) -> Option<GroupDelay> {
        let one = Group {
            first_sent_us: sent_us,
            last_sent_us: sent_us,
            first_arrival_us: arrival_us,
            last_arrival_us: arrival_us,
        };
        let Some(group) = &mut self.current else {
            self.current = Some(one);
            return None;
        };
        // Overtaken by later groups it would be compared with the wrong ones.
        let sent_after_us = sent_us.checked_sub(group.first_sent_us)?;
        if sent_after_us <= SENT_TOGETHER_US || group.is_caught_up_by(sent_us, arrival_us) {
            group.last_sent_us = group.last_sent_us.max(sent_us);
            group.last_arrival_us = group.last_arrival_us.max(arrival_us);
            return None;
        }
        let complete = std::mem::replace(group, one);
        let delay_us = complete.last_arrival_us.wrapping_sub(complete.last_sent_us as i64);
        Some(GroupDelay { sent_us: complete.last_sent_us, delay_us })
    }

    /// What was collected is not to be compared with what comes.
    pub fn forget(&mut self) {
        self.current = None;
    }
}

impl Group {
    fn is_caught_up_by(&self, sent_us: u64, arrival_us: i64) -> bool {
        let sent_later_us = sent_us.saturating_sub(self.last_sent_us);
        let arrived_later_us = arrival_us.wrapping_sub(self.last_arrival_us);
        arrived_later_us <= ARRIVED_TOGETHER_US
            && arrived_later_us < sent_later_us as i64
            && arrival_us.wrapping_sub(self.first_arrival_us) < GROUP_MAX_US
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_left_within_five_milliseconds_is_one_group() {
        let mut groups = ArrivalGroups::default();
        assert_eq!(groups.add(0, 50_000), None);
        assert_eq!(groups.add(4_000, 60_000), None);
        assert_eq!(groups.add(10_000, 80_000), Some(GroupDelay { sent_us: 4_000, delay_us: 56_000 }));
    }

    #[test]
    fn what_a_radio_delivers_at_once_is_one_group() {
        let mut groups = ArrivalGroups::default();
        for sent in [0, 10_000, 20_000, 30_000] {
            assert_eq!(groups.add(sent, 90_000 + sent as i64 / 100), None);
        }
        assert!(groups.add(40_000, 130_000).is_some());
    }

    #[test]
    fn a_packet_from_before_the_group_is_passed_over() {
        let mut groups = ArrivalGroups::default();
        groups.add(20_000, 50_000);
        assert_eq!(groups.add(0, 90_000), None);
        assert_eq!(groups.add(30_000, 60_000).map(|group| group.delay_us), Some(30_000));
    }
}
