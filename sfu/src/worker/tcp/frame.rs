//! Datagrams on a stream (RFC 4571): two bytes of length, then the datagram.

/// Bytes in front of each datagram.
pub const HEADER_LEN: usize = 2;
/// Bytes of one datagram. What browsers send fits an Ethernet frame, because the same packets might leave by UDP; whoever
/// announces more is no peer of ours, and its connection is closed rather than what it announces waited for.
pub const DATAGRAM_MAX: usize = 2048;

/// A datagram is announced that is longer than any, or empty: nobody sends that, and it would cost two bytes to have us
/// look at one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadLength;

/// How many of these bytes are whole frames; what is behind them is the beginning of the next.
///
/// # Errors
/// [`BadLength`].
pub fn whole_frames(bytes: &[u8]) -> Result<usize, BadLength> {
    let mut at = 0;
    while let Some(header) = bytes.get(at..at + HEADER_LEN) {
        let len = usize::from(u16::from_be_bytes([header[0], header[1]]));
        if len == 0 || len > DATAGRAM_MAX {
            return Err(BadLength);
        }
        if bytes.len() - at < HEADER_LEN + len {
            break;
        }
        at += HEADER_LEN + len;
    }
    Ok(at)
}

/// The datagrams of whole frames. The bytes may be changed.
pub fn datagrams(frames: &mut [u8]) -> Datagrams<'_> {
    Datagrams { rest: frames }
}

/// See [`datagrams`].
#[derive(Debug)]
pub struct Datagrams<'a> {
    rest: &'a mut [u8],
}

impl<'a> Iterator for Datagrams<'a> {
    type Item = &'a mut [u8];

    fn next(&mut self) -> Option<&'a mut [u8]> {
        let (header, body) = std::mem::take(&mut self.rest).split_at_mut_checked(HEADER_LEN)?;
        let len = usize::from(u16::from_be_bytes([header[0], header[1]]));
        let (datagram, rest) = body.split_at_mut_checked(len)?;
        self.rest = rest;
        Some(datagram)
    }
}

/// What goes in front of a datagram; `None` for one that no frame can hold.
pub fn header(len: usize) -> Option<[u8; HEADER_LEN]> {
    u16::try_from(len).ok().map(u16::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn framed(datagrams: &[Vec<u8>]) -> Vec<u8> {
        datagrams.iter().flat_map(|one| [&header(one.len()).unwrap()[..], one].concat()).collect()
    }

    #[test]
    fn a_frame_beyond_the_bound_is_refused_before_it_is_there() {
        assert_eq!(whole_frames(&[0x08, 0x01]), Err(BadLength));
        assert_eq!(whole_frames(&[0x08, 0x00]), Ok(0));
        assert_eq!(whole_frames(&[0, 1, 7, 0xFF, 0xFF]), Err(BadLength));
    }

    #[test]
    fn an_empty_frame_is_refused() {
        assert_eq!(whole_frames(&[0, 0]), Err(BadLength));
        assert_eq!(whole_frames(&[0, 1, 7, 0, 0, 0]), Err(BadLength));
    }

    proptest! {
        #[test]
        fn datagrams_come_out_as_they_went_in_however_the_stream_was_cut(
            sent in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..200), 0..20),
            cuts in proptest::collection::vec(0_usize..400, 1..20),
        ) {
            let stream = framed(&sent);
            let (mut received, mut buffer, mut at) = (Vec::new(), Vec::new(), 0);
            for cut in cuts.into_iter().chain([stream.len()]) {
                let end = (at + cut).min(stream.len());
                buffer.extend_from_slice(&stream[at..end]);
                at = end;
                let whole = whole_frames(&buffer).unwrap();
                received.extend(datagrams(&mut buffer[..whole]).map(|one| one.to_vec()));
                buffer.drain(..whole);
            }
            prop_assert_eq!(received, sent);
            prop_assert!(buffer.is_empty());
        }

        #[test]
        fn any_bytes_are_read_within_the_bound(mut bytes in proptest::collection::vec(any::<u8>(), 0..5000)) {
            if let Ok(whole) = whole_frames(&bytes) {
                prop_assert!(bytes.len() - whole < HEADER_LEN + DATAGRAM_MAX);
                let total: usize = datagrams(&mut bytes[..whole]).map(|one| HEADER_LEN + one.len()).sum();
                prop_assert_eq!(total, whole);
            }
        }
    }
}
