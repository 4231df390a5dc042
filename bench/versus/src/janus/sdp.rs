//! Session descriptions (RFC 8866, RFC 8829) as far as Janus and a light member need them.

use crate::server::Sent;
use plenum_loadtest::light::{Announced, Server, Stream};
use plenum_shared::{
    media::Kind,
    rtp::{CodecParameters, FmtpValue, RtpParameters},
    transport::{Fingerprint, IceParameters},
};
use std::{
    fmt::Write as _,
    net::{IpAddr, SocketAddr},
};

/// Janus numbers header extensions itself, always in the same way.
pub(super) const TRANSPORT_WIDE: u8 = 3;

/// What the other side says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Description {
    username_fragment: Option<String>,
    password: Option<String>,
    fingerprint: Option<Fingerprint>,
    address: Option<SocketAddr>,
    pub media: Vec<Medium>,
}

/// One media section.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Medium {
    /// Its first line without what changes: `audio`, and the payload types.
    kind: String,
    formats: String,
    mid: String,
    /// `rtpmap`, `fmtp`, `rtcp-fb` and `extmap` as they came.
    agreed: Vec<String>,
    /// Of the stream itself: it comes before its retransmissions.
    ssrc: Option<u32>,
}

impl Medium {
    pub(super) fn stream(&self) -> Option<Stream> {
        let kind = if self.kind == "audio" { Kind::Audio } else { Kind::Video };
        Some(Stream { ssrc: self.ssrc?, kind })
    }
}

impl Description {
    /// Where the other side is reached. Members speak first in DTLS.
    pub(super) fn server(&self) -> Option<Server> {
        let ice = IceParameters {
            username_fragment: self.username_fragment.clone()?,
            password: self.password.clone()?,
            ice_lite: true,
        };
        let fingerprints = vec![self.fingerprint.clone()?];
        Some(Server { address: self.address?, ice, fingerprints, member_is_client: true })
    }

    /// Takes what holds for everything: it is bundled.
    fn note(&mut self, name: &str, value: &str) {
        match name {
            "ice-ufrag" => self.username_fragment = Some(value.to_owned()),
            "ice-pwd" => self.password = Some(value.to_owned()),
            "fingerprint" => {
                self.fingerprint = value.split_once(' ').map(|(algorithm, value)| Fingerprint {
                    algorithm: algorithm.to_owned(),
                    value: value.to_owned(),
                });
            }
            "candidate" if self.address.is_none() => self.address = host_candidate(value),
            _ => {}
        }
    }
}

/// Reads a description. `None` when a line of it makes no sense.
pub(super) fn read(text: &str) -> Option<Description> {
    let mut description = Description::default();
    for line in text.lines() {
        if let Some(medium) = line.strip_prefix("m=") {
            let mut words = medium.splitn(4, ' ');
            let (kind, formats) = (words.next()?.to_owned(), words.nth(2)?.to_owned());
            description.media.push(Medium { kind, formats, ..Medium::default() });
            continue;
        }
        let Some(attribute) = line.strip_prefix("a=") else { continue };
        let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
        description.note(name, value);
        let Some(medium) = description.media.last_mut() else { continue };
        match name {
            "mid" => medium.mid = value.to_owned(),
            "rtpmap" | "fmtp" | "rtcp-fb" | "extmap" => medium.agreed.push(attribute.to_owned()),
            "ssrc" if medium.ssrc.is_none() => medium.ssrc = value.split(' ').next()?.parse().ok(),
            _ => {}
        }
    }
    Some(description)
}

/// `foundation component UDP priority address port typ host` (RFC 8839 section 5.1).
fn host_candidate(value: &str) -> Option<SocketAddr> {
    let words: Vec<&str> = value.split(' ').collect();
    let [_, _, protocol, _, address, port, "typ", "host", ..] = words.as_slice() else { return None };
    let is_udp = protocol.eq_ignore_ascii_case("udp");
    let address: IpAddr = address.parse().ok()?;
    is_udp.then_some(SocketAddr::new(address, port.parse().ok()?))
}

