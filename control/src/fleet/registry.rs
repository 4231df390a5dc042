//! What control knows of its nodes and rooms: plain state behind one lock, no waiting in here.

use super::NodeLoad;
use plenum_shared::{
    command::{Hello, RoomCommand},
    event::LoadReport,
    id::{DataConsumerId, DataProducerId, NodeId, RoomId, SessionId, TransportId},
};
use quinn::Connection;
use std::collections::HashMap;
use tokio::sync::watch;

/// All nodes that ever registered with this process, and all rooms that are placed.
///
/// Nodes are as many as an operator gave certificates to; rooms are as many as there are running meetings,
/// transports two per session, and data channels and subscriptions as many as the meeting allows each.
#[derive(Default)]
pub(super) struct Registry {
    nodes: HashMap<NodeId, Node>,
    rooms: HashMap<RoomId, Room>,
}

struct Node {
    epoch: u64,
    /// `None` while the link is down.
    link: watch::Sender<Option<Connection>>,
    /// Grows with every registration, so that the end of an old link is not taken for the end of the new one.
    registration: u64,
    worker_count: u32,
    /// Number of the last event seen in this epoch.
    last_event: u64,
    load: Option<LoadReport>,
}

struct Room {
    node: NodeId,
    /// The node has said that it made it.
    is_open: bool,
    transports: HashMap<TransportId, SessionId>,
    channels: HashMap<DataProducerId, TransportId>,
    subscriptions: HashMap<DataConsumerId, Subscription>,
}

/// A data channel on its way to somebody.
struct Subscription {
    transport: TransportId,
    channel: DataProducerId,
}

/// Something that a node makes when it is asked to, and may have lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Made {
    Transport(TransportId),
    Channel(DataProducerId),
    Subscription(DataConsumerId),
}

impl Room {
    fn new(node: NodeId) -> Self {
        Self {
            node,
            is_open: false,
            transports: HashMap::new(),
            channels: HashMap::new(),
            subscriptions: HashMap::new(),
        }
    }

    /// Whose it is, when it was known until now. What depends on it is forgotten with it, as the node does.
    fn forget(&mut self, made: Made) -> Option<SessionId> {
        match made {
            Made::Transport(id) => {
                let session = self.transports.remove(&id)?;
                self.forget_orphans();
                Some(session)
            }
            Made::Channel(id) => {
                let transport = self.channels.remove(&id)?;
                self.forget_orphans();
                self.transports.get(&transport).copied()
            }
            Made::Subscription(id) => {
                let gone = self.subscriptions.remove(&id)?;
                self.transports.get(&gone.transport).copied()
            }
        }
    }

    /// What lost its transport or its channel.
    fn forget_orphans(&mut self) {
        let Self { transports, channels, subscriptions, .. } = self;
        channels.retain(|_, transport| transports.contains_key(transport));
        subscriptions
            .retain(|_, one| transports.contains_key(&one.transport) && channels.contains_key(&one.channel));
    }
}

impl Registry {
    /// Whether an older life of a registered node knocks.
    pub fn is_stale(&self, hello: &Hello) -> bool {
        self.nodes.get(&hello.node).is_some_and(|node| hello.epoch < node.epoch)
    }

    /// Takes the link into use, in place of an older one. Returns the number of this registration and the rooms that
    /// went down with an earlier epoch of the node.
    pub fn register(&mut self, hello: &Hello, connection: Connection) -> (u64, Vec<RoomId>) {
        let node = self.nodes.entry(hello.node).or_insert_with(|| Node {
            epoch: hello.epoch,
            link: watch::Sender::new(None),
            registration: 0,
            worker_count: 0,
            last_event: 0,
            load: None,
        });
        let restarted = hello.epoch > node.epoch;
        if restarted {
            (node.epoch, node.load) = (hello.epoch, None);
        }
        // What was told into a link that was down is lost; the inventory that follows makes up for it.
        node.last_event = hello.last_event;
        node.worker_count = hello.worker_count;
        node.registration += 1;
        let registration = node.registration;
        if let Some(old) = node.link.send_replace(Some(connection)) {
            old.close(0u32.into(), b"replaced by a newer link");
        }
        let lost = if restarted { self.drop_rooms_of(hello.node) } else { Vec::new() };
        (registration, lost)
    }

