//! The process: exit codes, messages, lock file, health pages and signals.

use crate::{
    PATIENCE,
    control::{Control, Pki},
    eventually,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use plenum_shared::{command::Reply, command::RoomCommand, id::RoomId};
use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    process::{Child, Command, ExitStatus, Output, Stdio},
};

/// The program with the settings of a small node, and nothing of our own environment.
fn program(control: SocketAddr, pki: &Pki) -> Command {
    let files = pki.files();
    let mut command = Command::new(env!("CARGO_BIN_EXE_plenum-sfu"));
    command
        .env_clear()
        .env("SFU_CONTROL", control.to_string())
        .env("SFU_LINK_CA", files.authority)
        .env("SFU_LINK_CERT", files.certificate)
        .env("SFU_LINK_KEY", files.key)
        .env("SFU_LISTEN", "127.0.0.1")
        .env("SFU_WORKERS", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn nowhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 9))
}

/// A running node; killed when the test ends early.
struct Process(Child);

impl Process {
    fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id() as i32), signal).unwrap();
    }

    fn wait(&mut self) -> ExitStatus {
        eventually("the process ends", || self.0.try_wait().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn refused(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let message = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(2), "{message}");
    assert_eq!(stdout, b"");
    assert_eq!(message.trim_end().lines().count(), 1, "one line: {message}");
    message.trim_end().to_owned()
}

#[test]
fn a_wrong_setting_ends_with_code_2_and_one_line_that_names_it() {
    let pki = Pki::new();
    let missing = pki.directory.path().join("missing.pem");
    let not_pem = pki.directory.path().join("not.pem");
    fs::write(&not_pem, "hello").unwrap();
    let table: [(&str, &str, &str); 9] = [
        ("SFU_CONTROL", "nowhere", "`nowhere` is not host:port"),
        ("SFU_WORKERS", "many", "`many` is not a number"),
        ("SFU_LISTEN", "eth0", "`eth0` is not an IP address"),
        ("SFU_HTTP", "80", "`80` is not an address with a port"),
        ("SFU_ORPHAN_TIMEOUT_S", "soon", "`soon` is not seconds"),
        ("LOG_FORMAT", "yaml", "`yaml` is neither text nor json"),
        ("SFU_LINK_CA", missing.to_str().unwrap(), "missing.pem"),
        ("SFU_LINK_CERT", not_pem.to_str().unwrap(), "not.pem"),
        ("SFU_LINK_KEY", not_pem.to_str().unwrap(), "not.pem"),
    ];
    for (setting, value, reason) in table {
        let message = refused(program(nowhere(), &pki).env(setting, value));
        assert!(message.starts_with(&format!("plenum-sfu: {setting}: ")), "{message}");
        assert!(message.contains(reason), "{message}");
    }
    let message = refused(program(nowhere(), &pki).env_remove("SFU_CONTROL"));
    assert_eq!(message, "plenum-sfu: SFU_CONTROL: is needed");
}

#[test]
fn a_taken_port_ends_with_code_2_and_its_address() {
    let pki = Pki::new();
    let http = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = http.local_addr().unwrap().to_string();
    let message = refused(program(nowhere(), &pki).env("SFU_HTTP", &address));
    assert!(message.contains(&address) && message.contains("SFU_HTTP"), "{message}");

    let media = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = media.local_addr().unwrap();
    let message = refused(program(nowhere(), &pki).env("SFU_MEDIA_PORT", address.port().to_string()));
    assert!(message.contains(&address.to_string()) && message.contains("SFU_MEDIA_PORT"), "{message}");
}

#[test]
fn version_and_help_are_no_errors() {
    for flag in ["--version", "--help"] {
        let output = Command::new(env!("CARGO_BIN_EXE_plenum-sfu")).arg(flag).output().unwrap();
        assert!(output.status.success());
        assert!(String::from_utf8(output.stdout).unwrap().contains("plenum-sfu"));
    }
}

#[test]
fn one_node_at_a_time_holds_the_lock_file() {
    let pki = Pki::new();
    let lock_file = pki.directory.path().join("sfu.lock");
    let mut first = Process::start(program(nowhere(), &pki).env("SFU_LOCK_FILE", &lock_file));
    let pid = first.0.id().to_string();
    eventually("the lock file holds the pid", || {
        fs::read_to_string(&lock_file).ok().filter(|text| text.trim() == pid)
    });
    let message = refused(program(nowhere(), &pki).env("SFU_LOCK_FILE", &lock_file));
    assert!(message.contains("SFU_LOCK_FILE") && message.contains(&pid), "{message}");
    first.signal(Signal::SIGTERM);
    assert!(first.wait().success());
    let mut second = Process::start(program(nowhere(), &pki).env("SFU_LOCK_FILE", &lock_file));
    let pid = second.0.id().to_string();
    eventually("the lock is free again", || {
        fs::read_to_string(&lock_file).ok().filter(|text| text.trim() == pid)
    });
    second.signal(Signal::SIGINT);
    assert!(second.wait().success());
}

#[test]
fn a_node_without_control_ends_by_itself_with_code_0_and_a_line() {
    let pki = Pki::new();
    let mut node = Process::start(program(nowhere(), &pki).env("SFU_ORPHAN_TIMEOUT_S", "1"));
    assert!(node.wait().success());
    let mut log = String::new();
    node.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains("no control for too long"), "{log}");
}

#[tokio::test]
async fn health_pages_tell_readiness_and_a_signal_ends_with_code_0() {
    let pki = Pki::new();
    let control = Control::listen(&pki);
    let node_id_file = pki.directory.path().join("node.id");
    let mut node = Process::start(
        program(control.address(), &pki).env("SFU_NODE_ID_FILE", &node_id_file).env("LOG_FORMAT", "json"),
    );
    let session = control.accept(1).await;
    let http: SocketAddr = session.hello.http_address.parse().unwrap();
    assert_eq!(fs::read_to_string(&node_id_file).unwrap().trim(), session.hello.node.to_string());
    assert_eq!(session.room(RoomId::random(), RoomCommand::Create).await, Ok(Reply::Done));

    let (ready, healthy, metrics, missing) = tokio::task::spawn_blocking(move || {
        let ready = eventually("ready", || Some(get(http, "/readyz")).filter(|(code, _)| *code == 200));
        let metrics = eventually("the room is counted", || {
            Some(get(http, "/metrics")).filter(|(_, page)| page.contains("plenum_sfu_rooms{worker=\"0\"} 1"))
        });
        (ready, get(http, "/healthz"), metrics, get(http, "/nothing"))
    })
    .await
    .unwrap();
    assert_eq!((ready.1.as_str(), healthy.0, healthy.1.as_str()), ("ready\n", 200, "ok\n"));
    assert_eq!((metrics.0, missing.0), (200, 404));

    control.vanish();
    tokio::task::spawn_blocking(move || {
        eventually("not ready without control", || {
            Some(get(http, "/readyz")).filter(|(code, _)| *code == 503)
        });
        assert_eq!(get(http, "/healthz").0, 200, "but healthy");
        node.signal(Signal::SIGTERM);
        assert!(node.wait().success());
        let mut log = String::new();
        node.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        for line in log.lines() {
            assert!(line.starts_with('{') && line.ends_with('}'), "JSON: {line}");
        }
    })
    .await
    .unwrap();
}

/// Status and body, by hand: a client library would hide what the server really sends.
fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}
