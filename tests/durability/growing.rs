//! A CSV whose header grows on the way, so that a sync writes several files:
//! the same kills, faults and cuts of power.

use crate::crash::every_kill;
use crate::fault::every_fault;
use crate::power::every_cut;
use crate::scene::{OUT, PLAIN, Plot, Scene};
use crate::sim::{Image, Plan, Sim};

pub const GROWS: Plot = Plot {
    name: "a header that grows",
    csv: true,
    grows: true,
    ..PLAIN
};

fn csvs(image: &Image) -> Vec<(String, String)> {
    let files = image.iter().filter(|(path, _)| path.starts_with(OUT));
    let files = files.filter_map(|(path, content)| {
        let name = path.file_name()?.to_string_lossy().into_owned();
        let text = String::from_utf8(content.clone()?).ok()?;
        name.contains(".csv").then_some((name, text))
    });
    files.collect()
}

#[test]
fn a_field_that_comes_later_goes_to_the_end_of_another_file_s_header() {
    let scene = Scene::set(GROWS);
    let sim = Sim::new(&scene.before, Plan::Nothing);
    let receipt = scene.sync(&sim).unwrap();
    let files = csvs(&sim.image());
    let headers: Vec<&str> = files
        .iter()
        .map(|(_, text)| text.lines().next().unwrap())
        .collect();
    let first = headers[0];
    assert_eq!(
        headers,
        [first, &format!("{first},a"), &format!("{first},a,b")]
    );
    assert_eq!(receipt.rows, 14);
    let names = files.iter().map(|(name, _)| format!("{OUT}/{name}"));
    assert_eq!(receipt.files, names.collect::<Vec<_>>());
    assert_eq!(receipt.files.last(), receipt.file.as_ref());
    scene.verify(&sim.image()).unwrap();
}

#[test]
fn a_kill_at_any_operation_costs_nothing_where_a_header_grows() {
    every_kill(GROWS);
}

#[test]
fn a_power_cut_at_any_operation_costs_nothing_where_a_header_grows() {
    every_cut(GROWS);
}

#[test]
fn an_error_at_any_operation_costs_nothing_where_a_header_grows() {
    every_fault(GROWS, 5);
}
