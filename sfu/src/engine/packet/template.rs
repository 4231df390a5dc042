//! The header of one viewer's packets, prepared: what never changes is copied in one piece, the rest is written into it.
//!
//! What leaves is, byte for byte, what [`write_header`] makes of the same elements. It is asked for whatever is not prepared
//! for: elements of the two-byte form, and buffers that are hardly larger than a header. What a publisher's packet brings along
//! for all its viewers is prepared too, once for each packet.

use super::{FIXED_HEADER_LEN, HeaderFields, ONE_BYTE_PROFILE, write_header};

/// Where the elements begin, if there is one.
const ELEMENTS_AT: usize = FIXED_HEADER_LEN + 4;
/// Bytes of a value in the one-byte form at most.
const VALUE_MAX: usize = 16;
/// A header with our own elements: the longest `mid`, a departure time and a transport-wide number.
const PREPARED_LEN: usize = ELEMENTS_AT + (1 + VALUE_MAX) + (1 + 3) + (1 + 2);
/// Bytes of carried elements that are prepared for: more than those we know take together.
const CARRIED_LEN: usize = 32;
/// Zeroes behind them, up to the next word.
const ALIGNMENT: usize = 3;
/// Bytes that a header is prepared in: our own elements, the carried ones, and one more.
const ROOM: usize = 128;

/// The values of our own elements in one packet.
#[derive(Debug, Clone, Copy)]
pub struct Own {
    /// When it leaves.
    pub departure: [u8; 3],
    /// Its transport-wide number.
    pub number: [u8; 2],
}

/// Elements of a publisher's packet as they are written into the headers of its viewers.
#[derive(Debug, Clone, Copy)]
pub struct Carried {
    /// Zeroes behind `len`.
    bytes: [u8; CARRIED_LEN],
    len: u8,
}

impl Carried {
    /// No element.
    pub const NONE: Carried = Carried { bytes: [0; CARRIED_LEN], len: 0 };

    /// Prepares these ids and values; `None` when they need the two-byte form, or more room than there is.
    pub fn new<'a>(elements: impl Iterator<Item = (u8, &'a [u8])>) -> Option<Self> {
        let mut carried = Carried::NONE;
        let mut at = 0;
        for (id, value) in elements.filter(|&(id, _)| id != 0) {
            at += write_element(&mut carried.bytes[..CARRIED_LEN - ALIGNMENT], at, id, value)?;
        }
        carried.len = at as u8;
        Some(carried)
    }
}

/// Writes the headers of one consumer's packets.
#[derive(Debug)]
pub struct HeaderTemplate {
    mid: String,
    /// Ids of the `mid`, the departure time and the transport-wide number; 0 where one is not sent.
    own: [u8; 3],
    /// `None` when our own elements need the two-byte form.
    prepared: Option<Prepared>,
}

#[derive(Debug)]
struct Prepared {
    bytes: [u8; PREPARED_LEN],
    len: usize,
    /// Where the value of the departure time is, if it is sent.
    departure_at: Option<usize>,
    /// Where the transport-wide number is, if it is sent.
    number_at: Option<usize>,
}

impl HeaderTemplate {
    /// For packets with these elements of our own: the id and the value of the `mid`, the ids of the departure time and of the
    /// transport-wide number. An element with an id of 0 is not sent.
    pub fn new((mid_id, mid): (u8, &str), departure_id: u8, number_id: u8) -> Self {
        let own = [mid_id, departure_id, number_id];
        HeaderTemplate { mid: mid.to_owned(), own, prepared: Prepared::new(own, mid.as_bytes()) }
    }

    /// Writes a header with our own elements, those that are carried on, and perhaps one more. Returns its length, or `None` when
    /// it is not prepared for that, or does not fit into `out`. Of what is behind it, up to 128 bytes from the beginning of `out`
    /// may be overwritten.
    #[inline]
    pub fn write(
        &self,
        out: &mut [u8],
        fields: HeaderFields,
        own: Own,
        carried: &Carried,
        last: Option<(u8, &[u8])>,
    ) -> Option<usize> {
        self.prepared.as_ref()?.write(out.first_chunk_mut()?, fields, own, carried, last)
    }

