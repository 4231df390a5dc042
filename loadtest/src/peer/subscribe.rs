//! Streams that a transport receives, each with its account.

use crate::{
    accounting::{Account, Arrival, Verdict},
    histogram::Histogram,
    media::{OPUS_SILENCE_LEN_MAX, RunClock, vp8},
    monitor::Standing,
    parameters::PayloadTypes,
    signal::{Consumed, RemoteProducer},
};
use plenum_shared::media::Kind;
use std::time::Instant;
use str0m::{
    Rtc,
    media::{KeyframeRequestKind, MediaKind, Mid},
    rtp::{RtpPacket, Ssrc},
};

/// A subscription at the end.
#[derive(Debug)]
pub struct Subscribed {
    pub remote: RemoteProducer,
    pub account: Account,
    /// Packets missing at the end.
    pub lost: u64,
    pub began_at: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Subscription {
    remote: RemoteProducer,
    account: Account,
    began_at: Option<Instant>,
    /// Packets received when it was last asked how it stands.
    received_before: u64,
}

/// What the rest of the transport should know of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Counted,
    KeyframeNeeded,
}

impl Subscription {
    /// Declares the consumer's stream. Returns its SSRC.
    pub(super) fn start(
        rtc: &mut Rtc,
        consumed: &Consumed,
        remote: RemoteProducer,
        payload_types: PayloadTypes,
    ) -> Result<(Ssrc, Self), String> {
        if consumed.producer_id != remote.producer {
            return Err(format!("asked for producer {}, got {}", remote.producer, consumed.producer_id));
        }
        let parameters = &consumed.rtp_parameters;
        let [encoding] = parameters.encodings.as_slice() else {
            return Err(format!("{} encodings where one is due", parameters.encodings.len()));
        };
        let ssrc = encoding.ssrc.ok_or("an encoding without ssrc")?;
        let mid = parameters.mid.as_deref().ok_or("no mid")?;
        let expected = if consumed.kind == Kind::Audio { payload_types.opus } else { payload_types.vp8 };
        if parameters.codecs.first().is_none_or(|codec| codec.payload_type != expected) {
            return Err(format!("payload type {expected} expected in {:?}", parameters.codecs));
        }
        if parameters.rtcp.cname.is_none() {
            return Err("no rtcp.cname".into());
        }
        let kind = if consumed.kind == Kind::Audio { MediaKind::Audio } else { MediaKind::Video };
        let mid: Mid = mid.into();
        if rtc.media(mid).is_some() {
            return Err(format!("mid {mid} is in use already"));
        }
        let mut direct = rtc.direct_api();
        direct.declare_media(mid, kind);
        let rtx = encoding.rtx.map(|rtx| Ssrc::from(rtx.ssrc));
        direct.expect_stream_rx(ssrc.into(), rtx, mid, None);
        let account = Account::new(remote.producer);
        Ok((ssrc.into(), Self { remote, account, began_at: None, received_before: 0 }))
    }

    /// Judges a packet; its delay goes into `delays`.
    pub(super) fn record(
        &mut self,
        rtc: &mut Rtc,
        packet: &RtpPacket,
        now: Instant,
        clock: RunClock,
        delays: &mut Histogram,
    ) -> Outcome {
        let is_video = self.remote.kind == Kind::Video;
        let verdict = self.account.record(Arrival {
            sequence: *packet.seq_no,
            rtp_time: packet.header.timestamp,
            payload: &packet.payload,
            picture_id: if is_video { vp8::picture_id(&packet.payload) } else { None },
            is_silence: !is_video && packet.payload.len() <= OPUS_SILENCE_LEN_MAX,
            at_ns: clock.ns(now),
        });
        if let Verdict::Fine { delay_ns } | Verdict::Began { delay_ns, .. } = verdict {
            delays.record(delay_ns);
        }
        let Verdict::Began { starts_keyframe, .. } = verdict else { return Outcome::Counted };
        self.began_at = Some(now);
        if starts_keyframe || !is_video {
            return Outcome::Counted;
        }
        if let Some(stream) = rtc.direct_api().stream_rx(&packet.header.ssrc) {
            stream.request_keyframe(KeyframeRequestKind::Pli);
        }
        Outcome::KeyframeNeeded
    }

    /// Adds how it stands; a video shows its layer when something of it came since the last time.
    pub(super) fn stand(&mut self, standing: &mut Standing) {
        let received = self.account.received();
        standing.received += received;
        standing.missing += self.account.holes();
        if self.remote.kind == Kind::Audio {
            return;
        }
        let came = received > std::mem::replace(&mut self.received_before, received);
        match self.account.current_layer().filter(|_| came) {
            Some(layer) => standing.shows(layer),
            None => standing.dark += 1,
        }
    }

    pub(super) fn account(&self) -> &Account {
        &self.account
    }

    pub(super) fn finish(self, sent: &[u64]) -> Subscribed {
        let lost = self.account.lost(sent);
        Subscribed { remote: self.remote, account: self.account, lost, began_at: self.began_at }
    }
}
