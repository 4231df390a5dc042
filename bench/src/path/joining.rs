//! How long it takes to be in a meeting of the whole product: real bots that come and go.

use super::{Found, PathError, Settings};
use crate::{http, table::Figure};
use plenum_loadtest::{
    report::Report,
    scenario::{MediaSettings, ProductSettings, RunSettings, Scenario, VenueSettings, run},
};
use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::process::{Child, Command};

const START_DEADLINE: Duration = Duration::from_secs(30);
/// Two publish while others come, watch and go: some eighty joins.
const PEOPLE: usize = 2;
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
            let detail = format!(
                "{} joins of bots through the product, from the connected Socket.IO to the first packets of a picture, \
                 which leave whole; no decoder",
                joins.count
            );
            // Whoever asks for what somebody published who has just left is refused, and has joined all the same.
            if (joins.count as f64) < JOINS_PER_SECOND * TIME.as_secs_f64() {
                let reason = format!("only {} joins; {:?}", joins.count, report.problems);
                return figures.iter().for_each(|it| found.table.not_measured(*it, reason.clone()));
            }
            found.table.measured(Figure::JoinMedian, joins.p50_ms, detail.clone());
            found.table.measured(Figure::JoinP99, joins.p99_ms, detail);
        }
    }
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
    let report = run(&settings).await?;
    product.stop().await?;
    Ok(report)
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
        self.process.wait().await?;
        Ok(())
    }
}
