//! Real PostgreSQL servers for tests: one that all tests of a run share, and servers of one's own to be stopped and
//! started.
//!
//! The shared one is started by whoever comes first and watched by a small process of its own, which stops it and
//! removes its data when no test has held it for a while, however those tests ended.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test fail by panicking")]

use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use nix::unistd::{Uid, User};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// How long a server may take to come up or to stop on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Durable against everything but the machine itself, which no test switches off.
const SETTINGS: [&str; 5] =
    ["fsync=off", "full_page_writes=off", "shared_buffers=64MB", "max_connections=400", "listen_addresses="];

/// $1: directory, then the server's command. Stops the server and removes its data once nobody has held `users` for ten
/// looks in a row; what happens under the lock, a test that wants to use the server waits for.
const WATCH: &str = r#"
dir=$1; shift
"$@" >"$dir/log" 2>&1 & server=$!
idle=0
while kill -0 "$server" 2>/dev/null; do
  sleep 1
  if flock --exclusive --nonblock "$dir/users" true; then idle=$((idle + 1)); else idle=0; fi
  [ "$idle" -lt 10 ] && continue
  exec 9<"$dir/users"
  flock --exclusive --nonblock 9 || continue
  kill -INT "$server"; wait "$server"
  rm -rf "$dir/data"
  exit
done
"#;

/// A migrated database of its own on the shared server. Dropped with this.
pub struct Database {
    pub url: String,
    server: PathBuf,
    name: String,
}

impl Database {
    pub async fn new() -> Self {
        let server = shared();
        let template = template(&server).await;
        let name = format!("test_{}", uuid::Uuid::new_v4().simple());
        admin(&server, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        Self { url: url(&server, &name), server, name }
    }
}

/// A database for a test of the whole, where the run asks for one: `PLENUM_TEST_DATABASE=postgres`.
pub async fn chosen() -> Option<Database> {
    match std::env::var("PLENUM_TEST_DATABASE").ok().as_deref() {
        None | Some("" | "sqlite") => None,
        Some("postgres") => Some(Database::new().await),
        Some(other) => panic!("PLENUM_TEST_DATABASE={other}: sqlite or postgres"),
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // A test's runtime cannot wait inside a drop; another thread's can.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(admin(&server, format!("DROP DATABASE {name} WITH (FORCE)")));
        });
        assert!(dropping.join().is_ok() || std::thread::panicking(), "the database could not be dropped");
    }
}

/// A server of its own, to be stopped and started. It dies with the thread that started it.
pub struct Server {
    directory: tempfile::TempDir,
    process: Option<Child>,
}

impl Server {
    pub fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        hand_over(directory.path());
        initialise(directory.path());
        let mut server = Self { directory, process: None };
        server.start_again();
        server
    }

    pub fn start_again(&mut self) {
        let mut command = unprivileged(&["setpriv", "--pdeathsig", "KILL"]);
        let (out, err) = (Stdio::null(), Stdio::null());
        let process = command.args(server_command(self.directory.path())).stdout(out).stderr(err).spawn();
        self.process = Some(process.expect("postgres starts"));
        wait_for(self.directory.path());
    }

    /// As an administrator would: connections are cut, nothing committed is lost.
    pub fn stop(&mut self) {
        self.signal(nix::sys::signal::Signal::SIGINT);
    }

    /// As a power cut of the database's machine would: no goodbye, the log is replayed at the next start.
    pub fn crash(&mut self) {
        self.signal(nix::sys::signal::Signal::SIGQUIT);
    }

    fn signal(&mut self, signal: nix::sys::signal::Signal) {
        let Some(mut process) = self.process.take() else { return };
        let id = nix::unistd::Pid::from_raw(i32::try_from(process.id()).unwrap());
        nix::sys::signal::kill(id, signal).unwrap();
        process.wait().unwrap();
    }

    /// The database that every cluster has; empty until somebody migrates it.
    pub fn url(&self) -> String {
        url(self.directory.path(), "postgres")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.crash();
    }
}

/// The directory of the shared server, which runs for at least as long as this process.
fn shared() -> PathBuf {
    static USED: OnceLock<(PathBuf, File)> = OnceLock::new();
    let (directory, _) = USED.get_or_init(|| {
        let directory = shared_directory();
        fs::create_dir_all(&directory).unwrap();
        hand_over(&directory);
        let starting = lockable(&directory.join("starting"));
        starting.lock().unwrap();
        let users = lockable(&directory.join("users"));
        users.lock_shared().unwrap();
        if !answers(&directory) {
            start_shared(&directory);
        }
        (directory, users)
    });
    directory.clone()
}

/// One server per checkout and user. Not below `target/`: an unprivileged user may not be able to go there, and the
/// path of a Unix socket is short.
fn shared_directory() -> PathBuf {
    let mut hasher = DefaultHasher::new();
    env!("CARGO_MANIFEST_DIR").hash(&mut hasher);
    std::env::temp_dir().join(format!("plenum-pg-{}-{:x}", Uid::current(), hasher.finish()))
}

fn lockable(path: &Path) -> File {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
    file
}

