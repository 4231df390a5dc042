//! `plenum-bench`: the whole path of the release build, and two revisions against each other. Exits 1 only when asked to be
//! strict and a figure does not hold, 2 when nothing could be measured.

#![expect(clippy::print_stdout, reason = "a program for people: its output is the result")]

use clap::{Args, Parser, Subcommand};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use plenum_bench::{
    ab,
    allocations::Counting,
    path::{self, Found, PathError},
    plots,
    table::Figure,
};
use serde_json::{Value, json};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Duration,
};
use time::{OffsetDateTime, macros::format_description};

/// For the row of allocations.
#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[derive(Debug, Parser)]
#[command(version, about = "What a forwarded packet costs, beside what the machine allows")]
struct Cli {
    #[command(subcommand)]
    command: Option<Subcommands>,
    #[command(flatten)]
    path: PathOptions,
}

#[derive(Debug, Subcommand)]
enum Subcommands {
    /// Compares the nodes of two revisions: built apart, run by turns.
    Ab(AbOptions),
    /// Draws what was measured before.
    Plot(PlotOptions),
}

#[derive(Debug, Args)]
struct PathOptions {
    /// Viewers of each load, from few to many.
    #[arg(long, value_delimiter = ',', default_values_t = [20, 100, 300, 1000])]
    people: Vec<usize>,
    /// Viewers at most when a load is looked for that takes 70 % of a core.
    #[arg(long, default_value_t = 2000)]
    people_max: usize,
    /// Measured of each load.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Before that, until estimates of bandwidth have settled.
    #[arg(long, default_value_t = 4)]
    settle: u64,
    /// Figures by their keys in the JSON [default: all].
    #[arg(long, value_delimiter = ',')]
    rows: Vec<String>,
    /// Where `plenum-sfu` and `plenum` are [default: beside this program].
    #[arg(long)]
    programs: Option<PathBuf>,
    /// Where the figures go.
    #[arg(long, default_value = "target/bench.json")]
    json: PathBuf,
    /// Writes them as a page with machine, revision and command, too.
    #[arg(long)]
    markdown: Option<PathBuf>,
    /// Exit 1 when a figure that was asked for does not hold.
    #[arg(long)]
    strict: bool,
}

#[derive(Debug, Args)]
struct AbOptions {
    /// The one to compare with.
    before: String,
    /// The one that is compared.
    after: String,
    #[arg(long, default_value_t = 100)]
    people: usize,
    /// Measured of each run.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    #[arg(long, default_value_t = 4)]
    settle: u64,
    /// Pairs of runs.
    #[arg(long, default_value_t = 4)]
    pairs: usize,
    /// Where work trees and programs are kept.
    #[arg(long, default_value = "target")]
    target: PathBuf,
}

#[derive(Debug, Args)]
struct PlotOptions {
    /// What the whole path wrote.
    #[arg(long, default_value = "target/bench.json")]
    json: PathBuf,
    /// What the comparison with other servers wrote.
    #[arg(long)]
    versus: Option<PathBuf>,
    /// The directory the pictures go to.
    #[arg(long, default_value = "target/plots")]
    into: PathBuf,
}

/// Descriptors wanted: a socket for each viewer, here and in the process that counts the limit.
const DESCRIPTORS: u64 = 8192;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        // Where it stays lower, the first load that lacks sockets says so; those before it are measured.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, soft.max(hard.min(DESCRIPTORS)), hard);
    }
    let done = match cli.command {
        Some(Subcommands::Ab(options)) => compare(options).await,
        Some(Subcommands::Plot(options)) => draw(&options).map_err(PathError::from),
        None => measure(cli.path).await,
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("plenum-bench: {error}");
            ExitCode::from(2)
        }
    }
}

fn say(line: &str) {
    eprintln!("{line}");
}

async fn compare(options: AbOptions) -> Result<ExitCode, PathError> {
    let settings = ab::Settings {
        revisions: [options.before, options.after],
        people: options.people,
        settle: Duration::from_secs(options.settle),
        time: Duration::from_secs(options.seconds),
        pairs: options.pairs,
    };
    let [before, after] = &settings.revisions;
    let programs = [ab::build(&options.target, before)?, ab::build(&options.target, after)?];
    println!("{}", ab::compare(&settings, &programs, &say).await?);
    Ok(ExitCode::SUCCESS)
}