    /// As [`HeaderTemplate::write`], whatever the elements behind our own are.
    pub fn write_any<'a>(
        &'a self,
        out: &mut [u8],
        fields: HeaderFields,
        own: &'a Own,
        carried: impl Iterator<Item = (u8, &'a [u8])> + Clone,
    ) -> Option<usize> {
        let values: [&[u8]; 3] = [self.mid.as_bytes(), &own.departure, &own.number];
        write_header(out, fields, self.own.into_iter().zip(values).chain(carried))
    }
}

impl Prepared {
    fn new([mid_id, departure_id, number_id]: [u8; 3], mid: &[u8]) -> Option<Self> {
        let mut prepared =
            Prepared { bytes: [0; PREPARED_LEN], len: ELEMENTS_AT, departure_at: None, number_at: None };
        prepared.bytes[0] = 0x90;
        prepared.bytes[FIXED_HEADER_LEN..FIXED_HEADER_LEN + 2]
            .copy_from_slice(&ONE_BYTE_PROFILE.to_be_bytes());
        if mid_id != 0 {
            prepared.add(mid_id, mid)?;
        }
        if departure_id != 0 {
            prepared.departure_at = Some(prepared.add(departure_id, &[0; 3])?);
        }
        if number_id != 0 {
            prepared.number_at = Some(prepared.add(number_id, &[0; 2])?);
        }
        Some(prepared)
    }

    /// Adds an element and returns where its value is; `None` when it needs the two-byte form.
    fn add(&mut self, id: u8, value: &[u8]) -> Option<usize> {
        let at = self.len;
        self.len += write_element(&mut self.bytes, at, id, value)?;
        Some(at + 1)
    }

    #[inline]
    fn write(
        &self,
        room: &mut [u8; ROOM],
        fields: HeaderFields,
        own: Own,
        carried: &Carried,
        last: Option<(u8, &[u8])>,
    ) -> Option<usize> {
        *room.first_chunk_mut()? = self.bytes;
        put(room, 1, [(u8::from(fields.marker) << 7) | (fields.payload_type & 0x7F)])?;
        put(room, 2, fields.sequence_number.to_be_bytes())?;
        put(room, 4, fields.timestamp.to_be_bytes())?;
        put(room, 8, fields.ssrc.to_be_bytes())?;
        if let Some(at) = self.departure_at {
            put(room, at, own.departure)?;
        }
        if let Some(at) = self.number_at {
            put(room, at, own.number)?;
        }
        // With the zeroes up to the next word, and more: what is behind the header does not matter.
        put(room, self.len, carried.bytes)?;
        let mut at = self.len + usize::from(carried.len);
        if let Some((id, value)) = last.filter(|&(id, _)| id != 0) {
            at += write_element(room, at, id, value)?;
            put(room, at, [0; ALIGNMENT])?;
        }
        if at == ELEMENTS_AT {
            put(room, 0, [0x80])?;
            return Some(FIXED_HEADER_LEN);
        }
        let end = at.next_multiple_of(4);
        let words = ((end - ELEMENTS_AT) / 4) as u16;
        put(room, FIXED_HEADER_LEN + 2, words.to_be_bytes())?;
        Some(end)
    }
}

/// Writes an element of the one-byte form and returns its length; `None` when it needs the other form, or more room.
#[inline]
fn write_element(room: &mut [u8], at: usize, id: u8, value: &[u8]) -> Option<usize> {
    if id >= 15 || !(1..=VALUE_MAX).contains(&value.len()) {
        return None;
    }
    let len = 1 + value.len();
    let (prefix, place) = room.get_mut(at..at + len)?.split_first_mut()?;
    *prefix = (id << 4) | (value.len() - 1) as u8;
    match (&mut *place, value) {
        // Most are so short that a copy of any length would take longer than all else.
        ([byte], [only]) => *byte = *only,
        (place, value) => place.copy_from_slice(value),
    }
    Some(len)
}

