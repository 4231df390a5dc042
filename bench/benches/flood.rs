//! What strangers do to those who have a session: how long sound takes through a real worker, with and without a flood of
//! garbage at its socket, in turns.
//!
//! `cargo bench -p plenum-bench --bench flood [-- PACKETS_PER_SECOND]`. Unit: one packet of sound to one listener, from the
//! system call that sends it to the kernel's time of its arrival.

#![expect(clippy::print_stdout, reason = "a program for people: its output is the result")]

use plenum_bench::{
    garbage::{self, Flooded},
    live::LiveRoom,
};
use std::{
    fs, io, thread,
    time::{Duration, Instant},
};

const LISTENERS: usize = 8;
/// As many people as speak in a large meeting at once would send.
const SOUND_EVERY: Duration = Duration::from_millis(2);
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(3);
const PACKETS_PER_SECOND: u32 = 200_000;

#[derive(Default)]
struct Sample {
    delays: Vec<Duration>,
    said: usize,
    worker: Duration,
}

fn main() -> io::Result<()> {
    let asked = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    let rate = asked.unwrap_or(PACKETS_PER_SECOND);
    let mut room = LiveRoom::new(LISTENERS)?;
    let (mut quiet, mut flooded) = (Sample::touched(), Sample::touched());
    let (mut sent, mut refused, mut sender, mut took) = (0, 0, Duration::ZERO, Duration::ZERO);
    // Whatever grows with the first packets has grown.
    under_flood(&mut room, rate, &mut Sample::touched())?;
    let (before, memory) = (room.snapshot(), resident()?);
    for _ in 0..ROUNDS {
        round(&mut room, &mut quiet)?;
        let result = under_flood(&mut room, rate, &mut flooded)?;
        (sent, refused) = (sent + result.sent, refused + result.refused);
        (sender, took) = (sender + result.cpu, took + result.took);
    }
    let (after, grown) = (room.snapshot(), resident()? - memory);
    println!("{} listeners, sound every {SOUND_EVERY:?}, {ROUNDS} rounds of {ROUND:?}", LISTENERS);
    println!(
        "flood: {:.0} datagrams/s, {refused} refused, {:.2} of a core to send them",
        sent as f64 / took.as_secs_f64(),
        sender.as_secs_f64() / took.as_secs_f64()
    );
    for (name, sample) in [("without", &mut quiet), ("with", &mut flooded)] {
        sample.delays.sort_unstable();
        let at = |share: f64| sample.delays[((sample.delays.len() - 1) as f64 * share) as usize];
        println!(
            "{name:>8} it: p50 {:?}, p99 {:?}, p99.9 {:?}, most {:?}; {} of {} packets missing; worker {:.2} of a core",
            at(0.5),
            at(0.99),
            at(0.999),
            at(1.0),
            sample.said * LISTENERS - sample.delays.len(),
            sample.said * LISTENERS,
            sample.worker.as_secs_f64() / (ROUND * ROUNDS as u32).as_secs_f64(),
        );
    }
    println!(
        "resident memory of the process grew by {} kB; the kernel dropped {} datagrams",
        grown / 1024,
        after.sockets.datagrams_dropped_by_kernel - before.sockets.datagrams_dropped_by_kernel
    );
    Ok(())
}

impl Sample {
    /// With memory that is resident already, so that what grows is not the measurement.
    fn touched() -> Self {
        let packets = (ROUND * ROUNDS as u32).div_duration_f64(SOUND_EVERY) as usize + ROUNDS;
        let mut delays = vec![Duration::MAX; packets * LISTENERS];
        delays.clear();
        Self { delays, ..Self::default() }
    }
}

/// A round beside a flood.
fn under_flood(room: &mut LiveRoom, rate: u32, sample: &mut Sample) -> io::Result<Flooded> {
    let target = room.target();
    let flood = thread::spawn(move || garbage::flood(target, rate, ROUND));
    round(room, sample)?;
    flood.join().map_err(|_| io::Error::other("the flood panicked"))?
}

/// Sound for as long as a round lasts.
fn round(room: &mut LiveRoom, sample: &mut Sample) -> io::Result<()> {
    let worker = room.worker_time()?;
    let (begun, mut next) = (Instant::now(), Duration::ZERO);
    while begun.elapsed() < ROUND {
        if begun.elapsed() >= next {
            next += SOUND_EVERY;
            sample.said += 1;
            room.say();
        }
        room.turn();
        thread::sleep(next.saturating_sub(begun.elapsed()).min(SOUND_EVERY / 2));
    }
    sample.worker += room.worker_time()?.saturating_sub(worker);
    // What is still on its way.
    let until = Instant::now() + Duration::from_millis(200);
    while Instant::now() < until {
        room.turn();
        thread::sleep(SOUND_EVERY);
    }
    sample.delays.extend(room.take_delays());
    Ok(())
}

fn resident() -> io::Result<i64> {
    let pages = fs::read_to_string("/proc/self/statm")?;
    let pages = pages.split_whitespace().nth(1).and_then(|pages| pages.parse::<i64>().ok());
    Ok(pages.ok_or_else(|| io::Error::other("no resident size"))? * 4096)
}
