//! Light receivers: bots that count what comes and look at a sample of it, all of them on one thread.

use super::{BotError, in_transport};
use crate::{
    light::{Crowd, CrowdSettings, MemberId, MemberReport, Server, Snapshot, Stream},
    peer::{PeerError, udp_candidates},
    signal::{Consumed, Session},
};
use plenum_shared::{
    media::Direction,
    rtp::{RtpCapabilities, uri},
    transport::{DtlsParameters, DtlsRole},
};
use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use uuid::Uuid;

/// One packet in so many is opened: enough to see that what comes is authentic, and how long it was under way.
pub const SAMPLE: u32 = 64;

/// All are asked at once, and everybody who asks within this time hears the same.
const RECENT: Duration = Duration::from_millis(50);

/// The light receivers of one run.
#[derive(Debug, Default)]
pub struct Lights {
    places: Mutex<Places>,
    recent: Mutex<Option<Arc<Snapshot>>>,
}

#[derive(Debug, Default)]
struct Places {
    /// Started for the first of them, who knows the room's numbers.
    crowd: Option<Crowd>,
    taken: usize,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Seat {
    lights: Arc<Lights>,
    member: MemberId,
    /// Nobody leaves the crowd before the end of the run, so the place stays.
    place: usize,
    subscriptions: AtomicUsize,
}

impl Lights {
    /// How all of them are; nothing when there are none.
    pub fn look(&self) -> Option<Snapshot> {
        self.places().crowd.as_ref()?.look().ok()
    }

    /// How all of them were a moment ago.
    fn recent(&self) -> Option<Arc<Snapshot>> {
        let mut recent = self.recent.lock().expect("nobody panics while holding it");
        if recent.as_ref().is_none_or(|snapshot| snapshot.at.elapsed() > RECENT) {
            *recent = self.look().map(Arc::new);
        }
        recent.clone()
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().expect("nobody panics while holding the places")
    }

    /// Makes a receiving transport of this kind. Returns its id at the server, too.
    pub(super) async fn connect(
        self: &Arc<Self>,
        session: &Session,
        capabilities: &RtpCapabilities,
    ) -> Result<(Uuid, Seat), BotError> {
        let offer = session.create_transport(Direction::Recv).await?;
        let address = udp_candidates(&offer).map_err(in_transport("receive"))?.0;
        let transport = offer.transport_id;
        let server = Server {
            address,
            ice: offer.ice_parameters,
            fingerprints: offer.dtls_parameters.fingerprints,
            member_is_client: true,
        };
        let (seat, dtls) = self.take_place(server, capabilities).map_err(in_transport("receive"))?;
        session.connect_transport(transport, dtls).await?;
        Ok((transport, seat))
    }

    fn take_place(
        self: &Arc<Self>,
        server: Server,
        capabilities: &RtpCapabilities,
    ) -> Result<(Seat, DtlsParameters), PeerError> {
        let mut places = self.places();
        let Places { crowd, taken } = &mut *places;
        let crowd = match crowd {
            Some(crowd) => crowd,
            None => crowd.insert(Crowd::start(settings(capabilities))?),
        };
        let announced = crowd.announce();
        let dtls =
            DtlsParameters { role: DtlsRole::Client, fingerprints: vec![announced.fingerprint.clone()] };
        let member = crowd.add(announced, server)?;
        let place = *taken;
        *taken += 1;
        Ok((Seat { lights: self.clone(), member, place, subscriptions: AtomicUsize::new(0) }, dtls))
    }
}

fn settings(capabilities: &RtpCapabilities) -> CrowdSettings {
    let usual = CrowdSettings { sample: SAMPLE, ..CrowdSettings::default() };
    let transport_wide = capabilities.header_extensions.iter().find(|it| it.uri == uri::TRANSPORT_WIDE_CC);
    transport_wide.map_or(usual, |it| CrowdSettings { transport_wide: it.preferred_id, ..usual })
}

impl Seat {
    /// Expects a consumer's stream of this producer from now on.
    ///
    /// # Errors
    /// A consumer without a stream.
    pub(super) fn subscribe(&self, consumed: &Consumed, producer: Uuid) -> Result<(), PeerError> {
        let encoding = consumed.rtp_parameters.encodings.first();
        let ssrc = encoding.and_then(|it| it.ssrc).ok_or_else(|| PeerError::Rtc("no SSRC".into()))?;
        if let Some(crowd) = &self.lights.places().crowd {
            crowd.expect_of(self.member, Stream { ssrc, kind: consumed.kind }, producer);
        }
        self.subscriptions.fetch_add(1, Relaxed);
        Ok(())
    }

    pub(super) fn subscriptions(&self) -> usize {
        self.subscriptions.load(Relaxed)
    }

    /// How it was a moment ago.
    ///
    /// # Errors
    /// A thread that has ended.
    pub(super) fn report(&self) -> Result<MemberReport, PeerError> {
        let ended = || PeerError::Ended("the thread of all light receivers is gone".into());
        let snapshot = self.lights.recent().ok_or_else(ended)?;
        snapshot.members.get(self.place).cloned().ok_or_else(ended)
    }
}