#[inline]
fn put<const N: usize>(room: &mut [u8; ROOM], at: usize, value: [u8; N]) -> Option<()> {
    *room.get_mut(at..)?.first_chunk_mut()? = value;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIELDS: HeaderFields = HeaderFields {
        marker: true,
        payload_type: 101,
        sequence_number: 65_535,
        timestamp: 0xDEAD_BEEF,
        ssrc: 7,
    };

    /// The ids that browsers give them, and an identity as ours are.
    fn browser() -> HeaderTemplate {
        HeaderTemplate::new((4, "12"), 2, 3)
    }

    /// What both writers make of the same, in a buffer that was used before.
    fn both(
        (mid_id, mid): (u8, &str),
        (departure_id, number_id): (u8, u8),
        fields: HeaderFields,
        carried: &[(u8, &[u8])],
        room: usize,
    ) -> [Option<Vec<u8>>; 2] {
        let own = Own { departure: [1, 2, 3], number: [4, 5] };
        let (mut written, mut plain) = (vec![0xEE; room], vec![0xEE; room]);
        let template = HeaderTemplate::new((mid_id, mid), departure_id, number_id);
        // As it is sent: the last one is not the same for all.
        let (last, shared) = carried.split_last().map_or((None, carried), |(&last, rest)| (Some(last), rest));
        let len = Carried::new(shared.iter().copied())
            .and_then(|shared| template.write(&mut written, fields, own, &shared, last))
            .or_else(|| template.write_any(&mut written, fields, &own, carried.iter().copied()));
        let Own { departure, number } = own;
        let own: [(u8, &[u8]); 3] =
            [(mid_id, mid.as_bytes()), (departure_id, &departure), (number_id, &number)];
        let plain_len = write_header(&mut plain, fields, own.into_iter().chain(carried.iter().copied()));
        [len.map(|len| written[..len].to_vec()), plain_len.map(|len| plain[..len].to_vec())]
    }

    #[test]
    fn what_browsers_negotiate_is_prepared_for() {
        let (level, captured) = ([0x85], [9; 16]);
        for carried in [&[][..], &[(1, &level[..])], &[(0, &[]), (5, &captured), (6, &level), (13, &level)]] {
            let own = Own { departure: [0; 3], number: [0; 2] };
            let shared = Carried::new(carried.iter().copied()).expect("short ids and values");
            let last: Option<(u8, &[u8])> = Some((12, &captured));
            assert!(browser().write(&mut [0; ROOM], FIELDS, own, &shared, last).is_some());
        }
    }

    #[test]
    fn a_carried_element_of_every_length_and_form_is_written_as_the_plain_writer_does() {
        let bytes: Vec<u8> = (0..=255).cycle().take(300).collect();
        for len in 0..bytes.len() {
            for id in [0, 1, 14, 15, 16, 200] {
                for place in 0..5 {
                    let mut carried: [(u8, &[u8]); 5] = Default::default();
                    carried[place] = (id, &bytes[..len]);
                    carried[4 - place] = (7, &bytes[..16]);
                    let [written, plain] = both((4, "12"), (2, 3), FIELDS, &carried, 700);
                    assert_eq!(written, plain, "{len} bytes, id {id}");
                    assert!(written.is_some());
                }
            }
        }
    }

    #[test]
    fn a_header_without_elements_is_the_fixed_part() {
        let [written, plain] = both((0, ""), (0, 0), FIELDS, &[(0, &[1])], ROOM);
        assert_eq!(written.as_ref().map(Vec::len), Some(FIXED_HEADER_LEN));
        assert_eq!(written, plain);
    }

    /// Mostly what fits the one-byte form, or the other one would hide it.
    fn id() -> impl Strategy<Value = u8> {
        prop_oneof![4 => Just(0u8), 20 => 1u8..15, 1 => any::<u8>()]
    }

    fn value() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            20 => prop::collection::vec(any::<u8>(), 1..=16),
            1 => prop::collection::vec(any::<u8>(), 0..300),
        ]
    }

    proptest! {
        #[test]
        fn every_header_is_byte_for_byte_the_plain_writers(
            marker: bool, payload_type in 0u8..128, sequence_number: u16, timestamp: u32, ssrc: u32,
            mid_id in id(), mid in prop_oneof![20 => "[0-9]{1,16}", 1 => "[0-9]{0,40}"],
            ids in (id(), id()),
            carried in prop::collection::vec((id(), value()), 0..=8),
            room in prop_oneof![Just(1500usize), 0usize..300],
        ) {
            let fields = HeaderFields { marker, payload_type, sequence_number, timestamp, ssrc };
            let carried: Vec<_> = carried.iter().map(|(id, value)| (*id, &value[..])).collect();
            let [written, plain] = both((mid_id, &mid), ids, fields, &carried, room);
            prop_assert_eq!(written, plain);
        }
    }
}