/// What a speaker says.
pub(super) fn offer(member: &Announced, tracks: &[Sent]) -> String {
    let mids: Vec<&str> = tracks.iter().map(|track| track.announcement.mid.as_str()).collect();
    let mut text = session(&mids);
    for Sent { kind, announcement } in tracks {
        let parameters = &announcement.parameters;
        let kind = if *kind == Kind::Audio { "audio" } else { "video" };
        let formats: Vec<String> = parameters.codecs.iter().map(|it| it.payload_type.to_string()).collect();
        medium(&mut text, member, kind, &formats.join(" "), &announcement.mid, "sendonly");
        parameters.codecs.iter().for_each(|codec| write_codec(&mut text, codec));
        for extension in &parameters.header_extensions {
            line(&mut text, &format!("a=extmap:{} {}", extension.id, extension.uri));
        }
        write_ssrcs(&mut text, parameters);
    }
    text
}

/// What a viewer says: it takes everything as it is offered.
pub(super) fn answer(member: &Announced, offer: &Description) -> String {
    let mids: Vec<&str> = offer.media.iter().map(|medium| medium.mid.as_str()).collect();
    let mut text = session(&mids);
    for Medium { kind, formats, mid, agreed, .. } in &offer.media {
        medium(&mut text, member, kind, formats, mid, "recvonly");
        agreed.iter().for_each(|attribute| line(&mut text, &format!("a={attribute}")));
    }
    text
}

fn session(mids: &[&str]) -> String {
    let mut text = String::new();
    let bundle = format!("a=group:BUNDLE {}", mids.join(" "));
    let lines: [&str; 6] =
        ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", &bundle, "a=msid-semantic: WMS *"];
    lines.iter().for_each(|it| line(&mut text, it));
    text
}

/// A candidate has to be there; where a member is, a server with ICE-lite learns from its checks.
fn medium(text: &mut String, member: &Announced, kind: &str, formats: &str, mid: &str, direction: &str) {
    let Fingerprint { algorithm, value } = &member.fingerprint;
    let lines: [&str; 12] = [
        &format!("m={kind} 9 UDP/TLS/RTP/SAVPF {formats}"),
        "c=IN IP4 0.0.0.0",
        &format!("a=mid:{mid}"),
        &format!("a=ice-ufrag:{}", member.ice.username_fragment),
        &format!("a=ice-pwd:{}", member.ice.password),
        &format!("a=fingerprint:{algorithm} {value}"),
        "a=setup:active",
        "a=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host",
        "a=end-of-candidates",
        &format!("a={direction}"),
        "a=rtcp-mux",
        "a=rtcp-rsize",
    ];
    lines.iter().for_each(|it| line(text, it));
}

fn write_codec(text: &mut String, codec: &CodecParameters) {
    let CodecParameters { mime_type, payload_type, clock_rate, channels, parameters, rtcp_feedback } = codec;
    let name = mime_type.split_once('/').map_or(mime_type.as_str(), |(_, name)| name);
    let channels = channels.map(|count| format!("/{count}")).unwrap_or_default();
    line(text, &format!("a=rtpmap:{payload_type} {name}/{clock_rate}{channels}"));
    for feedback in rtcp_feedback {
        let said = format!("a=rtcp-fb:{payload_type} {} {}", feedback.kind, feedback.parameter);
        line(text, said.trim_end());
    }
    let parameters: Vec<String> = parameters
        .iter()
        .map(|(name, value)| match value {
            FmtpValue::Number(value) => format!("{name}={value}"),
            FmtpValue::Text(value) => format!("{name}={value}"),
        })
        .collect();
    if !parameters.is_empty() {
        line(text, &format!("a=fmtp:{payload_type} {}", parameters.join(";")));
    }
}

