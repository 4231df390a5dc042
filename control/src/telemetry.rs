//! Logs and metrics of this process.

mod process;

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing::Level;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::{Filter, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::config::LogFormat;

/// Seconds, from a cached read to a request that somebody gives up on.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// A busy server records some thousand times a second; a few seconds of them are nothing to keep.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// What is logged when nobody says: our own lines, and only trouble from libraries.
pub const FILTER_DEFAULT: &str = "warn,plenum_control=info,plenum=info";

/// Libraries that below this level write down what passes through them: tokens, names, messages. No filter opens them.
const DISCREET: [&str; 2] = ["hyper", "sqlx"];

/// Whether a text is a filter that [`log`] understands.
pub fn is_filter(text: &str) -> bool {
    EnvFilter::try_new(text).is_ok()
}

/// Starts logging to standard error. A second call changes nothing.
pub fn log(filter: &str, format: LogFormat) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new(FILTER_DEFAULT));
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    // An error only says that logging is set up already, which happens in tests.
    let _ = tracing_subscriber::registry().with(lines.with_filter(discreet(filter))).try_init();
}

/// What a filter lets through, without what nobody may read. Not a line of the filter: a more exact one would win.
fn discreet<S>(filter: EnvFilter) -> impl Filter<S> {
    filter.and(filter_fn(|about| {
        *about.level() <= Level::INFO || !DISCREET.iter().any(|library| about.target().starts_with(library))
    }))
}

/// All metrics as they are now, in the Prometheus text format.
pub fn page() -> String {
    metrics().render() + &process::render()
}

/// From here on is counted. A second call changes nothing.
pub fn start_metrics() {
    metrics();
}

/// The metrics of this process; the first call installs the recorder.
fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let builder = PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)
                .expect("there are buckets");
            let handle = builder.install_recorder().expect("this is the only recorder of the process");
            describe();
            handle
        })
        .clone()
}

/// Folds recorded times into buckets now and then, so that they do not pile up when nobody asks for the metrics.
pub async fn upkeep() {
    let metrics = metrics();
    let mut ticks = tokio::time::interval(UPKEEP_EVERY);
    loop {
        ticks.tick().await;
        metrics.run_upkeep();
    }
}

