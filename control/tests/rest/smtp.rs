//! A real SMTP server for a test, and a look at what it was given through parsers that are not ours.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A server process; it ends with this value.
pub struct Server {
    pub port: u16,
    folder: TempDir,
    child: Child,
    /// The process ends when this is closed.
    _stdin: ChildStdin,
}

impl Server {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// With further arguments of `tests/smtp/server.py`.
    pub fn with(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a directory");
        let mut child = Command::new(python())
            .arg(script("server.py"))
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

    /// What `SMTP_URL` has to be.
    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// From now on recipients are answered with this line; `None` accepts them.
    pub fn say(&self, verdict: Option<&str>) {
        let path = self.folder.path().join("verdict");
        match verdict {
            Some(line) => std::fs::write(path, line).expect("written"),
            None => std::fs::remove_file(path).expect("removed"),
        }
    }

    /// What arrived, in order.
    pub fn mails(&self) -> Vec<Mail> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(self.folder.path())
            .expect("reads")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
            .collect();
        files.sort_by_key(|path| {
            path.file_stem().and_then(|stem| stem.to_str()?.parse::<u32>().ok()).expect("a number")
        });
        if files.is_empty() {
            return Vec::new();
        }
        let read = Command::new(python()).arg(script("read.py")).args(&files).output().expect("runs");
        assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
        let mails: Vec<Value> = serde_json::from_slice(&read.stdout).expect("JSON");
        mails.into_iter().map(Mail).collect()
    }

    /// The addresses of what arrived, sorted.
    pub fn readers(&self) -> Vec<String> {
        let mut readers: Vec<_> = self.mails().iter().map(|mail| mail.header("to").to_owned()).collect();
        readers.sort();
        readers
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A message as Python's own parser reads it.
#[derive(Debug)]
pub struct Mail(pub Value);

impl Mail {
    /// The one header of this name.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let all = self.0["headers"][name].as_array().expect(name);
        assert_eq!(all.len(), 1, "{name}");
        all[0].as_str().expect("a text")
    }

    /// The parts as type and method.
    pub fn parts(&self) -> Vec<(&str, &str)> {
        let parts = self.0["parts"].as_array().expect("a list");
        parts
            .iter()
            .map(|p| (p["type"].as_str().expect("a type"), p["method"].as_str().unwrap_or("")))
            .collect()
    }

    /// The content of a text part.
    pub fn text(&self, index: usize) -> &str {
        self.0["parts"][index]["content"].as_str().expect("a text")
    }

    /// A property of the calendar entry; null when it has none.
    pub fn event(&self, property: &str) -> &Value {
        &self.0["parts"][2]["calendar"]["event"]["properties"][property]
    }

    pub fn method(&self) -> &str {
        self.0["parts"][2]["calendar"]["method"].as_str().expect("a method")
    }
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/smtp").join(name)
}

/// The Python that has the packages: Debian's, or whatever comes first in the path.
fn python() -> &'static str {
    static FOUND: std::sync::OnceLock<&'static str> = std::sync::OnceLock::new();
    FOUND.get_or_init(|| {
        let able = |python: &&&str| {
            let probe = Command::new(**python).args(["-c", "import aiosmtpd, icalendar"]).output();
            probe.is_ok_and(|output| output.status.success())
        };
        let found = ["/usr/bin/python3", "python3"].iter().find(able);
        found.copied().expect("no Python with aiosmtpd and icalendar: run `.ci/setup test`")
    })
}
