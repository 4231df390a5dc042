//! `plenum-loadtest`: the command line around the scenarios. Exits 1 when a run is bad, 2 when there was none.

mod cli;

use clap::Parser;
use cli::{Cli, Command, MediaRun};
use plenum_loadtest::{
    report::{knee_page, run_page},
    scenario::{ScenarioError, events, find_knee, run, signalling},
};
use serde::Serialize;
use std::{fmt::Display, io::Write, path::Path, process::ExitCode};
use thiserror::Error;

/// Why there is nothing to judge.
#[derive(Debug, Error)]
enum MainError {
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    #[error("{path}: {error}")]
    Page { path: String, error: std::io::Error },
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt().with_env_filter(&cli.log).with_writer(std::io::stderr).init();
    match execute(cli).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            // Standard error may be closed; the exit code says it too.
            let _ = writeln!(std::io::stderr(), "plenum-loadtest: {error}");
            ExitCode::from(2)
        }
    }
}

async fn execute(cli: Cli) -> Result<bool, MainError> {
    let json = cli.json;
    match cli.command.run() {
        Command::Events(settings) => {
            let report = events(&settings).await?;
            print(&report, json);
            Ok(report.is_good())
        }
        Command::Signalling(settings) => {
            let report = signalling(&settings).await?;
            print(&report, json);
            Ok(report.is_good())
        }
        Command::Media(media) => in_a_scenario(&media, json).await,
    }
}

/// Says first what a node is to be started with that somebody else starts.
async fn in_a_scenario(media: &MediaRun, json: bool) -> Result<bool, MainError> {
    for (name, value) in &media.node_environment {
        let _ = writeln!(std::io::stderr(), "{name}={value}");
    }
    if let Some(search) = &media.knee {
        let knee = find_knee(&media.settings, search).await?;
        write_page(media.page.as_deref(), || knee_page(&knee))?;
        print(&knee, json);
        return Ok(knee.is_good());
    }
    let report = run(&media.settings).await?;
    write_page(media.page.as_deref(), || run_page(&report))?;
    print(&report, json);
    Ok(report.is_good())
}

fn write_page(path: Option<&Path>, page: impl Fn() -> String) -> Result<(), MainError> {
    let Some(path) = path else { return Ok(()) };
    std::fs::write(path, page()).map_err(|error| MainError::Page { path: path.display().to_string(), error })
}

fn print(report: &(impl Display + Serialize), as_json: bool) {
    let text = if as_json {
        serde_json::to_string_pretty(report).unwrap_or_else(|error| error.to_string())
    } else {
        report.to_string()
    };
    // A reader that went away has seen enough.
    let _ = writeln!(std::io::stdout(), "{text}");
}
