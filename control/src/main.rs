//! The `plenum` command: the control plane, the web client, and the media node it keeps running.

mod command;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use plenum_control::app::{self, App, Parts};
use plenum_control::config::Config;
use plenum_control::telemetry;
use tokio::signal::unix::{SignalKind, signal};

use command::{Command, Plenum, User};

/// A setting, a file or an argument is wrong: nothing that trying again would heal.
const EXIT_SETTING: u8 = 2;
/// RFC 7518 asks for as many bytes as the hash has (64); half of it is still out of reach of guessing.
const JWT_SECRET_BYTES_WISE: usize = 32;

fn main() -> ExitCode {
    // Whatever is written from here on holds secrets or people's data, and is for this user alone.
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    let plenum = Plenum::parse();
    let config = match Config::from_env() {
        Ok(config) => config,
        Err(error) => return refuse(&error.to_string()),
    };
    telemetry::log(&config.log, config.log_format);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&format!("cannot start: {error}")),
    };
    let outcome = runtime.block_on(async {
        match plenum.command {
            None => run(&config, plenum.demo, !plenum.no_sfu).await,
            Some(Command::NodeCert { out }) => command::node_cert(&config, &out),
            Some(Command::User { command: User::Add(add) }) => command::add_user(&config, add).await,
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => refuse(&problem),
    }
}

fn refuse(problem: &str) -> ExitCode {
    // One line, on the terminal as much as in a log, whatever the log filter says.
    let _ = writeln!(std::io::stderr(), "plenum: {problem}");
    ExitCode::from(EXIT_SETTING)
}

async fn run(config: &Config, demo: bool, supervise: bool) -> Result<(), String> {
    for name in &config.ignored {
        tracing::warn!(name, "this setting is accepted and does nothing here");
    }
    if config.jwt_secret.as_ref().is_some_and(|secret| secret.expose().len() < JWT_SECRET_BYTES_WISE) {
        tracing::warn!(
            "JWT_SECRET is shorter than {JWT_SECRET_BYTES_WISE} bytes; short secrets can be guessed"
        );
    }
    // Before anything is started that a signal would have to stop.
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    let listeners = app::bind(config).await.map_err(|error| error.to_string())?;
    let address = app::address(&listeners);
    let app = App::build(config, Parts { demo, supervise, ..Parts::default() })
        .await
        .map_err(|error| error.to_string())?;
    let nobody = !app.store.has_accounts().await.map_err(|error| error.to_string())?;
    greet(&app, address, nobody);
    let serving = app.serve(listeners);
    tokio::pin!(serving);
    tokio::select! {
        () = &mut serving => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    if !app.shutdown(serving).await {
        tracing::warn!("stopped before everything was finished");
    }
    Ok(())
}

fn greet(app: &App, address: Option<std::net::SocketAddr>, nobody: bool) {
    let mut out = std::io::stdout().lock();
    if let Some(address) = address {
        let host =
            if address.ip().is_unspecified() { "localhost".to_owned() } else { address.ip().to_string() };
        let _ = writeln!(out, "Plenum is at http://{host}:{}", address.port());
    }
    if app.demo_accounts {
        let _ = write!(out, "{}", app::demo_lines());
    }
    if nobody {
        let _ = writeln!(
            out,
            "There is no account yet. Make the first: plenum user add --email YOU --type admin"
        );
    }
    let _ = out.flush();
}
