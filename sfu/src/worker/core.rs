//! The engine as its worker sees it: what a worker feeds, and what it takes out.
//!
//! A trait so that tests can put something in front of the engine that fails on purpose; the worker itself is
//! compiled for the one real engine, without indirection.

use crate::engine::{
    Engine, PathEvent,
    counters::Counters,
    egress::Egress,
    relay::{Head, Relay, WorkerIndex, message::Message},
    router::held::Progress,
    transport::LocalIndex,
};
use plenum_shared::{
    command::{Response, RoomCommand, RoomInventory},
    event::Event,
    id::RoomId,
};
use std::{net::SocketAddr, time::Instant};

/// See the methods of the same names of [`Engine`].
pub trait Core {
    fn handle_datagram(&mut self, now: Instant, local: LocalIndex, source: SocketAddr, datagram: &mut [u8]);
    fn end_batch(&mut self, now: Instant) -> Progress;
    fn holds_much(&self) -> bool;
    fn handle_closed_path(&mut self, now: Instant, local: LocalIndex, remote: SocketAddr);
    fn handle_command(&mut self, now: Instant, room: RoomId, command: RoomCommand) -> Response;
    fn handle_timeout(&mut self, now: Instant);
    fn poll_timeout(&self) -> Option<Instant>;
    fn poll_event(&mut self) -> Option<Event>;
    fn poll_path_event(&mut self) -> Option<PathEvent>;
    fn egress(&mut self) -> &mut Egress;
    fn inventory(&self) -> Vec<RoomInventory>;
    /// What may have been lost on the way to control is told once more.
    fn tell_again(&mut self, now: Instant);
    fn counters(&self) -> Counters;
    fn room_in_progress(&self) -> Option<RoomId>;
    fn remove_room(&mut self, room: RoomId);
    fn connect_workers(&mut self, worker: WorkerIndex, relay: Box<dyn Relay>);
    fn relay(&mut self) -> &mut dyn Relay;
    fn open_branch(&mut self, room: RoomId, worker: WorkerIndex) -> Response;
    fn handle_message(&mut self, now: Instant, from: WorkerIndex, message: Message);
    fn handle_relayed(&mut self, now: Instant, head: &Head, bytes: &[u8]);
}

impl Core for Engine {
    fn handle_datagram(&mut self, now: Instant, local: LocalIndex, source: SocketAddr, datagram: &mut [u8]) {
        Engine::handle_datagram(self, now, local, source, datagram);
    }
    fn end_batch(&mut self, now: Instant) -> Progress {
        Engine::end_batch(self, now)
    }
    fn holds_much(&self) -> bool {
        Engine::holds_much(self)
    }
    fn handle_closed_path(&mut self, now: Instant, local: LocalIndex, remote: SocketAddr) {
        Engine::handle_closed_path(self, now, local, remote);
    }
    fn handle_command(&mut self, now: Instant, room: RoomId, command: RoomCommand) -> Response {
        Engine::handle_command(self, now, room, command)
    }
    fn handle_timeout(&mut self, now: Instant) {
        Engine::handle_timeout(self, now);
    }
    fn poll_timeout(&self) -> Option<Instant> {
        Engine::poll_timeout(self)
    }
    fn poll_event(&mut self) -> Option<Event> {
        Engine::poll_event(self)
    }
    fn poll_path_event(&mut self) -> Option<PathEvent> {
        Engine::poll_path_event(self)
    }
    fn egress(&mut self) -> &mut Egress {
        Engine::egress(self)
    }
    fn tell_again(&mut self, now: Instant) {
        Engine::tell_again(self, now);
    }
    fn inventory(&self) -> Vec<RoomInventory> {
        Engine::inventory(self)
    }
    fn counters(&self) -> Counters {
        Engine::counters(self)
    }
    fn room_in_progress(&self) -> Option<RoomId> {
        Engine::room_in_progress(self)
    }
    fn remove_room(&mut self, room: RoomId) {
        Engine::remove_room(self, room);
    }
    fn connect_workers(&mut self, worker: WorkerIndex, relay: Box<dyn Relay>) {
        Engine::connect_workers(self, worker, relay);
    }
    fn relay(&mut self) -> &mut dyn Relay {
        Engine::relay(self)
    }
    fn open_branch(&mut self, room: RoomId, worker: WorkerIndex) -> Response {
        Engine::open_branch(self, room, worker)
    }
    fn handle_message(&mut self, now: Instant, from: WorkerIndex, message: Message) {
        Engine::handle_message(self, now, from, message);
    }
    fn handle_relayed(&mut self, now: Instant, head: &Head, bytes: &[u8]) {
        Engine::handle_relayed(self, now, head, bytes);
    }
}