    /// The link of this registration ended. False when a newer one already took its place.
    pub fn link_down(&mut self, node: NodeId, registration: u64) -> bool {
        match self.nodes.get(&node) {
            Some(entry) if entry.registration == registration => {
                entry.link.send_replace(None);
                true
            }
            _ => false,
        }
    }

    /// Gives up the rooms of a node whose link is still down since this registration.
    pub fn give_up(&mut self, node: NodeId, registration: u64) -> Vec<RoomId> {
        match self.nodes.get(&node) {
            Some(entry) if entry.registration == registration && entry.link.borrow().is_none() => {
                self.drop_rooms_of(node)
            }
            _ => Vec::new(),
        }
    }

    pub fn link(&self, node: NodeId) -> Option<watch::Receiver<Option<Connection>>> {
        self.nodes.get(&node).map(|node| node.link.subscribe())
    }

    /// Whether the node still speaks over the link of this registration.
    pub fn is_current(&self, node: NodeId, registration: u64) -> bool {
        self.nodes.get(&node).is_some_and(|n| n.registration == registration && n.link.borrow().is_some())
    }

    pub fn nodes_up(&self) -> usize {
        self.nodes.values().filter(|node| node.link.borrow().is_some()).count()
    }

    pub fn worker_count(&self) -> u32 {
        self.nodes.values().filter(|node| node.link.borrow().is_some()).map(|node| node.worker_count).sum()
    }

    pub fn loads(&self) -> Vec<NodeLoad> {
        let mut loads: Vec<_> = self
            .nodes
            .iter()
            .map(|(id, node)| NodeLoad {
                node: *id,
                is_up: node.link.borrow().is_some(),
                worker_count: node.worker_count,
                workers: node.load.as_ref().map_or_else(Vec::new, |report| report.workers.clone()),
            })
            .collect();
        loads.sort_by_key(|load| load.node);
        loads
    }

    pub fn note_load(&mut self, node: NodeId, report: LoadReport) {
        if let Some(entry) = self.nodes.get_mut(&node)
            && entry.epoch == report.epoch
        {
            entry.load = Some(report);
        }
    }

    /// Notes the number of an event: whether it is new, and whether some before it are missing.
    pub fn note_event(&mut self, node: NodeId, number: u64) -> (bool, bool) {
        let Some(entry) = self.nodes.get_mut(&node) else { return (false, false) };
        let (is_new, gap) = (number > entry.last_event, number > entry.last_event + 1);
        entry.last_event = entry.last_event.max(number);
        (is_new, gap)
    }

    /// Nodes whose link is up, the one with most to spare first.
    pub fn by_load(&self) -> Vec<NodeId> {
        let mut nodes: Vec<_> =
            self.nodes.iter().filter(|(_, node)| node.link.borrow().is_some()).map(|(id, _)| *id).collect();
        nodes.sort_by_key(|node| self.busyness(*node));
        nodes
    }

    /// Processor share in steps of 5 % (finer is noise), then the rooms we gave it, which the last report may not know.
    fn busyness(&self, node: NodeId) -> (u32, usize, NodeId) {
        let cpu = self.nodes.get(&node).and_then(|n| n.load.as_ref()).map_or(0.0, mean_cpu);
        let rooms = self.rooms.values().filter(|room| room.node == node).count();
        ((cpu * 20.0) as u32, rooms, node)
    }

