//! Engine.IO 4 and Socket.IO 5 packets as text: read without trust, written once for everybody. Pure.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::Value;

use crate::websocket::frame;

/// Binary parts of one event. No event of ours takes any; clients that send some are answered, not cut off.
pub(super) const ATTACHMENTS_MAX: usize = 16;
/// Longest name of a namespace that is refused by name; everybody may send one, and the refusal repeats it.
const NAMESPACE_BYTES_MAX: usize = 256;

/// What a client says to the engine.
#[derive(Debug, PartialEq)]
pub(super) enum Engine<'a> {
    Close,
    Ping(&'a str),
    Pong,
    Message(&'a str),
    Upgrade,
    Noop,
}

impl<'a> Engine<'a> {
    /// `None`: no packet of a client.
    pub fn read(text: &'a str) -> Option<Self> {
        let rest = text.get(1..)?;
        Some(match text.as_bytes()[0] {
            b'1' => Self::Close,
            b'2' => Self::Ping(rest),
            b'3' => Self::Pong,
            b'4' => Self::Message(rest),
            b'5' => Self::Upgrade,
            b'6' => Self::Noop,
            _ => return None,
        })
    }
}

/// What a client says to a namespace.
#[derive(Debug, PartialEq)]
pub(super) enum Packet<'a> {
    Connect {
        auth: Option<Value>,
    },
    Disconnect,
    Event(Event<'a>),
    /// An event with binary parts that follow as messages of their own.
    BinaryEvent {
        event: Event<'a>,
        attachments: usize,
    },
    /// We ask nobody to acknowledge, so what comes is of no use to anybody.
    Ack {
        attachments: usize,
    },
    /// Asks for another namespace than the one there is.
    Elsewhere {
        namespace: &'a str,
    },
    /// Says something to another namespace.
    Lost,
}

/// One event of a client.
#[derive(Debug, PartialEq)]
pub struct Event<'a> {
    pub name: Cow<'a, str>,
    /// The first argument; `None` when there is none.
    pub body: Option<Value>,
    /// The number to answer with, when the client wants an answer.
    pub ack: Option<u64>,
}

impl<'a> Packet<'a> {
    /// `None`: not what Socket.IO 5 says.
    pub fn read(text: &'a str) -> Option<Self> {
        let kind = *text.as_bytes().first()?;
        let rest = text.get(1..)?;
        let (attachments, rest) = match kind {
            b'5' | b'6' => {
                let (count, rest) = rest.split_once('-')?;
                let count: usize = count.parse().ok()?;
                (count, rest)
            }
            _ => (0, rest),
        };
        if attachments > ATTACHMENTS_MAX {
            return None;
        }
        let (namespace, rest) = match rest.starts_with('/') {
            true => rest.split_once(',').unwrap_or((rest, "")),
            false => ("/", rest),
        };
        if namespace.len() > NAMESPACE_BYTES_MAX {
            return None;
        }
        // A query may follow the name; it says nothing to us.
        if namespace.split('?').next() != Some("/") {
            return Some(if kind == b'0' { Self::Elsewhere { namespace } } else { Self::Lost });
        }
        match kind {
            b'0' if rest.is_empty() => Some(Self::Connect { auth: None }),
            b'0' => serde_json::from_str(rest).ok().map(|auth| Self::Connect { auth: Some(auth) }),
            b'1' => Some(Self::Disconnect),
            b'2' => event(rest).map(Self::Event),
            b'5' => event(rest).map(|event| Self::BinaryEvent { event, attachments }),
            b'3' | b'6' => Some(Self::Ack { attachments }),
            _ => None,
        }
    }
}

fn event(text: &str) -> Option<Event<'_>> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (ack, arguments) = text.split_at(digits);
    let ack = if ack.is_empty() { None } else { Some(ack.parse().ok()?) };
    let Arguments { name, body } = serde_json::from_str(arguments).ok()?;
    Some(Event { name, body, ack })
}

/// `[name, first argument, ...]`; what follows the first argument is read over.
struct Arguments<'a> {
    name: Cow<'a, str>,
    body: Option<Value>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Arguments<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Arguments<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event's name and arguments")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let name = seq.next_element::<Name<'de>>()?;
                let Name(name) = name.ok_or_else(|| serde::de::Error::invalid_length(0, &self))?;
                let body = seq.next_element()?;
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Arguments { name, body })
            }
        }
        deserializer.deserialize_seq(Reader)
    }
}

/// A name, borrowed from the packet unless it is escaped.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// The engine's first words.
pub(super) fn open(
    sid: &str,
    upgrades: &[&str],
    ping_ms: u128,
    timeout_ms: u128,
    payload_max: usize,
) -> Bytes {
    let open = serde_json::json!({
        "sid": sid,
        "upgrades": upgrades,
        "pingInterval": ping_ms as u64,
        "pingTimeout": timeout_ms as u64,
        "maxPayload": payload_max,
    });
    written("0", &open)
}

/// A packet of the engine without content.
pub(super) fn engine(text: &'static str) -> Bytes {
    frame::text(text.len(), |out| out.extend_from_slice(text.as_bytes()))
}

