//! A real receiver of webhooks for a test, which checks signatures by code that is not ours.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// What configured endpoints sign with in tests.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// How long something may take to arrive on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A receiving process; it ends with this value.
pub struct Receiver {
    pub port: u16,
    folder: TempDir,
    child: Child,
    /// The process ends when this is closed.
    _stdin: ChildStdin,
}

impl Receiver {
    /// One that expects [`SECRET`].
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// With further arguments of `tests/webhook/receiver.py`.
    pub fn with(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a directory");
        std::fs::write(folder.path().join("secret"), SECRET).expect("written");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/webhook/receiver.py");
        let mut child = Command::new("python3")
            .arg(script)
            .arg(folder.path())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let stdin = child.stdin.take().expect("piped");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let port = line.trim().parse().expect("prints its port");
        Self { port, folder, child, _stdin: stdin }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// From now on it expects this secret.
    pub fn expect(&self, secret: &str) {
        self.write("secret", secret);
    }

    /// From now on it answers by these rules.
    pub fn rules(&self, rules: Value) {
        self.write("rules", &rules.to_string());
    }

    /// Answers that wait are given now.
    pub fn go(&self) {
        self.write("go", "");
    }

    fn write(&self, name: &str, text: &str) {
        // Whole or not at all: it is read at any moment.
        let part = self.folder.path().join(format!("{name}.part"));
        std::fs::write(&part, text).expect("written");
        std::fs::rename(part, self.folder.path().join(name)).expect("renamed");
    }

    /// Everything that came, in order.
    pub fn requests(&self) -> Vec<Request> {
        let path: PathBuf = self.folder.path().join("requests");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        // A line that is being written is not there yet.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| Request(serde_json::from_str(line).expect("JSON"))).collect()
    }

    /// Waits until so many requests came.
    pub async fn until(&self, requests: usize) {
        let began = Instant::now();
        while self.requests().len() < requests {
            assert!(began.elapsed() < PATIENCE, "{:?}", self.events());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What came as `event status`, in order.
    pub fn events(&self) -> Vec<String> {
        self.requests().iter().map(|one| format!("{} {}", one.said("event"), one.0["status"])).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request as the receiver wrote it down.
#[derive(Debug)]
pub struct Request(pub Value);

impl Request {
    /// A text of the payload.
    #[track_caller]
    pub fn said(&self, name: &str) -> &str {
        self.0["said"][name].as_str().expect(name)
    }

    /// A header.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.0["headers"][name].as_str().expect(name)
    }

    /// Whether both signatures are made with the secret that the receiver expects.
    pub fn is_signed(&self) -> bool {
        self.0["standard"] == true && self.0["old"] == true
    }
}
