//! `versus`: this media node beside mediasoup and Janus, one after the other in one sitting, under the same load.
//!
//! Every server forwards the same media to the same light members (`plenum_loadtest::light`), which know nothing of any
//! signalling; how each server is asked is in [`server`]. The others are not part of this repository: they are run as they
//! were installed.

mod janus;
mod load;
mod mediasoup;
mod plenum;
mod processes;
mod report;
mod round;
mod server;
mod settings;

use clap::Parser;
use report::Report;
use round::Sitting;
use settings::Settings;
use std::{io::Write, process::ExitCode};

fn main() -> ExitCode {
    let settings = Settings::parse();
    let finished = Sitting::prepare(&settings).and_then(|sitting| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let rounds = runtime.block_on(sitting.hold())?;
        Ok(Report::new(&settings, rounds))
    });
    let written = finished.and_then(|report| {
        if let Some(path) = &settings.json {
            std::fs::write(path, serde_json::to_string_pretty(&report).map_err(std::io::Error::other)?)?;
        }
        // A reader that went away has seen enough.
        let _ = writeln!(std::io::stdout(), "{report}");
        Ok(())
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "versus: {error}");
            ExitCode::FAILURE
        }
    }
}
