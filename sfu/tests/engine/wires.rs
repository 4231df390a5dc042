//! What lies between the workers of a test: what is told overtakes the packets that wait, as it may between real ones, and
//! packets can be refused as by a full ring.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use plenum_sfu::engine::egress::Class;
use plenum_sfu::engine::relay::message::Message;
use plenum_sfu::engine::relay::{Head, Relay, WorkerIndex};

#[derive(Debug, Clone, Default)]
pub struct Wires(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<(WorkerIndex, WorkerIndex, Carried)>,
    /// As many of the next packets of this class find no room.
    refusing: Option<(Class, usize)>,
    /// There is no room for so many of the next messages of data channels.
    refusing_data: usize,
    /// Everything stays on its way.
    is_held: bool,
    /// Only what is told arrives: the readers are behind with packets.
    is_behind: bool,
    /// Nothing overtakes anything: a reader may be as fast as that.
    keeps_order: bool,
    /// Buffers of packets that have arrived.
    spare: Vec<Vec<u8>>,
    packets: usize,
    messages: usize,
}

#[derive(Debug)]
pub enum Carried {
    Message(Message),
    Packet(Head, Vec<u8>),
}

#[derive(Debug)]
struct End {
    worker: WorkerIndex,
    wires: Wires,
}

impl Wires {
    /// What an engine is given.
    pub fn end_of(&self, worker: WorkerIndex) -> Box<dyn Relay> {
        Box::new(End { worker, wires: self.clone() })
    }

    /// The next thing on its way: from whom, to whom.
    pub fn take(&self) -> Option<(WorkerIndex, WorkerIndex, Carried)> {
        let mut state = self.0.lock().unwrap();
        if state.is_held {
            return None;
        }
        let is_told = |(_, _, carried): &(_, _, Carried)| matches!(carried, Carried::Message(_));
        let told = state.waiting.iter().position(is_told).filter(|_| !state.keeps_order || state.is_behind);
        if told.is_none() && state.is_behind {
            return None;
        }
        state.waiting.remove(told.unwrap_or(0))
    }

    /// From now on packets wait, or go on.
    pub fn hold_packets(&self, is_behind: bool) {
        self.0.lock().unwrap().is_behind = is_behind;
    }

    /// From now on all arrives in the order in which it was given.
    pub fn keep_order(&self) {
        self.0.lock().unwrap().keeps_order = true;
    }

    /// From now on nothing arrives, or all of it goes on.
    pub fn hold(&self, is_held: bool) {
        self.0.lock().unwrap().is_held = is_held;
    }

    /// A packet has been taken out of this.
    pub fn give_back(&self, buffer: Vec<u8>) {
        self.0.lock().unwrap().spare.push(buffer);
    }

    /// For as many packets of a class there is no room.
    pub fn refuse(&self, class: Class, count: usize) {
        self.0.lock().unwrap().refusing = Some((class, count));
    }

    /// For so many of the next messages of data channels there is no room.
    pub fn refuse_data(&self, count: usize) {
        self.0.lock().unwrap().refusing_data = count;
    }

    /// Packets and messages that crossed since the last call.
    pub fn crossed(&self) -> (usize, usize) {
        let mut state = self.0.lock().unwrap();
        (std::mem::take(&mut state.packets), std::mem::take(&mut state.messages))
    }
}

impl Relay for End {
    fn tell(&mut self, to: WorkerIndex, message: Message) {
        let mut state = self.wires.0.lock().unwrap();
        state.messages += 1;
        state.waiting.push_back((self.worker, to, Carried::Message(message)));
    }

    fn offer(&mut self, to: WorkerIndex, message: Message, bytes: usize) -> bool {
        let mut state = self.wires.0.lock().unwrap();
        if bytes > 0 && state.refusing_data > 0 {
            state.refusing_data -= 1;
            return false;
        }
        drop(state);
        self.tell(to, message);
        true
    }

    fn push(&mut self, to: WorkerIndex, class: Class, head: &Head, bytes: &[u8]) -> bool {
        let mut state = self.wires.0.lock().unwrap();
        if let Some((refused, left)) = &mut state.refusing
            && *refused == class
            && *left > 0
        {
            *left -= 1;
            return false;
        }
        state.packets += 1;
        let mut copy = state.spare.pop().unwrap_or_default();
        copy.clear();
        copy.extend_from_slice(bytes);
        state.waiting.push_back((self.worker, to, Carried::Packet(*head, copy)));
        true
    }

    fn flush(&mut self) -> bool {
        true
    }
}
