//! The command line.

use crate::load::Load;
use clap::Parser;
use std::{net::Ipv4Addr, path::PathBuf};

/// This media node beside other servers under the same load, one after the other.
#[derive(Clone, Debug, Parser)]
#[command(name = "versus")]
pub struct Settings {
    /// Our media node's program; beside this one by default
    #[arg(long, value_name = "PROGRAM")]
    pub plenum: Option<PathBuf>,
    /// Compare with the installed Janus
    #[arg(long)]
    pub janus: bool,
    /// Its program
    #[arg(long, value_name = "PROGRAM", default_value = "janus")]
    pub janus_program: PathBuf,
    /// Where its plugins and transports are installed
    #[arg(long, value_name = "DIRECTORY", default_value = "/usr/lib/x86_64-linux-gnu/janus")]
    pub janus_modules: PathBuf,
    /// Threads that its connections share; 0 gives each its own, as it comes
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub janus_loops: usize,
    /// Compare with mediasoup: a directory with `node_modules/mediasoup` and its worker
    #[arg(long, value_name = "DIRECTORY")]
    pub mediasoup: Option<PathBuf>,
    /// The Node.js that runs it
    #[arg(long, value_name = "PROGRAM", default_value = "node")]
    pub node: PathBuf,
    /// Speakers x viewers, each load in turn
    #[arg(long, value_delimiter = ',', default_value = "1x50,1x150,4x40")]
    pub loads: Vec<Load>,
    /// Times that all servers take their turn with a load
    #[arg(long, default_value_t = 2)]
    pub rounds: usize,
    /// Seconds of a round that are measured
    #[arg(long, default_value_t = 10)]
    pub seconds: u64,
    /// Seconds without a change before the memory without viewers is read, and before a round is measured
    #[arg(long, default_value_t = 3)]
    pub settle: u64,
    /// Bits per second of each camera
    #[arg(long, value_name = "BITS", default_value_t = 1_500_000)]
    pub video_bps: u32,
    /// Frames per second of each camera
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub fps: u32,
    /// Address of this machine that everybody listens on: the first that is not 127.0.0.1, which Janus leaves out
    #[arg(long, value_name = "ADDRESS")]
    pub host: Option<Ipv4Addr>,
    /// Let the scheduler place servers and load instead of keeping the load on the first core
    #[arg(long)]
    pub unpinned: bool,
    /// Write everything that was measured here
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}
