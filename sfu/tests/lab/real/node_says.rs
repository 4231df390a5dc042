//! What the node says of each viewer, asked again and again over its link while people meet: the estimate, and the layer
//! given of each picture.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use plenum_loadtest::signal::node::NodeSession;
use plenum_shared::details::SessionDetails;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::record::Record;

const ASKED_EVERY: Duration = Duration::from_millis(200);

/// One answer.
struct Said {
    at: Instant,
    estimate: Option<f64>,
    layers: Vec<Option<u8>>,
}

/// The answers about one viewer, for as long as this lives.
pub struct NodeSays {
    said: Arc<Mutex<Vec<Said>>>,
    asking: JoinHandle<()>,
}

impl NodeSays {
    /// `pictures` are its consumers of video.
    pub fn of(runtime: &Runtime, viewer: NodeSession, pictures: Vec<Uuid>) -> Self {
        let said = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::clone(&said);
        let asking = runtime.spawn(async move {
            let mut turn = tokio::time::interval(ASKED_EVERY);
            turn.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                turn.tick().await;
                let details = viewer.details().await.expect("a viewer that stays");
                answers.lock().unwrap().push(Said::new(&details, &pictures));
            }
        });
        NodeSays { said, asking }
    }

    /// What was said last before each moment belongs to it.
    pub fn add_to(&self, record: &mut Record, start: Instant) {
        assert!(!self.asking.is_finished(), "the node answers to the end");
        let said = self.said.lock().unwrap();
        let mut said = said.iter().peekable();
        let mut last = None;
        for sample in &mut record.samples {
            let now = start + Duration::from_secs_f64(sample.at);
            while let Some(one) = said.next_if(|said| said.at <= now) {
                last = Some(one);
            }
            let Some(last) = last else { continue };
            sample.estimate = last.estimate;
            sample.layers.clone_from(&last.layers);
        }
    }
}

impl Drop for NodeSays {
    fn drop(&mut self) {
        self.asking.abort();
    }
}

impl Said {
    fn new(details: &SessionDetails, pictures: &[Uuid]) -> Self {
        let sending = details.transports.iter().find_map(|transport| transport.sending);
        let current = |id: &Uuid| {
            let consumer = details.consumers.iter().find(|consumer| consumer.consumer.0 == *id)?;
            consumer.current.map(|layer| layer.spatial)
        };
        Said {
            at: Instant::now(),
            estimate: sending.map(|sending| sending.available.0 as f64 / 1000.0),
            layers: pictures.iter().map(current).collect(),
        }
    }
}