fn write_ssrcs(text: &mut String, parameters: &RtpParameters) {
    let cname = parameters.rtcp.cname.as_deref().unwrap_or("-");
    let encoding = parameters.encodings.first();
    let main = encoding.and_then(|it| it.ssrc);
    let repairs = encoding.and_then(|it| it.rtx).map(|it| it.ssrc);
    if let Some((main, repairs)) = main.zip(repairs) {
        line(text, &format!("a=ssrc-group:FID {main} {repairs}"));
    }
    for ssrc in main.into_iter().chain(repairs) {
        line(text, &format!("a=ssrc:{ssrc} cname:{cname}"));
    }
}

fn line(text: &mut String, content: &str) {
    // Writing to text does not fail.
    let _ = write!(text, "{content}\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenum_loadtest::{
        media::{AudioTrack, LayerSettings, Track, VideoTrack},
        parameters::Announcement,
    };
    use rand::{SeedableRng, rngs::SmallRng};

    fn member() -> Announced {
        let ice =
            IceParameters { username_fragment: "frag".into(), password: "secret".into(), ice_lite: false };
        let fingerprint = Fingerprint { algorithm: "sha-256".into(), value: "AB:CD".into() };
        Announced { ice, fingerprint }
    }

    fn tracks() -> Vec<Sent> {
        let layer = LayerSettings { bitrate_bps: 100_000, width: 320, height: 180 };
        let tracks = [Track::Audio(AudioTrack::new(0, 1, 1)), Track::Video(VideoTrack::new(25, &[layer], 1))];
        let mut random = SmallRng::seed_from_u64(1);
        let sent = tracks.iter().enumerate().map(|(index, track)| Sent {
            kind: track.kind(),
            announcement: Announcement::new(track, &index.to_string(), "speaker", &mut random),
        });
        sent.collect()
    }

    #[test]
    fn an_offer_reads_as_what_is_sent() {
        let tracks = tracks();
        let read = read(&offer(&member(), &tracks)).expect("a description");
        let ssrcs: Vec<_> = read.media.iter().map(|medium| medium.ssrc).collect();
        let sent: Vec<_> = tracks.iter().map(|track| Some(track.announcement.layers[0].main)).collect();
        assert_eq!(ssrcs, sent);
        assert_eq!(read.media[1].formats, "96 97");
        assert!(read.media[1].agreed.iter().any(|it| it == "rtpmap:96 VP8/90000"));
        assert!(read.media[1].agreed.iter().any(|it| it == "fmtp:97 apt=96"));
        assert!(read.media[0].agreed.iter().any(|it| it == "rtpmap:111 opus/48000/2"));
        let server = read.server().expect("everything that is needed");
        assert_eq!((server.ice.username_fragment.as_str(), server.ice.password.as_str()), ("frag", "secret"));
        assert_eq!(server.fingerprints, [member().fingerprint]);
    }

    #[test]
    fn an_answer_takes_what_is_offered_in_its_order() {
        let offer = read(&offer(&member(), &tracks())).expect("a description");
        let answer = read(&answer(&member(), &offer)).expect("a description");
        for (answered, offered) in answer.media.iter().zip(&offer.media) {
            assert_eq!((&answered.kind, &answered.mid), (&offered.kind, &offered.mid));
            assert_eq!((&answered.formats, &answered.agreed), (&offered.formats, &offered.agreed));
            assert_eq!(answered.ssrc, None, "it sends nothing");
        }
        assert_eq!(answer.media.len(), 2);
    }

    #[test]
    fn only_a_host_candidate_for_udp_is_an_address() {
        let of = |candidate: &str| read(&format!("a=candidate:{candidate}")).and_then(|it| it.address);
        assert_eq!(of("1 1 udp 1 192.0.2.1 5000 typ host"), Some(([192, 0, 2, 1], 5000).into()));
        assert_eq!(of("1 1 tcp 1 192.0.2.1 5000 typ host tcptype passive"), None);
        assert_eq!(of("1 1 udp 1 192.0.2.1 5000 typ srflx raddr 0.0.0.0 rport 0"), None);
        assert_eq!(of("1 1 udp"), None);
        assert_eq!(read("m=audio").map(|it| it.media.len()), None);
    }
}
