//! The tasks that write to WebSockets: each socket has one of them, so what waits for it leaves in order and, when a
//! writer is behind, together.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::session::Session;

/// More than there are cores to run them would only cut batches smaller.
const WRITERS_MAX: usize = 4;
/// Sockets written to before other tasks get their turn.
const TURN: usize = 64;

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
