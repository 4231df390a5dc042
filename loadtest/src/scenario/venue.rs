//! Where it takes place: meetings of a whole product behind its public API, or rooms of a bare media node.

use super::{Plan, ScenarioError};
use crate::{
    server::Processes,
    signal::{
        Joined, SignalError, kcs,
        node::{AwaitSettings, LaunchSettings, Node, Room},
        rest::{Account, Rest},
    },
};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::sync::Arc;

/// See the module.
#[derive(Clone, Debug)]
pub enum VenueSettings {
    /// A product that runs already.
    Product(ProductSettings),
    /// A node that is started and stopped.
    Node(LaunchSettings),
    /// A node that somebody else starts, and the processes whose CPU time is measured.
    AwaitedNode(AwaitSettings, Vec<u32>),
}

/// A product and how to get in.
#[derive(Clone, Debug)]
pub struct ProductSettings {
    /// `http://host:port`.
    pub url: String,
    /// An account that may create others.
    pub admin_email: String,
    pub admin_password: String,
    /// Processes whose CPU time is measured, with all their children.
    pub pids: Vec<u32>,
}

impl ProductSettings {
    /// A demo at this URL, with the accounts that it makes.
    pub fn demo(url: &str) -> Self {
        Self {
            url: url.into(),
            admin_email: "admin@demo.test".into(),
            admin_password: "demo-password".into(),
            pids: Vec::new(),
        }
    }
}

impl VenueSettings {
    /// The demo on this machine, as `plenum --demo` starts it.
    pub fn demo() -> Self {
        Self::Product(ProductSettings::demo("http://127.0.0.1:4501"))
    }

    pub(super) fn has_chat(&self) -> bool {
        matches!(self, Self::Product(_))
    }
}

/// Password hashes at a time: they are slow on purpose, and the server bounds them too.
const SIGN_INS_AT_ONCE: usize = 2;

const CLOSING_AT_ONCE: usize = 8;

/// Accounts of one run. More people than this share them: one may be in a meeting many times.
const ACCOUNTS_MAX: usize = 100;

/// An open venue.
#[derive(Debug)]
pub(super) enum Venue {
    Product { rest: Rest, settings: ProductSettings, accounts: Vec<Account> },
    Node { node: Arc<Node>, pids: Vec<u32> },
}

/// One room of it.
#[derive(Debug)]
pub(super) enum Hall {
    Meeting { rest: Rest, host: Account, accounts: Arc<[Account]>, meeting: String },
    Room(Arc<Room>),
}

impl Venue {
    pub(super) async fn open(settings: &VenueSettings) -> Result<Self, ScenarioError> {
        Ok(match settings {
            VenueSettings::Product(settings) => {
                let rest = Rest::new(&settings.url)?;
                Self::Product { rest, settings: settings.clone(), accounts: Vec::new() }
            }
            VenueSettings::Node(settings) => {
                let node = Node::launch(settings).await?;
                let pids = node.pid().into_iter().collect();
                Self::Node { node, pids }
            }
            VenueSettings::AwaitedNode(settings, pids) => {
                Self::Node { node: Node::wait_for(settings).await?, pids: pids.clone() }
            }
        })
    }

    /// The processes to be measured.
    pub(super) fn processes(&self) -> Processes {
        match self {
            Self::Product { settings, .. } => Processes::with_children(&settings.pids),
            Self::Node { pids, .. } => Processes::with_children(pids),
        }
    }

    /// Where a bare node says what it counts. A product does not tell.
    pub(super) fn metrics(&self) -> Option<String> {
        match self {
            Self::Product { .. } => None,
            Self::Node { node, .. } => Some(format!("http://{}/metrics", node.http_address())),
        }
    }

