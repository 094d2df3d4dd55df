//! A run as files: the report, every measurement, and plots.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use crate::csv;
use crate::svg;
use crate::table::Table;

/// What was measured where.
pub struct Report {
    /// The machine, and what was run.
    pub head: String,
    /// What was measured.
    pub tables: Vec<Table>,
}

impl Report {
    /// All of it as Markdown; with its plots, if these are written beside.
    pub fn markdown(&self, plots: bool) -> String {
        let mut text = self.head.clone();
        for table in &self.tables {
            text += &table.markdown();
            for (name, title, _) in plots.then(|| pictures(table)).into_iter().flatten() {
                text += &format!("\n![{title}]({name}.svg)\n");
            }
        }
        text
    }

    /// Writes it into a directory.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        fs::create_dir_all(directory)?;
        fs::write(directory.join("README.md"), self.markdown(true))?;
        fs::write(directory.join("raw.csv"), csv::raw(&self.tables))?;
        for table in &self.tables {
            for (name, title, sides) in pictures(table) {
                let text = svg::plot(&title, &table.sides, &svg::groups(table, &sides));
                fs::write(directory.join(format!("{name}.svg")), text)?;
            }
        }
        Ok(())
    }

    /// What failed that has to work: native, ours, or all where the sides are sizes of ours.
    pub fn failures(&self) -> Vec<String> {
        let must = |table: &Table, side| side < 2 || table.judged.contains(&side);
        let of = |table: &Table| -> Vec<String> {
            table.failures().filter(|(side, _)| must(table, *side)).map(|(_, text)| text).collect()
        };
        self.tables.iter().flat_map(of).collect()
    }
}

/// The plots of a table: what the goals speak of, and, where there are many sides, all of them beside each other.
fn pictures(table: &Table) -> Vec<(String, String, Vec<usize>)> {
    let base = &table.sides[0];
    let mut all = table.judged.clone();
    let others: Vec<usize> = table.others().filter(|&side| side > 1).collect();
    let title = |what: &str| format!("{}{what}, by {base} (logarithmic)", table.title);
    if others.len() < 4 {
        all.extend(others);
        return vec![(table.name.to_owned(), title(""), all)];
    }
    let beside = [all.clone(), others].concat();
    vec![
        (table.name.to_owned(), title(""), all),
        (format!("{}-others", table.name), title(", beside others"), beside),
    ]
}

/// The machine and the state it is in, as lines of Markdown.
pub fn machine(room: &Path, quick: bool, commit: &str) -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let said = |line: &str| -> String {
        let mut command = Command::new("sh");
        let output = command.args(["-c", line]).arg("sh").arg(room).output();
        let text = output.map(|output| output.stdout).unwrap_or_default();
        String::from_utf8_lossy(&text).trim().replace('\n', "; ")
    };
    let form = if quick { "the quick form: few rounds, so only roughly" } else { "the full form" };
    format!(
        "# {}, {}, {processors} processors\n\n\
         Written by `scripts/bench`, {form}. Commit {}; {}; {} below the room of the run; memory {}; load at the \
         beginning {}.\n\n\
         Sides alternate within each round. A ratio is made within a round, by the first side's time; shown are median \
         (quarter .. three quarters), so less is better and 1 is the same. The column *again* is the first side measured \
         a second time in each round: what it differs from 1 is noise. Every single measurement is in `raw.csv`. Goals \
         are those of the design.\n",
        said("date -u +%Y-%m-%d"),
        model.trim_start_matches([' ', '\t', ':']),
        commit,
        said("uname -sr | cut -d- -f1"),
        said("df --output=fstype \"$1\" | tail -1"),
        said("sed -n 's/^MemTotal: *//p' /proc/meminfo"),
        load(),
    )
}

/// The load of the machine: of 1, 5 and 15 minutes.
pub fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Series;
    use crate::table::{Row, Unit};

    fn table(sides: &[&str], failing: usize) -> Table {
        let series = |side| {
            let failed = (side == failing).then(|| "no".to_owned());
            Some(Series { values: vec![1.0, 2.0], failed })
        };
        let series = (0..sides.len()).map(series).collect();
        let rows = vec![Row { series, ..Row::new("case", "of some kind", Unit::Time) }];
        Table { rows, ..Table::new("some", "Some", sides) }
    }

    #[test]
    fn what_others_do_is_no_failure_of_ours() {
        let sides = ["native", "again", "ours", "other"];
        for (failing, expected) in [(0, 1), (1, 1), (2, 1), (3, 0)] {
            let report = Report { head: String::new(), tables: vec![table(&sides, failing)] };
            assert_eq!(report.failures().len(), expected, "side {failing}");
        }
    }

    #[test]
    fn a_run_is_a_report_all_measurements_and_the_plots_that_it_shows() {
        let room = tempfile::tempdir().unwrap();
        let sides = ["native", "again", "ours", "a", "b", "c", "d"];
        let report = Report { head: "# head\n".into(), tables: vec![table(&sides, 9)] };
        report.write(room.path()).unwrap();
        let text = fs::read_to_string(room.path().join("README.md")).unwrap();
        for name in ["some.svg", "some-others.svg"] {
            assert!(text.contains(&format!("]({name})")), "{text}");
            assert!(room.path().join(name).exists());
        }
        let raw = fs::read_to_string(room.path().join("raw.csv")).unwrap();
        assert_eq!(raw.lines().count(), 1 + 7 * 2);
    }
}
