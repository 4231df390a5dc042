//! In which mode a thread runs, its own code or the kernel's: samples taken by the thread's own clock.
//!
//! Ticks (`utime` and `stime` of `/proc`) come by the machine's clock. Work that is woken by that clock, too, has ended before
//! the next tick or is always met by it: they said 0 % and 100 % of threads that were doing the same. The event `cpu-clock`
//! counts the time that a thread runs, in however small pieces, and says every so often where it is.

use crate::thread_time::Thread;
use nix::libc;
use std::{
    fs, io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    ptr::{self, NonNull},
    slice,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Time of the thread between two samples, and no multiple of anything that it does regularly.
const PERIOD: Duration = Duration::from_micros(53);
/// Bytes for samples, eight for each: 1.7 s of a thread that never sleeps. With the page before them that is about half of what
/// anybody may lock (`perf_event_mlock_kb`).
const RING: usize = 256 * 1024;

/// `perf_event_attr` of its first version, which every later kernel takes.
#[derive(Default)]
#[repr(C)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    period: u64,
    sampled: u64,
    read: u64,
    flags: u64,
    wake_up: u32,
    breakpoint_kind: u32,
    breakpoint: u64,
}

const KIND_SOFTWARE: u32 = 1;
const CPU_CLOCK: u64 = 0;
const CLOSE_ON_EXEC: libc::c_ulong = 8;
/// Where the page before the samples says how many bytes of them there are.
const RING_HEAD: usize = 1024;

/// Samples are being taken.
pub struct Sampler {
    /// Samples are taken for as long as it is open.
    _event: OwnedFd,
    ring: NonNull<u8>,
    page: usize,
}

/// How often a thread was met in which mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modes {
    pub user: u64,
    pub kernel: u64,
}

impl Sampler {
    /// Begins with the thread as it is.
    ///
    /// # Errors
    /// A thread that has ended, or a system that does not let it be sampled; the error says why not.
    #[expect(unsafe_code, reason = "samples come by memory that the kernel shares")]
    pub fn start(thread: &Thread) -> io::Result<Self> {
        let event = open(thread).map_err(explained)?;
        // SAFETY: it only asks.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        let page = usize::try_from(page).map_err(io::Error::other)?;
        // A ring that may be written to is not overwritten: when it is full, later samples are left out.
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: new memory, at an address of the kernel's choice, which `drop` alone gives back.
        let ring = unsafe {
            libc::mmap(ptr::null_mut(), page + RING, access, libc::MAP_SHARED, event.as_raw_fd(), 0)
        };
        if ring == libc::MAP_FAILED {
            return Err(explained(io::Error::last_os_error()));
        }
        let ring = NonNull::new(ring.cast()).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self { _event: event, ring, page })
    }

    /// What was seen since the start.
    #[expect(unsafe_code, reason = "samples come by memory that the kernel shares")]
    pub fn modes(&self) -> Modes {
        // SAFETY: in the mapped page, aligned, and written by the kernel in one piece.
        let head = unsafe { AtomicU64::from_ptr(self.ring.as_ptr().add(RING_HEAD).cast()) };
        let len = head.load(Ordering::Acquire).min(RING as u64) as usize;
        // SAFETY: inside of what is mapped; what lies before the head is written once, because nobody says that it was read.
        let records = unsafe { slice::from_raw_parts(self.ring.as_ptr().add(self.page), len) };
        Modes::read(records)
    }
}

impl Drop for Sampler {
    #[expect(unsafe_code, reason = "as it was mapped")]
    fn drop(&mut self) {
        // SAFETY: mapped by `start` with this length, and nothing of it is lent.
        unsafe {
            libc::munmap(self.ring.as_ptr().cast(), self.page + RING);
        }
    }
}

#[expect(unsafe_code, reason = "neither the standard library nor nix has this call")]
fn open(thread: &Thread) -> io::Result<OwnedFd> {
    let attributes = Attributes {
        kind: KIND_SOFTWARE,
        size: size_of::<Attributes>() as u32,
        config: CPU_CLOCK,
        period: PERIOD.as_nanos() as u64,
        ..Attributes::default()
    };
    let thread = libc::pid_t::try_from(thread.id).map_err(io::Error::other)?;
    let (any_core, no_group): (libc::c_int, libc::c_int) = (-1, -1);
    let attributes = ptr::from_ref(&attributes);
    // SAFETY: the kernel reads as many bytes of the attributes as they say.
    let event = unsafe {
        libc::syscall(libc::SYS_perf_event_open, attributes, thread, any_core, no_group, CLOSE_ON_EXEC)
    };
    let event = i32::try_from(event).map_err(io::Error::other)?;
    if event < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a descriptor that the kernel has just made for us.
    Ok(unsafe { OwnedFd::from_raw_fd(event) })
}

