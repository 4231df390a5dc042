//! Frames: what a server writes, and what a client sent read piece by piece. Pure.
//!
//! A frame of ours carries no mask, so its bytes are the same for every socket: they are made once and shared.

use bytes::Bytes;

/// Longest header of a frame of ours.
const HEADER_BYTES_MAX: usize = 10;
const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;
const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
/// Longest payload of a control frame.
const CONTROL_BYTES_MAX: usize = 125;

/// A text frame whose payload is written by `write`.
pub fn text(capacity: usize, write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut frame = Vec::with_capacity(capacity + HEADER_BYTES_MAX);
    // The payload goes behind the longest header; what the real one does not need is cut off in front.
    frame.extend_from_slice(&[0; HEADER_BYTES_MAX]);
    write(&mut frame);
    let len = frame.len() - HEADER_BYTES_MAX;
    let header = header(TEXT, len);
    let start = HEADER_BYTES_MAX - header.1;
    frame[start..HEADER_BYTES_MAX].copy_from_slice(&header.0[..header.1]);
    Bytes::from(frame).slice(start..)
}

/// A close frame with a status code and a reason for people, which is cut to what a control frame takes.
pub fn close(code: u16, reason: &str) -> Bytes {
    let [high, low] = code.to_be_bytes();
    let reason = &reason[..reason.floor_char_boundary(CONTROL_BYTES_MAX - 2)];
    control(CLOSE, &[&[high, low], reason.as_bytes()].concat())
}

/// Asks whether the client is still there.
pub fn ping() -> Bytes {
    control(PING, &[])
}

/// The answer to a ping.
pub fn pong(payload: &[u8]) -> Bytes {
    control(PONG, &payload[..payload.len().min(CONTROL_BYTES_MAX)])
}

/// A control frame; its payload has at most [`CONTROL_BYTES_MAX`].
fn control(opcode: u8, payload: &[u8]) -> Bytes {
    let mut frame = Vec::with_capacity(2 + payload.len());
    frame.extend_from_slice(&[FINAL | opcode, payload.len() as u8]);
    frame.extend_from_slice(payload);
    Bytes::from(frame)
}

/// What a frame of ours carries, for transports that have no frames.
pub fn payload(frame: &Bytes) -> &[u8] {
    let header = match frame.get(1) {
        Some(126) => 4,
        Some(127) => 10,
        _ => 2,
    };
    frame.get(header..).unwrap_or_default()
}

fn header(opcode: u8, len: usize) -> ([u8; HEADER_BYTES_MAX], usize) {
    let mut header = [0; HEADER_BYTES_MAX];
    header[0] = FINAL | opcode;
    match len {
        0..=125 => {
            header[1] = len as u8;
            (header, 2)
        }
        126..=0xffff => {
            header[1] = 126;
            header[2..4].copy_from_slice(&(len as u16).to_be_bytes());
            (header, 4)
        }
        _ => {
            header[1] = 127;
            header[2..10].copy_from_slice(&(len as u64).to_be_bytes());
            (header, 10)
        }
    }
}

/// One complete message, or what stands between messages.
#[derive(Debug, PartialEq)]
pub enum Message<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
    Ping(&'a [u8]),
    Close,
}

/// Why reading cannot go on, as the code of the close frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken(pub u16);

const PROTOCOL_ERROR: Broken = Broken(1002);
const NOT_TEXT: Broken = Broken(1007);
const TOO_LARGE: Broken = Broken(1009);

/// Reads a client's frames out of pieces of any size. Holds memory only while a frame or a message is incomplete.
#[derive(Debug)]
pub struct Reader {
    /// Largest message; a larger one is refused when its header says so.
    message_max: usize,
    /// The beginning of a frame whose end has not come.
    rest: Vec<u8>,
    /// The frames of a message so far.
    message: Option<Box<Fragments>>,
}

#[derive(Debug)]
struct Fragments {
    is_text: bool,
    bytes: Vec<u8>,
}

struct Head {
    last: bool,
    opcode: u8,
    mask: [u8; 4],
    start: usize,
    len: usize,
}

impl Reader {
    pub fn new(message_max: usize) -> Self {
        Self { message_max, rest: Vec::new(), message: None }
    }