fn draw(options: &PlotOptions) -> io::Result<ExitCode> {
    let read = |path: &Path| -> io::Result<Value> { Ok(serde_json::from_slice(&fs::read(path)?)?) };
    let mut plots = plots::of_path(&read(&options.json)?);
    if let Some(versus) = &options.versus {
        plots.extend(plots::of_versus(&read(versus)?));
    }
    for (name, svg) in &plots {
        write(&options.into.join(name), svg)?;
        println!("{}", options.into.join(name).display());
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure(options: PathOptions) -> Result<ExitCode, PathError> {
    let figures = figures(&options.rows)?;
    let programs = match options.programs {
        Some(programs) => programs,
        None => std::env::current_exe()?.parent().ok_or(PathError::Gone("the directory"))?.to_owned(),
    };
    let mut people = options.people;
    people.sort_unstable();
    people.dedup();
    let settings = path::Settings {
        programs,
        people,
        people_max: options.people_max,
        time: Duration::from_secs(options.seconds),
        settle: Duration::from_secs(options.settle),
        idle: 420,
        sample: 64,
        figures: figures.clone(),
    };
    let found = path::measure(&settings, &say).await;
    let circumstances = circumstances();
    write(&options.json, &json(&found, &circumstances))?;
    if let Some(path) = &options.markdown {
        write(path, &page(&found, &circumstances))?;
    }
    print!("\n{}", found.table);
    if figures.iter().all(|figure| found.table.value(*figure).is_none()) {
        return Ok(ExitCode::from(2));
    }
    Ok(ExitCode::from(u8::from(options.strict && !found.table.all_hold(&figures))))
}

fn figures(keys: &[String]) -> Result<Vec<Figure>, PathError> {
    if keys.is_empty() {
        return Ok(Figure::ALL.into());
    }
    let named = |key: &String| {
        let figure = Figure::ALL.into_iter().find(|figure| figure.key() == key);
        figure.ok_or_else(|| io::Error::other(format!("there is no row {key}")).into())
    };
    keys.iter().map(named).collect()
}

/// Where, when and of what the figures are.
fn circumstances() -> Value {
    let date = OffsetDateTime::now_utc().format(format_description!("[year]-[month]-[day]"));
    let arguments: Vec<String> = std::env::args().collect();
    json!({
        "date": date.unwrap_or_default(),
        "machine": machine(),
        "revision": first_line(Command::new("git").args(["describe", "--always", "--dirty", "--abbrev=12"])),
        "command": arguments.join(" "),
    })
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let kernel = first_line(Command::new("uname").arg("-r"));
    format!("{cores} × {}, Linux {kernel}, loopback", model.trim_start_matches([' ', '\t', ':']))
}

/// Empty when there is no such program.
fn first_line(command: &mut Command) -> String {
    let output = command.output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).lines().next().unwrap_or_default().to_owned()
}

fn json(found: &Found, circumstances: &Value) -> String {
    let mut json = found.table.json();
    json.insert("circumstances".into(), circumstances.clone());
    json.insert("loads".into(), found.loads.clone().into());
    if let Some((sent, received)) = found.counted {
        json.insert("counted".into(), json!({ "node_sent": sent, "viewers_received": received }));
    }
    format!("{:#}\n", Value::from(json))
}

fn page(found: &Found, circumstances: &Value) -> String {
    let of = |key: &str| circumstances[key].as_str().unwrap_or_default().to_owned();
    let mut text = format!(
        "# The whole path, {}\n\nMachine: {}. Revision `{}`.\n\n```sh\n{}\n```\n\n{}\n",
        of("date"),
        of("machine"),
        of("revision"),
        of("command"),
        found.table.markdown()
    );
    text += "| load | viewers | packets/s | of a core | µs a packet | kernel | delay of video p50 / p99 | viewers of a core | missing | wrong |\n|---|---|---|---|---|---|---|---|---|---|\n";
    let number = |load: &Value, key: &str| load[key].as_f64().unwrap_or_default();
    for load in &found.loads {
        let kernel = load["kernel_share"].as_f64().map_or("—".into(), |it| format!("{:.0} %", it * 100.0));
        text += &format!(
            "| {} | {} | {:.0} | {:.0} % | {:.3} | {kernel} | {:.2} / {:.2} ms | {:.0} % | {} | {} |\n",
            load["what"].as_str().unwrap_or_default(),
            load["people"],
            number(load, "packets_per_s"),
            number(load, "load") * 100.0,
            number(load, "cost_ns") / 1e3,
            number(&load["delay_video"], "p50_ms"),
            number(&load["delay_video"], "p99_ms"),
            number(load, "viewers_load") * 100.0,
            load["missing"],
            load["wrong"],
        );
    }
    if let Some(reason) = found.loads.iter().find_map(|load| load["kernel_share_unknown"].as_str()) {
        text += &format!("\nThe kernel's share is not known: {reason}.\n");
    }
    if let Some((sent, received)) = found.counted {
        text += &format!(
            "\nThe node says it sent {sent} packets of the loads in one room, viewers received {received}.\n"
        );
    }
    text
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    fs::write(path, text)
}
