//! What was measured, case by case and side by side, as a table in Markdown: ratios first.

use crate::measure::Series;
use crate::statistics::{Summary, ratios, summary};

/// What a value is. Times are nanoseconds an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A time.
    Time,
    /// The time of an operation, to be shown as operations a second.
    Rate,
    /// KiB.
    Memory,
    /// A number of something.
    Count,
}

impl Unit {
    /// Its name where every value is listed.
    pub fn raw(self) -> &'static str {
        match self {
            Unit::Time | Unit::Rate => "ns",
            Unit::Memory => "KiB",
            Unit::Count => "",
        }
    }

    /// A value for people.
    pub fn show(self, value: f64) -> String {
        match self {
            Unit::Time if value < 1e3 => format!("{value:.0} ns"),
            Unit::Time if value < 1e6 => format!("{:.1} us", value / 1e3),
            Unit::Time if value < 1e9 => format!("{:.1} ms", value / 1e6),
            Unit::Time => format!("{:.2} s", value / 1e9),
            Unit::Rate => format!("{:.0} k/s", 1e6 / value),
            Unit::Memory => format!("{value:.0} KiB"),
            Unit::Count => format!("{value:.0}"),
        }
    }
}

/// What a side must reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// Times the base at most.
    Ratio(f64),
    /// So many units more than the base at most.
    More(f64),
    /// So many units at most.
    Most(f64),
    /// No call of the kernel more than the base.
    Calls,
    /// It is only looked at.
    None,
}

/// A case.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its name.
    pub case: String,
    /// What it is, for people.
    pub what: String,
    /// What its values are.
    pub unit: Unit,
    /// What must be reached.
    pub goal: Goal,
    /// Of each side of the table; none where it has no such case.
    pub series: Vec<Option<Series>>,
    /// Calls of the kernel an operation, of the base and of ours.
    pub calls: Option<(f64, f64)>,
}

impl Row {
    /// One without values.
    pub fn new(case: &str, what: &str, unit: Unit) -> Row {
        let (case, what) = (case.to_owned(), what.to_owned());
        Row { case, what, unit, goal: Goal::None, series: Vec::new(), calls: None }
    }

    fn values(&self, side: usize) -> &[f64] {
        let series = self.series.get(side).and_then(Option::as_ref);
        series.map_or(&[], |series| &series.values)
    }

    /// A side by the base, round by round.
    pub fn ratio(&self, side: usize) -> Option<Summary> {
        summary(&ratios(self.values(side), self.values(0)))
    }

    /// Why a side has no ratio, or not one of all rounds.
    pub fn failed(&self, side: usize) -> Option<&str> {
        self.series.get(side)?.as_ref()?.failed.as_deref()
    }

    /// Whether a side reaches the goal; none if there is none, or nothing was measured.
    pub fn reached(&self, side: usize) -> Option<bool> {
        let base = summary(self.values(0));
        let value = summary(self.values(side))?.median;
        match self.goal {
            Goal::Ratio(most) => Some(self.ratio(side)?.median <= most),
            Goal::More(most) => Some(value - base?.median <= most),
            Goal::Most(most) => Some(value <= most),
            Goal::Calls => self.calls.map(|(base, ours)| ours <= base + 0.1),
            Goal::None => None,
        }
    }

    /// Whether a ratio is nearer to its goal than the base, measured again, is to itself: another run may say otherwise.
    fn is_in_noise(&self, sides: &[usize]) -> bool {
        let (Goal::Ratio(most), Some(again)) = (self.goal, self.ratio(1)) else { return false };
        let noise = (again.median - 1.0).abs();
        sides
            .iter()
            .filter_map(|&side| self.ratio(side))
            .any(|ratio| (ratio.median / most - 1.0).abs() < noise)
    }

    fn goal_text(&self) -> String {
        match self.goal {
            Goal::Ratio(most) => format!("<= {most:.2}"),
            Goal::More(most) => format!("<= {} more", self.unit.show(most)),
            Goal::Most(most) => format!("<= {}", self.unit.show(most)),
            Goal::Calls => "no call more".to_owned(),
            Goal::None => String::new(),
        }
    }
}

/// Cases that have the same sides. The first side is the base, the second the same once more.
#[derive(Debug, Clone)]
pub struct Table {
    /// The name of its files.
    pub name: &'static str,
    /// Its heading.
    pub title: String,
    /// What to know when reading it.
    pub text: String,
    /// The sides.
    pub sides: Vec<String>,
    /// Those of which the goals speak.
    pub judged: Vec<usize>,
    /// The cases.
    pub rows: Vec<Row>,
    /// What there was no measuring, and why.
    pub skipped: Vec<String>,
}

impl Table {
    /// An empty one; its third side is ours.
    pub fn new(name: &'static str, title: &str, sides: &[&str]) -> Table {
        Table {
            name,
            title: title.to_owned(),
            text: String::new(),
            sides: sides.iter().map(|&side| side.to_owned()).collect(),
            judged: vec![2],
            rows: Vec::new(),
            skipped: Vec::new(),
        }
    }