    /// Notes that the room goes to the node. False when it already has one.
    pub fn place(&mut self, room: RoomId, node: NodeId) -> bool {
        if self.rooms.contains_key(&room) {
            return false;
        }
        self.rooms.insert(room, Room::new(node));
        true
    }

    pub fn node_of(&self, room: RoomId) -> Option<NodeId> {
        self.rooms.get(&room).map(|room| room.node)
    }

    /// The node has made the room. False when it was closed, or went elsewhere, meanwhile.
    pub fn opened(&mut self, room: RoomId, node: NodeId) -> bool {
        match self.rooms.get_mut(&room).filter(|room| room.node == node) {
            Some(room) => {
                room.is_open = true;
                true
            }
            None => false,
        }
    }

    pub fn is_open(&self, room: RoomId) -> bool {
        self.rooms.get(&room).is_some_and(|room| room.is_open)
    }

    pub fn remove_room(&mut self, room: RoomId) -> Option<NodeId> {
        self.rooms.remove(&room).map(|room| room.node)
    }

    pub fn rooms_of(&self, node: NodeId) -> Vec<RoomId> {
        self.rooms.iter().filter(|(_, room)| room.node == node).map(|(id, _)| *id).collect()
    }

    /// What was asked for in a room and not closed since: what carries the others comes first.
    pub fn made_in(&self, room: RoomId) -> Vec<Made> {
        let Some(room) = self.rooms.get(&room) else { return Vec::new() };
        let transports = room.transports.keys().copied().map(Made::Transport);
        let channels = room.channels.keys().copied().map(Made::Channel);
        transports.chain(channels).chain(room.subscriptions.keys().copied().map(Made::Subscription)).collect()
    }

    pub fn knows_transport(&self, room: RoomId, transport: TransportId) -> bool {
        self.rooms.get(&room).is_some_and(|room| room.transports.contains_key(&transport))
    }

    /// Something is gone. Returns whose it was, unless that was known.
    pub fn forget(&mut self, room: RoomId, made: Made) -> Option<SessionId> {
        self.rooms.get_mut(&room)?.forget(made)
    }

    /// Keeps what is known of a room true before the command leaves, so that an inventory taken meanwhile finds nothing
    /// unknown. Returns what must be forgotten again if the node refuses.
    pub fn note_sent(&mut self, room: RoomId, command: &RoomCommand) -> Option<Made> {
        let room = self.rooms.get_mut(&room)?;
        match command {
            RoomCommand::CreateTransport { session, transport, .. } => {
                room.transports.insert(*transport, *session);
                return Some(Made::Transport(*transport));
            }
            RoomCommand::ProduceData { transport, producer, .. } => {
                room.channels.insert(*producer, *transport);
                return Some(Made::Channel(*producer));
            }
            RoomCommand::ConsumeData { transport, consumer, producer } => {
                let subscription = Subscription { transport: *transport, channel: *producer };
                room.subscriptions.insert(*consumer, subscription);
                return Some(Made::Subscription(*consumer));
            }
            RoomCommand::CloseTransport { transport } => {
                room.forget(Made::Transport(*transport));
            }
            RoomCommand::CloseDataProducer { producer } => {
                room.forget(Made::Channel(*producer));
            }
            RoomCommand::CloseDataConsumer { consumer } => {
                room.forget(Made::Subscription(*consumer));
            }
            RoomCommand::CloseSession { session } => {
                room.transports.retain(|_, owner| owner != session);
                room.forget_orphans();
            }
            _ => {}
        }
        None
    }

    fn drop_rooms_of(&mut self, node: NodeId) -> Vec<RoomId> {
        let lost = self.rooms_of(node);
        for room in &lost {
            self.rooms.remove(room);
        }
        lost
    }
}

fn mean_cpu(report: &LoadReport) -> f32 {
    let sum: f32 = report.workers.iter().map(|worker| worker.cpu.clamp(0.0, 1.0)).sum();
    sum / (report.workers.len().max(1) as f32)
}