    /// Makes the rooms of a plan; all of them, or none stays.
    pub(super) async fn halls(&mut self, plan: &Plan) -> Result<Vec<Hall>, ScenarioError> {
        if let Self::Product { rest, settings, accounts } = self {
            let wanted = plan.people.len().min(ACCOUNTS_MAX);
            if wanted > accounts.len() {
                accounts.extend(sign_in(rest, settings, wanted - accounts.len()).await?);
            }
        }
        let mut halls = Vec::new();
        for room in 0..plan.rooms {
            match self.hall(room, plan).await {
                Ok(hall) => halls.push(hall),
                Err(error) => {
                    // Why there is one too few says more than why another cannot be closed.
                    let _ = close_all(&halls).await;
                    return Err(error);
                }
            }
        }
        Ok(halls)
    }

    async fn hall(&self, room: usize, plan: &Plan) -> Result<Hall, ScenarioError> {
        match self {
            Self::Product { rest, accounts, .. } => {
                let users: Vec<String> = accounts.iter().map(|account| account.user_id.clone()).collect();
                let host = account_of(accounts, room)?.clone();
                let meeting = rest.create_meeting(&host, &users, plan.places()).await?;
                rest.start_meeting(&host, &meeting).await?;
                Ok(Hall::Meeting { rest: rest.clone(), host, accounts: accounts.as_slice().into(), meeting })
            }
            Self::Node { node, .. } => Ok(Hall::Room(Room::create(node).await?)),
        }
    }

    /// A node that was started here and has ended is started once more: what broke it was said of the load before.
    pub(super) async fn mend(&mut self, settings: &VenueSettings) -> Result<(), ScenarioError> {
        if let Self::Node { node, .. } = self
            && node.ended().is_some()
        {
            *self = Self::open(settings).await?;
        }
        Ok(())
    }
}

fn account_of(accounts: &[Account], number: usize) -> Result<&Account, ScenarioError> {
    let account = accounts.get(number % accounts.len().max(1));
    account.ok_or_else(|| ScenarioError::NobodyIn("no bots asked for".into()))
}

impl Hall {
    /// Lets the bot of this number in.
    pub(super) async fn join(&self, number: usize) -> Result<Joined, SignalError> {
        match self {
            Self::Meeting { rest, accounts, meeting, .. } => {
                let account = &accounts[number % accounts.len()];
                kcs::join(rest.base(), &account.token, meeting).await
            }
            Self::Room(room) => Ok(room.join()),
        }
    }

    pub(super) async fn close(&self) -> Result<(), SignalError> {
        match self {
            Self::Meeting { rest, host, meeting, .. } => rest.end_meeting(host, meeting).await,
            Self::Room(room) => room.close().await,
        }
    }
}

/// Closes all, whatever becomes of one, and says what could not be closed.
pub(super) async fn close_all(halls: &[Hall]) -> Vec<String> {
    let closing = halls.iter().map(|hall| hall.close());
    let outcomes = stream::iter(closing).buffered(CLOSING_AT_ONCE).enumerate();
    let failed = |(room, outcome): (usize, Result<(), SignalError>)| async move {
        outcome.err().map(|error| format!("closing room {room}: {error}"))
    };
    outcomes.filter_map(failed).collect().await
}

/// Accounts of this run only, so that runs do not meet each other.
pub(super) async fn sign_in(
    rest: &Rest,
    settings: &ProductSettings,
    count: usize,
) -> Result<Vec<Account>, SignalError> {
    let admin = rest.login(&settings.admin_email, &settings.admin_password).await?;
    let run = uuid::Uuid::new_v4().simple().to_string();
    stream::iter(0..count)
        .map(|number| {
            let (admin, email) = (&admin, format!("bot-{number}-{run}@load.test"));
            async move {
                rest.create_user(admin, &format!("Bot {number}"), &email, &run_password(&email)).await?;
                rest.login(&email, &run_password(&email)).await
            }
        })
        .buffered(SIGN_INS_AT_ONCE)
        .try_collect()
        .await
}

/// Long and different for each; nobody signs in with it again.
fn run_password(email: &str) -> String {
    format!("load-{email}")
}