/// CONNECT accepted.
pub(super) fn connected(sid: &str, pid: Option<&str>) -> Bytes {
    let mut said = serde_json::json!({ "sid": sid });
    if let Some(pid) = pid {
        said["pid"] = pid.into();
    }
    written("40", &said)
}

/// CONNECT refused, in a namespace.
pub(super) fn refused(namespace: &str, message: &str) -> Bytes {
    let said = serde_json::json!({ "message": message });
    if namespace == "/" {
        return written("44", &said);
    }
    frame::text(64, |out| {
        out.extend_from_slice(b"44");
        out.extend_from_slice(namespace.as_bytes());
        out.push(b',');
        write_json(out, &said);
    })
}

/// An event with one argument, ready for every socket that is to hear it; with an offset behind it for those that
/// count. `payload` is JSON.
pub fn event_frame(name: &str, payload: &[u8], offset: Option<u64>) -> Bytes {
    frame::text(payload.len() + name.len() + 32, |out| {
        out.extend_from_slice(b"42[\"");
        // Names are ours and need no escaping.
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\",");
        out.extend_from_slice(payload);
        if let Some(offset) = offset {
            out.extend_from_slice(format!(",\"{offset}\"").as_bytes());
        }
        out.push(b']');
    })
}

/// The answer to an event of a client; `answer` is JSON.
pub fn ack_frame(id: u64, answer: &[u8]) -> Bytes {
    frame::text(answer.len() + 24, |out| {
        out.extend_from_slice(format!("43{id}[").as_bytes());
        out.extend_from_slice(answer);
        out.push(b']');
    })
}

fn written(prefix: &str, value: &Value) -> Bytes {
    frame::text(128, |out| {
        out.extend_from_slice(prefix.as_bytes());
        write_json(out, value);
    })
}

fn write_json(out: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(out, value).expect("a vector takes everything, and our values have text keys");
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(name: &str, body: Option<Value>, ack: Option<u64>) -> Event<'_> {
        Event { name: Cow::Borrowed(name), body, ack }
    }

    #[test]
    fn packets_of_a_client_are_read() {
        let cases: [(&str, Option<Packet<'_>>); 22] = [
            ("0", Some(Packet::Connect { auth: None })),
            ("0/,", Some(Packet::Connect { auth: None })),
            (r#"0{"token":"t"}"#, Some(Packet::Connect { auth: Some(json!({ "token": "t" })) })),
            ("0{", None),
            ("0/admin,", Some(Packet::Elsewhere { namespace: "/admin" })),
            ("0/admin", Some(Packet::Elsewhere { namespace: "/admin" })),
            ("2/admin,[\"x\"]", Some(Packet::Lost)),
            ("1", Some(Packet::Disconnect)),
            (r#"2["x"]"#, Some(Packet::Event(event("x", None, None)))),
            (r#"2["x",null]"#, Some(Packet::Event(event("x", Some(Value::Null), None)))),
            (r#"217["x",{"a":1},2,[3]]"#, Some(Packet::Event(event("x", Some(json!({ "a": 1 })), Some(17))))),
            (r#"2/,7["x"]"#, Some(Packet::Event(event("x", None, Some(7))))),
            (r#"2["\u0078"]"#, Some(Packet::Event(event("x", None, None)))),
            ("2[]", None),
            ("2[1]", None),
            ("2{}", None),
            ("299999999999999999999[\"x\"]", None),
            (r#"3[1]"#, Some(Packet::Ack { attachments: 0 })),
            (
                r#"51-2["x",{"_placeholder":true,"num":0}]"#,
                Some(Packet::BinaryEvent {
                    event: event("x", Some(json!({ "_placeholder": true, "num": 0 })), Some(2)),
                    attachments: 1,
                }),
            ),
            ("599-[\"x\"]", None),
            ("", None),
            ("9", None),
        ];
        for (text, expected) in cases {
            assert_eq!(Packet::read(text), expected, "{text}");
        }
    }

    #[test]
    fn packets_of_the_engine_are_read() {
        assert_eq!(Engine::read("2probe"), Some(Engine::Ping("probe")));
        assert_eq!(Engine::read("42[]"), Some(Engine::Message("2[]")));
        assert_eq!([Engine::read(""), Engine::read("0{}"), Engine::read("é")], [None, None, None]);
    }

    #[test]
    fn an_event_is_written_with_or_without_its_offset() {
        let text = |frame: Bytes| String::from_utf8(frame::payload(&frame).to_vec()).expect("text");
        assert_eq!(text(event_frame("x", b"{}", None)), r#"42["x",{}]"#);
        assert_eq!(text(event_frame("x", b"{}", Some(12))), r#"42["x",{},"12"]"#);
        assert_eq!(text(ack_frame(3, br#"{"a":1}"#)), r#"433[{"a":1}]"#);
        assert_eq!(text(refused("/a", "no")), r#"44/a,{"message":"no"}"#);
        assert_eq!(text(connected("s", Some("p"))), r#"40{"pid":"p","sid":"s"}"#);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = (Engine::read(&text), Packet::read(&text));
        }

        #[test]
        fn nearly_right_texts_make_no_panic(text in r#"[0-6][0-9]{0,3}-?/?[a-z]{0,2},?[0-9]{0,3}[\[\{"a-z\]\}]{0,8}"#) {
            let _ = Packet::read(&text);
        }
    }
}
