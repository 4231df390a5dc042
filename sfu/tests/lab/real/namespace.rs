//! Network namespaces of our own, with a TUN device each: whatever happens in them, the machine's own network is not touched.

use std::fs::{File, OpenOptions};
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sched::{CloneFlags, setns};

const TUN: &str = "/dev/net/tun";
const DEVICE: &str = "lab0";
/// What the device holds before it is read: never the reason of a loss.
const DEVICE_QUEUE: &str = "5000";

static MADE: AtomicU32 = AtomicU32::new(0);

/// Why there can be no namespaces on this machine, if so.
pub fn hindrance() -> Option<String> {
    if !nix::unistd::Uid::effective().is_root() {
        return Some("network namespaces need root".to_owned());
    }
    let missing = ["ip", "nsenter"].into_iter().find(|program| !has(program));
    let missing = missing.or_else(|| (!Path::new(TUN).exists()).then_some(TUN))?;
    Some(format!("there is no {missing}"))
}

/// Whether there is such a program.
pub fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).exists())
}

/// A namespace that is gone when this is.
pub struct Namespace {
    pub name: String,
}

impl Namespace {
    pub fn new(side: &str) -> Self {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let namespace = Namespace { name: format!("plenum-{side}-{}-{number}", std::process::id()) };
        run(&["netns", "add", &namespace.name]);
        run(&["-n", &namespace.name, "link", "set", "lo", "up"]);
        namespace
    }

    /// A program inside.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", self.name)).arg("--").arg(program);
        command
    }

    /// Does something inside. Sockets and devices stay where they were made; threads and processes where they began.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let namespace = File::open(format!("/run/netns/{}", self.name)).unwrap();
        let inside = move || {
            setns(namespace, CloneFlags::CLONE_NEWNET).expect("entering a namespace needs root");
            work()
        };
        // A thread enters the namespace and ends there.
        std::thread::scope(|scope| match scope.spawn(inside).join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    }

    /// A TUN device inside, with the way to everybody in 10.99.0.0/24.
    pub fn device(&self) -> File {
        let device = self.within(|| open_tun(DEVICE));
        run(&["-n", &self.name, "link", "set", DEVICE, "txqueuelen", DEVICE_QUEUE, "up"]);
        run(&["-n", &self.name, "route", "add", "10.99.0.0/24", "dev", DEVICE]);
        device
    }

    /// Somebody with this address is inside.
    pub fn address(&self, address: Ipv4Addr) {
        run(&["-n", &self.name, "addr", "add", &format!("{address}/32"), "dev", DEVICE]);
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
    }
}

fn run(arguments: &[&str]) {
    let status = Command::new("ip").args(arguments).status().expect("ip of iproute2");
    assert!(status.success(), "ip {}", arguments.join(" "));
}

#[repr(C)]
struct InterfaceRequest {
    name: [u8; libc::IFNAMSIZ],
    flags: libc::c_short,
    rest: [u8; 22],
}

fn open_tun(name: &str) -> File {
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(libc::O_NONBLOCK);
    let device = options.open(TUN).expect("the kernel has TUN devices");
    let flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    let mut request = InterfaceRequest { name: [0; libc::IFNAMSIZ], flags, rest: [0; 22] };
    request.name[..name.len()].copy_from_slice(name.as_bytes());
    #[allow(
        unsafe_code,
        reason = "the kernel makes TUN devices by ioctl, and reads a request of this layout"
    )]
    let made = unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF, &raw mut request) };
    assert_eq!(made, 0, "TUNSETIFF: {}", std::io::Error::last_os_error());
    device
}
