//! What a connected peer costs a worker beside packets: memory, and CPU time while nothing is sent.
//!
//! Unit of work: one transport. The engine alone: its sockets' buffers are the kernel's, and the system calls for the few
//! datagrams of an idle peer are not in it. Of memory that comes zeroed, unused pages are counted as well.

#![expect(clippy::print_stdout, reason = "a program for people: its output is the result")]

use plenum_bench::{
    allocations::{Counting, held_inside, time_inside},
    room::{Captured, Media, Room},
};
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const FEW: usize = 20;
const MANY: usize = 220;
const CAMERAS: u32 = 4;
const IDLE: Duration = Duration::from_secs(60);
/// As long as a viewer's rings need to fill.
const PLAYED: &str = include_str!("../captures/vp8-1500.csv");

fn main() {
    let capture = Captured::read(PLAYED).expect("lines of numbers");
    let idle = each(|others| drop_after(Room::idle(others), |room| room.pass(Duration::from_secs(10))));
    println!("memory of a connected peer that receives nothing: {:.1} kB", idle / 1e3);
    let busy = each(|viewers| {
        let room = Room::patient(Media::Video, viewers, Duration::from_millis(1));
        drop_after(room, |room| {
            room.replay(&capture);
        })
    });
    println!("memory of a peer that receives 1.5 Mbit/s of video: {:.1} kB", busy / 1e3);

    let busier = each(|viewers| {
        let room = Room::of_cameras(CAMERAS, viewers, Duration::from_millis(1));
        drop_after(room, |room| {
            let received = room.replay(&capture).datagrams;
            let sent = capture.len() * CAMERAS as usize * viewers;
            // At first nobody knows whether so much can be received.
            assert!(received > sent / 2, "{received} of {sent} packets");
        })
    });
    println!("memory of a peer that receives {CAMERAS} such cameras: {:.1} kB", busier / 1e3);

    let cost = |others| {
        let mut room = Room::idle(others);
        room.pass(Duration::from_secs(10));
        time_inside(|| room.pass(IDLE))
    };
    let per_second = (cost(MANY) - cost(FEW)) / (MANY - FEW) as u32 / IDLE.as_secs() as u32;
    println!(
        "CPU time of a connected peer that receives nothing: {:.2} µs/s",
        per_second.as_secs_f64() * 1e6
    );
}

/// Bytes that the engine of a room holds once `work` was done in it.
fn drop_after(mut room: Room, work: impl FnOnce(&mut Room)) -> i64 {
    work(&mut room);
    held_inside()
}

/// What one peer more takes: `held` says what so many of them take, in a process that holds more with each call.
fn each(held: impl Fn(usize) -> i64) -> f64 {
    let before = held_inside();
    let few = held(FEW) - before;
    let between = held_inside();
    let many = held(MANY) - between;
    (many - few) as f64 / (MANY - FEW) as f64
}