/// Whoever may not sample is told what decides about it.
fn explained(error: io::Error) -> io::Error {
    let refused = error.kind() == io::ErrorKind::PermissionDenied;
    let level = fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").ok().filter(|_| refused);
    let level = level.map(|it| format!(" (kernel.perf_event_paranoid is {})", it.trim())).unwrap_or_default();
    io::Error::new(error.kind(), format!("perf_event_open: {error}{level}"))
}

impl Modes {
    /// Share of the samples that were in the kernel; nothing can be said of a thread that was never met.
    pub fn kernel_share(&self) -> Option<f64> {
        let all = self.user + self.kernel;
        (all > 0).then(|| self.kernel as f64 / all as f64)
    }

    /// Each record begins with its kind (4 bytes), its circumstances and its length (2 each).
    fn read(mut records: &[u8]) -> Self {
        const SAMPLE: u32 = 9;
        const MODE: u16 = 7;
        let mut modes = Self::default();
        while let Some(&[k0, k1, k2, k3, c0, c1, l0, l1]) = records.first_chunk() {
            if u32::from_ne_bytes([k0, k1, k2, k3]) == SAMPLE {
                match u16::from_ne_bytes([c0, c1]) & MODE {
                    1 => modes.kernel += 1,
                    2 => modes.user += 1,
                    _ => {}
                }
            }
            records = records.get(usize::from(u16::from_ne_bytes([l0, l1])).max(8)..).unwrap_or_default();
        }
        modes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::{
        time::{ClockId, clock_gettime},
        unistd::gettid,
    };
    use std::{hint::black_box, io::Read};

    /// What a thread is met in that does this for 30 ms of its time; `None` where nobody may look.
    fn sampled(mut work: impl FnMut()) -> Option<Modes> {
        let id = u32::try_from(gettid().as_raw()).expect("threads have numbers");
        let time = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock"));
        let sampler = match Sampler::start(&Thread { process: std::process::id(), id }) {
            Ok(sampler) => sampler,
            Err(error) => {
                assert!(error.to_string().starts_with("perf_event_open: "), "{error}");
                return None;
            }
        };
        let end = time() + Duration::from_millis(30);
        while time() < end {
            work();
        }
        Some(sampler.modes())
    }

    #[test]
    fn own_work_and_the_kernels_are_told_apart() {
        let counting = sampled(|| {
            black_box((0..100_000_u64).fold(0, |sum, it| black_box(sum ^ it)));
        });
        let mut zeros = std::fs::File::open("/dev/zero").expect("every system has it");
        let mut buffer = vec![0; 1 << 20];
        let reading = sampled(|| zeros.read_exact(&mut buffer).expect("it never ends"));
        for (modes, share) in [(counting, 0.0..0.5), (reading, 0.5..1.1)] {
            let Some(modes) = modes else { return };
            assert!(modes.user + modes.kernel > 100, "one in {PERIOD:?}: {modes:?}");
            assert!(modes.kernel_share().is_some_and(|it| share.contains(&it)), "{modes:?}");
        }
    }

    #[test]
    fn records_of_other_kinds_are_passed_over() {
        let record = |kind: u32, mode: u16, len: u16| {
            let mut bytes = [&kind.to_ne_bytes()[..], &mode.to_ne_bytes(), &len.to_ne_bytes()].concat();
            bytes.resize(usize::from(len), 0xff);
            bytes
        };
        // Samples of both modes, of a guest's kernel, and word of samples that were left out.
        let all = [record(9, 1, 8), record(2, 1, 24), record(9, 0x4002, 8), record(9, 4, 8), record(9, 1, 8)];
        assert_eq!(Modes::read(&all.concat()), Modes { user: 1, kernel: 2 });
        assert_eq!(Modes::read(&[9, 0, 0]), Modes::default());
        assert_eq!(Modes::default().kernel_share(), None);
        assert_eq!(Modes { user: 1, kernel: 3 }.kernel_share(), Some(0.75));
    }

    #[test]
    fn a_thread_that_is_not_there_is_an_error_in_words() {
        let error = Sampler::start(&Thread { process: 1, id: u32::MAX >> 1 }).err().map(|it| it.to_string());
        assert!(error.is_some_and(|it| it.starts_with("perf_event_open: ")));
    }
}
