//! How long it takes to be in a meeting of the whole product: real bots that come and go.

use super::{Found, PathError, Settings};
use crate::{http, table::Figure};
use plenum_loadtest::{
    report::{Report, Spread},
    scenario::{MediaSettings, ProductSettings, RunSettings, Scenario, VenueSettings, run},
};
use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::process::{Child, Command};

const START_DEADLINE: Duration = Duration::from_secs(30);
/// Meetings are closed and the media node drains.
const STOP_DEADLINE: Duration = Duration::from_secs(30);
/// One publishes while others come, watch and go. It finds nobody's picture, so all joins to one are visitors'.
const PEOPLE: usize = 1;
const JOINS_PER_SECOND: f64 = 8.0;
const STAY: Duration = Duration::from_millis(1500);
const TIME: Duration = Duration::from_secs(10);

pub(super) async fn measure(settings: &Settings, say: &dyn Fn(&str), found: &mut Found) {
    let figures = [Figure::JoinMedian, Figure::JoinP99];
    match report(settings).await {
        Err(error) => found.failed(&figures, &error),
        Ok(report) => {
            let joins = report.join.first_video;
            say(&format!(
                "joining: {:.0} ms, p99 {:.0} ms of {} joins",
                joins.p50_ms, joins.p99_ms, joins.count
            ));
            judge(joins, report.problems.first(), found);
        }
    }
}

/// Whoever asks for what somebody published who has just left is refused, and has joined all the same.
fn judge(joins: Spread, problem: Option<&String>, found: &mut Found) {
    let expected = (JOINS_PER_SECOND * TIME.as_secs_f64()) as u64;
    let unseen = expected.saturating_sub(joins.count);
    let problem = problem.map(|it| format!("; {it}")).unwrap_or_default();
    if joins.count == 0 {
        let reason = format!("nobody of {expected} saw a picture{problem}");
        found.table.not_measured(Figure::JoinMedian, reason.clone());
        return found.table.not_measured(Figure::JoinP99, reason);
    }
    let detail = format!(
        "{} of {expected} joins of bots through the product, from the connected Socket.IO to the first packets of a picture, \
         which leave whole; no decoder",
        joins.count
    );
    // Whoever saw nothing was slower than all the others: they shift the median little as long as they are few.
    let doubt = |share_max: f64| {
        let is_too_many = unseen as f64 > share_max * expected as f64;
        is_too_many.then(|| format!("{unseen} of {expected} saw no picture while they were there{problem}"))
    };
    found.table.told(Figure::JoinMedian, joins.p50_ms, [doubt(0.05)], detail.clone());
    found.table.told(Figure::JoinP99, joins.p99_ms, [doubt(0.0)], detail);
}

async fn report(settings: &Settings) -> Result<Report, PathError> {
    let product = Product::start(settings).await?;
    let venue = VenueSettings::Product(ProductSettings {
        url: format!("http://{}", product.address),
        pids: product.process.id().into_iter().collect(),
        ..demo()?
    });
    let scenario = Scenario::Churn { per_second: JOINS_PER_SECOND, people: PEOPLE, stay: STAY };
    let media = MediaSettings { simulcast: false, video_bitrate_bps: 500_000, ..MediaSettings::default() };
    let settings = RunSettings { media, duration: TIME, ..RunSettings::new(venue, scenario) };
    let report = run(&settings).await;
    // Whatever came of it: a media node that is left behind would be there beside what is measured next.
    product.stop().await?;
    Ok(report?)
}

/// The accounts of the demo.
fn demo() -> Result<ProductSettings, PathError> {
    match VenueSettings::demo() {
        VenueSettings::Product(demo) => Ok(demo),
        _ => Err(PathError::Gone("the demo")),
    }
}

/// `plenum --demo` in a directory that goes away with it.
struct Product {
    process: Child,
    address: SocketAddr,
    _data: tempfile::TempDir,
}

impl Product {
    async fn start(settings: &Settings) -> Result<Self, PathError> {
        let program = settings.programs.join("plenum");
        let data = tempfile::tempdir()?;
        // Free a moment ago; the kernel does not hand the same port out again soon.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let process = Command::new(&program)
            .arg("--demo")
            .env("HOST", "127.0.0.1")
            .env("PORT", address.port().to_string())
            .env("DATA_DIR", data.path())
            .env("RATE_LIMITS", "off")
            .env("SFU_LISTEN", "127.0.0.1")
            .env("LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| PathError::Product(format!("{}: {error}", program.display())))?;
        let mut product = Self { process, address, _data: data };
        product.wait_until_ready().await?;
        Ok(product)
    }

    async fn wait_until_ready(&mut self) -> Result<(), PathError> {
        let deadline = Instant::now() + START_DEADLINE;
        while http::get(self.address, "/readyz").is_err() {
            if let Some(status) = self.process.try_wait()? {
                return Err(PathError::Product(format!("it ended: {status}")));
            }
            if Instant::now() > deadline {
                return Err(PathError::Product(format!("not ready after {START_DEADLINE:?}")));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// It stops its media node too.
    async fn stop(mut self) -> Result<(), PathError> {
        if let Some(pid) = self.process.id().and_then(|pid| i32::try_from(pid).ok()) {
            let pid = nix::unistd::Pid::from_raw(pid);
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).map_err(std::io::Error::from)?;
        }
        let ended = tokio::time::timeout(STOP_DEADLINE, self.process.wait()).await;
        ended.map_err(|_| PathError::Product(format!("it did not end within {STOP_DEADLINE:?}")))??;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_never_saw_a_picture_is_not_left_out() {
        let judged = |count| {
            let mut found = Found::default();
            judge(Spread { count, p50_ms: 90.0, p99_ms: 200.0, ..Spread::default() }, None, &mut found);
            [Figure::JoinMedian, Figure::JoinP99].map(|figure| found.table.holds(figure))
        };
        assert_eq!(judged(80), [true, true]);
        assert_eq!(judged(79), [true, false], "the slowest of eighty is their p99");
        assert_eq!((judged(70), judged(0)), ([false, false], [false, false]));
    }
}
