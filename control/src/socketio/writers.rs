//! The tasks that write to WebSockets: each socket has one of them, so what waits for it leaves in order and, when a
//! writer is behind, together.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf, Bytes};
use tokio::sync::Notify;

use super::session::Session;
use crate::http::listen::Placed;

/// More than there are cores to run them would only cut batches smaller.
const WRITERS_MAX: usize = 4;
/// Sockets written to before other tasks get their turn.
const TURN: usize = 64;
/// Buffers given to one system call; the kernel takes 1024, and a queue this long is rare.
const SLICES: usize = 64;

/// Sockets that have something to send, by writer.
pub(super) struct Writers {
    lists: Vec<Arc<List>>,
    next: AtomicUsize,
}

/// Each session is in here at most once, so the list is bounded by them.
#[derive(Default)]
pub(super) struct List {
    sessions: Mutex<Vec<Arc<Session>>>,
    wake: Notify,
}

impl Writers {
    pub fn new() -> Self {
        let count = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(WRITERS_MAX));
        Self { lists: (0..count).map(|_| Arc::default()).collect(), next: AtomicUsize::new(0) }
    }

    pub fn start(&self) {
        for list in &self.lists {
            tokio::spawn(run(list.clone()));
        }
    }

    /// The writer of a new session.
    pub fn choose(&self) -> Arc<List> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        self.lists[turn % self.lists.len()].clone()
    }
}

impl List {
    /// A session has something to send. The caller made sure that it is not in the list.
    pub fn push(&self, session: Arc<Session>) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.push(session);
        let first = sessions.len() == 1;
        drop(sessions);
        if first {
            self.wake.notify_one();
        }
    }

    fn take(&self, into: &mut Vec<Arc<Session>>) {
        std::mem::swap(&mut *self.sessions.lock().unwrap_or_else(PoisonError::into_inner), into);
    }
}

async fn run(list: Arc<List>) {
    let mut sessions = Vec::new();
    loop {
        list.wake.notified().await;
        loop {
            list.take(&mut sessions);
            if sessions.is_empty() {
                break;
            }
            for (index, session) in sessions.drain(..).enumerate() {
                session.flush();
                if index % TURN == TURN - 1 {
                    tokio::task::yield_now().await;
                }
            }
        }
    }
}

/// How far writing came.
pub(super) enum Written {
    All,
    /// The socket takes no more for now; what is left is still in the queue.
    Some,
    Failed,
}

/// Writes what waits, many packets with one call.
pub(super) fn write(socket: &Placed, queue: &mut VecDeque<Bytes>) -> Written {
    while !queue.is_empty() {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let mut count = 0;
        for (slice, packet) in slices.iter_mut().zip(queue.iter()) {
            *slice = IoSlice::new(packet);
            count += 1;
        }
        match socket.try_write_vectored(&slices[..count]) {
            Ok(0) => return Written::Failed,
            Ok(written) => remove(queue, written),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Written::Some,
            Err(_) => return Written::Failed,
        }
    }
    Written::All
}

fn remove(queue: &mut VecDeque<Bytes>, mut written: usize) {
    while let Some(first) = queue.front_mut() {
        if written < first.len() {
            first.advance(written);
            return;
        }
        written -= first.len();
        queue.pop_front();
    }
}