    /// As Markdown: of each case what all sides are by the base, then the base and ours in units.
    pub fn markdown(&self) -> String {
        let mut text = format!("\n## {}\n\n{}\n\n", self.title, self.text);
        let shown: Vec<usize> = self.judged.iter().copied().chain(self.others()).collect();
        let name = |side: usize| self.sides[side].as_str();
        let mut heads = vec!["case"];
        heads.extend(shown.iter().map(|&side| name(side)));
        let in_units: Vec<usize> = [0].into_iter().chain(self.judged.iter().copied()).collect();
        let unit_heads: Vec<String> =
            in_units.iter().map(|&side| format!("{}: median (least)", name(side))).collect();
        heads.extend(unit_heads.iter().map(String::as_str));
        let calls = self.rows.iter().any(|row| row.calls.is_some());
        heads.extend(calls.then_some("calls"));
        heads.extend(["goal", ""]);
        text += &line(&heads);
        text += &line(&vec!["---"; heads.len()]);
        for row in &self.rows {
            let mut cells = vec![format!("{}: {}", row.case, row.what)];
            cells.extend(shown.iter().map(|&side| ratio_text(row, side)));
            cells.extend(in_units.iter().map(|&side| unit_text(row, side)));
            let calls_text =
                row.calls.map_or(String::new(), |(base, ours)| format!("{base:.1}, {ours:.1}"));
            cells.extend(calls.then_some(calls_text));
            cells.push(row.goal_text());
            cells.push(self.verdict(row).to_owned());
            text += &line(&cells);
        }
        let notes = self.skipped.iter().cloned().chain(self.failures().map(|(_, text)| text));
        let notes: Vec<String> = notes.map(|note| format!("- {note}\n")).collect();
        if !notes.is_empty() {
            text += &format!("\nNot measured here:\n{}", notes.concat());
        }
        text
    }

    /// Sides other than the base that no goal speaks of.
    pub fn others(&self) -> impl Iterator<Item = usize> {
        (1..self.sides.len()).filter(|side| !self.judged.contains(side))
    }

    /// What failed: the side, and what it said.
    pub fn failures(&self) -> impl Iterator<Item = (usize, String)> {
        let sides = &self.sides;
        self.rows.iter().flat_map(move |row| {
            sides.iter().enumerate().filter_map(move |(side, name)| {
                let said = row.failed(side)?.replace(['\n', '|'], " ");
                Some((side, format!("{}, {name}: {said}", row.case)))
            })
        })
    }

    fn verdict(&self, row: &Row) -> &'static str {
        let all: Vec<bool> = self.judged.iter().filter_map(|&side| row.reached(side)).collect();
        match all.iter().all(|&reached| reached) {
            _ if all.is_empty() => "",
            true if row.is_in_noise(&self.judged) => "reached, in the noise",
            true => "reached",
            false if row.is_in_noise(&self.judged) => "missed, in the noise",
            false => "**missed**",
        }
    }
}

fn line(cells: &[impl AsRef<str>]) -> String {
    let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
    format!("| {} |\n", cells.join(" | "))
}

fn ratio_text(row: &Row, side: usize) -> String {
    match row.ratio(side) {
        _ if row.failed(side).is_some() => "failed".to_owned(),
        Some(all) => format!("{:.3} ({:.3} .. {:.3})", all.median, all.quarter, all.three),
        None => String::new(),
    }
}

fn unit_text(row: &Row, side: usize) -> String {
    summary(row.values(side)).map_or(String::new(), |all| {
        format!("{} ({})", row.unit.show(all.median), row.unit.show(all.least))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Option<Series> {
        Some(Series { values: values.to_vec(), failed: None })
    }

    fn row(goal: Goal) -> Row {
        let series = vec![of(&[100.0, 200.0, 100.0]), of(&[100.0; 3]), of(&[50.0, 60.0, 40.0])];
        Row { goal, series, ..Row::new("stat", "of a file", Unit::Time) }
    }

    #[test]
    fn a_goal_is_reached_or_missed_by_the_median() {
        let cases = [
            (Goal::Ratio(0.4), true),
            (Goal::Ratio(0.39), false),
            (Goal::More(0.0), true),
            (Goal::Most(49.0), false),
            (Goal::Most(50.0), true),
        ];
        for (goal, reached) in cases {
            assert_eq!(row(goal).reached(2), Some(reached), "{goal:?}");
        }
        assert_eq!(row(Goal::None).reached(2), None);
        assert_eq!(row(Goal::Calls).reached(2), None);
        let calls = Row { calls: Some((1.0, 1.2)), ..row(Goal::Calls) };
        assert_eq!(calls.reached(2), Some(false));
    }

    #[test]
    fn a_goal_is_in_the_noise_where_the_base_is_as_far_from_itself() {
        let of_again = |again: f64| {
            let series = vec![of(&[100.0; 3]), of(&[again; 3]), of(&[105.0; 3])];
            Row { goal: Goal::Ratio(1.02), series, ..Row::new("stat", "of a file", Unit::Time) }
        };
        assert!(of_again(95.0).is_in_noise(&[2]));
        assert!(!of_again(99.0).is_in_noise(&[2]));
    }

    #[test]
    fn a_table_has_as_many_cells_in_every_line() {
        let mut table = Table::new("some", "Some", &["native", "again", "ours", "other"]);
        table.rows =
            vec![row(Goal::Ratio(0.1)), Row { calls: Some((1.0, 0.0)), ..row(Goal::None) }];
        table.rows[0].series.push(Some(Series { values: vec![], failed: Some("a|b".into()) }));
        let text = table.markdown();
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(lines.len(), 4);
        let cells = |line: &&str| line.matches('|').count();
        assert!(lines.iter().all(|line| cells(line) == cells(&lines[0])), "{text}");
        assert!(lines[2].contains("| 0.400 (0.350 .. 0.450) | 1.000"), "{text}");
        assert!(lines[2].contains("**missed**") && lines[2].contains("failed"), "{text}");
        assert!(text.contains("- stat, other: a b\n"), "{text}");
    }

    #[test]
    fn values_are_shown_in_the_unit_that_is_near() {
        let shown = [142.4, 1_600.0, 2.5e6, 3.21e9].map(|value| Unit::Time.show(value));
        assert_eq!(shown, ["142 ns", "1.6 us", "2.5 ms", "3.21 s"]);
        assert_eq!(Unit::Rate.show(500.0), "2000 k/s");
    }
}
