//! The command line.

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use plenum_control::app::{App, Parts};
use plenum_control::config::Config;
use plenum_control::domain::account::UserType;
use plenum_control::domain::id::CampusId;
use plenum_control::fleet::pki::Authority;
use plenum_control::service::accounts::NewAccount;

/// The settings most people touch; docs/operations.md has them all.
const SETTINGS: &str = "\
Settings come from the environment:
  PORT               where people reach it [default: 4501]
  HOST               the address to listen on [default: 0.0.0.0]
  DATA_DIR           database, keys and secrets [default: ./data]
  FRONTEND_URL       origins of pages on other servers that may call the API
  LINK_ADDRESS       where media nodes on other machines dial in
  RATE_LIMITS        on or off [default: on]
  LOG, LOG_FORMAT    what is logged, and as text or json";

/// An open, self-hosted meeting platform.
#[derive(Debug, Parser)]
#[command(name = "plenum", version, about, after_help = SETTINGS)]
pub struct Plenum {
    /// Create demo accounts if there is no account yet, and print them
    #[arg(long)]
    pub demo: bool,
    /// Start no media node; nodes elsewhere dial in at LINK_ADDRESS
    #[arg(long)]
    pub no_sfu: bool,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Manage accounts
    User {
        #[command(subcommand)]
        command: User,
    },
    /// Write what a media node on another machine needs to dial in: our authority, and a certificate with its key
    NodeCert {
        /// Directory to write ca.pem, node.pem and node.key into
        #[arg(long)]
        out: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum User {
    /// Add an account; the password comes from PLENUM_USER_PASSWORD, standard input or a prompt, never an argument
    Add(AddUser),
}

#[derive(Debug, Args)]
pub struct AddUser {
    /// The address to log in with
    #[arg(long)]
    email: String,
    /// The name others see; the address's first part if not given
    #[arg(long)]
    name: Option<String>,
    /// admin, campus_admin, teacher, staff or student
    #[arg(long = "type", default_value = "teacher", value_parser = user_type)]
    user_type: UserType,
    /// The campus the account belongs to
    #[arg(long, default_value = CampusId::DEFAULT)]
    campus: String,
}

fn user_type(word: &str) -> Result<UserType, String> {
    UserType::parse(word)
        .filter(|kind| *kind != UserType::Guest)
        .ok_or_else(|| "must be admin, campus_admin, teacher, staff or student".to_owned())
}

/// Adds an account to the database that the settings name; a server that is running on it sees the account at once.
pub async fn add_user(config: &Config, add: AddUser) -> Result<(), String> {
    let password = password()?;
    let name = add.name.unwrap_or_else(|| add.email.split('@').next().unwrap_or_default().to_owned());
    let new = NewAccount {
        name,
        email: add.email,
        password,
        user_type: add.user_type,
        campus: CampusId::new(add.campus),
        department: None,
        profile_picture: None,
    };
    let account = App::add_account(config, Parts::default(), new).await.map_err(|error| error.to_string())?;
    let _ = writeln!(
        std::io::stdout(),
        "added {} ({}, {})",
        account.email,
        account.user_type.as_str(),
        account.id
    );
    Ok(())
}

fn password() -> Result<String, String> {
    if let Ok(password) = std::env::var("PLENUM_USER_PASSWORD") {
        return Ok(password);
    }
    let input = std::io::stdin();
    if input.is_terminal() {
        return prompt();
    }
    let mut line = String::new();
    input.lock().read_line(&mut line).map_err(|error| format!("cannot read the password: {error}"))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Asks without showing what is typed.
fn prompt() -> Result<String, String> {
    use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
    let input = std::io::stdin();
    let failed = |error: &dyn std::fmt::Display| format!("cannot ask for the password: {error}");
    let before = tcgetattr(&input).map_err(|error| failed(&error))?;
    let mut silent = before.clone();
    silent.local_flags.remove(LocalFlags::ECHO);
    let _ = write!(std::io::stderr(), "Password: ");
    tcsetattr(&input, SetArg::TCSAFLUSH, &silent).map_err(|error| failed(&error))?;
    let mut line = String::new();
    let read = input.lock().read_line(&mut line);
    let restored = tcsetattr(&input, SetArg::TCSAFLUSH, &before);
    let _ = writeln!(std::io::stderr());
    read.map_err(|error| failed(&error))?;
    restored.map_err(|error| failed(&error))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Makes a certificate for a node elsewhere. The key exists nowhere but in the file that is written.
pub fn node_cert(config: &Config, out: &Path) -> Result<(), String> {
    let authority = Authority::open(&config.data_dir.join("pki")).map_err(|error| error.to_string())?;
    let files = authority.write_node_files(out).map_err(|error| error.to_string())?;
    let mut stdout = std::io::stdout().lock();
    for (name, path) in
        [("SFU_LINK_CA", files.authority), ("SFU_LINK_CERT", files.certificate), ("SFU_LINK_KEY", files.key)]
    {
        writeln!(stdout, "{name}={}", path.display()).map_err(|error| error.to_string())?;
    }
    Ok(())
}