    /// Takes the next piece, which is unmasked in place, and hands every message that is complete to `heard`.
    pub fn read(&mut self, piece: &mut [u8], mut heard: impl FnMut(Message<'_>)) -> Result<(), Broken> {
        if self.rest.is_empty() {
            let used = self.read_frames(piece, &mut heard)?;
            self.rest.extend_from_slice(&piece[used..]);
            return Ok(());
        }
        let mut rest = std::mem::take(&mut self.rest);
        rest.extend_from_slice(piece);
        let used = self.read_frames(&mut rest, &mut heard)?;
        if used < rest.len() {
            rest.drain(..used);
            self.rest = rest;
        }
        Ok(())
    }

    fn read_frames(
        &mut self,
        bytes: &mut [u8],
        heard: &mut impl FnMut(Message<'_>),
    ) -> Result<usize, Broken> {
        let mut used = 0;
        while let Some(head) = self.head(&bytes[used..])? {
            let start = used + head.start;
            let end = start + head.len;
            if end > bytes.len() {
                break;
            }
            let payload = &mut bytes[start..end];
            unmask(payload, head.mask);
            self.frame(&head, payload, heard)?;
            used = end;
        }
        Ok(used)
    }

    fn head(&self, bytes: &[u8]) -> Result<Option<Head>, Broken> {
        let [first, second, ..] = *bytes else { return Ok(None) };
        // Reserved bits belong to extensions, and we agree to none. Clients must mask.
        if first & 0x70 != 0 || second & MASKED == 0 {
            return Err(PROTOCOL_ERROR);
        }
        let (last, opcode) = (first & FINAL != 0, first & 0x0f);
        let (len, mask_at) = match second & 0x7f {
            126 => match bytes.get(2..4) {
                Some(len) => (usize::from(u16::from_be_bytes([len[0], len[1]])), 4),
                None => return Ok(None),
            },
            127 => match bytes.get(2..10).and_then(|len| <[u8; 8]>::try_from(len).ok()) {
                Some(len) => (usize::try_from(u64::from_be_bytes(len)).unwrap_or(usize::MAX), 10),
                None => return Ok(None),
            },
            len => (usize::from(len), 2),
        };
        if opcode >= CLOSE && (len > CONTROL_BYTES_MAX || !last) {
            return Err(PROTOCOL_ERROR);
        }
        let so_far = self.message.as_ref().map_or(0, |message| message.bytes.len());
        // A control frame is no part of the message it stands in.
        if opcode < CLOSE && len > self.message_max.saturating_sub(so_far) {
            return Err(TOO_LARGE);
        }
        let mask = bytes.get(mask_at..mask_at + 4).and_then(|mask| <[u8; 4]>::try_from(mask).ok());
        Ok(mask.map(|mask| Head { last, opcode, mask, start: mask_at + 4, len }))
    }

    fn frame(
        &mut self,
        head: &Head,
        payload: &[u8],
        heard: &mut impl FnMut(Message<'_>),
    ) -> Result<(), Broken> {
        match (head.opcode, self.message.take()) {
            (0, Some(mut message)) => {
                message.bytes.extend_from_slice(payload);
                if head.last {
                    heard(complete(message.is_text, &message.bytes)?);
                } else {
                    self.message = Some(message);
                }
                Ok(())
            }
            (1 | 2, None) => {
                let is_text = head.opcode == TEXT;
                if head.last {
                    heard(complete(is_text, payload)?);
                } else {
                    self.message = Some(Box::new(Fragments { is_text, bytes: payload.to_vec() }));
                }
                Ok(())
            }
            // Control frames may stand between the frames of a message.
            (8..=10, message) => {
                self.message = message;
                match head.opcode {
                    CLOSE => heard(Message::Close),
                    PONG => {}
                    _ => heard(Message::Ping(payload)),
                }
                Ok(())
            }
            _ => Err(PROTOCOL_ERROR),
        }
    }
}

fn complete(is_text: bool, bytes: &[u8]) -> Result<Message<'_>, Broken> {
    if is_text {
        std::str::from_utf8(bytes).map(Message::Text).map_err(|_| NOT_TEXT)
    } else {
        Ok(Message::Binary(bytes))
    }
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let (words, rest) = payload.as_chunks_mut::<4>();
    for word in words {
        *word = (u32::from_ne_bytes(*word) ^ u32::from_ne_bytes(mask)).to_ne_bytes();
    }
    rest.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [1, 2, 3, 250];
        let mut frame = header(0, payload.len()).0[..header(0, payload.len()).1].to_vec();
        frame[0] = first;
        frame[1] |= MASKED;
        frame.extend_from_slice(&mask);
        let mut hidden = payload.to_vec();
        unmask(&mut hidden, mask);
        frame.extend_from_slice(&hidden);
        frame
    }

    fn heard_of(pieces: impl IntoIterator<Item = Vec<u8>>) -> Result<Vec<String>, Broken> {
        let mut reader = Reader::new(1000);
        let mut heard = Vec::new();
        for mut piece in pieces {
            reader.read(&mut piece, |message| heard.push(format!("{message:?}")))?;
        }
        Ok(heard)
    }

    #[test]
    fn frames_are_read_however_they_are_cut() {
        let mut stream = masked(0x81, b"hello");
        stream.extend(masked(0x01, b"in "));
        stream.extend(masked(0x89, b"alive"));
        stream.extend(masked(0x00, b"three "));
        stream.extend(masked(0x80, &[b'x'; 300]));
        stream.extend(masked(0x82, &[1, 2]));
        stream.extend(masked(0x88, b""));
        let whole = heard_of([stream.clone()]).expect("reads");
        assert_eq!(whole.len(), 5);
        assert_eq!(whole[0], r#"Text("hello")"#);
        assert_eq!(whole[2], format!(r#"Text("in three {}")"#, "x".repeat(300)));
        for size in 1..40 {
            let pieces = stream.chunks(size).map(<[u8]>::to_vec);
            assert_eq!(heard_of(pieces).expect("reads"), whole, "pieces of {size}");
        }
    }

    #[test]
    fn what_a_client_must_not_send_ends_the_reading_with_its_code() {
        let mut unmasked = masked(0x81, b"x");
        unmasked[1] &= 0x7f;
        assert_eq!(heard_of([unmasked]), Err(PROTOCOL_ERROR));
        assert_eq!(heard_of([masked(0xc1, b"x")]), Err(PROTOCOL_ERROR), "an extension nobody agreed to");
        assert_eq!(heard_of([masked(0x80, b"x")]), Err(PROTOCOL_ERROR), "the end of no message");
        assert_eq!(heard_of([masked(0x83, b"x")]), Err(PROTOCOL_ERROR), "an unknown kind");
        assert_eq!(heard_of([masked(0x09, b"x")]), Err(PROTOCOL_ERROR), "a control frame in pieces");
        assert_eq!(heard_of([masked(0x89, &[0; 126])]), Err(PROTOCOL_ERROR), "a long control frame");
        assert_eq!(heard_of([masked(0x01, b"x"), masked(0x81, b"y")]), Err(PROTOCOL_ERROR));
        assert_eq!(heard_of([masked(0x81, &[0xff])]), Err(NOT_TEXT));
        assert_eq!(heard_of([masked(0x81, &[b'x'; 1001])]), Err(TOO_LARGE));
        assert_eq!(heard_of([masked(0x01, &[b'x'; 900]), masked(0x80, &[b'x'; 101])]), Err(TOO_LARGE));
        let endless = [0x82, 0xff, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0].to_vec();
        assert_eq!(heard_of([endless]), Err(TOO_LARGE));
    }

    #[test]
    fn a_ping_inside_the_largest_message_is_a_ping() {
        let pieces = [masked(0x01, &[b'x'; 1000]), masked(0x89, b"alive"), masked(0x80, b"")];
        assert_eq!(heard_of(pieces).expect("reads").len(), 2);
    }

    #[test]
    fn frames_of_ours_have_the_shortest_header_and_give_their_payload_back() {
        for (len, header) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let frame = text(0, |out| out.resize(out.len() + len, b'a'));
            assert_eq!(frame.len(), header + len, "{len}");
            assert_eq!(payload(&frame).len(), len);
            assert!(payload(&frame).iter().all(|byte| *byte == b'a'));
            assert_eq!(frame[0], 0x81);
        }
        assert_eq!(&pong(b"hi")[..], b"\x8a\x02hi");
        assert_eq!(&ping()[..], b"\x89\x00");
        assert_eq!(&close(1000, "")[..], b"\x88\x02\x03\xe8");
        assert_eq!(&close(1001, "bye")[..], b"\x88\x05\x03\xe9bye");
        let long = close(1001, &"é".repeat(100));
        assert!(long.len() <= 2 + CONTROL_BYTES_MAX && std::str::from_utf8(&long[4..]).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(pieces: Vec<Vec<u8>>) {
            let _ = heard_of(pieces);
        }
    }
}
