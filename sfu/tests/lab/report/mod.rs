//! The report: every scenario leaves a part with its figures and plots, and the parts together are `target/lab/index.html`
//! and `target/lab.json`. Scenarios run in any order and in processes of their own.

mod page;
mod plot;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::figures::Figures;
use crate::record::Record;

/// What there is to say about a scenario.
pub struct Told<'a> {
    pub name: &'a str,
    /// Where it stands in the report.
    pub place: usize,
    pub title: &'a str,
    pub story: &'a str,
    /// For each seed.
    pub figures: &'a [(u64, Figures)],
    /// What is drawn, with a caption: of the first seed.
    pub drawn: Vec<(String, &'a Record)>,
}

/// Writes the part of a scenario, and the report with all the parts there are.
pub fn write(told: &Told<'_>) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a target directory").to_owned();
    let parts = target.join("lab/parts");
    fs::create_dir_all(&parts).unwrap();
    let file = parts.join(format!("{:02}-{}", told.place, told.name));
    write_whole(&file.with_extension("html"), &page::section(told));
    write_whole(&file.with_extension("json"), &as_json(told).to_string());
    assemble(&target, &parts);
}

/// Others may be about it too: one at a time.
fn assemble(target: &Path, parts: &Path) {
    let lock = File::create(parts.join("lock")).unwrap();
    lock.lock().unwrap();
    let mut files: Vec<PathBuf> = fs::read_dir(parts).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |extension: &'static str| {
        let of_kind = files.iter().filter(move |file| file.extension().is_some_and(|e| e == extension));
        of_kind.map(|file| fs::read_to_string(file).unwrap())
    };
    let scenarios: Vec<Value> = read("json").map(|text| serde_json::from_str(&text).unwrap()).collect();
    let sections: Vec<String> = read("html").collect();
    write_whole(&target.join("lab/index.html"), &page::page(&scenarios, &sections));
    let json = serde_json::to_string_pretty(&json!({ "scenarios": scenarios })).unwrap();
    write_whole(&target.join("lab.json"), &json);
}

fn as_json(told: &Told<'_>) -> Value {
    let (_, first) = &told.figures[0];
    let figures: Vec<Value> = (0..first.all.len())
        .map(|index| {
            let of_seeds = told.figures.iter().map(|(_, figures)| figures.all[index].value);
            let figure = &first.all[index];
            json!({
                "figure": figure.name,
                "unit": figure.unit,
                "bound": figure.bound.to_string(),
                "holds": told.figures.iter().all(|(_, figures)| figures.all[index].holds()),
                "values": of_seeds.collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "scenario": told.name,
        "title": told.title,
        "judged": first.judged.to_string(),
        "seeds": told.figures.iter().map(|(seed, _)| seed).collect::<Vec<_>>(),
        "figures": figures,
    })
}

/// Nobody ever reads half a file.
fn write_whole(file: &Path, text: &str) {
    let half = file.with_extension(format!("{}-half", std::process::id()));
    fs::write(&half, text).unwrap();
    fs::rename(&half, file).unwrap();
}