#[expect(
    clippy::zombie_processes,
    reason = "the watcher outlives the test, which is not going to wait for it"
)]
fn start_shared(directory: &Path) {
    // What a server that was killed left behind.
    let _ = fs::remove_dir_all(directory.join("data"));
    initialise(directory);
    let mut command = unprivileged(&["setsid", "sh", "-c", WATCH, "watch"]);
    command.arg(directory).args(server_command(directory));
    let watcher = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    watcher.expect("setsid and sh start");
    wait_for(directory);
}

/// The database that others are copied from: migrated once, and again after a migration changed.
async fn template(server: &Path) -> String {
    let mut hasher = DefaultHasher::new();
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/postgres");
    let mut paths: Vec<_> = fs::read_dir(migrations).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        fs::read(path).unwrap().hash(&mut hasher);
    }
    let name = format!("template_{:x}", hasher.finish());
    let lock = lockable(&server.join("template"));
    lock.lock().unwrap();
    let mut connection = connect(server, "postgres").await.unwrap();
    let known = sqlx::query("SELECT 1 FROM pg_database WHERE datname = $1").bind(&name);
    if known.fetch_optional(&mut connection).await.unwrap().is_none() {
        // Under another name until it is whole.
        admin(server, "DROP DATABASE IF EXISTS half WITH (FORCE)".to_owned()).await;
        admin(server, "CREATE DATABASE half".to_owned()).await;
        let store = plenum_control::store::Store::open(&url(server, "half")).await.expect("migrates");
        store.close().await;
        admin(server, format!("ALTER DATABASE half RENAME TO {name}")).await;
    }
    name
}

fn url(directory: &Path, database: &str) -> String {
    format!("postgres://plenum@localhost/{database}?host={}", directory.display())
}

async fn connect(directory: &Path, database: &str) -> Result<PgConnection, sqlx::Error> {
    PgConnection::connect(&url(directory, database)).await
}

async fn admin(directory: &Path, statement: String) {
    let mut connection = connect(directory, "postgres").await.unwrap();
    sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

fn answers(directory: &Path) -> bool {
    let socket = directory.join(".s.PGSQL.5432");
    std::os::unix::net::UnixStream::connect(socket).is_ok() && {
        let ready = program("pg_isready").map(|path| {
            Command::new(path)
                .arg("-q")
                .arg("-h")
                .arg(directory)
                .status()
                .is_ok_and(|status| status.success())
        });
        ready.unwrap_or(true)
    }
}

fn wait_for(directory: &Path) {
    let began = Instant::now();
    while !answers(directory) {
        let log = || fs::read_to_string(directory.join("log")).unwrap_or_default();
        assert!(began.elapsed() < PATIENCE, "PostgreSQL does not come up: {}", log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn initialise(directory: &Path) {
    let mut command = unprivileged(&[]);
    command.arg(needed("initdb")).arg("--pgdata").arg(directory.join("data"));
    command.args(["--username=plenum", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
    let output = command.current_dir("/").output().expect("initdb runs");
    assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
}

fn server_command(directory: &Path) -> Vec<String> {
    let text = |path: PathBuf| path.to_str().unwrap().to_owned();
    let mut command = vec![text(needed("postgres")), "-D".to_owned(), text(directory.join("data"))];
    let socket = format!("unix_socket_directories={}", directory.display());
    for setting in SETTINGS.iter().copied().chain([socket.as_str()]) {
        command.extend(["-c".to_owned(), setting.to_owned()]);
    }
    command
}

/// PostgreSQL refuses to run as root; there, everything about it is done as this user.
fn servant() -> Option<User> {
    Uid::current().is_root().then(|| {
        let known = ["postgres", "nobody"].into_iter().find_map(|name| User::from_name(name).ok().flatten());
        known.expect("a user called postgres or nobody")
    })
}

/// The directory belongs to who runs the server, and nobody else looks in.
fn hand_over(directory: &Path) {
    if let Some(user) = servant() {
        chown(directory, Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
    }
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).unwrap();
}

/// A command line that goes on with `words` and runs as [`servant`].
fn unprivileged(words: &[&str]) -> Command {
    let mut line: Vec<String> = Vec::new();
    if let Some(user) = servant() {
        line = ["setpriv", "--clear-groups", "--reuid", &user.name, "--regid", &user.gid.to_string()]
            .map(str::to_owned)
            .to_vec();
    }
    line.extend(words.iter().map(|&word| word.to_owned()));
    if line.is_empty() {
        line.push("env".to_owned());
    }
    let mut command = Command::new(&line[0]);
    command.args(&line[1..]).current_dir("/");
    command
}

fn needed(name: &str) -> PathBuf {
    program(name).unwrap_or_else(|| {
        panic!(
            "there is no `{name}`: these tests run on a real PostgreSQL. `.ci/setup test` installs it, or \
             `apt-get install postgresql` (looked in PATH and /usr/lib/postgresql/*/bin)"
        )
    })
}

/// In PATH, or where Debian keeps the newest.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<_> = std::env::split_paths(&path).collect();
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).collect())
        .unwrap_or_default();
    versions.sort_by_key(|path| {
        let version = path.parent().and_then(|path| path.file_name()?.to_str()?.parse::<u32>().ok());
        std::cmp::Reverse(version)
    });
    places.extend(versions);
    places.into_iter().map(|place| place.join(name)).find(|path| path.is_file())
}