fn describe() {
    metrics::describe_counter!(
        "plenum_http_requests_total",
        "Requests answered, by route, method and status"
    );
    metrics::describe_histogram!(
        "plenum_http_request_seconds",
        "Time to answer a request, by route and method"
    );
    metrics::describe_histogram!("plenum_db_query_seconds", "Time a use of the database took, by use");
    metrics::describe_counter!("plenum_login_total", "Login attempts, by result");
    metrics::describe_counter!("plenum_join_attempts_total", "Attempts to join a meeting, by result");
    metrics::describe_counter!("plenum_rate_limited_total", "Requests refused for being too many, by action");
    metrics::describe_counter!("plenum_audit_lost_total", "Audit lines that could not be written");
    metrics::describe_counter!("plenum_http_panics_total", "Requests that ended in a bug of ours");
    // There before they count: a rate needs the zero it starts from.
    metrics::counter!("plenum_audit_lost_total").absolute(0);
    metrics::counter!("plenum_http_panics_total").absolute(0);
    describe_meetings();
    describe_fleet();
    describe_jobs();
    expect_results();
    metrics::describe_gauge!("plenum_build_info", "Always 1; the version is a label");
    metrics::gauge!("plenum_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

/// Figures without labels are there from the start, so that a graph shows nothing happening instead of nothing.
fn describe_meetings() {
    metrics::describe_gauge!("plenum_live_meetings", "Meetings that somebody is in");
    metrics::describe_gauge!("plenum_participants", "Sessions inside meetings");
    metrics::describe_gauge!("plenum_sockets", "Open Socket.IO connections");
    metrics::describe_counter!(
        "plenum_sockets_cut_off_total",
        "Clients disconnected because they did not keep up"
    );
    metrics::describe_counter!(
        "plenum_facts_dropped_total",
        "Facts for statistics that found no room while the database was away"
    );
    metrics::counter!("plenum_facts_dropped_total").absolute(0);
    metrics::describe_counter!(
        "plenum_goodbyes_lost_total",
        "Leavings that found no room while the database was away; the next start closes those sessions"
    );
    metrics::counter!("plenum_goodbyes_lost_total").absolute(0);
    metrics::describe_counter!(
        "plenum_db_unavailable_total",
        "Requests refused because of the database, by reason"
    );
    metrics::describe_counter!("plenum_events_in_total", "Events clients sent, by event");
    metrics::describe_histogram!(
        "plenum_event_seconds",
        "Time from an event of a client to its answer, waiting included, by event"
    );
    metrics::describe_counter!(
        "plenum_events_missed_total",
        "Events that connections did not take, because they are too far behind or gone"
    );
    metrics::counter!("plenum_events_missed_total").increment(0);
    metrics::describe_counter!("plenum_sockets_resumed_total", "Clients that came back and missed nothing");
    metrics::counter!("plenum_sockets_resumed_total").increment(0);
    metrics::describe_counter!("plenum_events_out_total", "Events written to clients, by event");
    metrics::describe_counter!(
        "plenum_events_refused_total",
        "Events of clients that were refused, by event and reason"
    );
    metrics::describe_counter!("plenum_webhook_deliveries_total", "Messages to webhooks, by result of a try");
    metrics::describe_histogram!("plenum_webhook_seconds", "Time one try to tell a webhook took");
    metrics::describe_counter!("plenum_mails_total", "Mails, by result of a try");
    metrics::describe_gauge!("plenum_webhook_waiting", "Messages to webhooks that wait");
    metrics::gauge!("plenum_webhook_waiting").increment(0.0);
    for name in ["plenum_live_meetings", "plenum_participants", "plenum_sockets"] {
        metrics::gauge!(name).increment(0.0);
    }
    metrics::counter!("plenum_sockets_cut_off_total").increment(0);
}

fn describe_fleet() {
    metrics::describe_gauge!("plenum_nodes_up", "Media nodes that are registered");
    metrics::describe_gauge!("plenum_node_cpu", "Mean processor share of a node's workers, 0 to 1, by node");
    metrics::describe_gauge!("plenum_node_rooms", "Rooms on a node");
    metrics::describe_gauge!("plenum_node_transports", "Transports on a node");
    metrics::describe_gauge!("plenum_node_producers", "Published tracks on a node");
    metrics::describe_gauge!("plenum_node_consumers", "Subscriptions on a node");
    metrics::describe_gauge!("plenum_node_received_bytes_per_second", "Media a node receives");
    metrics::describe_gauge!("plenum_node_sent_bytes_per_second", "Media a node sends");
    metrics::describe_histogram!("plenum_command_seconds", "Time a media node took to answer, by command");
    metrics::describe_counter!(
        "plenum_command_failures_total",
        "Commands media nodes did not do, by command and reason"
    );
    metrics::describe_counter!("plenum_sfu_restarts_total", "Starts of our own media node after it ended");
    metrics::gauge!("plenum_nodes_up").increment(0.0);
    metrics::counter!("plenum_sfu_restarts_total").increment(0);
}

fn describe_jobs() {
    metrics::describe_gauge!("plenum_job_interval_seconds", "How often periodic work is done, by task");
    metrics::describe_histogram!("plenum_job_seconds", "Time periodic work took once, by task");
    metrics::describe_counter!("plenum_job_failures_total", "Times periodic work was in vain, by task");
    metrics::describe_gauge!(
        "plenum_job_last_success_timestamp_seconds",
        "When periodic work was last done, or the process started, by task"
    );
}

/// Small closed sets of labels are there before they count: the first one ever would otherwise be no increase.
fn expect_results() {
    for result in ["granted", "refused"] {
        metrics::counter!("plenum_login_total", "result" => result).increment(0);
    }
    for reason in ["gone", "busy", "disk"] {
        metrics::counter!("plenum_db_unavailable_total", "reason" => reason).increment(0);
    }
    for result in ["sent", "put_off", "failed"] {
        metrics::counter!("plenum_mails_total", "result" => result).increment(0);
    }
    for result in ["delivered", "put_off", "dead"] {
        metrics::counter!("plenum_webhook_deliveries_total", "result" => result).increment(0);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("nobody panics").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn no_filter_opens_the_libraries_that_write_down_tokens() {
        let lines = Lines::default();
        let written = lines.clone();
        let filter = EnvFilter::new("trace,hyper::proto=trace,sqlx::query=debug");
        let layer = fmt::layer().with_writer(move || written.clone()).with_filter(discreet(filter));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::debug!(target: "hyper::proto", "secret");
            tracing::debug!(target: "sqlx::query", "secret");
            tracing::trace!(target: "plenum_control", "ours");
        });
        let lines = String::from_utf8(lines.0.lock().expect("nobody panics").clone()).expect("text");
        assert!(lines.contains("ours") && !lines.contains("secret"), "{lines}");
    }
}
