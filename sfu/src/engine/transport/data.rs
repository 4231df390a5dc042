//! The data channels of a transport: SCTP inside its DTLS, from the first packet or the first channel on.

use std::time::Instant;

use bytes::Bytes;
use plenum_shared::transport::SctpStreamParameters;

use super::Transport;
use super::dtls;
use super::sctp::{DataEvent, DataRate, NotSent, PayloadProtocolIdentifier, Sctp};

impl Transport {
    /// How much the client may send by data channels. To be said before it connects.
    pub fn set_data_rate(&mut self, rate: DataRate) {
        self.data_rate = rate;
    }

    /// Hands application data to SCTP, once it is known whose it is.
    pub(super) fn take_data(&mut self, now: Instant) {
        let received = self.dtls.take_received();
        if !self.connected || received.is_empty() {
            return;
        }
        let sctp = self.sctp.get_or_insert_with(|| Box::new(Sctp::new(now, self.data_rate)));
        received.into_iter().for_each(|packet| sctp.handle_packet(now, packet));
    }

    /// The next thing that came by data channels.
    pub fn poll_data(&mut self, now: Instant) -> Option<DataEvent> {
        self.sctp.as_mut()?.poll_event(now)
    }

    /// The data message that came last, of `len` bytes, has gone to so many.
    pub fn note_data_copies(&mut self, count: usize, len: usize) {
        if let Some(sctp) = &mut self.sctp {
            sctp.note_copies(count, len);
        }
    }

    /// A data channel is on this stream. It carries messages once the client has made an association.
    pub fn bind_data(&mut self, now: Instant, stream: u16) {
        self.sctp.get_or_insert_with(|| Box::new(Sctp::new(now, self.data_rate))).bind(stream);
    }

    /// Sends a message by a data channel. It leaves as packets of [`Transport::write_data`].
    ///
    /// # Errors
    /// [`NotSent`]; nothing of the message is sent then.
    pub fn send_data(
        &mut self,
        to: &SctpStreamParameters,
        kind: PayloadProtocolIdentifier,
        payload: &Bytes,
    ) -> Result<(), NotSent> {
        self.sctp.as_mut().ok_or(NotSent::NotConnected)?.send(to, kind, payload)
    }

    /// What waits on the stream of a data channel: see [`Sctp::buffered`].
    pub fn data_buffered(&mut self, stream: u16) -> Option<usize> {
        self.sctp.as_mut()?.buffered(stream)
    }

    /// Whether another data channel may be made: see [`Sctp::takes_channels`].
    pub fn takes_data_channels(&self) -> bool {
        self.sctp.as_ref().is_none_or(|sctp| sctp.takes_channels())
    }

    /// Closes a data channel.
    pub fn close_data(&mut self, stream: u16) {
        if let Some(sctp) = &mut self.sctp {
            sctp.close_stream(stream);
        }
    }

    /// Has SCTP make the packets that are due, as far as no more than `waiting_bytes_max` wait.
    pub fn make_data_packets(&mut self, now: Instant, waiting_bytes_max: usize) {
        if let Some(sctp) = &mut self.sctp {
            sctp.make_packets(now, waiting_bytes_max);
        }
    }

    /// Room that the next packet of SCTP takes as a datagram; `None` while none waits.
    pub fn next_data_len(&self) -> Option<usize> {
        let len = self.sctp.as_ref()?.next_packet_len()?;
        Some(len + dtls::RECORD_OVERHEAD_MAX)
    }

    /// Writes the next packet of SCTP as a datagram over `buf`, which is [`Transport::next_data_len`] long. Returns its
    /// length; `None` where nothing waits, or DTLS is not up.
    pub fn write_data(&mut self, now: Instant, buf: &mut [u8]) -> Option<usize> {
        let packet = self.sctp.as_mut()?.take_packet()?;
        self.dtls.seal_data(now, &packet, buf)
    }
}
